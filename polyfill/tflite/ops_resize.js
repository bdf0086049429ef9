// SPDX-License-Identifier: Apache-2.0
// RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR over [batch, height, width, channels].
//
// WebNN's resample2d knows half-pixel centres only. TFLite's other coordinate rules are written out
// in public operators, one axis after the other (rows, then columns), skipping an axis that keeps
// its coordinates. Compilers recognise exactly this form, so it is kept literal:
//
//   a = gather(x, lower, {axis})          lower, upper: int32 constants [output size]
//   b = gather(x, upper, {axis})
//   y = add(a, mul(sub(b, a), weight))    weight: float32 constant, output size on the axis, else 1

import { listed, UnsupportedError } from "./errors.js";
import { MAX_TABLE } from "./ops_movement.js";
import { codedAlike, isQuantized } from "./tensor.js";

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {import("./tensor.js").Quantization} Quantization */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */

/** @typedef {{alignCorners: boolean, halfPixelCenters: boolean}} Rule */

/** @param {OperatorCall} op */
export function resizeBilinear(op) {
  const { sizes, rule } = resizeOf(op);
  const bytes = BYTES[op.tensor(0).type];
  const alike = isQuantized(op.tensor(0)) && codedAlike(op.tensor(0), op.outputTensor());
  if (bytes === undefined || !alike) {
    op.compute([0], (x) => resized(op, x, sizes, rule, (weight) => weight));
    return;
  }
  // XNNPACK's kernel: weights of 11 bits, and the bytes themselves are mixed, halves rounded up.
  // Counted from the lowest byte nothing is below 0; a scale that is a little less when bytes are
  // made again turns what is half a step into more.
  const { quantization } = op.tensor(0);
  const scale = /** @type {Quantization} */ (quantization).scale[0];
  const raw = op.raw(0);
  const coding = (/** @type {number} */ value) => [
    op.constant("float32", [1, 1, 1, 1], [value]),
    op.constant(raw.dataType, [1, 1, 1, 1], [bytes]),
  ];
  const real = op.build("dequantizeLinear", [raw, ...coding(scale)]);
  const y = resized(op, real, sizes, rule, (weight) => Math.round(weight * 2048) / 2048);
  op.setRaw(op.build("quantizeLinear", [y, ...coding(scale * (1 - 2 ** -22))]));
}

/**
 * @param {OperatorCall} op
 * @param {MLOperand} x
 * @param {number[]} sizes
 * @param {Rule} rule
 * @param {(weight: number) => number} rounded
 * @returns {MLOperand}
 */
function resized(op, x, sizes, rule, rounded) {
  if (rule.halfPixelCenters) {
    return op.build("resample2d", [x], { mode: "linear", sizes, axes: [1, 2] });
  }
  return [1, 2].reduce((y, axis) => {
    const [input, size] = [y.shape[axis], sizes[axis - 1]];
    if (size === input) return y;
    const { lower, upper, weights } = linearCoordinates(input, size, rule);
    return interpolate(op, y, axis, { lower, upper, weights: weights.map(rounded) });
  }, x);
}

/** What the lowest byte of a type is. @type {Readonly<Record<string, number>>} */
const BYTES = { UINT8: 0, INT8: -128 };

/**
 * @param {OperatorCall} op
 * @param {MLOperand} x
 * @param {number} axis
 * @param {{lower: number[], upper: number[], weights: number[]}} mixed
 * @returns {MLOperand}
 */
function interpolate(op, x, axis, { lower, upper, weights }) {
  const size = weights.length;
  const indices = (/** @type {number[]} */ values) => op.constant("int32", [size], values);
  const a = op.build("gather", [x, indices(lower)], { axis });
  const b = op.build("gather", [x, indices(upper)], { axis });
  const along = x.shape.map((_, i) => (i === axis ? size : 1));
  const weight = op.constant("float32", along, weights);
  return op.build("add", [a, op.build("mul", [op.build("sub", [b, a]), weight])]);
}

/**
 * Rows or columns to mix, in float32 as TFLite computes them. Without half pixels the coordinates
 * start at 0 and never leave the input by one or more.
 *
 * @param {number} input
 * @param {number} output
 * @param {Rule} rule
 */
function linearCoordinates(input, output, rule) {
  const scale = scaleOf(input, output, rule);
  const lower = [];
  const upper = [];
  const weights = [];
  for (let i = 0; i < output; i++) {
    const at = Math.fround(i * scale);
    const low = Math.min(Math.floor(at), input - 1);
    lower.push(low);
    upper.push(Math.min(low + 1, input - 1));
    weights.push(Math.fround(at - low));
  }
  return { lower, upper, weights };
}

/** @param {number} input @param {number} output @param {Rule} rule */
function scaleOf(input, output, { alignCorners }) {
  return Math.fround(alignCorners && output > 1 ? (input - 1) / (output - 1) : input / output);
}

/** @param {OperatorCall} op */
export function resizeNearestNeighbor(op) {
  const { sizes, rule } = resizeOf(op);
  const shape = op.shape(0);
  const rows = nearestCoordinates(shape[1], sizes[0], rule);
  const columns = nearestCoordinates(shape[2], sizes[1], rule);
  const real = op.mapping.isReal(op.input(0));
  const whole = real || op.mapping.supports("resample2d", op.raw(0).dataType);
  if (whole && isResample(rows, shape[1]) && isResample(columns, shape[2])) {
    const options = { mode: "nearest-neighbor", sizes, axes: [1, 2] };
    op.move("resample2d", [0], (x) => op.build("resample2d", [x], options));
    return;
  }
  op.move("gather", [0], (x) =>
    [rows, columns].reduce((y, values, i) => {
      if (values.every((value, at) => value === at) && values.length === y.shape[1 + i]) return y;
      const indices = op.constant("int32", [values.length], values);
      return op.build("gather", [y, indices], { axis: 1 + i });
    }, x),
  );
}

/** @param {number} input @param {number} output @param {Rule} rule @returns {number[]} */
function nearestCoordinates(input, output, rule) {
  const scale = scaleOf(input, output, rule);
  const offset = rule.halfPixelCenters ? 0.5 : 0;
  return Array.from({ length: output }, (_, i) => {
    const at = Math.fround(Math.fround(i + offset) * scale);
    // Halves are rounded away from zero; coordinates are never negative.
    return Math.min(rule.alignCorners ? Math.floor(at + 0.5) : Math.floor(at), input - 1);
  });
}

/**
 * Whether resample2d chooses the same elements, for certain: centres that lie between two elements,
 * where implementations may differ, count as no.
 *
 * @param {readonly number[]} indices
 * @param {number} input
 * @returns {boolean}
 */
function isResample(indices, input) {
  const output = indices.length;
  return indices.every((index, i) => {
    const centre = ((2 * i + 1) * input) / (2 * output);
    return !Number.isInteger(centre) && Math.floor(centre) === index;
  });
}

/** @param {OperatorCall} op @returns {{sizes: number[], rule: Rule}} */
function resizeOf(op) {
  op.requireRank(0, 4);
  const { alignCorners, halfPixelCenters } = op.options;
  if (alignCorners && halfPixelCenters) {
    throw op.malformed("align_corners and half_pixel_centers", "one of them", "resize rule");
  }
  const given = op.numbers(1) ?? op.targetShape(1).slice(1, 3);
  if (given.length !== 2 || !given.every((size) => size >= 1)) {
    throw op.malformed(`size ${listed(given)}`, "height and width from 1", "resize size");
  }
  if (Math.max(...given) > MAX_TABLE) throw new UnsupportedError(`a size of ${listed(given)}`);
  return { sizes: given, rule: { alignCorners, halfPixelCenters } };
}
