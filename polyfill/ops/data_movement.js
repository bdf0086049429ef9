// SPDX-License-Identifier: Apache-2.0
// Operators that move elements without looking at them.
// https://www.w3.org/TR/webnn/#api-mlgraphbuilder-concat and the sections after it

import { emitCopy, emitTranspose } from "./copy.js";
import { ANY_TYPE, check, limit } from "./operator.js";
import { checkAxes, checkLength, checkShape, elementCount, stridesOf } from "./shape.js";

/** @typedef {import("./operator.js").Operator} Operator */

const ANY = { input: limit(ANY_TYPE), output: limit("input") };

/** Inputs of concat, and outputs of split. */
const MAX_PARTS = 8192;

/** @type {Operator} */
export const concat = {
  name: "concat",
  parameters: { inputs: "operand[]", axis: "u32" },
  options: {},
  limits: { inputs: limit(ANY_TYPE, 1), output: limit("inputs", 1) },
  infer({ inputs, axis }) {
    const count = inputs.length;
    check(count >= 1 && count <= MAX_PARTS, "inputs length", count, `1 to ${MAX_PARTS}`);
    const [first] = inputs;
    check(axis < first.shape.length, "axis", axis, `below the rank ${first.shape.length}`);
    const shape = [...first.shape];
    for (const [i, input] of inputs.entries()) {
      if (i === 0) continue;
      const fits =
        input.shape.length === shape.length &&
        input.shape.every(
          (/** @type {number} */ d, /** @type {number} */ j) => j === axis || d === first.shape[j],
        );
      check(
        fits,
        `inputs[${i}] shape`,
        input.shape,
        `inputs[0]'s [${first.shape.join(", ")}] but for axis ${axis}`,
      );
      shape[axis] += input.shape[axis];
    }
    return { outputs: [{ dataType: first.dataType, shape }] };
  },
  lower(node, to) {
    const y = node.output;
    const { axis } = node.attributes;
    const strides = stridesOf(y.shape);
    let start = 0;
    for (const x of Object.values(node.inputs)) {
      emitCopy(
        to,
        { value: y, strides, start: start * strides[axis] },
        { value: x, strides: stridesOf(x.shape) },
        x.shape,
      );
      start += x.shape[axis];
    }
  },
  opaque: true,
};

/** @type {Operator} */
export const split = {
  name: "split",
  parameters: { input: "operand", splits: "u32 or u32[]" },
  options: { axis: ["u32", 0] },
  limits: { input: limit(ANY_TYPE, 1), outputs: limit("input", 1) },
  infer({ input, splits, axis }) {
    check(axis < input.shape.length, "axis", axis, `below the rank ${input.shape.length}`);
    const extent = input.shape[axis];
    if (typeof splits === "number") {
      check(
        splits > 0 && extent % splits === 0,
        "splits",
        splits,
        `a divisor of ${extent} (axis ${axis})`,
      );
    }
    const sizes = typeof splits === "number" ? new Array(splits).fill(extent / splits) : splits;
    check(
      sizes.length >= 1 && sizes.length <= MAX_PARTS,
      "splits length",
      sizes.length,
      `1 to ${MAX_PARTS}`,
    );
    check(!sizes.includes(0), "splits", sizes, "values above 0");
    const sum = sizes.reduce((/** @type {number} */ a, /** @type {number} */ b) => a + b, 0);
    check(sum === extent, "splits sum", sum, `${extent} (axis ${axis})`);
    const outputs = sizes.map((/** @type {number} */ size) => ({
      dataType: input.dataType,
      shape: replaceAt(input.shape, axis, size),
    }));
    return { outputs, attributes: { splits: sizes } };
  },
  lower(node, to) {
    const x = node.inputs.input;
    const { axis } = node.attributes;
    const strides = stridesOf(x.shape);
    let start = 0;
    for (const y of node.outputs) {
      emitCopy(
        to,
        { value: y, strides: stridesOf(y.shape) },
        { value: x, strides, start: start * strides[axis] },
        y.shape,
      );
      start += y.shape[axis];
    }
  },
  movement: true,
};

/**
 * @param {readonly number[]} list
 * @param {number} at
 * @param {number} value
 */
function replaceAt(list, at, value) {
  return list.map((old, i) => (i === at ? value : old));
}

/** @type {Operator} */
export const reshape = {
  name: "reshape",
  parameters: { input: "operand", newShape: "u32[]" },
  options: {},
  limits: ANY,
  infer({ input, newShape }) {
    checkShape("newShape", newShape);
    const [from, into] = [elementCount(input.shape), elementCount(newShape)];
    check(from === into, "newShape element count", into, `the input's ${from}`);
    return { outputs: [{ dataType: input.dataType, shape: newShape }] };
  },
  lower: (node, to) => to.alias(node.output, node.inputs.input),
  movement: true,
};

/** @type {Operator} */
export const slice = {
  name: "slice",
  parameters: { input: "operand", starts: "u32[]", sizes: "u32[]" },
  options: { strides: ["u32[]"] },
  limits: ANY,
  infer({ input, starts, sizes, strides = input.shape.map(() => 1) }) {
    const rank = input.shape.length;
    checkLength("starts", starts, rank);
    checkLength("sizes", sizes, rank);
    checkLength("strides", strides, rank);
    check(!sizes.includes(0), "sizes", sizes, "values above 0");
    check(!strides.includes(0), "strides", strides, "values above 0");
    for (const [i, d] of input.shape.entries()) {
      check(starts[i] < d, `starts[${i}]`, starts[i], `below the dimension ${d}`);
      check(
        starts[i] + sizes[i] <= d,
        `starts[${i}] + sizes[${i}]`,
        starts[i] + sizes[i],
        `at most ${d}`,
      );
    }
    const shape = sizes.map((/** @type {number} */ size, /** @type {number} */ i) =>
      Math.ceil(size / strides[i]),
    );
    return { outputs: [{ dataType: input.dataType, shape }], attributes: { strides } };
  },
  lower(node, to) {
    const y = node.output;
    const x = node.inputs.input;
    const { starts, strides } = node.attributes;
    const steps = stridesOf(x.shape);
    let start = 0;
    for (const [i, step] of steps.entries()) start += starts[i] * step;
    const moved = steps.map((step, i) => step * strides[i]);
    emitCopy(
      to,
      { value: y, strides: stridesOf(y.shape) },
      { value: x, strides: moved, start },
      y.shape,
    );
  },
  movement: true,
};

/** @type {Operator} */
export const transpose = {
  name: "transpose",
  parameters: { input: "operand" },
  options: { permutation: ["u32[]"] },
  limits: ANY,
  infer({
    input,
    permutation = input.shape.map(
      (/** @type {number} */ _, /** @type {number} */ i) => input.shape.length - 1 - i,
    ),
  }) {
    const rank = input.shape.length;
    checkLength("permutation", permutation, rank);
    const valid =
      new Set(permutation).size === rank &&
      permutation.every((/** @type {number} */ p) => p < rank);
    check(valid, "permutation", permutation, `each axis below ${rank} once`);
    const shape = permutation.map((/** @type {number} */ p) => input.shape[p]);
    return { outputs: [{ dataType: input.dataType, shape }], attributes: { permutation } };
  },
  lower: (node, to) =>
    emitTranspose(to, node.output, node.inputs.input, node.attributes.permutation),
  movement: true,
};

/** @type {Operator} */
export const reverse = {
  name: "reverse",
  parameters: { input: "operand" },
  options: { axes: ["u32[]"] },
  limits: ANY,
  infer({ input, axes = [...input.shape.keys()] }) {
    checkAxes("axes", axes, input.shape.length);
    return {
      outputs: [{ dataType: input.dataType, shape: input.shape }],
      attributes: { axes },
    };
  },
  lower(node, to) {
    const y = node.output;
    const x = node.inputs.input;
    const strides = stridesOf(x.shape);
    let start = 0;
    for (const axis of node.attributes.axes) {
      start += (x.shape[axis] - 1) * strides[axis];
      strides[axis] = -strides[axis];
    }
    emitCopy(to, { value: y, strides: stridesOf(y.shape) }, { value: x, strides, start }, y.shape);
  },
  movement: true,
};
