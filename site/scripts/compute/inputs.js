// SPDX-License-Identifier: Apache-2.0
// Inputs that are no pictures: random numbers, and what an output looks like in numbers.

import { topClasses } from "./answers.js";
import { realValues } from "./tensors.js";

/** @typedef {import("./tensors.js").TensorInfo} TensorInfo */
/** @typedef {import("./tensors.js").TypedArray} TypedArray */

/** @type {Readonly<Record<string, [new (length: number) => TypedArray, number, number]>>} */
const RANGES = {
  float32: [Float32Array, -1, 1],
  float16: [Uint16Array, 0, 0x3c00], // the bits of 0 to 1
  int32: [Int32Array, 0, 1],
  uint32: [Uint32Array, 0, 1],
  int64: [BigInt64Array, 0, 1],
  uint64: [BigUint64Array, 0, 1],
  int8: [Int8Array, -128, 127],
  uint8: [Uint8Array, 0, 255],
};

/**
 * Numbers that are the same on every machine for the same seed: bytes of any value, floats from -1 to 1,
 * and 0 or 1 for types that are mostly indices.
 *
 * @param {TensorInfo} info
 * @param {number} seed
 * @returns {TypedArray}
 */
export function randomInput({ shape, dataType }, seed) {
  const [Values, low, high] = RANGES[dataType];
  const values = new Values(shape.reduce((product, n) => product * n, 1));
  const big = dataType.endsWith("64");
  let state = (seed + 1) >>> 0;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const fraction = (state >>> 8) / 2 ** 24;
    const value =
      dataType === "float32"
        ? low + fraction * (high - low)
        : Math.floor(low + fraction * (high - low + 1));
    values[i] = /** @type {never} */ (big ? BigInt(value) : value);
  }
  return values;
}

/**
 * @typedef {object} OutputSummary
 * @property {string} name
 * @property {readonly number[]} shape
 * @property {string} dataType
 * @property {number} least
 * @property {number} most
 * @property {number} mean
 * @property {number[]} first a few values
 * @property {{index: number, score: number}[]} top the largest, by their place in the last dimension; empty
 *   where that is not a list of scores
 */

const SHOWN = 8;

/**
 * What an output holds, as real numbers.
 *
 * @param {TypedArray} values
 * @param {TensorInfo} info
 * @returns {OutputSummary}
 */
export function summarize(values, info) {
  const real = realValues(values, info);
  let [least, most, sum] = [Infinity, -Infinity, 0];
  for (let i = 0; i < real.length; i++) {
    least = Math.min(least, real[i]);
    most = Math.max(most, real[i]);
    sum += real[i];
  }
  const { name, shape, dataType } = info;
  const isList = real.length > 1 && shape.at(-1) === real.length;
  return {
    name,
    shape,
    dataType,
    least,
    most,
    mean: sum / real.length,
    first: Array.from({ length: Math.min(SHOWN, real.length) }, (_, i) => real[i]),
    top: isList ? topClasses(real, 5) : [],
  };
}
