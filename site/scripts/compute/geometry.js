// SPDX-License-Identifier: Apache-2.0
// Where a picture lands in a network's input, and back from there.

/** @typedef {"crop" | "stretch" | "contain"} Fit */
/** @typedef {{width: number, height: number}} Size */
/** @typedef {{x: number, y: number, width: number, height: number}} Rectangle */

/**
 * Edges as fractions of the picture or of the input, by context.
 *
 * @typedef {{top: number, left: number, bottom: number, right: number}} Box
 */

/**
 * `from` of the picture, in its pixels, is drawn to `to` of the input, in its pixels.
 *
 * @typedef {{from: Rectangle, to: Rectangle}} Placement
 */

/**
 * @param {Fit} fit crop: the central part with the input's proportions; stretch: all of it; contain: all of
 *   it with its own proportions, in whole pixels
 * @param {Size} picture
 * @param {Size} input
 * @returns {Placement}
 */
export function place(fit, picture, input) {
  const from = { x: 0, y: 0, width: picture.width, height: picture.height };
  const to = { x: 0, y: 0, width: input.width, height: input.height };
  const across = picture.width / input.width;
  const down = picture.height / input.height;
  if (fit === "crop") {
    const scale = Math.min(across, down);
    from.width = input.width * scale;
    from.height = input.height * scale;
    from.x = (picture.width - from.width) / 2;
    from.y = (picture.height - from.height) / 2;
  } else if (fit === "contain") {
    const scale = Math.max(across, down);
    to.width = Math.max(1, Math.round(picture.width / scale));
    to.height = Math.max(1, Math.round(picture.height / scale));
    to.x = (input.width - to.width) >> 1;
    to.y = (input.height - to.height) >> 1;
  }
  return { from, to };
}

/**
 * A box of the input as a box of the picture, cut off at the picture's edges.
 *
 * @param {Box} box fractions of the input
 * @param {Placement} placement
 * @param {Size} picture
 * @param {Size} input
 * @returns {Box} fractions of the picture
 */
export function toPicture({ top, left, bottom, right }, { from, to }, picture, input) {
  const x = (/** @type {number} */ at) =>
    within((from.x + ((at * input.width - to.x) / to.width) * from.width) / picture.width);
  const y = (/** @type {number} */ at) =>
    within((from.y + ((at * input.height - to.y) / to.height) * from.height) / picture.height);
  return { top: y(top), left: x(left), bottom: y(bottom), right: x(right) };
}

/** @param {number} fraction */
function within(fraction) {
  return Math.min(1, Math.max(0, fraction));
}

/**
 * Intersection over union, 0 for boxes without area.
 *
 * @param {Box} a
 * @param {Box} b
 */
export function overlap(a, b) {
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const both = Math.max(0, height) * Math.max(0, width);
  const either = area(a) + area(b) - both;
  return either > 0 ? both / either : 0;
}

/** @param {Box} box */
function area({ top, left, bottom, right }) {
  return (bottom - top) * (right - left);
}
