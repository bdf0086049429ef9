// SPDX-License-Identifier: Apache-2.0
// A colour over each class's pixels, and the legend; or the picture with another background.

import { labelOf } from "../catalogue.js";
import { maskAgreement } from "../compute/agreement.js";
import { make } from "../dom.js";
import { formatPercent } from "../format.js";
import { classColour, classColourText } from "./colours.js";

/** @typedef {import("../compute/answers.js").Answer} Answer */
/** @typedef {import("../compute/answers.js").Mask} Mask */
/** @typedef {import("./stage.js").Stage} Stage */
/** @typedef {import("./view.js").View} View */

const BACKGROUND = 0;

/** Classes on fewer pixels than this are noise, not worth a line of the legend. */
const SMALLEST_SHARE = 0.001;

/** A canvas of this many pixels across, drawn large, is the picture without detail. */
const BLURRED_PIXELS = 40;

/** @implements {View} */
export class SegmentView {
  #list;
  #stage;
  /** @type {{mask: Mask, picture: ImageBitmap} | null} */
  #shown = null;
  /** @type {number | null} */
  #highlighted = null;
  /** What the other network says of the same picture. @type {Mask | null} */
  #other = null;
  /** How masks are shown: "colours", "difference", "blur" or a colour of the background. */
  mode = "colours";
  alpha = 0.6;

  /** @param {HTMLElement} answer @param {Stage} stage */
  constructor(answer, stage) {
    this.#stage = stage;
    this.#list = make("ul", { class: "found legend" });
    answer.append(this.#list);
  }

  clear() {
    this.#shown = null;
    this.#other = null;
    this.#list.replaceChildren();
  }

  /** @param {Answer} answer @param {readonly string[]} labels @param {ImageBitmap} picture */
  show(answer, labels, picture) {
    const mask = /** @type {Mask} */ (answer);
    this.#shown = { mask, picture };
    this.#highlighted = null;
    const found = foundClasses(mask);
    this.#list.replaceChildren(...found.map((one) => this.#item(one, labelOf(labels, one.index))));
    this.redraw();
  }

  /** @param {Answer} answer @param {readonly string[]} labels */
  headline(answer, labels) {
    const found = foundClasses(/** @type {Mask} */ (answer));
    if (found.length === 0) return "Only background";
    return found.map(({ index }) => labelOf(labels, index)).join(", ");
  }

  /** @param {Answer | null} answer the other network's */
  compareWith(answer) {
    this.#other = /** @type {Mask | null} */ (answer);
    if (this.mode === "difference") this.redraw();
  }

  /** Draw again what is shown, by `mode` and `alpha`. */
  redraw() {
    if (!this.#shown) return;
    const { mask, picture } = this.#shown;
    this.#stage.draw(picture, (context) => {
      if (this.mode === "colours") this.#drawColours(context, mask, picture);
      else if (this.mode === "difference") drawDifference(context, mask, this.#other, picture);
      else drawBackground(context, mask, picture, this.mode);
    });
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Mask} mask
   * @param {ImageBitmap} picture
   */
  #drawColours(context, mask, picture) {
    const alpha = Math.round(255 * this.alpha);
    const colours = maskCanvas(mask, (index) => {
      if (index === BACKGROUND) return this.#highlighted === null ? 0 : 0x99000000;
      const [red, green, blue] = classColour(index);
      const dimmed = this.#highlighted !== null && this.#highlighted !== index;
      return ((dimmed ? alpha >> 2 : alpha) << 24) | (blue << 16) | (green << 8) | red;
    });
    context.drawImage(picture, 0, 0);
    context.drawImage(colours, 0, 0, picture.width, picture.height);
  }

  /** @param {{index: number, share: number}} found @param {string} name */
  #item({ index, share }, name) {
    const button = make(
      "button",
      { type: "button", title: "Highlight in the picture" },
      make("span", { class: "swatch" }),
      make("span", { class: "name" }, name),
      make("span", { class: "value" }, formatPercent(share, 1)),
    );
    const highlight = (/** @type {number | null} */ which) => () => {
      this.#highlighted = which;
      this.redraw();
    };
    for (const type of ["pointerenter", "focus"]) button.addEventListener(type, highlight(index));
    for (const type of ["pointerleave", "blur"]) button.addEventListener(type, highlight(null));
    const item = make("li", {}, button);
    item.style.setProperty("--colour", classColourText(index));
    return item;
  }
}

/** @param {Mask} mask */
function foundClasses({ shares }) {
  return shares.filter(({ index, share }) => index !== BACKGROUND && share >= SMALLEST_SHARE);
}

/**
 * @param {Mask} mask
 * @param {(index: number) => number} colour as little-endian ABGR
 * @returns {OffscreenCanvas}
 */
function maskCanvas({ classes, width, height }, colour) {
  const table = Uint32Array.from({ length: 256 }, (_, index) => colour(index));
  const pixels = Uint32Array.from(classes, (index) => table[index]);
  const canvas = new OffscreenCanvas(width, height);
  const data = new ImageData(new Uint8ClampedArray(pixels.buffer), width, height);
  canvas.getContext("2d")?.putImageData(data, 0, 0);
  return canvas;
}

/**
 * The picture faded, and in one strong colour the pixels that the other network gives another class.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Mask} mask
 * @param {Mask | null} other
 * @param {ImageBitmap} picture
 */
function drawDifference(context, mask, other, picture) {
  context.drawImage(picture, 0, 0);
  context.fillStyle = "rgb(255 255 255 / 0.55)";
  context.fillRect(0, 0, picture.width, picture.height);
  if (!other) return;
  const classes = new Uint8Array(maskAgreement(mask, other).differs);
  const differs = maskCanvas({ ...mask, classes }, (index) => (index ? 0xe63a12d8 : 0));
  context.drawImage(differs, 0, 0, picture.width, picture.height);
}

/**
 * The picture with its background blurred, or in one colour.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Mask} mask
 * @param {ImageBitmap} picture
 * @param {string} mode "blur" or a colour
 */
function drawBackground(context, mask, picture, mode) {
  const { width, height } = picture;
  const front = new OffscreenCanvas(width, height);
  const painter = front.getContext("2d");
  if (!painter) return;
  painter.drawImage(picture, 0, 0);
  painter.globalCompositeOperation = "destination-in";
  const opaque = maskCanvas(mask, (index) => (index === BACKGROUND ? 0 : 0xff000000));
  painter.drawImage(opaque, 0, 0, width, height);
  if (mode === "blur") {
    const small = new OffscreenCanvas(
      BLURRED_PIXELS,
      Math.round((BLURRED_PIXELS * height) / width),
    );
    const shrunk = small.getContext("2d");
    if (!shrunk) return;
    shrunk.imageSmoothingQuality = "high";
    shrunk.drawImage(picture, 0, 0, small.width, small.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(small, 0, 0, width, height);
  } else {
    context.fillStyle = mode;
    context.fillRect(0, 0, width, height);
  }
  context.drawImage(front, 0, 0);
}
