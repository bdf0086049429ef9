// SPDX-License-Identifier: Apache-2.0
// Where pictures come from: the samples, a file that is chosen, dropped or pasted.

import { find, findAll } from "../dom.js";
import { takeDrops } from "../drops.js";

/** Longer sides are shrunk to this: no network looks closer. */
const LONGEST = 1024;

/** @typedef {import("../catalogue.js").SampleEntry} SampleEntry */
/** A sample's id; null for a visitor's own. @typedef {{bitmap: ImageBitmap, sample: string | null}} Picture */

export class Pictures {
  #samples;
  #onPicture;
  #onProblem;
  /** Only the latest choice counts, whatever arrives first. */
  #latest = 0;

  /**
   * @param {HTMLElement} root with radio buttons "sample" and a file input
   * @param {readonly SampleEntry[]} samples
   * @param {{onPicture: (picture: Picture) => void, onProblem: (error: unknown) => void}} listeners
   */
  constructor(root, samples, { onPicture, onProblem }) {
    this.#samples = samples;
    this.#onPicture = onPicture;
    this.#onProblem = onProblem;
    for (const radio of findAll("input[name=sample]", root)) {
      radio.addEventListener("change", () => this.choose(/** @type {any} */ (radio).value));
    }
    const input = /** @type {HTMLInputElement} */ (find("#file", root));
    input.addEventListener("change", () => {
      if (input.files?.[0]) this.open(input.files[0]);
      input.value = "";
    });
    takeDrops((file) => this.open(file));
    document.addEventListener("paste", (event) => {
      const file = [...(event.clipboardData?.files ?? [])].find(isPicture);
      if (file) this.open(file);
    });
  }

  /** Show a sample. @param {string} id */
  choose(id) {
    const sample = this.#samples.find((one) => one.id === id);
    if (!sample) return;
    this.#show(async () => (await fetch(sample.url)).blob(), id);
  }

  /** Show a visitor's own picture. @param {Blob} file */
  open(file) {
    this.mark(null);
    this.#show(async () => file, null);
  }

  /** Mark a sample as the one that is shown. @param {string | null} id */
  mark(id) {
    for (const radio of /** @type {HTMLInputElement[]} */ (findAll("input[name=sample]"))) {
      radio.checked = radio.value === id;
    }
  }

  /** @param {() => Promise<Blob>} read @param {string | null} sample */
  async #show(read, sample) {
    const turn = ++this.#latest;
    try {
      const bitmap = await decode(await read());
      if (turn === this.#latest) this.#onPicture({ bitmap, sample });
      else bitmap.close();
    } catch (error) {
      if (turn === this.#latest) this.#onProblem(error);
    }
  }
}

/** @param {File} file */
function isPicture(file) {
  return file.type.startsWith("image/");
}

/** @param {Blob} blob @returns {Promise<ImageBitmap>} */
export async function decode(blob) {
  const whole = await createImageBitmap(blob).catch((error) => {
    throw Object.assign(new Error("the file is not a picture that this browser can show."), {
      name: error.name,
    });
  });
  const scale = LONGEST / Math.max(whole.width, whole.height);
  if (scale >= 1) return whole;
  const resizeWidth = Math.max(1, Math.round(whole.width * scale));
  const resizeHeight = Math.max(1, Math.round(whole.height * scale));
  const options = /** @type {const} */ ({ resizeWidth, resizeHeight, resizeQuality: "high" });
  const smaller = await createImageBitmap(whole, options);
  whole.close();
  return smaller;
}
