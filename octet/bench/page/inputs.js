// SPDX-License-Identifier: Apache-2.0
// The numbers that every engine is given: the same noise for the same shape.

/** @typedef {import("./adapter.js").Values} Values */

/** @type {Readonly<Record<string, (bytes: Uint8Array) => Values>>} */
const FILLS = {
  uint8: (bytes) => bytes,
  int8: (bytes) => Int8Array.from(bytes, (byte) => byte - 128),
  float32: (bytes) => Float32Array.from(bytes, (byte) => byte / 127.5 - 1),
  int32: (bytes) => Int32Array.from(bytes, (byte) => byte & 7),
};

/** @param {number} count */
function noise(count) {
  const bytes = new Uint8Array(count);
  let state = 1;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/**
 * Input values.
 *
 * @param {string} dataType
 * @param {ArrayLike<number>} shape as the file has it, channels last
 * @returns {Values}
 */
export function fill(dataType, shape) {
  const make = FILLS[dataType];
  if (!make) throw new Error(`no input values for ${dataType}`);
  return make(noise(Array.from(shape).reduce((count, size) => count * size, 1)));
}
