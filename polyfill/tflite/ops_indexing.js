// SPDX-License-Identifier: Apache-2.0
// Operators that read or write at indices: gathers, scatters, one-hot codes, the k largest.

import { listed, UnsupportedError } from "./errors.js";
import { MAX_TABLE } from "./ops_movement.js";

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */

/** Elements of a comparison of everything with everything. */
const MAX_PAIRS = 1 << 24;

/** @param {readonly number[]} shape */
function product(shape) {
  return shape.reduce((count, d) => count * d, 1);
}

/** 0, 1, 2, … along one axis of so many. @param {OperatorCall} op @param {string} dataType
 * @param {number} count @param {number} axis @param {number} rank @returns {MLOperand} */
function counting(op, dataType, count, axis, rank) {
  if (count > MAX_TABLE) throw new UnsupportedError(`an axis of ${count} elements`);
  const shape = new Array(rank).fill(1);
  shape[axis] = count;
  const values = Array.from({ length: count }, (_, i) => i);
  return op.constant(/** @type {any} */ (dataType), shape, values);
}

/** @param {OperatorCall} op */
export function gather(op) {
  const { axis: given, batchDims: batch } = op.options;
  const [shape, indices] = [op.shape(0), op.shape(1)];
  const axis = op.axis(given, shape.length);
  if (batch === 0) {
    op.move("gather", [0], (x) => op.build("gather", [x, op.raw(1)], { axis }));
    return;
  }
  const shared = batch > 0 && batch <= Math.min(axis, indices.length);
  if (!shared || String(shape.slice(0, batch)) !== String(indices.slice(0, batch))) {
    const got = `batch_dims ${batch} of ${listed(shape)} and ${listed(indices)}`;
    throw op.malformed(got, "equal leading dimensions before the axis", "batch dimensions");
  }
  const flat = flatIndices(op, product(shape.slice(0, batch)), shape[axis]);
  op.move("gather", [0], (x) => batchedGather(op, x, { flat, axis, batch, indices }));
}

/**
 * Indices into rows of all batches, one after the other.
 *
 * @param {OperatorCall} op
 * @param {number} batches
 * @param {number} size of the gathered axis
 * @returns {MLOperand} one-dimensional
 */
function flatIndices(op, batches, size) {
  const indices = op.raw(1);
  const count = product(indices.shape);
  const starts = Array.from({ length: batches }, (_, b) => b * size);
  const start = op.constant(indices.dataType, [batches, 1], starts);
  const rows = op.reshape(indices, [batches, count / batches]);
  return op.reshape(op.build("add", [rows, start]), [count]);
}

/**
 * The axis comes to the batches, all of them are one axis for the gather, and what was between them
 * goes back to its place.
 *
 * @param {OperatorCall} op
 * @param {MLOperand} x
 * @param {{flat: MLOperand, axis: number, batch: number, indices: readonly number[]}} plan
 */
function batchedGather(op, x, { flat, axis, batch, indices }) {
  const { shape } = x;
  const order = shape.map((_, i) => i);
  order.splice(batch, 0, ...order.splice(axis, 1));
  const forward = axis === batch ? x : op.build("transpose", [x], { permutation: order });
  const rows = product(shape.slice(0, batch)) * shape[axis];
  const matrix = op.reshape(forward, [rows, product(shape) / rows]);
  const picked = op.build("gather", [matrix, flat], { axis: 0 });
  const between = shape.slice(batch, axis);
  const after = shape.slice(axis + 1);
  const y = op.reshape(picked, [...indices, ...between, ...after]);
  if (between.length === 0) return y;
  const permutation = y.shape.map((_, i) => i);
  const moved = permutation.splice(indices.length, between.length);
  permutation.splice(batch, 0, ...moved);
  return op.build("transpose", [y], { permutation });
}

/** @param {OperatorCall} op */
export function gatherNd(op) {
  op.move("gatherND", [0], (x) => op.build("gatherND", [x, op.raw(1)]));
}

/** EMBEDDING_LOOKUP: rows of input 1 by the indices of input 0. @param {OperatorCall} op */
export function embeddingLookup(op) {
  op.move("gather", [1], (x) => op.build("gather", [x, op.raw(0)], { axis: 0 }));
}

/**
 * SCATTER_ND adds what meets at an index, WebNN's scatterND does not say what it does then: that
 * one serves constant indices which differ, and a masked sum all others.
 *
 * @param {OperatorCall} op
 */
export function scatterNd(op) {
  const shape = op.requireNumbers(2, "shape");
  const indices = op.shape(0);
  const depth = indices[indices.length - 1];
  const count = product(indices.slice(0, -1));
  const row = shape.slice(depth);
  if (!(depth <= shape.length) || product(op.shape(1)) !== count * product(row)) {
    const got = `indices ${listed(indices)} and updates ${listed(op.shape(1))}`;
    throw op.malformed(got, `both for ${listed(shape)}`, "scatter shapes");
  }
  const known = op.numbers(0);
  // As stored: the rest is 0, whatever the zero point.
  op.move("scatterND", [1], (updates) => {
    const zero = op.constant(updates.dataType, [], [0]);
    if (known && areDifferent(known, depth)) {
      const blank = op.build("expand", [zero, shape]);
      return op.build("scatterND", [blank, op.raw(0), updates]);
    }
    const places = product(shape.slice(0, depth));
    if (places * count * product(row) > MAX_PAIRS) {
      throw new UnsupportedError(`${count} indices into ${listed(shape)} that may meet`);
    }
    const flat = op.reshape(flattened(op, shape.slice(0, depth)), [1, count, 1]);
    const chosen = op.build("equal", [flat, counting(op, flat.dataType, places, 0, 3)]);
    const rows = op.reshape(updates, [1, count, product(row)]);
    const wide = WIDER[updates.dataType] ?? updates.dataType;
    const parts = op.build("where", [chosen, rows, zero]);
    const summed = op.build(
      "reduceSum",
      [wide === updates.dataType ? parts : op.build("cast", [parts, wide])],
      { axes: [1] },
    );
    const y = wide === updates.dataType ? summed : op.build("cast", [summed, updates.dataType]);
    return op.reshape(y, shape);
  });
}

/** Types that WebNN does not add up. @type {Readonly<Record<string, string>>} */
const WIDER = { int8: "int32", uint8: "int32" };

/** @param {number[]} indices @param {number} depth @returns {boolean} */
function areDifferent(indices, depth) {
  const tuples = new Set();
  for (let at = 0; at < indices.length; at += depth) {
    tuples.add(String(indices.slice(at, at + depth)));
  }
  return tuples.size === indices.length / depth;
}

/** Index tuples as single numbers. @param {OperatorCall} op @param {readonly number[]} shape
 * @returns {MLOperand} */
function flattened(op, shape) {
  const indices = op.raw(0);
  const strides = shape.map((_, i) => product(shape.slice(i + 1)));
  const weight = op.constant(indices.dataType, [strides.length], strides);
  const terms = op.build("mul", [indices, weight]);
  return op.build("reduceSum", [terms], { axes: [indices.shape.length - 1] });
}

/** @param {OperatorCall} op */
export function oneHot(op) {
  const shape = op.shape(0);
  const depth = op.requireNumber(1, "depth");
  const axis = op.axis(op.options.axis, shape.length + 1);
  if (!(depth >= 1)) throw op.malformed(`depth ${depth}`, "at least 1", "one-hot depth");
  const thin = [...shape.slice(0, axis), 1, ...shape.slice(axis)];
  const indices = op.reshape(op.raw(0), thin);
  const places = counting(op, indices.dataType, depth, axis, thin.length);
  const chosen = op.build("equal", [indices, places]);
  op.setRaw(op.build("where", [chosen, op.raw(2), op.raw(3)]));
}

/**
 * TOPK_V2 along the last axis: an element's place is the number of those before it, which are the
 * larger ones and the equal ones of lower index.
 *
 * @param {OperatorCall} op
 */
export function topK(op) {
  const shape = op.shape(0);
  const k = op.requireNumber(1, "k");
  if (shape.length === 0) throw op.malformed("shape []", "rank 1 or more", "rank");
  const n = shape[shape.length - 1];
  if (!(k >= 1 && k <= n)) throw op.malformed(`k ${k}`, `1 to ${n}`, "number of largest elements");
  const rows = product(shape) / n;
  if (rows * n * n > MAX_PAIRS) throw new UnsupportedError(`the largest of ${n} elements`);
  const x = op.raw(0);
  const [mine, others] = [op.reshape(x, [rows, n, 1]), op.reshape(x, [rows, 1, n])];
  const earlier = op.build("lesser", [
    counting(op, "int32", n, 2, 3),
    counting(op, "int32", n, 1, 3),
  ]);
  const tied = op.build("logicalAnd", [op.build("equal", [others, mine]), earlier]);
  const before = op.build("logicalOr", [op.build("greater", [others, mine]), tied]);
  const counts = op.build("cast", [before, "int32"]);
  const place = op.reshape(op.build("reduceSum", [counts], { axes: [2] }), [rows, 1, n]);
  const taken = op.build("equal", [place, counting(op, "int32", k, 1, 3)]);
  const zero = op.constant("int32", [], [0]);
  const index = op.build("where", [taken, counting(op, "int32", n, 2, 3), zero]);
  const target = [...shape.slice(0, -1), k];
  const indices = op.reshape(op.build("reduceSum", [index], { axes: [2] }), target);
  op.setRaw(op.build("gatherElements", [x, indices], { axis: shape.length - 1 }), 0);
  op.setRaw(indices, 1);
}

/**
 * REVERSE_SEQUENCE: the first so many elements of each sequence in reverse, as a gather.
 *
 * @param {OperatorCall} op
 */
export function reverseSequence(op) {
  const shape = op.shape(0);
  const along = op.axis(op.options.seqDim, shape.length);
  const batch = op.axis(op.options.batchDim, shape.length);
  const lengths = op.raw(1);
  if (along === batch || String(lengths.shape) !== String([shape[batch]])) {
    const got = `lengths ${listed(lengths.shape)} for ${listed(shape)}`;
    throw op.malformed(got, `${shape[batch]}, one for each of axis ${batch}`, "sequence lengths");
  }
  const thin = shape.map((d, i) => (i === batch ? d : 1));
  const length = op.reshape(lengths, thin);
  const at = counting(op, lengths.dataType, shape[along], along, shape.length);
  const one = op.constant(lengths.dataType, [], [1]);
  const mirrored = op.build("sub", [op.build("sub", [length, one]), at]);
  const inside = op.build("lesser", [at, length]);
  const indices = op.build("expand", [op.build("where", [inside, mirrored, at]), shape]);
  op.move("gatherElements", [0], (x) => op.build("gatherElements", [x, indices], { axis: along }));
}

/** DYNAMIC_UPDATE_SLICE at a constant place. @param {OperatorCall} op */
export function dynamicUpdateSlice(op) {
  const [shape, size] = [op.shape(0), op.shape(1)];
  const given = op.requireNumbers(2, "start");
  if (
    given.length !== shape.length ||
    size.length !== shape.length ||
    size.some((d, i) => d > shape[i])
  ) {
    const got = `start ${listed(given)}, update ${listed(size)}`;
    throw op.malformed(got, `inside ${listed(shape)}`, "updated slice");
  }
  const starts = given.map((start, i) => Math.min(Math.max(start, 0), shape[i] - size[i]));
  op.move("slice", [0, 1], (x, update) => updated(op, x, update, starts, 0));
}

/**
 * What is before the update on an axis, the update with what is beside it on later axes, what is
 * after it.
 *
 * @param {OperatorCall} op
 * @param {MLOperand} x
 * @param {MLOperand} update
 * @param {readonly number[]} starts
 * @param {number} axis
 * @returns {MLOperand}
 */
function updated(op, x, update, starts, axis) {
  if (axis === x.shape.length) return update;
  const part = (/** @type {number} */ from, /** @type {number} */ size) =>
    size === x.shape[axis]
      ? x
      : op.build("slice", [
          x,
          x.shape.map((_, i) => (i === axis ? from : 0)),
          x.shape.map((d, i) => (i === axis ? size : d)),
        ]);
  const [start, size] = [starts[axis], update.shape[axis]];
  const parts = [updated(op, part(start, size), update, starts, axis + 1)];
  if (start > 0) parts.unshift(part(0, start));
  const rest = x.shape[axis] - start - size;
  if (rest > 0) parts.push(part(start + size, rest));
  return parts.length > 1 ? op.build("concat", [parts, axis]) : parts[0];
}
