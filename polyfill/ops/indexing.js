// SPDX-License-Identifier: Apache-2.0
// Operators that select elements by index.
// https://www.w3.org/TR/webnn/#api-mlgraphbuilder-gather-method

import { elementBytes } from "./copy.js";
import { ANY_TYPE, check, INDEX_TYPES, limit } from "./operator.js";
import { elementCount } from "./shape.js";

/** @typedef {import("./operator.js").Operator} Operator */

/** @type {Operator} */
export const gather = {
  name: "gather",
  parameters: { input: "operand", indices: "operand" },
  options: { axis: ["u32", 0] },
  limits: { input: limit(ANY_TYPE, 1), indices: limit(INDEX_TYPES), output: limit("input") },
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
