// SPDX-License-Identifier: Apache-2.0
// Elementwise operators whose result is a truth value, and the choice by one.
// https://www.w3.org/TR/webnn/#api-mlgraphbuilder-logical

import { COMPARE_OP } from "../gen/kernels.js";
import { Composer } from "./compose.js";
import { elementBytes } from "./copy.js";
import { broadcastArguments } from "./elementwise_binary.js";
import { ANY_TYPE, ELEMENT_WORK, FLOAT_TYPES, limit } from "./operator.js";
import { broadcastOrFail, broadcastStrides, coalesce, padded } from "./shape.js";

/** @typedef {import("./operator.js").Operator} Operator */
/** @typedef {import("./operator.js").DataType} DataType */
/** @typedef {import("./operator.js").Value} Value */

/** @type {readonly DataType[]} */
const TRUTH = ["uint8"];

/**
 * @param {string} name
 * @param {readonly DataType[]} types
 * @param {number} op
 * @param {boolean} [swapped] whether the kernel takes b before a
 * @returns {Operator}
 */
function comparison(name, types, op, swapped = false) {
  return {
    name,
    parameters: { a: "operand", b: "operand" },
    options: {},
    limits: { a: limit(types), b: limit("a"), output: limit(TRUTH) },
    infer({ a, b }) {
      const shape = broadcastOrFail("a", a.shape, "b", b.shape);
      return { outputs: [{ dataType: "uint8", shape }] };
    },
    lower(node, to) {
      const y = node.output;
      const [a, b] = swapped ? [node.inputs.b, node.inputs.a] : [node.inputs.a, node.inputs.b];
      const { shape, extent, perUnit } = broadcastArguments(a.shape, b.shape, y.shape);
      const type = to.elementType(a);
      to.step("compare", { y, a, b, op, type, shape }, extent, 2 * ELEMENT_WORK * perUnit);
    },
  };
}

export const equal = comparison("equal", ANY_TYPE, COMPARE_OP.equal);
export const notEqual = comparison("notEqual", ANY_TYPE, COMPARE_OP.not_equal);
export const greater = comparison("greater", ANY_TYPE, COMPARE_OP.greater);
export const greaterOrEqual = comparison("greaterOrEqual", ANY_TYPE, COMPARE_OP.greater_or_equal);
export const lesser = comparison("lesser", ANY_TYPE, COMPARE_OP.greater, true);
export const lesserOrEqual = comparison(
  "lesserOrEqual",
  ANY_TYPE,
  COMPARE_OP.greater_or_equal,
  true,
);
export const logicalAnd = comparison("logicalAnd", TRUTH, COMPARE_OP.and);
export const logicalOr = comparison("logicalOr", TRUTH, COMPARE_OP.or);
export const logicalXor = comparison("logicalXor", TRUTH, COMPARE_OP.xor);

/**
 * A predicate of one operand in terms of comparisons.
 *
 * @param {string} name
 * @param {readonly DataType[]} types
 * @param {(c: Composer, a: Value) => Value} compose
 * @returns {Operator}
 */
function predicate(name, types, compose) {
  return {
    name,
    parameters: { a: "operand" },
    options: {},
    limits: { a: limit(types), output: limit(TRUTH) },
    infer: ({ a }) => ({ outputs: [{ dataType: "uint8", shape: a.shape }] }),
    decompose: (node, graph) => [compose(new Composer(graph, node), node.inputs.a)],
  };
}

export const logicalNot = predicate("logicalNot", TRUTH, (c, a) =>
  c.compare("equal", a, c.scalar("uint8", 0)),
);
export const notANumber = predicate("isNaN", FLOAT_TYPES, (c, a) => c.compare("notEqual", a, a));
export const isInfinite = predicate("isInfinite", FLOAT_TYPES, (c, a) =>
  c.compare("equal", c.unary("abs", a), c.scalar("float32", Infinity)),
);

/** @type {Operator} */
export const where = {
  name: "where",
  parameters: { condition: "operand", trueValue: "operand", falseValue: "operand" },
  options: {},
  limits: {
    condition: limit(TRUTH),
    trueValue: limit(ANY_TYPE),
    falseValue: limit("trueValue"),
    output: limit("trueValue"),
  },
  infer({ condition, trueValue, falseValue }) {
    const { dataType } = trueValue;
    const values = broadcastOrFail("trueValue", trueValue.shape, "falseValue", falseValue.shape);
    const shape = broadcastOrFail("the values", values, "condition", condition.shape);
    return { outputs: [{ dataType, shape }] };
  },
  lower(node, to) {
    const { condition, trueValue: a, falseValue: b } = node.inputs;
    const y = node.output;
    const operands = [condition, a, b];
    const { dims, strides } = coalesce(
      y.shape,
      operands.map(({ shape }) => broadcastStrides(shape, y.shape)),
    );
    const inner = dims[dims.length - 1];
    const shape = {
      rank: dims.length,
      dims: padded(dims),
      condition_strides: padded(strides[0]),
      a_strides: padded(strides[1]),
      b_strides: padded(strides[2]),
    };
    const element_bytes = elementBytes(y);
    to.step("select_nd", { y, condition, a, b, element_bytes, shape }, y.elements / inner, inner);
  },
  opaque: true,
};
