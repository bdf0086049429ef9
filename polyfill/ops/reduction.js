// SPDX-License-Identifier: Apache-2.0
// Reductions over axes, and softmax. https://www.w3.org/TR/webnn/#api-mlgraphbuilder-reduce

import { REDUCE_OP } from "../gen/kernels.js";
import { emitTranspose } from "./copy.js";
import { ANY_TYPE, check, FLOAT_TYPES, limit } from "./operator.js";
import { checkAxes, elementCount } from "./shape.js";

/** @typedef {import("./operator.js").Operator} Operator */
/** @typedef {import("./operator.js").DataType} DataType */
/** @typedef {import("./operator.js").Lowering} Lowering */
/** @typedef {import("./operator.js").Value} Value */

/** @type {readonly DataType[]} */
const SUM_TYPES = ["float32", "float16", "int32", "uint32", "int64", "uint64"];

/**
 * @param {string} name
 * @param {readonly DataType[]} types
 * @param {number} op
 * @returns {Operator}
 */
function reduction(name, types, op) {
  return {
    name,
    parameters: { input: "operand" },
    options: { axes: ["u32[]"], keepDimensions: ["boolean", false] },
    limits: { input: limit(types), output: limit("input") },
    infer({ input, axes = [...input.shape.keys()], keepDimensions }) {
      checkAxes("axes", axes, input.shape.length);
      const shape = [];
      for (const [i, d] of input.shape.entries()) {
        if (!axes.includes(i)) shape.push(d);
        else if (keepDimensions) shape.push(1);
      }
      return { outputs: [{ dataType: input.dataType, shape }], attributes: { axes } };
    },
    lower(node, to) {
      to.requireType(node, "float32");
      const { x, outer, n, inner } = reducedRows(to, node.inputs.input, node.attributes.axes);
      to.step("f32_reduce", { y: node.output, x, op, outer, n, inner }, outer, n * inner, {
        scratch: 4 * inner,
      });
    },
  };
}

/**
 * The input seen as [outer, n, inner] with n the reduced elements; axes that do not lie together are
 * moved to the end first.
 *
 * @param {Lowering} to
 * @param {Value} x
 * @param {readonly number[]} axes
 * @returns {{x: Value, outer: number, n: number, inner: number}}
 */
export function reducedRows(to, x, axes) {
  const significant = axes.filter((axis) => x.shape[axis] !== 1);
  const first = Math.min(...significant, x.shape.length);
  const last = Math.max(...significant, first - 1);
  const n = elementCount(significant.map((axis) => x.shape[axis]));
  if (n === elementCount(x.shape.slice(first, last + 1))) {
    return {
      x,
      outer: elementCount(x.shape.slice(0, first)),
      n,
      inner: elementCount(x.shape.slice(last + 1)),
    };
  }
  const kept = [...x.shape.keys()].filter((axis) => !significant.includes(axis));
  const moved = to.buffer(x.byteLength);
  emitTranspose(to, moved, x, [...kept, ...significant]);
  return { x: moved, outer: x.elements / n, n, inner: 1 };
}

export const reduceSum = reduction("reduceSum", SUM_TYPES, REDUCE_OP.sum);
export const reduceMean = reduction("reduceMean", FLOAT_TYPES, REDUCE_OP.mean);
export const reduceMax = reduction("reduceMax", ANY_TYPE, REDUCE_OP.max);
export const reduceMin = reduction("reduceMin", ANY_TYPE, REDUCE_OP.min);

/** @type {Operator} */
export const softmax = {
  name: "softmax",
  parameters: { input: "operand", axis: "u32" },
  options: {},
  limits: { input: limit(FLOAT_TYPES, 1), output: limit("input", 1) },
  infer({ input, axis }) {
    check(axis < input.shape.length, "axis", axis, `below the rank ${input.shape.length}`);
    return { outputs: [{ dataType: input.dataType, shape: input.shape }] };
  },
  decompose(node, graph) {
    // The kernels take rows: another axis is swapped with the last one.
    const { input } = node.inputs;
    const { axis } = node.attributes;
    const { dataType, shape } = node.output;
    if (elementCount(shape.slice(axis + 1)) === 1) return node.outputs;
    const last = shape.length - 1;
    const permutation = [...shape.keys()];
    permutation[axis] = last;
    permutation[last] = axis;
    const turned = permutation.map((p) => shape[p]);
    const rows = graph.insert("transpose", { input }, { permutation }, dataType, turned, node);
    const result = graph.insert("softmax", { input: rows }, { axis: last }, dataType, turned, node);
    return [graph.insert("transpose", { input: result }, { permutation }, dataType, shape, node)];
  },
  lower(node, to) {
    to.requireType(node, "float32");
    const x = node.inputs.input;
    const n = x.shape[node.attributes.axis];
    to.step("f32_softmax", { y: node.output, x, n }, x.elements / n, 8 * n);
  },
};
