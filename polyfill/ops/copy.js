// SPDX-License-Identifier: Apache-2.0
// Emitting strided copies: what every operator that only moves elements becomes.

import { ELEMENT_BITS } from "../ir/graph.js";
import { coalesce, padded, stridesOf } from "./shape.js";

/** @typedef {import("./operator.js").Lowering} Lowering */
/** @typedef {import("./operator.js").Value} Value */

/** Bytes a thread should move at a time. */
const GRAIN_BYTES = 1 << 16;

/** Bytes of one element of a value. @param {Value} value */
export function elementBytes(value) {
  return ELEMENT_BITS[value.dataType] / 8;
}

/**
 * y[i] = x[i] for i over dims, each with its own strides and start, all in elements.
 *
 * @param {Lowering} to
 * @param {{value: Value, strides: readonly number[], start?: number}} y
 * @param {{value: Value, strides: readonly number[], start?: number}} x
 * @param {readonly number[]} dims
 */
export function emitCopy(to, y, x, dims) {
  const bytes = elementBytes(x.value);
  const merged = coalesce(dims, [y.strides, x.strides]);
  const inner = merged.dims[merged.dims.length - 1];
  const outer = merged.dims.slice(0, -1).reduce((product, d) => product * d, 1);
  const shape = {
    rank: merged.dims.length,
    element_bytes: bytes,
    dims: padded(merged.dims),
    y_strides: padded(merged.strides[0]),
    x_strides: padded(merged.strides[1]),
  };
  to.step(
    "copy_nd",
    {
      y: to.at(y.value, (y.start ?? 0) * bytes),
      x: to.at(x.value, (x.start ?? 0) * bytes),
      shape,
    },
    outer,
    0,
    { grain: Math.max(1, Math.ceil(GRAIN_BYTES / (inner * bytes))) },
  );
}

/**
 * y = x with its dimensions permuted: dimension i of y is dimension permutation[i] of x.
 *
 * @param {Lowering} to
 * @param {Value} y
 * @param {Value} x
 * @param {readonly number[]} permutation
 */
export function emitTranspose(to, y, x, permutation) {
  const dims = permutation.map((p) => x.shape[p]);
  const strides = stridesOf(x.shape);
  emitCopy(
    to,
    { value: y, strides: stridesOf(dims) },
    { value: x, strides: permutation.map((p) => strides[p]) },
    dims,
  );
}
