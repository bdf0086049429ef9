// SPDX-License-Identifier: Apache-2.0
// Elementwise operators of one operand, activations and cast.
// https://www.w3.org/TR/webnn/#api-mlgraphbuilder-unary

import { UNARY_OP } from "../gen/kernels.js";
import { ANY_TYPE, check, FLOAT_TYPES, limit } from "./operator.js";

/** @typedef {import("./operator.js").Operator} Operator */
/** @typedef {import("./operator.js").DataType} DataType */
/** @typedef {import("./operator.js").Node} Node */
/** @typedef {import("./operator.js").Lowering} Lowering */

/**
 * @param {Node} node
 * @param {Lowering} to
 * @param {number} op
 * @param {number} [p0]
 * @param {number} [p1]
 */
function lowerUnary(node, to, op, p0 = 0, p1 = 0) {
  to.requireType(node, "float32");
  to.step("f32_unary", { y: node.output, x: node.inputs.input, op, p0, p1 }, node.output.elements);
}

/**
 * An operator without options over `types`.
 *
 * @param {string} name
 * @param {readonly DataType[]} types
 * @param {Operator["lower"]} lower
 * @returns {Operator}
 */
function unary(name, types, lower) {
  return {
    name,
    parameters: { input: "operand" },
    options: {},
    limits: { input: limit(types), output: limit("input") },
    infer: ({ input }) => ({ outputs: [{ dataType: input.dataType, shape: input.shape }] }),
    lower,
    elementwise: true,
  };
}

export const sigmoid = unary("sigmoid", FLOAT_TYPES, (node, to) =>
  lowerUnary(node, to, UNARY_OP.sigmoid),
);
export const exp = unary("exp", FLOAT_TYPES, (node, to) => lowerUnary(node, to, UNARY_OP.exp));
export const tanh = unary("tanh", FLOAT_TYPES, (node, to) => lowerUnary(node, to, UNARY_OP.tanh));
export const relu = unary("relu", ["float32", "float16", "int64", "int32", "int8"], (node, to) =>
  lowerUnary(node, to, UNARY_OP.clamp, 0, Infinity),
);

/** @type {Operator} */
export const identity = {
  ...unary("identity", ANY_TYPE, (node, to) => to.alias(node.output, node.inputs.input)),
  elementwise: false,
  movement: true,
};

/**
 * A bound of clamp: absent and NaN mean no bound.
 *
 * @param {number | bigint | undefined} value
 * @param {number} otherwise
 */
function bound(value, otherwise) {
  return value === undefined || Number.isNaN(value) ? otherwise : value;
}

/** @type {Operator} */
export const clamp = {
  name: "clamp",
  parameters: { input: "operand" },
  options: { minValue: ["number"], maxValue: ["number"] },
  limits: { input: limit(ANY_TYPE), output: limit("input") },
  infer({ input, minValue, maxValue }) {
    const low = bound(minValue, -Infinity);
    const high = bound(maxValue, Infinity);
    check(low <= high, "minValue", low, `at most maxValue (${high})`);
    return {
      outputs: [{ dataType: input.dataType, shape: input.shape }],
      attributes: { minValue: low, maxValue: high },
    };
  },
  lower(node, to) {
    const { minValue, maxValue } = node.attributes;
    lowerUnary(node, to, UNARY_OP.clamp, minValue, maxValue);
  },
  elementwise: true,
};

/** @type {Operator} */
export const cast = {
  name: "cast",
  parameters: { input: "operand", dataType: "dataType" },
  options: {},
  limits: { input: limit(ANY_TYPE), output: limit(ANY_TYPE) },
  infer: ({ input, dataType }) => ({ outputs: [{ dataType, shape: input.shape }] }),
  lower(node, to) {
    const x = node.inputs.input;
    to.step(
      "cast",
      {
        y: node.output,
        x,
        y_type: to.elementType(node.output),
        x_type: to.elementType(x),
      },
      x.elements,
    );
  },
  elementwise: true,
};
