// SPDX-License-Identifier: Apache-2.0
// The camera: pictures one after the other, as fast as they are taken off, and their rate.

/** The rate is that of the last pictures, this many. */
const WINDOW = 20;

export class Camera {
  /** @type {MediaStream | null} */
  #stream = null;
  #video = document.createElement("video");
  /** @type {number[]} */
  #taken = [];
  /** "user" is the front camera, "environment" the one at the back. @type {"user" | "environment"} */
  facing = "user";

  constructor() {
    this.#video.muted = true;
    this.#video.playsInline = true;
  }

  get running() {
    return this.#stream !== null;
  }

  /** @throws {DOMException} when there is none or it may not be used */
  async start() {
    this.stop();
    if (!navigator.mediaDevices) {
      throw new DOMException("This page may not use a camera.", "NotAllowedError");
    }
    const video = { facingMode: this.facing, width: { ideal: 640 }, height: { ideal: 480 } };
    const stream = await navigator.mediaDevices.getUserMedia({ video });
    this.#stream = stream;
    this.#video.srcObject = stream;
    await this.#video.play();
  }

  stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
    this.#taken = [];
  }

  /** What the camera sees now. @returns {Promise<ImageBitmap>} */
  async take() {
    const picture = await createImageBitmap(this.#video);
    this.#taken.push(performance.now());
    if (this.#taken.length > WINDOW) this.#taken.shift();
    return picture;
  }

  /** Pictures a second, 0 before the second one. */
  get rate() {
    const { length } = this.#taken;
    const seconds = (this.#taken[length - 1] - this.#taken[0]) / 1000;
    return length < 2 || seconds <= 0 ? 0 : (length - 1) / seconds;
  }

  /** Whether the machine has more than one. */
  static async several() {
    const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    return devices.filter(({ kind }) => kind === "videoinput").length > 1;
  }
}
