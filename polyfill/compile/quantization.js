// SPDX-License-Identifier: Apache-2.0
// Reading quantizeLinear and dequantizeLinear nodes: their parameters as numbers, and arithmetic on them.

import { constantNumbers, roundEven } from "../ir/numbers.js";

/** @typedef {import("../ir/graph.js").Node} Node */
/** @typedef {import("../ir/graph.js").Value} Value */
/** @typedef {{scale: number, zeroPoint: number}} Params */

/** @type {Readonly<Record<string, readonly [number, number]>>} */
const BYTE_RANGES = { uint8: [0, 255], int8: [-128, 127] };

/** The range of an 8-bit type; null for others. @param {string} dataType */
export function byteRange(dataType) {
  return BYTE_RANGES[dataType] ?? null;
}

/** A scale that integer kernels can work with. @param {number} scale */
function isUsable(scale) {
  return scale > 0 && Number.isFinite(scale);
}

/**
 * Scale and zero point of a Q or DQ node where both are constants of one element; null otherwise, or
 * where the scale is not a positive number.
 *
 * @param {Node} node
 * @returns {Params | null}
 */
export function tensorParams(node) {
  const scale = constantNumbers(node.inputs.scale);
  const zeroPoint = constantNumbers(node.inputs.zeroPoint);
  if (!scale || !zeroPoint || scale.length !== 1 || node.inputs.scale.dataType !== "float32")
    return null;
  return isUsable(scale[0]) ? { scale: scale[0], zeroPoint: Number(zeroPoint[0]) } : null;
}

/**
 * The node that dequantizes `value` from 8 bits with one constant scale, or null.
 *
 * @param {Value | undefined} value
 * @returns {{node: Node, source: Value, params: Params} | null}
 */
export function dequantized(value) {
  const node = value?.producer;
  if (node?.op !== "dequantizeLinear" || !byteRange(node.inputs.input.dataType)) return null;
  const params = tensorParams(node);
  return params ? { node, source: node.inputs.input, params } : null;
}

/**
 * A dequantized constant: one scale and zero point, or one for each of `count` channels along `axis`.
 *
 * @param {Value | undefined} value
 * @param {number} axis
 * @param {number} count
 * @returns {{source: Value, scales: ArrayLike<number>, zeroPoints: ArrayLike<number>} | null}
 */
export function dequantizedWeights(value, axis, count) {
  const node = value?.producer;
  if (node?.op !== "dequantizeLinear") return null;
  const source = node.inputs.input;
  const { scale: scaleValue, zeroPoint: zeroPointValue } = node.inputs;
  const scales = constantNumbers(scaleValue);
  const zeroPoints = constantNumbers(zeroPointValue);
  if (!source.constant || !scales || !zeroPoints || scaleValue.dataType !== "float32") return null;
  const perChannel = scaleValue.shape.every((d, i) => d === (i === axis ? count : 1));
  if (scales.length !== 1 && !perChannel) return null;
  for (let i = 0; i < scales.length; i++) if (!isUsable(scales[i])) return null;
  return { source, scales, zeroPoints };
}

/** @param {ArrayLike<number>} list one number for all channels, or one for each @param {number} i */
export function ofChannel(list, i) {
  return list.length === 1 ? list[0] : list[i];
}

/** The largest magnitude in a list; 0 of none. @param {ArrayLike<number>} list */
export function largestMagnitude(list) {
  let lo = 0;
  let hi = 0;
  for (let i = 0; i < list.length; i++) {
    const n = list[i];
    if (n < lo) lo = n;
    else if (n > hi) hi = n;
  }
  return Math.max(hi, -lo);
}

/**
 * quantizeLinear of one number, as the kernels compute it.
 *
 * @param {number} value
 * @param {Params} params
 * @param {readonly [number, number]} range
 */
export function quantizeNumber(value, { scale, zeroPoint }, [lo, hi]) {
  const q = roundEven(Math.fround(Math.fround(value) / scale)) + zeroPoint;
  return Number.isNaN(q) ? zeroPoint : Math.min(Math.max(q, lo), hi);
}
