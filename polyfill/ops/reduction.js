// SPDX-License-Identifier: Apache-2.0
// Reductions over axes, running sums, the index of an extreme.
// https://www.w3.org/TR/webnn/#api-mlgraphbuilder-reduce

import { REDUCE_OP } from "../gen/kernels.js";
import { Composer } from "./compose.js";
import { emitTranspose } from "./copy.js";
import { ANY_TYPE, check, FLOAT_TYPES, limit, SUM_TYPES } from "./operator.js";
import { checkAxes, elementCount } from "./shape.js";

/** @typedef {import("./operator.js").Operator} Operator */
/** @typedef {import("./operator.js").DataType} DataType */
/** @typedef {import("./operator.js").Lowering} Lowering */
/** @typedef {import("./operator.js").Value} Value */

/**
 * @param {string} name
 * @param {readonly DataType[]} types
 * @param {Pick<Operator, "lower" | "decompose">} body
 * @returns {Operator}
 */
function reduction(name, types, body) {
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
    ...body,
  };
}

/**
 * A reduction that is an operation of the kernels.
 *
 * @param {string} name
 * @param {readonly DataType[]} types
 * @param {number} op
 */
function kernelReduction(name, types, op) {
  return reduction(name, types, {
    lower(node, to) {
      const { x, outer, n, inner } = reducedRows(to, node.inputs.input, node.attributes.axes);
      const y = node.output;
      const sizes = { outer, n, inner };
      if (y.dataType === "float32") {
        const scratch = 4 * inner;
        to.step("f32_reduce", { y, x, op, ...sizes }, outer, n * inner, { scratch });
      } else {
        const type = to.elementType(y);
        to.step("int_reduce", { y, x, op, type, ...sizes }, outer, 4 * n * inner);
      }
    },
  });
}

/**
 * A reduction that is composed of others: `before` and `after` are elementwise.
 *
 * @param {string} name
 * @param {readonly DataType[]} types
 * @param {(c: Composer, x: Value) => Value} before
 * @param {(c: Composer, x: Value) => Value} [after]
 */
function composedSum(name, types, before, after = (_, x) => x) {
  return reduction(name, types, {
    decompose(node, graph) {
      const c = new Composer(graph, node);
      const { axes, keepDimensions } = node.attributes;
      const terms = before(c, node.inputs.input);
      return [after(c, c.reduce("reduceSum", terms, axes, keepDimensions))];
    },
  });
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

const square = (/** @type {Composer} */ c, /** @type {Value} */ x) => c.mul(x, x);

export const reduceSum = kernelReduction("reduceSum", SUM_TYPES, REDUCE_OP.sum);
export const reduceMean = kernelReduction("reduceMean", FLOAT_TYPES, REDUCE_OP.mean);
export const reduceMax = kernelReduction("reduceMax", ANY_TYPE, REDUCE_OP.max);
export const reduceMin = kernelReduction("reduceMin", ANY_TYPE, REDUCE_OP.min);
export const reduceProduct = kernelReduction("reduceProduct", SUM_TYPES, REDUCE_OP.product);
export const reduceSumSquare = composedSum("reduceSumSquare", SUM_TYPES, square);
export const reduceL2 = composedSum("reduceL2", FLOAT_TYPES, square, (c, x) => c.unary("sqrt", x));
export const reduceL1 = composedSum("reduceL1", SUM_TYPES, (c, x) =>
  // Unsigned numbers are their own magnitudes.
  x.dataType.startsWith("uint") ? x : c.unary("abs", x),
);
export const reduceLogSum = composedSum(
  "reduceLogSum",
  FLOAT_TYPES,
  (_, x) => x,
  (c, x) => c.unary("log", x),
);

/** max + ln(sum(exp(x − max))), with 0 for a max that is infinite. @type {Operator} */
export const reduceLogSumExp = reduction("reduceLogSumExp", FLOAT_TYPES, {
  decompose(node, graph) {
    const c = new Composer(graph, node);
    const { input } = node.inputs;
    const { axes } = node.attributes;
    const { dataType } = input;
    const top = c.reduce("reduceMax", input, axes);
    const largest = c.scalar(dataType, 3.4028234663852886e38);
    const bounded = c.compare("lesserOrEqual", c.unary("abs", top), largest);
    const shift = c.where(bounded, top, c.scalar(dataType, 0));
    const terms = c.unary("exp", c.sub(input, shift));
    const sum = c.unary("log", c.reduce("reduceSum", terms, axes));
    return [c.reshape(c.add(sum, shift), node.output.shape)];
  },
});

/** @type {Operator} */
export const cumulativeSum = {
  name: "cumulativeSum",
  parameters: { input: "operand", axis: "wrapping u32" },
  options: { exclusive: ["boolean", false], reversed: ["boolean", false] },
  limits: { input: limit(SUM_TYPES, 1), output: limit("input", 1) },
  infer({ input, axis }) {
    check(axis < input.shape.length, "axis", axis, `below the rank ${input.shape.length}`);
    return { outputs: [{ dataType: input.dataType, shape: input.shape }] };
  },
  lower(node, to) {
    const x = node.inputs.input;
    const { axis, exclusive, reversed } = node.attributes;
    const n = x.shape[axis];
    const outer = elementCount(x.shape.slice(0, axis));
    const inner = elementCount(x.shape.slice(axis + 1));
    const type = to.elementType(x);
    const flags = { exclusive: Number(exclusive), reversed: Number(reversed) };
    const args = { y: node.output, x, type, ...flags, outer, n, inner };
    to.step("cumulative_sum", args, outer, 4 * n * inner);
  },
};

/**
 * @param {"argMin" | "argMax"} name
 * @returns {Operator}
 */
function argReduce(name) {
  return {
    name,
    parameters: { input: "operand", axis: "u32" },
    options: { keepDimensions: ["boolean", false], outputDataType: [["int32", "int64"], "int32"] },
    limits: { input: limit(ANY_TYPE, 1), output: limit(["int32", "int64"]) },
    infer({ input, axis, keepDimensions, outputDataType }) {
      check(axis < input.shape.length, "axis", axis, `below the rank ${input.shape.length}`);
      const rest = keepDimensions ? [1] : [];
      const shape = [...input.shape.slice(0, axis), ...rest, ...input.shape.slice(axis + 1)];
      return { outputs: [{ dataType: outputDataType, shape }] };
    },
    lower(node, to) {
      const x = node.inputs.input;
      const { axis } = node.attributes;
      const n = x.shape[axis];
      const outer = elementCount(x.shape.slice(0, axis));
      const inner = elementCount(x.shape.slice(axis + 1));
      const x_type = to.elementType(x);
      const y_type = to.elementType(node.output);
      const is_min = name === "argMin" ? 1 : 0;
      to.step(
        "arg_reduce",
        { y: node.output, x, x_type, y_type, is_min, outer, n, inner },
        outer,
        n * inner,
      );
    },
  };
}

export const argMax = argReduce("argMax");
export const argMin = argReduce("argMin");
