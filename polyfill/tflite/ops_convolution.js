// SPDX-License-Identifier: Apache-2.0
// Convolutions and fully connected layers. Data are NHWC, filters OHWI (depthwise: 1HWO).

import { listed, UnsupportedError } from "./errors.js";
import { positive, slidingWindow } from "./ops_window.js";
import { isQuantized } from "./tensor.js";

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */

/** CONV_2D, grouped where the filter has fewer input channels. @param {OperatorCall} op */
export function conv2d(op) {
  const shape = op.requireRank(0, 4);
  const [outputs, height, width, channels] = op.requireRank(1, 4);
  const groups = shape[3] / channels;
  if (!Number.isInteger(groups)) {
    const got = `${channels} filter input channels`;
    throw op.malformed(got, `a divisor of the input's ${shape[3]}`, "groups", op.tensor(1).name);
  }
  const operands = [op.float(0), op.float(1)];
  const options = {
    ...slidingWindow(op, shape, [height, width]),
    groups,
    inputLayout: "nhwc",
    filterLayout: "ohwi",
    ...biasOption(op, { bias: 2, input: 0, filter: 1 }, outputs),
  };
  const y = op.build("conv2d", operands, options);
  op.setFloat(op.activate(y, op.options.fusedActivationFunction));
}

/**
 * DEPTHWISE_CONV_2D: output channel c·m + q is filter q of channel c, which is WebNN's order of
 * groups.
 *
 * @param {OperatorCall} op
 */
export function depthwiseConv2d(op) {
  const shape = op.requireRank(0, 4);
  const [, height, width, outputs] = op.requireRank(1, 4);
  const operands = [op.float(0), op.float(1)];
  const options = {
    ...slidingWindow(op, shape, [height, width]),
    groups: shape[3],
    inputLayout: "nhwc",
    filterLayout: "ihwo",
    ...biasOption(op, { bias: 2, input: 0, filter: 1 }, outputs),
  };
  const y = op.build("conv2d", operands, options);
  op.setFloat(op.activate(y, op.options.fusedActivationFunction));
}

/**
 * TRANSPOSE_CONV: the padding follows from the output size it asks for.
 *
 * @param {OperatorCall} op
 */
export function transposeConv(op) {
  const target = op.targetShape(0);
  const shape = op.requireRank(2, 4);
  const [outputs, height, width] = op.requireRank(1, 4);
  if (target.length !== 4) throw op.malformed(listed(target), "4 dimensions", "output shape");
  const { strideH, strideW, padding, fusedActivationFunction } = op.options;
  const strides = positive(op, [strideH, strideW], "strides");
  const totals = [height, width].map((size, i) =>
    padding === "SAME" ? Math.max((shape[1 + i] - 1) * strides[i] + size - target[1 + i], 0) : 0,
  );
  // What SAME cuts off is less than a filter; more would be computed only to be thrown away.
  for (const [i, size] of [height, width].entries()) {
    if (totals[i] >= size) {
      const expected = `more than ${(shape[1 + i] - 1) * strides[i]} (input and strides)`;
      throw op.malformed(`output size ${target[1 + i]}`, expected, "output shape");
    }
  }
  const operands = [op.float(2), op.float(1)];
  const options = {
    ...transposed(strides, totals),
    outputSizes: target.slice(1, 3),
    ...biasOption(op, { bias: 3, input: 2, filter: 1 }, outputs),
  };
  const y = op.build("convTranspose2d", operands, options);
  op.setFloat(op.activate(y, fusedActivationFunction));
}

/**
 * Convolution2DTransposeBias, MediaPipe's custom operator: a transposed convolution with bias whose
 * options are three int32: padding (1 SAME, 2 VALID), stride width, stride height. Under SAME the
 * last (input − 1) mod stride + 1 rows of the filter's overhang remain.
 *
 * @param {OperatorCall} op
 */
export function transposeConvBias(op) {
  const bytes = op.customOptions;
  if (!bytes || bytes.length < 12) {
    throw op.malformed(`${bytes?.length ?? 0} bytes of options`, "12", "custom options");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const strides = positive(op, [view.getInt32(8, true), view.getInt32(4, true)], "strides");
  const same = view.getInt32(0, true) === 1;
  const shape = op.requireRank(0, 4);
  const [outputs, height, width] = op.requireRank(1, 4);
  const totals = [height, width].map((size, i) =>
    same ? Math.max(0, size - ((shape[1 + i] - 1) % strides[i]) - 1) : 0,
  );
  const operands = [op.float(0), op.float(1)];
  const options = {
    ...transposed(strides, totals),
    ...biasOption(op, { bias: 2, input: 0, filter: 1 }, outputs),
  };
  op.setFloat(op.build("convTranspose2d", operands, options));
}

/** @param {[number, number]} strides @param {number[]} totals padding of height and width */
function transposed(strides, totals) {
  const [top, left] = totals.map((total) => Math.floor(total / 2));
  return {
    strides,
    padding: [top, totals[0] - top, left, totals[1] - left],
    inputLayout: "nhwc",
    filterLayout: "ohwi",
  };
}

/**
 * FULLY_CONNECTED: all but the last dimension are rows, as far as the sizes say so.
 *
 * @param {OperatorCall} op
 */
export function fullyConnected(op) {
  const { weightsFormat, keepNumDims, fusedActivationFunction } = op.options;
  if (weightsFormat !== "DEFAULT") throw new UnsupportedError(`weights format ${weightsFormat}`);
  const shape = op.shape(0);
  const [units, depth] = op.requireRank(1, 2);
  const rows = shape.reduce((product, d) => product * d, 1) / depth;
  if (!Number.isInteger(rows) || rows === 0) {
    const expected = `a multiple of ${depth} elements`;
    throw op.malformed(`shape ${listed(shape)}`, expected, "input size", op.tensor(0).name);
  }
  const options = {
    bTranspose: true,
    ...biasOption(op, { bias: 2, input: 0, filter: 1 }, units, "c"),
  };
  const y = op.build("gemm", [asMatrix(op, [rows, depth]), op.float(1)], options);
  const result = op.activate(y, fusedActivationFunction);
  const target = keepNumDims ? [...shape.slice(0, -1), units] : [rows, units];
  setReshaped(op, result, target);
}

/**
 * The float view of input 0 as a matrix; stored integers are reshaped before they are dequantized,
 * so that the product stays next to its dequantizeLinear.
 *
 * @param {OperatorCall} op
 * @param {[number, number]} shape
 * @returns {MLOperand}
 */
function asMatrix(op, shape) {
  if (String(op.shape(0)) === String(shape)) return op.float(0);
  const tensor = op.tensor(0);
  const direct =
    isQuantized(tensor) &&
    tensor.quantization?.scale.length === 1 &&
    op.mapping.supports("reshape", op.mapping.dataType(op.input(0)));
  if (!direct) return op.reshape(op.float(0), shape);
  return op.mapping.dequantized(op.reshape(op.raw(0), shape), op.input(0), op.label);
}

/** @param {OperatorCall} op @param {MLOperand} result float32 @param {readonly number[]} shape */
function setReshaped(op, result, shape) {
  if (shape.length === 2) return op.setFloat(result);
  const index = op.output();
  const direct =
    isQuantized(op.outputTensor()) && op.mapping.supports("reshape", op.mapping.dataType(index));
  if (!direct) return op.setFloat(op.reshape(result, shape));
  op.setRaw(op.reshape(op.mapping.quantized(result, index, op.label), shape));
}

/**
 * The bias as an option of the builder's call, or nothing. An int32 bias without scales of its own
 * counts in units of input scale × filter scale.
 *
 * @param {OperatorCall} op
 * @param {{bias: number, input: number, filter: number}} positions
 * @param {number} channels
 * @param {string} [key]
 * @returns {Record<string, MLOperand>}
 */
function biasOption(op, positions, channels, key = "bias") {
  const { bias: position } = positions;
  if (!op.has(position)) return {};
  const tensor = op.tensor(position);
  if (tensor.elements !== channels) {
    const got = `${tensor.elements} elements`;
    throw op.malformed(got, `${channels} (output channels)`, "bias size", tensor.name);
  }
  const implied = tensor.type === "INT32" && !isQuantized(tensor);
  const real =
    tensor.type === "INT64"
      ? wideBias(op, positions)
      : implied
        ? impliedBias(op, positions)
        : op.float(position);
  return { [key]: real.shape.length === 1 ? real : op.reshape(real, [channels]) };
}

/**
 * 64 bits, beside int16: WebNN does not dequantize them, float32 holds as much as the sum needs.
 *
 * @param {OperatorCall} op
 * @param {{bias: number, input: number, filter: number}} positions
 * @returns {MLOperand}
 */
function wideBias(op, positions) {
  const stored = op.requireNumbers(positions.bias, "bias");
  const own = op.tensor(positions.bias).quantization?.scale ?? [];
  const scales = own.length ? own : impliedScales(op, positions);
  const real = stored.map((q, i) => q * (scales.length > 1 ? scales[i] : scales[0]));
  return op.constant("float32", [real.length], real);
}

/** @param {OperatorCall} op @param {{input: number, filter: number}} positions */
function impliedScales(op, { input, filter }) {
  const scaleOf = (/** @type {number} */ position) => {
    const { quantization, name } = op.tensor(position);
    if (quantization?.scale.length) return quantization.scale;
    throw op.malformed("no scales", "scales beside an integer bias", "quantization", name);
  };
  const [unit] = scaleOf(input);
  return scaleOf(filter).map((scale) => Math.fround(unit * scale));
}

/** @param {OperatorCall} op @param {{bias: number, input: number, filter: number}} positions */
function impliedBias(op, { bias, input, filter }) {
  const scales = impliedScales(op, { input, filter });
  const operand = op.raw(bias);
  const shape = operand.shape.map((d) => (d === 1 ? 1 : scales.length));
  const scale = op.constant("float32", shape, scales);
  const zeroPoint = op.constant(
    "int32",
    shape,
    scales.map(() => 0),
  );
  return op.build("dequantizeLinear", [operand, scale, zeroPoint]);
}
