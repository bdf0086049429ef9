// SPDX-License-Identifier: Apache-2.0
// Shapes that a file computes of shapes: since all shapes are static, such operators have constant
// results, which are worked out here. Only small vectors and single numbers; what is not listed is
// mapped like any other operator.

import { stridedCuts } from "./ops_slicing.js";
import { isQuantized } from "./tensor.js";

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {import("./tensor.js").Tensor} Tensor */

/** @typedef {{shape: readonly number[], values: number[]}} Known */
/** @typedef {(op: OperatorCall, inputs: Known[]) => Known[] | null} Folder */

/** Far more than any shape. */
const MAX_ELEMENTS = 256;

/** What the types of folded results can hold. @type {Readonly<Record<string, number>>} */
const LIMITS = { INT32: 2 ** 31 - 1, INT64: Number.MAX_SAFE_INTEGER, FLOAT32: Infinity, BOOL: 1 };

/** @param {number} value */
const scalar = (value) => ({ shape: [], values: [value] });

/** @param {number[]} values */
const vector = (values) => ({ shape: [values.length], values });

/** @param {(a: number, b: number) => number} combine @returns {Folder} */
function elementwise(combine) {
  return (op, [a, b]) => {
    if ((op.options.fusedActivationFunction ?? "NONE") !== "NONE") return null;
    const long = a.values.length >= b.values.length ? a : b;
    if (![1, long.values.length].includes(Math.min(a.values.length, b.values.length))) return null;
    const at = (/** @type {Known} */ x, /** @type {number} */ i) => x.values[i % x.values.length];
    const values = long.values.map((_, i) => combine(at(a, i), at(b, i)));
    const shape = a.shape.length > b.shape.length ? a.shape : long.shape;
    return [{ shape: shape.length < b.shape.length ? b.shape : shape, values }];
  };
}

/** @param {(x: number) => number} change @returns {Folder} */
function unary(change) {
  return (_, [x]) => [{ shape: x.shape, values: x.values.map(change) }];
}

/** Of a whole vector. @param {(a: number, b: number) => number} combine @returns {Folder} */
function reduction(combine) {
  return (op, [x, axes]) => {
    if (x.shape.length !== 1 || axes.values.length !== 1 || x.values.length === 0) return null;
    const value = x.values.reduce(combine);
    return [op.options.keepDims ? vector([value]) : scalar(value)];
  };
}

/** The same elements in the shape that the file declares. @type {Folder} */
function reshaped(op, [x]) {
  const { shape, elements } = op.outputTensor();
  return elements === x.values.length ? [{ shape, values: x.values }] : null;
}

/** @type {Readonly<Record<string, Folder>>} */
const FOLDERS = {
  ABS: unary(Math.abs),
  ADD: elementwise((a, b) => a + b),
  BROADCAST_ARGS: (_, [a, b]) => {
    const rank = Math.max(a.values.length, b.values.length);
    const padded = (/** @type {Known} */ { values }) => [
      ...new Array(rank - values.length).fill(1),
      ...values,
    ];
    const [p, q] = [padded(a), padded(b)];
    const fits = p.every((d, i) => d === q[i] || d === 1 || q[i] === 1);
    return fits ? [vector(p.map((d, i) => (d === 1 ? q[i] : d)))] : null;
  },
  CAST: (op, [x]) => {
    const { type } = op.outputTensor();
    if (type === "BOOL") return [{ ...x, values: x.values.map((v) => Number(v !== 0)) }];
    return [{ ...x, values: type === "FLOAT32" ? x.values : x.values.map(Math.trunc) }];
  },
  CEIL: unary(Math.ceil),
  CONCATENATION: (_, inputs) => {
    if (inputs.some(({ shape }) => shape.length !== 1)) return null;
    return [vector(inputs.flatMap(({ values }) => values))];
  },
  DIV: (op, inputs) =>
    elementwise((a, b) => (op.outputTensor().type === "FLOAT32" ? a / b : Math.trunc(a / b)))(
      op,
      inputs,
    ),
  EXPAND_DIMS: reshaped,
  FILL: (_, [shape, value]) => {
    const [count] = shape.values;
    if (shape.values.length !== 1 || !(count >= 0 && count <= MAX_ELEMENTS)) return null;
    return [vector(new Array(count).fill(value.values[0]))];
  },
  FLOOR: unary(Math.floor),
  FLOOR_DIV: elementwise((a, b) => Math.floor(a / b)),
  FLOOR_MOD: elementwise((a, b) => a - Math.floor(a / b) * b),
  GATHER: (op, [x, indices]) => {
    const { axis, batchDims } = op.options;
    const plain = x.shape.length === 1 && (axis === 0 || axis === -1) && batchDims === 0;
    if (!plain || indices.values.some((i) => !(i >= 0 && i < x.values.length))) return null;
    return [{ shape: indices.shape, values: indices.values.map((i) => x.values[i]) }];
  },
  MAXIMUM: elementwise(Math.max),
  MINIMUM: elementwise(Math.min),
  MUL: elementwise((a, b) => a * b),
  NEG: unary((x) => -x),
  PACK: (_, inputs) => {
    if (inputs.some(({ shape }) => shape.length !== 0)) return null;
    return [vector(inputs.map(({ values }) => values[0]))];
  },
  RANGE: (_, inputs) => {
    const [start, limit, step] = inputs.map(({ values }) => values[0]);
    const count = Math.max(Math.ceil((limit - start) / step), 0);
    if (!(count <= MAX_ELEMENTS)) return null;
    return [vector(Array.from({ length: count }, (_, i) => start + i * step))];
  },
  REDUCE_MAX: reduction(Math.max),
  REDUCE_MIN: reduction(Math.min),
  REDUCE_PROD: reduction((a, b) => a * b),
  RESHAPE: reshaped,
  SLICE: (_, [x, begin, size]) => {
    const [from] = begin.values;
    const to = size.values[0] === -1 ? x.values.length : from + size.values[0];
    if (x.shape.length !== 1 || !(from >= 0 && to >= from && to <= x.values.length)) return null;
    return [vector(x.values.slice(from, to))];
  },
  SQUEEZE: reshaped,
  STRIDED_SLICE: (op, [x]) => {
    if (x.shape.length !== 1) return null;
    const { cuts, target } = stridedCuts(op, x.shape);
    const [{ start, extent, stride, reversed }] = cuts;
    const from = reversed ? [...x.values].reverse() : x.values;
    const values = from
      .slice(start, start + Math.max(extent, 0))
      .filter((_, i) => i % stride === 0);
    return [{ shape: target, values }];
  },
  SUB: elementwise((a, b) => a - b),
  SUM: reduction((a, b) => a + b),
  UNPACK: (_, [x]) => (x.shape.length === 1 ? x.values.map(scalar) : null),
};

/** Of these, the input's shape is all that counts. @type {Readonly<Record<string, Folder>>} */
const OF_SHAPES = {
  RANK: (op) => [scalar(op.shape(0).length)],
  SHAPE: (op) => [vector([...op.shape(0)])],
};

/**
 * Make the operator's outputs constants, if that can be done.
 *
 * @param {OperatorCall} op
 * @returns {boolean} whether it has been
 */
export function foldStatic(op) {
  const own = (/** @type {Readonly<Record<string, Folder>>} */ table) =>
    op.custom || !Object.hasOwn(table, op.name) ? undefined : table[op.name];
  const ofShape = own(OF_SHAPES);
  const fold = ofShape ?? own(FOLDERS);
  if (!fold || !canHold(op)) return false;
  const inputs = ofShape ? [] : knownInputs(op);
  const results = inputs && fold(op, inputs);
  if (!results || results.length !== op.outputCount) return false;
  if (results.some(({ values }) => values.length === 0)) return false;
  const sound = results.every(({ values }, k) => {
    const { type } = op.outputTensor(k);
    const whole = type === "FLOAT32" ? Number.isFinite : Number.isSafeInteger;
    return values.every((value) => whole(value) && Math.abs(value) <= LIMITS[type]);
  });
  if (!sound) return false;
  for (const [k, { shape, values }] of results.entries()) {
    op.mapping.setKnown(op.output(k), shape, values);
  }
  return true;
}

/** @param {OperatorCall} op @returns {boolean} */
function canHold(op) {
  return Array.from({ length: op.outputCount }, (_, k) => op.outputTensor(k)).every(
    (tensor) => tensor.type in LIMITS && !isQuantized(tensor),
  );
}

/** @param {OperatorCall} op @returns {Known[] | null} */
function knownInputs(op) {
  const known = [];
  for (let k = 0; k < op.inputCount; k++) {
    if (!op.has(k)) return null;
    const tensor = op.tensor(k);
    if (tensor.elements > MAX_ELEMENTS || !(tensor.type in LIMITS) || isQuantized(tensor)) {
      return null;
    }
    const values = op.numbers(k);
    if (!values || values.length === 0) return null;
    known.push({ shape: tensor.shape, values });
  }
  return known;
}
