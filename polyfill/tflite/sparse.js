// SPDX-License-Identifier: Apache-2.0
// Sparse constants, written out. A sparse tensor is walked level by level in its traversal order:
// first its dimensions (in blocks, where it has any), then the dimensions inside a block. A dense
// level counts, a sparse one lists its indices between two segments.

import { listed, TfliteError, UnsupportedError } from "./errors.js";

/** @typedef {import("./errors.js").Place} Place */
/** @typedef {import("./tensor.js").Tensor} Tensor */

/**
 * @typedef {object} Level
 * @property {"DENSE" | "SPARSE_CSR"} format
 * @property {number} denseSize
 * @property {{values: ArrayLike<number> | null} | null} arraySegments
 * @property {{values: ArrayLike<number> | null} | null} arrayIndices
 */

/**
 * @typedef {object} Sparsity
 * @property {readonly number[] | null} traversalOrder
 * @property {readonly number[] | null} blockMap the dimension that each block dimension divides
 * @property {readonly Level[] | null} dimMetadata one per level, in traversal order
 */

/** A small file must not fill the memory. */
const MAX_BYTES = 1 << 28;

/**
 * @param {Tensor} tensor with sparsity
 * @param {number} bytes of an element
 * @param {Place} place
 * @returns {Uint8Array} all elements, zeros where the file has none
 */
export function densified(tensor, bytes, place) {
  const { data, shape, elements, sparsity, name } = tensor;
  /** @type {(got: string, expected: string) => never} */
  const fail = (got, expected) => {
    throw new TfliteError({ ...place, tensor: name }, got, expected, "sparse tensor");
  };
  if (!data || !sparsity) return fail("no data", "data and sparsity");
  const levels = sparsity.dimMetadata ?? [];
  const order = sparsity.traversalOrder ?? [];
  const blocked = sparsity.blockMap ?? [];
  const rank = shape.length;
  const sorted = [...order].sort((a, b) => a - b);
  const counts =
    blocked.length <= rank &&
    levels.length === rank + blocked.length &&
    order.length === levels.length;
  if (!counts || sorted.some((axis, i) => axis !== i) || blocked.some((axis) => !(axis in shape))) {
    const got = `traversal order ${listed(order)}, blocks of ${listed(blocked)}`;
    fail(got, `an order of ${rank} dimensions and their blocks`);
  }
  if (elements * bytes > MAX_BYTES) throw new UnsupportedError(`${elements} elements, once dense`);
  const blockSizes = blocked.map((_, b) => levels[rank + b].denseSize);
  const vectors = levels.map((level) => ({
    segments: level.arraySegments?.values ?? [],
    indices: level.arrayIndices?.values ?? [],
  }));
  const lengths = vectors.map(({ segments, indices }) => segments.length + indices.length);
  const stored = data.length / bytes;
  let budget =
    (levels.length + 1) * lengths.reduce((sum, n) => sum + n, stored + levels.length + 1);
  const target = new Uint8Array(elements * bytes);
  const at = new Array(levels.length).fill(0);
  let taken = 0;

  /** @returns {number} the element that the levels' indices mean */
  const flatIndex = () => {
    const where = new Array(rank).fill(0);
    for (const [i, axis] of order.entries()) {
      if (axis < rank) where[axis] = at[i];
    }
    for (const [i, axis] of order.entries()) {
      if (axis < rank) continue;
      const dimension = blocked[axis - rank];
      where[dimension] = where[dimension] * blockSizes[axis - rank] + at[i];
    }
    if (where.some((index, axis) => !(index >= 0 && index < shape[axis]))) {
      fail(`an element at ${listed(where)}`, `inside ${listed(shape)}`);
    }
    return where.reduce((flat, index, axis) => flat * shape[axis] + index, 0);
  };

  /** @param {number} level @param {number} parent which entry of the level above */
  const walk = (level, parent) => {
    if (--budget < 0) fail("more entries than data", "one for each stored element");
    if (level === levels.length) {
      if (taken >= stored) fail("more entries than data", `${stored}`);
      const to = flatIndex() * bytes;
      target.set(data.subarray(taken * bytes, (taken + 1) * bytes), to);
      taken++;
      return;
    }
    const { format, denseSize } = levels[level];
    const { segments, indices } = vectors[level];
    if (format === "DENSE") {
      for (let i = 0; i < denseSize; i++) {
        at[level] = i;
        walk(level + 1, parent * denseSize + i);
      }
      return;
    }
    if (parent + 1 >= segments.length)
      fail(`${segments.length} segments`, `at least ${parent + 2}`);
    const [from, to] = [segments[parent], segments[parent + 1]];
    if (!(from >= 0 && to >= from && to <= indices.length)) {
      fail(`segment ${from} to ${to}`, `inside ${indices.length} indices`);
    }
    for (let i = from; i < to; i++) {
      at[level] = indices[i];
      walk(level + 1, i);
    }
  };

  walk(0, 0);
  return target;
}
