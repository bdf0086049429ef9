// SPDX-License-Identifier: Apache-2.0
// Internal: the same bytes under another type and shape.

/** @type {Pick<import("./operator.js").Operator, "name" | "lower">} */
export const reinterpret = {
  name: "reinterpret",
  lower: (node, to) => to.alias(node.output, node.inputs.input),
};
