// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them. Every number carries its unit after a narrow no-break space.

const SPACE = "\u202f";

/** @param {number} bytes decimal, as browsers and file managers show them */
export function formatBytes(bytes) {
  if (bytes < 1e6) return `${Math.max(bytes / 1e3, 0.1).toFixed(bytes < 1e4 ? 1 : 0)}${SPACE}kB`;
  return `${(bytes / 1e6).toFixed(1)}${SPACE}MB`;
}

/** @param {number} ms */
export function formatMs(ms) {
  return `${threeDigits(ms)}${SPACE}ms`;
}

/** @param {number} fraction @param {number} [digits] */
export function formatPercent(fraction, digits = 0) {
  return `${(100 * fraction).toFixed(digits)}${SPACE}%`;
}

/** @param {number} factor */
export function formatFactor(factor) {
  return `${threeDigits(factor, 2)}×`;
}

/** @param {number} macs multiply-adds */
export function formatMacs(macs) {
  if (macs >= 1e9) return `${threeDigits(macs / 1e9, 2)}${SPACE}GMAC`;
  if (macs >= 1e6) return `${threeDigits(macs / 1e6)}${SPACE}MMAC`;
  return `${threeDigits(macs / 1e3)}${SPACE}kMAC`;
}

/** @param {number} value @param {number} [most] digits after the point */
function threeDigits(value, most = 3) {
  const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return value.toFixed(Math.min(digits, most));
}
