// SPDX-License-Identifier: Apache-2.0
// A picture in a box of fixed proportions, and a layer over it that covers the picture exactly.

import { find } from "../dom.js";

export class Stage {
  #root;
  #canvas;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.#canvas = /** @type {HTMLCanvasElement} */ (find("canvas", root));
    /** For elements in percent of the picture. */
    this.layer = find(".layer", root);
  }

  /**
   * Draw on a canvas of the picture's size.
   *
   * @param {{width: number, height: number}} size
   * @param {(context: CanvasRenderingContext2D) => void} paint
   */
  draw({ width, height }, paint) {
    const canvas = this.#canvas;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    this.#root.style.setProperty("--ratio", String(width / height));
    const context = canvas.getContext("2d");
    if (context) paint(context);
  }

  /** @param {ImageBitmap} picture */
  show(picture) {
    this.draw(picture, (context) => context.drawImage(picture, 0, 0));
  }

  /** What the picture shows, for those who cannot see it. @param {string} text */
  describe(text) {
    this.#canvas.setAttribute("aria-label", text);
  }
}
