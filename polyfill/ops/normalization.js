// SPDX-License-Identifier: Apache-2.0
// Normalizations: over a batch's statistics, an instance's, a layer's, and softmax.
// https://www.w3.org/TR/webnn/#api-mlgraphbuilder-batchnorm

import { Composer } from "./compose.js";
import { INPUT_LAYOUTS } from "./convolution.js";
import { check, FLOAT_TYPES, limit } from "./operator.js";
import { checkAxes, elementCount } from "./shape.js";

/** @typedef {import("./operator.js").Operator} Operator */
/** @typedef {import("./operator.js").Value} Value */
/** @typedef {import("./shape.js").Shape} Shape */

/**
 * A parameter has an element for each of `count` channels.
 *
 * @param {string} name
 * @param {Value | undefined} value
 * @param {number} count
 */
function checkPerChannel(name, value, count) {
  if (value) check(value.shape[0] === count, `${name} shape`, value.shape, `[${count}]`);
}

/**
 * x * scale + bias, where they are given.
 *
 * @param {Composer} c
 * @param {Value} x
 * @param {Value | null} scale
 * @param {Value | null} bias
 */
function affine(c, x, scale, bias) {
  const scaled = scale ? c.mul(x, scale) : x;
  return bias ? c.add(scaled, bias) : scaled;
}

/**
 * 1 / sqrt(variance + epsilon).
 *
 * @param {Composer} c
 * @param {Value} variance
 * @param {number} epsilon
 */
function inverseDeviation(c, variance, epsilon) {
  const sum = c.add(variance, c.scalar(variance.dataType, epsilon));
  return c.unary("reciprocal", c.unary("sqrt", sum));
}

/**
 * (x − mean) / sqrt(variance + epsilon), the statistics taken over `axes` of x.
 *
 * @param {Composer} c
 * @param {Value} x
 * @param {readonly number[]} axes
 * @param {number} epsilon
 */
function normalized(c, x, axes, epsilon) {
  const centered = c.sub(x, c.reduce("reduceMean", x, axes));
  const variance = c.reduce("reduceMean", c.mul(centered, centered), axes);
  return c.mul(centered, inverseDeviation(c, variance, epsilon));
}

/** @type {Operator} */
export const batchNormalization = {
  name: "batchNormalization",
  parameters: { input: "operand", mean: "operand", variance: "operand" },
  options: {
    scale: ["operand"],
    bias: ["operand"],
    axis: ["u32", 1],
    epsilon: ["double", 1e-5],
  },
  limits: {
    input: limit(FLOAT_TYPES, 1),
    mean: limit("input", 1, 1),
    variance: limit("input", 1, 1),
    scale: limit("input", 1, 1),
    bias: limit("input", 1, 1),
    output: limit("input", 1),
  },
  infer({ input, mean, variance, scale, bias, axis }) {
    check(axis < input.shape.length, "axis", axis, `below the rank ${input.shape.length}`);
    const channels = input.shape[axis];
    checkPerChannel("mean", mean, channels);
    checkPerChannel("variance", variance, channels);
    checkPerChannel("scale", scale, channels);
    checkPerChannel("bias", bias, channels);
    return { outputs: [{ dataType: input.dataType, shape: input.shape }] };
  },
  decompose(node, graph) {
    const c = new Composer(graph, node);
    const { input, mean, variance, scale = null, bias = null } = node.inputs;
    const { axis, epsilon } = node.attributes;
    const along = (/** @type {Value} */ v) =>
      c.reshape(v, [v.elements, ...input.shape.slice(axis + 1).map(() => 1)]);
    const inverse = inverseDeviation(c, variance, epsilon);
    const factor = scale ? c.mul(scale, inverse) : inverse;
    const centered = c.sub(input, along(mean));
    return [affine(c, centered, along(factor), bias && along(bias))];
  },
};

/** @type {Operator} */
export const instanceNormalization = {
  name: "instanceNormalization",
  parameters: { input: "operand" },
  options: {
    scale: ["operand"],
    bias: ["operand"],
    epsilon: ["double", 1e-5],
    layout: [INPUT_LAYOUTS, "nchw"],
  },
  limits: {
    input: limit(FLOAT_TYPES, 4, 4),
    scale: limit("input", 1, 1),
    bias: limit("input", 1, 1),
    output: limit("input", 4, 4),
  },
  infer({ input, scale, bias, layout }) {
    const channels = input.shape[layout === "nchw" ? 1 : 3];
    checkPerChannel("scale", scale, channels);
    checkPerChannel("bias", bias, channels);
    return { outputs: [{ dataType: input.dataType, shape: input.shape }] };
  },
  decompose(node, graph) {
    const c = new Composer(graph, node);
    const { input, scale = null, bias = null } = node.inputs;
    const { layout, epsilon } = node.attributes;
    const first = layout === "nchw";
    const along = (/** @type {Value} */ v) => (first ? c.reshape(v, [v.elements, 1, 1]) : v);
    const result = normalized(c, input, first ? [2, 3] : [1, 2], epsilon);
    return [affine(c, result, scale && along(scale), bias && along(bias))];
  },
};

/** @type {Operator} */
export const layerNormalization = {
  name: "layerNormalization",
  parameters: { input: "operand" },
  options: {
    scale: ["operand"],
    bias: ["operand"],
    axes: ["u32[]"],
    epsilon: ["double", 1e-5],
  },
  limits: {
    input: limit(FLOAT_TYPES),
    scale: limit("input"),
    bias: limit("input"),
    output: limit("input"),
  },
  infer({ input, scale, bias, axes = [...input.shape.keys()].slice(1) }) {
    checkAxes("axes", axes, input.shape.length);
    const wanted = axes.map((/** @type {number} */ axis) => input.shape[axis]);
    for (const [name, value] of Object.entries({ scale, bias })) {
      if (!value) continue;
      const fits = String(value.shape) === String(wanted);
      check(fits, `${name} shape`, value.shape, `[${wanted.join(", ")}]`);
    }
    return {
      outputs: [{ dataType: input.dataType, shape: input.shape }],
      attributes: { axes },
    };
  },
  decompose(node, graph) {
    const c = new Composer(graph, node);
    const { input, scale = null, bias = null } = node.inputs;
    const { axes, epsilon } = node.attributes;
    // An element by itself is its own mean: nothing is left of it.
    if (axes.length === 0) return [affine(c, c.sub(input, input), null, bias)];
    const sorted = [...axes].sort((a, b) => a - b);
    const permutation = sorted.map((axis) => axes.indexOf(axis));
    const shape = input.shape.map((d, i) => (axes.includes(i) ? d : 1));
    const along = (/** @type {Value} */ v) => c.reshape(c.transpose(v, permutation), shape);
    const result = normalized(c, input, sorted, epsilon);
    return [affine(c, result, scale && along(scale), bias && along(bias))];
  },
};

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
    const { shape } = node.output;
    if (elementCount(shape.slice(axis + 1)) === 1) return node.outputs;
    const last = shape.length - 1;
    const permutation = [...shape.keys()];
    permutation[axis] = last;
    permutation[last] = axis;
    const c = new Composer(graph, node);
    const rows = c.transpose(input, permutation);
    return [
      c.transpose(c.insert("softmax", { input: rows }, { axis: last }, rows.shape), permutation),
    ];
  },
  lower(node, to) {
    to.requireType(node, "float32");
    const x = node.inputs.input;
    const n = x.shape[node.attributes.axis];
    to.step("f32_softmax", { y: node.output, x, n }, x.elements / n, 8 * n);
  },
};
