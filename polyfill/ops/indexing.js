// SPDX-License-Identifier: Apache-2.0
// Operators that select or replace elements by index.
// https://www.w3.org/TR/webnn/#api-mlgraphbuilder-gather-method

import { elementBytes, emitCopy } from "./copy.js";
import { ANY_TYPE, check, INDEX_TYPES, limit } from "./operator.js";
import { elementCount, padded, stridesOf } from "./shape.js";

/** @typedef {import("./operator.js").Operator} Operator */
/** @typedef {import("./operator.js").Value} Value */
/** @typedef {import("./operator.js").Lowering} Lowering */
/** @typedef {import("./shape.js").Shape} Shape */

/** @type {Operator} */
export const gather = {
  name: "gather",
  parameters: { input: "operand", indices: "operand" },
  options: { axis: ["u32", 0] },
  limits: { input: limit(ANY_TYPE, 1), indices: limit(INDEX_TYPES), output: limit("input", 1) },
  infer({ input, indices, axis }) {
    check(axis < input.shape.length, "axis", axis, `below the rank ${input.shape.length}`);
    const shape = [...input.shape.slice(0, axis), ...indices.shape, ...input.shape.slice(axis + 1)];
    return { outputs: [{ dataType: input.dataType, shape }] };
  },
  lower(node, to) {
    const { input: x, indices } = node.inputs;
    const { axis } = node.attributes;
    const outer = elementCount(x.shape.slice(0, axis));
    const inner = elementCount(x.shape.slice(axis + 1));
    const count = indices.elements;
    to.step(
      "gather",
      {
        y: node.output,
        x,
        indices,
        indices_type: to.elementType(indices),
        axis_size: x.shape[axis],
        count,
        inner_bytes: inner * elementBytes(x),
      },
      outer * count,
      inner,
    );
  },
  movement: true,
};

/**
 * gatherElements and scatterElements index one axis; all other dimensions agree.
 *
 * @param {string} name
 * @param {Shape} shape
 * @param {Shape} input
 * @param {number} axis
 */
function checkAlongAxis(name, shape, input, axis) {
  check(axis < input.length, "axis", axis, `below the rank ${input.length}`);
  const fits = shape.length === input.length && shape.every((d, i) => i === axis || d === input[i]);
  const wanted = `the input's [${input.join(", ")}] but for axis ${axis}`;
  check(fits, `${name} shape`, shape, wanted);
}

/**
 * The sizes that the kernels of one axis take, of a tensor seen as [outer, axis, inner].
 *
 * @param {Lowering} to
 * @param {Value} x
 * @param {Value} indices
 * @param {number} axis
 */
function alongAxis(to, x, indices, axis) {
  const inner = elementCount(x.shape.slice(axis + 1));
  return {
    indices,
    indices_type: to.elementType(indices),
    element_bytes: elementBytes(x),
    axis_size: x.shape[axis],
    count: indices.shape[axis],
    inner,
  };
}

/** @type {Operator} */
export const gatherElements = {
  name: "gatherElements",
  parameters: { input: "operand", indices: "operand" },
  options: { axis: ["u32", 0] },
  limits: {
    input: limit(ANY_TYPE, 1),
    indices: limit(INDEX_TYPES, 1),
    output: limit("input", 1),
  },
  infer({ input, indices, axis }) {
    checkAlongAxis("indices", indices.shape, input.shape, axis);
    return { outputs: [{ dataType: input.dataType, shape: indices.shape }] };
  },
  lower(node, to) {
    const { input: x, indices } = node.inputs;
    const along = alongAxis(to, x, indices, node.attributes.axis);
    const rows = indices.elements / along.inner;
    to.step("gather_elements", { y: node.output, x, ...along }, rows, 4 * along.inner);
  },
  opaque: true,
};

/** @type {Operator} */
export const scatterElements = {
  name: "scatterElements",
  parameters: { input: "operand", indices: "operand", updates: "operand" },
  options: { axis: ["u32", 0] },
  limits: {
    input: limit(ANY_TYPE, 1),
    indices: limit(INDEX_TYPES, 1),
    updates: limit("input", 1),
    output: limit("input", 1),
  },
  infer({ input, indices, updates, axis }) {
    checkAlongAxis("indices", indices.shape, input.shape, axis);
    const same = String(updates.shape) === String(indices.shape);
    check(same, "updates shape", updates.shape, `the indices' [${indices.shape.join(", ")}]`);
    return { outputs: [{ dataType: input.dataType, shape: input.shape }] };
  },
  lower(node, to) {
    const { input: x, indices, updates } = node.inputs;
    const { axis } = node.attributes;
    const y = node.output;
    copyWhole(to, y, x);
    const along = alongAxis(to, x, indices, axis);
    const outer = elementCount(x.shape.slice(0, axis));
    const args = { y, updates, ...along };
    to.step("scatter_elements", args, outer, 4 * along.count * along.inner);
  },
  opaque: true,
};

/** @param {Lowering} to @param {Value} y @param {Value} x */
function copyWhole(to, y, x) {
  const strides = stridesOf(x.shape);
  emitCopy(to, { value: y, strides }, { value: x, strides }, x.shape);
}

// ---------------------------------------------------------------------------
// By tuples of coordinates, the last dimension of the indices

/**
 * How many leading dimensions a tuple names.
 *
 * @param {Shape} indices
 * @param {Shape} input
 */
function tupleDepth(indices, input) {
  const depth = indices[indices.length - 1];
  check(
    depth <= input.length,
    "indices' last dimension",
    depth,
    `at most the rank ${input.length}`,
  );
  return depth;
}

/** @param {Lowering} to @param {Value} x @param {Value} indices */
function byTuples(to, x, indices) {
  const depth = indices.shape[indices.shape.length - 1];
  return {
    indices,
    indices_type: to.elementType(indices),
    inner_bytes: elementCount(x.shape.slice(depth)) * elementBytes(x),
    shape: { depth, dims: padded(x.shape.slice(0, depth)) },
  };
}

/** @type {Operator} */
export const gatherND = {
  name: "gatherND",
  parameters: { input: "operand", indices: "operand" },
  options: {},
  limits: { input: limit(ANY_TYPE, 1), indices: limit(INDEX_TYPES, 1), output: limit("input", 0) },
  infer({ input, indices }) {
    const depth = tupleDepth(indices.shape, input.shape);
    const shape = [...indices.shape.slice(0, -1), ...input.shape.slice(depth)];
    return { outputs: [{ dataType: input.dataType, shape }] };
  },
  lower(node, to) {
    const { input: x, indices } = node.inputs;
    const tuples = byTuples(to, x, indices);
    const count = elementCount(indices.shape.slice(0, -1));
    to.step("gather_nd", { y: node.output, x, ...tuples }, count, tuples.inner_bytes);
  },
  opaque: true,
};

/** @type {Operator} */
export const scatterND = {
  name: "scatterND",
  parameters: { input: "operand", indices: "operand", updates: "operand" },
  options: {},
  limits: {
    input: limit(ANY_TYPE, 1),
    indices: limit(INDEX_TYPES, 1),
    updates: limit("input", 0),
    output: limit("input", 1),
  },
  infer({ input, indices, updates }) {
    const depth = tupleDepth(indices.shape, input.shape);
    const wanted = [...indices.shape.slice(0, -1), ...input.shape.slice(depth)];
    check(
      String(updates.shape) === String(wanted),
      "updates shape",
      updates.shape,
      `[${wanted.join(", ")}]`,
    );
    return { outputs: [{ dataType: input.dataType, shape: input.shape }] };
  },
  lower(node, to) {
    const { input: x, indices, updates } = node.inputs;
    const y = node.output;
    copyWhole(to, y, x);
    const count = elementCount(indices.shape.slice(0, -1));
    to.step("scatter_nd", { y, updates, count, ...byTuples(to, x, indices) }, 1);
  },
  opaque: true,
};
