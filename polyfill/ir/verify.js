// SPDX-License-Identifier: Apache-2.0
// What a valid graph is. Run between passes in tests and under `configure({ debug: true })`.

/** @typedef {import("./graph.js").Graph} Graph */

/**
 * Throw on the first broken rule; `where` names the pass that ran last.
 *
 * @param {Graph} graph
 * @param {string} where
 */
export function verifyGraph(graph, where) {
  const made = new Set(graph.inputs.values());
  const fail = (/** @type {string} */ node, /** @type {string} */ rule) => {
    throw new Error(`after ${where}: ${node}: ${rule}`);
  };
  for (const node of graph.nodes) {
    const name = `${node.op}${node.label ? ` "${node.label}"` : ""}`;
    for (const [operand, value] of Object.entries(node.inputs)) {
      if (!value.constant && !made.has(value)) fail(name, `${operand} is used before it is made`);
      if (!value.uses.has(node)) fail(name, `${operand} does not know this reader`);
    }
    if (node.outputs.length === 0) fail(name, "a node has an output");
    for (const output of node.outputs) {
      if (output.producer !== node) fail(name, "an output names another producer");
      if (made.has(output)) fail(name, "an output is made twice");
      if (output.shape.some((d) => !Number.isInteger(d) || d < 1)) {
        fail(name, `the shape [${output.shape}] is not of positive integers`);
      }
      made.add(output);
    }
  }
  const nodes = new Set(graph.nodes);
  for (const value of made) {
    for (const user of value.uses) {
      if (!nodes.has(user)) fail(user.op, "a reader is no longer in the graph");
    }
  }
  for (const [name, value] of graph.outputs) {
    if (!value.constant && !made.has(value)) fail(`output "${name}"`, "is never made");
  }
}
