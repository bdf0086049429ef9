// SPDX-License-Identifier: Apache-2.0
// Operators that move or copy elements: reshapes, joins, gathers, pads.

import { listed, UnsupportedError } from "./errors.js";
import { isQuantized } from "./tensor.js";

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */

/** Beyond any image: index tables of hostile files must stay small. */
export const MAX_TABLE = 1 << 16;

/**
 * RESHAPE: the shape is a constant, else an option, else the one declared.
 *
 * @param {OperatorCall} op
 */
export function reshape(op) {
  const shape = op.shape(0);
  const { newShape } = op.options;
  const given = op.has(1) ? op.targetShape(1) : (newShape ?? op.outputTensor().shape);
  const other = op.mapping.rebatched(given);
  const wanted = fits(other, shape) ? other : given;
  const target = resolve(op, wanted, shape);
  op.move("reshape", [0], (x) => op.reshape(x, target));
}

/** @param {readonly number[]} wanted @param {readonly number[]} shape */
function fits(wanted, shape) {
  return wanted.includes(-1) || product(wanted) === product(shape);
}

/**
 * Fill in the dimension given as -1.
 *
 * @param {OperatorCall} op
 * @param {readonly number[]} wanted
 * @param {readonly number[]} shape
 * @returns {number[]}
 */
function resolve(op, wanted, shape) {
  const elements = product(shape);
  // Old writers give a single 0 as the shape of a scalar.
  if (elements === 1 && String(wanted) === "0") return [];
  const known = product(wanted.filter((d) => d !== -1));
  const target = wanted.map((d) => (d === -1 ? elements / known : d));
  if (product(target) !== elements || !target.every((d) => Number.isInteger(d) && d > 0)) {
    const expected = `${elements} elements, like ${listed(shape)}`;
    throw op.malformed(`new shape ${listed(wanted)}`, expected, "reshape");
  }
  return target;
}

/** @param {readonly number[]} shape */
function product(shape) {
  return shape.reduce((count, d) => count * d, 1);
}

/** @param {OperatorCall} op */
export function squeeze(op) {
  const shape = op.shape(0);
  const dims = (op.options.squeezeDims ?? []).map((/** @type {number} */ axis) =>
    op.axis(axis, shape.length),
  );
  const gone = dims.length ? (/** @type {number} */ i) => dims.includes(i) : () => true;
  const wrong = dims.find((/** @type {number} */ i) => shape[i] !== 1);
  if (wrong !== undefined) {
    throw op.malformed(`dimension ${wrong} of ${listed(shape)}`, "1", "squeezed dimension");
  }
  const target = shape.filter((d, i) => d !== 1 || !gone(i));
  op.move("reshape", [0], (x) => op.reshape(x, target));
}

/** @param {OperatorCall} op */
export function expandDims(op) {
  const target = [...op.shape(0)];
  target.splice(op.axis(op.requireNumber(1, "axis"), target.length + 1), 0, 1);
  op.move("reshape", [0], (x) => op.reshape(x, target));
}

/** @param {OperatorCall} op */
export function transpose(op) {
  const rank = op.shape(0).length;
  const permutation = op.requireNumbers(1, "permutation").map((axis) => op.axis(axis, rank));
  op.move("transpose", [0], (x) => op.build("transpose", [x], { permutation }));
}

/** @param {OperatorCall} op */
export function concatenation(op) {
  const { axis: given, fusedActivationFunction } = op.options;
  const axis = op.axis(given, op.shape(0).length);
  const positions = Array.from({ length: op.inputCount }, (_, k) => k);
  const concat = (/** @type {MLOperand[]} */ ...parts) => op.build("concat", [parts, axis]);
  if (fusedActivationFunction === "NONE") op.move("concat", positions, concat);
  else {
    op.compute(positions, (...parts) => op.activate(concat(...parts), fusedActivationFunction));
  }
}

/** PACK: a new axis, along which the inputs are joined. @param {OperatorCall} op */
export function pack(op) {
  const shape = [...op.shape(0)];
  const axis = op.axis(op.options.axis, shape.length + 1);
  shape.splice(axis, 0, 1);
  const positions = Array.from({ length: op.inputCount }, (_, k) => k);
  op.move("concat", positions, (...parts) =>
    op.build("concat", [parts.map((part) => op.reshape(part, shape)), axis]),
  );
}

/** @param {OperatorCall} op */
export function unpack(op) {
  const shape = op.shape(0);
  const axis = op.axis(op.options.axis, shape.length);
  if (op.outputCount !== shape[axis]) {
    const expected = `${shape[axis]} (dimension ${axis} of ${listed(shape)})`;
    throw op.malformed(`${op.outputCount} outputs`, expected, "operator outputs");
  }
  const target = shape.filter((_, i) => i !== axis);
  op.move("split", [0], (x) =>
    op
      .build("split", [x, op.outputCount], { axis })
      .map((/** @type {MLOperand} */ part) => op.reshape(part, target)),
  );
}

/** SPLIT: the axis is the first input. @param {OperatorCall} op */
export function split(op) {
  const axis = op.axis(op.requireNumber(0, "axis"), op.shape(1).length);
  const count = op.outputCount;
  op.move("split", [1], (x) => op.build("split", [x, count], { axis }));
}

/** SPLIT_V: one size may be -1, the rest. @param {OperatorCall} op */
export function splitV(op) {
  const shape = op.shape(0);
  const axis = op.axis(op.requireNumber(2, "axis"), shape.length);
  const sizes = op.requireNumbers(1, "sizes");
  const known = sizes.filter((size) => size >= 0).reduce((sum, size) => sum + size, 0);
  const splits = sizes.map((size) => (size < 0 ? shape[axis] - known : size));
  if (splits.length !== op.outputCount) {
    throw op.malformed(`${splits.length} sizes`, `${op.outputCount}`, "operator outputs");
  }
  op.move("split", [0], (x) => op.build("split", [x, splits], { axis }));
}

/** @param {OperatorCall} op */
export function tile(op) {
  const repetitions = op.requireNumbers(1, "multiples");
  op.move("tile", [0], (x) => op.build("tile", [x, repetitions]));
}

/** @param {OperatorCall} op */
export function broadcastTo(op) {
  const shape = op.targetShape(1);
  op.move("expand", [0], (x) => op.build("expand", [x, shape]));
}

/** FILL: the shape is the first input, the value the second. @param {OperatorCall} op */
export function fill(op) {
  const shape = op.targetShape(0);
  op.move("expand", [1], (x) => op.build("expand", [x, shape]));
}

/** SHAPE is a constant, since shapes are static. @param {OperatorCall} op */
export function shapeOf(op) {
  const shape = op.shape(0);
  op.setRaw(op.constant(op.mapping.dataType(op.output()), [shape.length], shape));
}

/** RANK is one, too. @param {OperatorCall} op */
export function rankOf(op) {
  op.setRaw(op.constant(op.mapping.dataType(op.output()), [], [op.shape(0).length]));
}

/** BROADCAST_ARGS of constants is folded, and shapes are constants. @param {OperatorCall} op */
export function broadcastArgs(op) {
  throw new UnsupportedError(`the broadcast shape of ${op.label} computed at run time`);
}

/** RANGE of constants: start, limit, step. @param {OperatorCall} op */
export function range(op) {
  const [start, limit, step] = [0, 1, 2].map((k) => op.requireNumber(k, "range"));
  const count = Math.ceil((limit - start) / step);
  if (!(count >= 1)) throw new UnsupportedError("an empty result");
  if (count > MAX_TABLE) throw new UnsupportedError(`a range of ${count} elements`);
  const values = Array.from({ length: count }, (_, i) => start + i * step);
  op.setRaw(op.constant(op.mapping.dataType(op.output()), [count], values));
}

/** ZEROS_LIKE @param {OperatorCall} op */
export function zerosLike(op) {
  const zero = op.constant(op.mapping.dataType(op.output()), [], [0]);
  op.setRaw(op.build("expand", [zero, op.shape(0)]));
}

/** PAD and PADV2. Zero stands for the zero point of a quantized tensor. @param {OperatorCall} op */
export function pad(op) {
  const [beginning, ending] = paddings(op);
  const value = op.has(2) ? padValue(op) : 0;
  op.compute([0], (x) => op.build("pad", [x, beginning, ending], { mode: "constant", value }));
}

/** @param {OperatorCall} op */
function padValue(op) {
  const stored = op.requireNumber(2, "pad value");
  const tensor = op.tensor(2);
  if (!isQuantized(tensor) || !tensor.quantization) return stored;
  const { scale, zeroPoint } = tensor.quantization;
  return Math.fround((stored - zeroPoint[0]) * scale[0]);
}

/**
 * REFLECT is WebNN's reflection; SYMMETRIC repeats the edge, as a gather.
 *
 * @param {OperatorCall} op
 */
export function mirrorPad(op) {
  const [beginning, ending] = paddings(op);
  if (op.options.mode === "REFLECT") {
    op.compute([0], (x) => op.build("pad", [x, beginning, ending], { mode: "reflection" }));
    return;
  }
  const shape = op.shape(0);
  op.move("gather", [0], (x) =>
    shape.reduce((y, size, axis) => {
      if (beginning[axis] + ending[axis] === 0) return y;
      const indices = symmetricIndices(op, size, beginning[axis], ending[axis]);
      const constant = op.constant("int32", [indices.length], indices);
      return op.build("gather", [y, constant], { axis });
    }, x),
  );
}

/** @param {OperatorCall} op @param {number} size @param {number} before @param {number} after */
function symmetricIndices(op, size, before, after) {
  if (Math.max(before, after) > size) {
    const got = `padding ${before}, ${after}`;
    throw op.malformed(got, `at most the dimension ${size}`, "symmetric padding");
  }
  if (size > MAX_TABLE) throw new UnsupportedError(`symmetric padding of ${size} elements`);
  return Array.from({ length: before + size + after }, (_, i) => {
    const at = i - before;
    if (at < 0) return -1 - at;
    return at < size ? at : 2 * size - 1 - at;
  });
}

/** @param {OperatorCall} op @returns {[number[], number[]]} before and after each axis */
function paddings(op) {
  const rank = op.shape(0).length;
  const pairs = op.requireNumbers(1, "paddings");
  if (pairs.length !== 2 * rank || !pairs.every((p) => p >= 0)) {
    const expected = `${rank} pairs of at least 0`;
    throw op.malformed(listed(pairs), expected, "paddings", op.tensor(1).name);
  }
  const side = (/** @type {number} */ k) => pairs.filter((_, i) => i % 2 === k);
  return [side(0), side(1)];
}
