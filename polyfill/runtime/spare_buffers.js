// SPDX-License-Identifier: Apache-2.0
// Buffers that travel between page and worker and come back: memory that was used before has its pages,
// where fresh memory gets them one by one, which takes longer than the copying.

/** Smaller ones are as soon made. */
const MIN_BYTES = 1 << 15;
/** Larger ones are not kept. */
const MAX_BYTES = 1 << 24;
const MAX_COUNT = 4;

export class SpareBuffers {
  /** The latest last. @type {ArrayBuffer[]} */
  #buffers = [];

  /** Keep a buffer that nobody uses any more. @param {ArrayBuffer} buffer */
  give(buffer) {
    const { byteLength } = buffer;
    if (byteLength < MIN_BYTES || byteLength > MAX_BYTES) return;
    this.#buffers.push(buffer);
    if (this.#buffers.length > MAX_COUNT) this.#buffers.shift();
  }

  /**
   * A buffer with anything in it.
   *
   * @param {number} bytes
   * @returns {ArrayBuffer}
   */
  take(bytes) {
    return this.#used(bytes) ?? new ArrayBuffer(bytes);
  }

  /**
   * A buffer whose pages are there already, so that who fills it need not wait for them. Where that is
   * not worth it there is none.
   *
   * @param {number} bytes
   * @returns {ArrayBuffer | null}
   */
  takeReady(bytes) {
    if (bytes < MIN_BYTES || bytes > MAX_BYTES) return null;
    return this.#used(bytes) ?? new Uint8Array(bytes).fill(0).buffer;
  }

  /** @param {number} bytes @returns {ArrayBuffer | undefined} */
  #used(bytes) {
    const i = this.#buffers.findIndex(({ byteLength }) => byteLength === bytes);
    return i < 0 ? undefined : this.#buffers.splice(i, 1)[0];
  }

  /** All of them, given away. @returns {ArrayBuffer[]} */
  takeAll() {
    return this.#buffers.splice(0);
  }
}
