// SPDX-License-Identifier: Apache-2.0
// Elementwise operators of two operands.
// https://www.w3.org/TR/webnn/#api-mlgraphbuilder-binary

import { BINARY_OP } from "../gen/kernels.js";
import { constantNumbers } from "../ir/numbers.js";
import { Composer } from "./compose.js";
import { ANY_TYPE, ELEMENT_WORK, limit, SIGNED_TYPES } from "./operator.js";
import { broadcastOrFail, broadcastStrides, coalesce, padded } from "./shape.js";

/** @typedef {import("./operator.js").Operator} Operator */
/** @typedef {import("./operator.js").Node} Node */
/** @typedef {import("./operator.js").Value} Value */
/** @typedef {import("./operator.js").Lowering} Lowering */
/** @typedef {import("./shape.js").Shape} Shape */

/** Elements of the innermost dimension that the binary kernels take at a time (kernels.h). */
const PIECE = 4096;

/**
 * The broadcast_shape of two operands and the extent of its range.
 *
 * @param {Shape} a
 * @param {Shape} b
 * @param {Shape} output
 */
export function broadcastArguments(a, b, output) {
  const { dims, strides } = coalesce(output, [
    broadcastStrides(a, output),
    broadcastStrides(b, output),
  ]);
  const inner = dims[dims.length - 1];
  const outer = dims.slice(0, -1).reduce((product, d) => product * d, 1);
  return {
    shape: {
      rank: dims.length,
      dims: padded(dims),
      a_strides: padded(strides[0]),
      b_strides: padded(strides[1]),
    },
    extent: outer * Math.ceil(inner / PIECE),
    perUnit: Math.min(inner, PIECE),
  };
}

/**
 * @param {Node} node
 * @param {Lowering} to
 * @param {number} op
 * @param {Value} a
 * @param {Value} b
 */
function lowerBinary(node, to, op, a, b) {
  const y = node.output;
  const { shape, extent, perUnit } = broadcastArguments(a.shape, b.shape, y.shape);
  if (y.dataType === "float32") {
    to.step("f32_binary", { y, a, b, op, shape }, extent, ELEMENT_WORK * perUnit);
  } else {
    const type = to.elementType(y);
    to.step("int_binary", { y, a, b, op, type, shape }, extent, 2 * ELEMENT_WORK * perUnit);
  }
}

/**
 * @param {keyof typeof BINARY_OP} name
 * @returns {Operator}
 */
function arithmetic(name) {
  return {
    name,
    parameters: { a: "operand", b: "operand" },
    options: {},
    limits: { a: limit(ANY_TYPE), b: limit("a"), output: limit("a") },
    infer({ a, b }) {
      const shape = broadcastOrFail("a", a.shape, "b", b.shape);
      return { outputs: [{ dataType: a.dataType, shape }] };
    },
    lower: (node, to) => lowerBinary(node, to, BINARY_OP[name], node.inputs.a, node.inputs.b),
  };
}

export const add = arithmetic("add");
export const sub = arithmetic("sub");
export const mul = arithmetic("mul");
export const div = arithmetic("div");
export const max = arithmetic("max");
export const min = arithmetic("min");

/** @type {Operator} */
export const pow = {
  ...arithmetic("pow"),
  decompose(node, graph) {
    // The commonest exponent is a multiplication, with the same rounding.
    const { a, b } = node.inputs;
    const exponent = b.elements === 1 ? constantNumbers(b) : null;
    const isSquare = exponent && Number(exponent[0]) === 2 && b.shape.length <= a.shape.length;
    return isSquare ? [new Composer(graph, node).mul(a, a)] : node.outputs;
  },
};

/** max(0, x) + slope * min(0, x), broadcast both ways. @type {Operator} */
export const prelu = {
  name: "prelu",
  parameters: { input: "operand", slope: "operand" },
  options: {},
  limits: { input: limit(SIGNED_TYPES), slope: limit("input"), output: limit("input") },
  infer({ input, slope }) {
    const shape = broadcastOrFail("input", input.shape, "slope", slope.shape);
    return { outputs: [{ dataType: input.dataType, shape }] };
  },
  decompose(node, graph) {
    const { input, slope } = node.inputs;
    if (input.dataType === "float32") return node.outputs;
    const c = new Composer(graph, node);
    const zero = c.scalar(input.dataType, 0);
    const below = c.mul(slope, c.binary("min", input, zero));
    return [c.add(c.binary("max", input, zero), below)];
  },
  lower: (node, to) => lowerBinary(node, to, BINARY_OP.prelu, node.inputs.input, node.inputs.slope),
};
