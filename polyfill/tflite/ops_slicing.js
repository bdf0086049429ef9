// SPDX-License-Identifier: Apache-2.0
// SLICE and STRIDED_SLICE.

import { listed, UnsupportedError } from "./errors.js";

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */

/** A size of -1 means to the end. @param {OperatorCall} op */
export function slice(op) {
  const shape = op.shape(0);
  const starts = op.requireNumbers(1, "begin");
  const given = op.requireNumbers(2, "size");
  if (starts.length !== shape.length || given.length !== shape.length) {
    const got = `begin ${listed(starts)}, size ${listed(given)}`;
    throw op.malformed(got, `${shape.length} of each`, "slice");
  }
  const { batch } = op.mapping;
  const whole = (/** @type {number} */ size, /** @type {number} */ i) =>
    size === -1 || (i === 0 && starts[0] === 0 && size === batch?.from && shape[0] === batch.to);
  const sizes = given.map((size, i) => (whole(size, i) ? shape[i] - starts[i] : size));
  const inside = sizes.every(
    (size, i) => size >= 0 && starts[i] >= 0 && starts[i] + size <= shape[i],
  );
  if (!inside) {
    const got = `begin ${listed(starts)}, size ${listed(given)}`;
    throw op.malformed(got, `inside ${listed(shape)}`, "slice");
  }
  if (sizes.includes(0)) throw new UnsupportedError("an empty result");
  op.move("slice", [0], (x) => op.build("slice", [x, starts, sizes]));
}

/** Masks are int32. */
const MASK_BITS = 32;

/**
 * What a strided slice does to one dimension of its input: `extent` elements from `start` are
 * walked by `stride`, after reversing the axis if `reversed`; `removed` drops the dimension.
 *
 * @typedef {object} Cut
 * @property {number} start
 * @property {number} extent
 * @property {number} stride
 * @property {boolean} reversed
 * @property {boolean} removed
 */

/** @param {OperatorCall} op */
export function stridedSlice(op) {
  const shape = op.shape(0);
  const { cuts, target } = stridedCuts(op, shape);
  if (cuts.some((cut) => cut.extent <= 0)) throw new UnsupportedError("an empty result");
  const axes = cuts.flatMap((cut, i) => (cut.reversed ? [i] : []));
  const starts = cuts.map((cut) => cut.start);
  const sizes = cuts.map((cut) => cut.extent);
  const strides = cuts.map((cut) => cut.stride);
  const whole = cuts.every((cut, i) => cut.extent === shape[i] && cut.stride === 1);
  op.move("slice", [0], (x) => {
    let y = axes.length ? op.build("reverse", [x], { axes }) : x;
    const sliced = cuts.map((cut) => Math.ceil(cut.extent / cut.stride));
    const reshaped = String(target) !== String(sliced);
    if (!whole || (!reshaped && !axes.length))
      y = op.build("slice", [y, starts, sizes], { strides });
    return reshaped ? op.reshape(y, target) : y;
  });
}

/**
 * Walk the specification and the input's dimensions together. A bit of a mask belongs to a position
 * of the specification: an ellipsis takes as many dimensions as the others leave, a new axis takes
 * none.
 *
 * @param {OperatorCall} op
 * @param {readonly number[]} shape
 * @returns {{cuts: Cut[], target: number[]}}
 */
export function stridedCuts(op, shape) {
  const [begin, end, strides] = ["begin", "end", "strides"].map((what, k) =>
    op.requireNumbers(k + 1, what),
  );
  if (begin.length > MASK_BITS) {
    throw op.malformed(`${begin.length} ranges`, `at most ${MASK_BITS}`, "strided slice");
  }
  if (end.length !== begin.length || strides.length !== begin.length) {
    const got = `${begin.length}, ${end.length} and ${strides.length} entries`;
    throw op.malformed(got, "as many of begin, end and strides", "strided slice");
  }
  const { ellipsisMask, newAxisMask } = op.options;
  const has = (/** @type {number} */ mask, /** @type {number} */ k) => ((mask >> k) & 1) === 1;
  const taking = begin.filter((_, k) => !has(ellipsisMask, k) && !has(newAxisMask, k)).length;
  const open = shape.length - taking;
  const ellipses = begin.filter((_, k) => has(ellipsisMask, k)).length;
  if (ellipses > 1) throw op.malformed(`${ellipses} ellipses`, "one", "strided slice");
  /** @type {Cut[]} */
  const cuts = [];
  /** @type {number[]} */
  const target = [];
  const keep = (/** @type {number} */ count) => {
    for (let i = 0; i < count; i++) {
      const size = shape[cuts.length];
      cuts.push({ start: 0, extent: size, stride: 1, reversed: false, removed: false });
      target.push(size);
    }
  };
  for (let k = 0; k < begin.length; k++) {
    if (has(ellipsisMask, k)) keep(open);
    else if (has(newAxisMask, k)) target.push(1);
    else {
      const size = shape[cuts.length];
      if (size === undefined) {
        throw op.malformed(`${taking} ranges`, `at most ${shape.length}`, "strided slice");
      }
      const cut = cutOf(op, size, k, begin[k], end[k], strides[k]);
      cuts.push(cut);
      if (!cut.removed) target.push(Math.ceil(cut.extent / cut.stride));
    }
  }
  keep(shape.length - cuts.length);
  return { cuts, target };
}

/**
 * @param {OperatorCall} op
 * @param {number} size of the dimension
 * @param {number} k position in the masks
 * @param {number} begin
 * @param {number} end
 * @param {number} stride
 * @returns {Cut}
 */
function cutOf(op, size, k, begin, end, stride) {
  const { beginMask, endMask, shrinkAxisMask, offset } = op.options;
  const has = (/** @type {number} */ mask) => ((mask >> k) & 1) === 1;
  const fromEnd = (/** @type {number} */ at) => (at < 0 ? at + size : at);
  if (stride === 0) throw op.malformed("stride 0", "another", "strided slice");
  if (has(shrinkAxisMask)) {
    const start = has(beginMask) ? 0 : fromEnd(begin);
    if (start < 0 || start >= size) {
      throw op.malformed(`index ${begin}`, `${-size} to ${size - 1}`, "strided slice");
    }
    return { start, extent: 1, stride: 1, reversed: false, removed: true };
  }
  const { batch } = op.mapping;
  const wholeBatch = k === 0 && begin === 0 && end === batch?.from && size === batch.to;
  const stop = wholeBatch ? size : offset ? begin + end : end;
  const limit = (/** @type {number} */ at, /** @type {number} */ low, /** @type {number} */ high) =>
    Math.min(Math.max(fromEnd(at), low), high);
  if (stride > 0) {
    const from = has(beginMask) ? 0 : limit(begin, 0, size);
    const to = has(endMask) ? size : limit(stop, 0, size);
    return { start: from, extent: to - from, stride, reversed: false, removed: false };
  }
  const from = has(beginMask) ? size - 1 : limit(begin, -1, size - 1);
  const to = has(endMask) ? -1 : limit(stop, -1, size - 1);
  const start = size - 1 - from;
  return { start, extent: from - to, stride: -stride, reversed: true, removed: false };
}
