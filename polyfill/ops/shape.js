// SPDX-License-Identifier: Apache-2.0
// Shapes: the spec's internal algorithms under its names, and the strides that kernels take.

import { elementCount } from "../ir/graph.js";
import { check, MAX_RANK, RuleViolation } from "./operator.js";

export { elementCount };

/** @typedef {readonly number[]} Shape */

/** The largest dimension, and element count, of an operand. */
export const MAX_DIMENSION = 2 ** 31 - 1;

/**
 * "Bidirectionally broadcast the shapes": null where they do not fit.
 *
 * @param {Shape} a
 * @param {Shape} b
 * @returns {number[] | null}
 */
export function broadcastShapes(a, b) {
  const rank = Math.max(a.length, b.length);
  const shape = [];
  for (let i = 0; i < rank; i++) {
    const da = a[i - rank + a.length] ?? 1;
    const db = b[i - rank + b.length] ?? 1;
    if (da !== db && da !== 1 && db !== 1) return null;
    shape.push(da === 1 ? db : da);
  }
  return shape;
}

/**
 * Whether `from` is "unidirectionally broadcastable" to `to`.
 *
 * @param {Shape} from
 * @param {Shape} to
 */
export function isBroadcastableTo(from, to) {
  const offset = to.length - from.length;
  return offset >= 0 && from.every((d, i) => d === 1 || d === to[i + offset]);
}

/**
 * The broadcast of two operands, or a rule violation that names both.
 *
 * @param {string} nameA
 * @param {Shape} a
 * @param {string} nameB
 * @param {Shape} b
 */
export function broadcastOrFail(nameA, a, nameB, b) {
  const shape = broadcastShapes(a, b);
  if (!shape) {
    throw new RuleViolation(
      `${nameB} shape`,
      b,
      `a shape that broadcasts with ${nameA}'s [${a.join(", ")}]`,
    );
  }
  return shape;
}

/** Row-major strides in elements. @param {Shape} shape @returns {number[]} */
export function stridesOf(shape) {
  const strides = new Array(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

/**
 * Strides of an operand of `shape` seen as `target`: 0 along broadcast dimensions.
 *
 * @param {Shape} shape
 * @param {Shape} target
 * @returns {number[]}
 */
export function broadcastStrides(shape, target) {
  const strides = stridesOf(shape);
  const offset = target.length - shape.length;
  return target.map((_, i) => (i < offset || shape[i - offset] === 1 ? 0 : strides[i - offset]));
}

/**
 * Merge neighbouring dimensions wherever all stride lists run on as one, and drop those of size 1, so
 * that kernels see few, long dimensions. Returns at least one dimension.
 *
 * @param {Shape} dims
 * @param {readonly (readonly number[])[]} strides one list per operand
 * @returns {{dims: number[], strides: number[][]}}
 */
export function coalesce(dims, strides) {
  /** @type {number[]} */
  const outDims = [];
  /** @type {number[][]} */
  const out = strides.map(() => []);
  for (let i = 0; i < dims.length; i++) {
    if (dims[i] === 1) continue;
    const last = outDims.length - 1;
    const joins = last >= 0 && strides.every((list, o) => out[o][last] === list[i] * dims[i]);
    if (joins) {
      outDims[last] *= dims[i];
      for (const [o, list] of strides.entries()) out[o][last] = list[i];
    } else {
      outDims.push(dims[i]);
      for (const [o, list] of strides.entries()) out[o].push(list[i]);
    }
  }
  if (outDims.length === 0) {
    outDims.push(1);
    for (const list of out) list.push(1);
  }
  return { dims: outDims, strides: out };
}

/** Up to MAX_RANK numbers as a struct's fixed array. @param {readonly number[]} list */
export function padded(list) {
  return [...list, ...new Array(MAX_RANK - list.length).fill(0)];
}

/**
 * @param {string} subject
 * @param {readonly number[]} axes
 * @param {number} rank
 */
export function checkAxes(subject, axes, rank) {
  for (const axis of axes) {
    check(axis < rank, subject, axis, `an axis below the rank ${rank}`);
  }
  check(new Set(axes).size === axes.length, subject, axes, "distinct axes");
}

/**
 * @param {string} subject
 * @param {readonly number[]} list
 * @param {number} length
 */
export function checkLength(subject, list, length) {
  check(list.length === length, `${subject} length`, list.length, String(length));
}

/**
 * A shape that an operand may have: dimensions and element count in 1..2^31-1.
 *
 * @param {string} subject
 * @param {Shape} shape
 */
export function checkShape(subject, shape) {
  let elements = 1;
  for (const d of shape) {
    check(
      Number.isInteger(d) && d >= 1 && d <= MAX_DIMENSION,
      subject,
      shape,
      "dimensions 1 to 2^31-1",
    );
    elements *= d;
  }
  check(elements <= MAX_DIMENSION, `${subject} element count`, elements, "at most 2^31-1");
}

/**
 * Where element `index` (row-major over dims) of an operand with the given strides lies.
 *
 * @param {number} index
 * @param {Shape} dims
 * @param {readonly number[]} strides
 */
export function elementIndex(index, dims, strides) {
  let at = 0;
  for (let d = dims.length - 1; d >= 0; d--) {
    at += (index % dims[d]) * strides[d];
    index = Math.floor(index / dims[d]);
  }
  return at;
}
