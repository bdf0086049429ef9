// SPDX-License-Identifier: Apache-2.0
// A colour for each class, the same everywhere: hues a golden angle apart, of equal strength.

const GOLDEN_ANGLE = 137.508;

/** @param {number} index @returns {[number, number, number]} red, green, blue of 255 */
export function classColour(index) {
  const hue = (200 + index * GOLDEN_ANGLE) % 360;
  const lightness = index % 2 ? 0.5 : 0.6;
  const strength = 0.78 * Math.min(lightness, 1 - lightness);
  const channel = (/** @type {number} */ n) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - strength * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** @param {number} index */
export function classColourText(index) {
  return `rgb(${classColour(index).join(" ")})`;
}
