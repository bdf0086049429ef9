// SPDX-License-Identifier: Apache-2.0
// quantizeLinear and dequantizeLinear. https://www.w3.org/TR/webnn/#api-mlgraphbuilder-quantizelinear-method

import { Composer } from "./compose.js";
import { check, ELEMENT_WORK, FLOAT_TYPES, limit, NIBBLE_TYPES } from "./operator.js";
import { padded, stridesOf } from "./shape.js";

/** @typedef {import("./operator.js").Operator} Operator */
/** @typedef {import("./operator.js").DataType} DataType */
/** @typedef {import("./operator.js").Node} Node */
/** @typedef {import("./operator.js").Graph} Graph */

/** @type {readonly DataType[]} */
const INTEGER_TYPES = ["uint8", "int8", "uint32", "int32", ...NIBBLE_TYPES];

/**
 * Blocks: every dimension of the input is a multiple of the scale's. With a 4-bit type, which models use
 * that were made for an older standard, the scale may lack leading dimensions of 1.
 *
 * @param {any} call
 */
function checkParameters({ input, scale, zeroPoint }) {
  const rank = input.shape.length;
  const lacking = rank - scale.shape.length;
  const fits = lacking === 0 || (lacking > 0 && NIBBLE_TYPES.includes(zeroPoint.dataType));
  check(fits, "scale rank", scale.shape.length, `the input's rank ${rank}`);
  check(
    String(zeroPoint.shape) === String(scale.shape),
    "zeroPoint shape",
    zeroPoint.shape,
    `the scale's [${scale.shape.join(", ")}]`,
  );
  for (const [i, d] of scale.shape.entries()) {
    const extent = input.shape[i + lacking];
    check(extent % d === 0, `scale shape[${i}]`, d, `a divisor of the input's ${extent}`);
  }
}

/**
 * The operator with leading dimensions where its scale lacks them.
 *
 * @param {Node} node
 * @param {Graph} graph
 */
function completeScale(node, graph) {
  const { input, scale, zeroPoint } = node.inputs;
  const lacking = input.shape.length - scale.shape.length;
  if (lacking === 0) return node.outputs;
  const c = new Composer(graph, node);
  const shape = [...new Array(lacking).fill(1), ...scale.shape];
  const inputs = { input, scale: c.reshape(scale, shape), zeroPoint: c.reshape(zeroPoint, shape) };
  return [c.insert(node.op, inputs, {}, node.output.shape, node.output.dataType)];
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
  decompose: completeScale,
  lower(node, to) {
    const { input: x, scale, zeroPoint } = node.inputs;
    const { shape, extent, perUnit } = parameterArguments(node);
    const y_type = to.elementType(node.output);
    to.step(
      "quantize_nd",
      { y: node.output, x, scale, zero_point: zeroPoint, y_type, shape },
      extent,
      2 * ELEMENT_WORK * perUnit,
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
  decompose: completeScale,
  lower(node, to) {
    const { input: x, scale, zeroPoint } = node.inputs;
    const { shape, extent, perUnit } = parameterArguments(node);
    const x_type = to.elementType(x);
    to.step(
      "dequantize_nd",
      { y: node.output, x, scale, zero_point: zeroPoint, x_type, shape },
      extent,
      2 * ELEMENT_WORK * perUnit,
    );
  },
};
