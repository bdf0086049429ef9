// SPDX-License-Identifier: Apache-2.0
// Elementwise operators of two operands.
// https://www.w3.org/TR/webnn/#api-mlgraphbuilder-binary

import { BINARY_OP } from "../gen/kernels.js";
import { ANY_TYPE, limit } from "./operator.js";
import { broadcastOrFail, broadcastStrides, coalesce, padded } from "./shape.js";

/** @typedef {import("./operator.js").Operator} Operator */
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
    lower(node, to) {
      const { a, b } = node.inputs;
      to.requireType(node, "float32");
      const { shape, extent, perUnit } = broadcastArguments(a.shape, b.shape, node.output.shape);
      to.step("f32_binary", { y: node.output, a, b, op: BINARY_OP[name], shape }, extent, perUnit);
    },
  };
}

export const add = arithmetic("add");
export const sub = arithmetic("sub");
export const mul = arithmetic("mul");
export const div = arithmetic("div");
export const max = arithmetic("max");
export const min = arithmetic("min");
