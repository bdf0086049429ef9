// SPDX-License-Identifier: Apache-2.0
// quantizeLinear and dequantizeLinear. https://www.w3.org/TR/webnn/#api-mlgraphbuilder-quantizelinear-method

import { check, FLOAT_TYPES, limit } from "./operator.js";
import { padded, stridesOf } from "./shape.js";

/** @typedef {import("./operator.js").Operator} Operator */
/** @typedef {import("./operator.js").DataType} DataType */
/** @typedef {import("./operator.js").Node} Node */

/** @type {readonly DataType[]} */
const INTEGER_TYPES = ["uint8", "int8", "uint32", "int32"];

/** Blocks: every dimension of the input is a multiple of the scale's. @param {any} call */
function checkParameters({ input, scale, zeroPoint }) {
  const rank = input.shape.length;
  check(scale.shape.length === rank, "scale rank", scale.shape.length, `the input's rank ${rank}`);
  check(
    String(zeroPoint.shape) === String(scale.shape),
    "zeroPoint shape",
    zeroPoint.shape,
    `the scale's [${scale.shape.join(", ")}]`,
  );
  for (const [i, d] of input.shape.entries()) {
    check(
      d % scale.shape[i] === 0,
      `scale shape[${i}]`,
      scale.shape[i],
      `a divisor of the input's ${d}`,
    );
  }
}

/** The quantization_shape of a node and its range. @param {Node} node */
function parameterArguments(node) {
  const { input, scale } = node.inputs;
  const dims = input.shape;
  const shape = {
    rank: dims.length,
    dims: padded(dims),
    blocks: padded(dims.map((d, i) => d / scale.shape[i])),
    strides: padded(stridesOf(scale.shape)),
  };
  const inner = dims.length ? dims[dims.length - 1] : 1;
  return { shape, extent: input.elements / inner, perUnit: 8 * inner };
}

/** @type {Operator} */
export const quantizeLinear = {
  name: "quantizeLinear",
  parameters: { input: "operand", scale: "operand", zeroPoint: "operand" },
  options: {},
  limits: {
    input: limit(FLOAT_TYPES),
    scale: limit("input"),
    zeroPoint: limit(INTEGER_TYPES),
    output: limit("zeroPoint"),
  },
  infer(call) {
    checkParameters(call);
    return { outputs: [{ dataType: call.zeroPoint.dataType, shape: call.input.shape }] };
  },
  lower(node, to) {
    const { input: x, scale, zeroPoint } = node.inputs;
    const { shape, extent, perUnit } = parameterArguments(node);
    const y_type = to.elementType(node.output);
    to.step(
      "quantize_nd",
      { y: node.output, x, scale, zero_point: zeroPoint, y_type, shape },
      extent,
      perUnit,
    );
  },
};

/** @type {Operator} */
export const dequantizeLinear = {
  name: "dequantizeLinear",
  parameters: { input: "operand", scale: "operand", zeroPoint: "operand" },
  options: {},
  limits: {
    input: limit(INTEGER_TYPES),
    scale: limit(FLOAT_TYPES),
    zeroPoint: limit("input"),
    output: limit("scale"),
  },
  infer(call) {
    checkParameters(call);
    return { outputs: [{ dataType: call.scale.dataType, shape: call.input.shape }] };
  },
  lower(node, to) {
    const { input: x, scale, zeroPoint } = node.inputs;
    const { shape, extent, perUnit } = parameterArguments(node);
    const x_type = to.elementType(x);
    to.step(
      "dequantize_nd",
      { y: node.output, x, scale, zero_point: zeroPoint, x_type, shape },
      extent,
      perUnit,
    );
  },
};
