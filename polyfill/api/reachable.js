// SPDX-License-Identifier: Apache-2.0
// From the operands a script passes to build() to the graph that is compiled: a copy of what they reach.

import { Graph, Value } from "../ir/graph.js";

/** @typedef {import("../ir/graph.js").Node} Node */

/**
 * @param {Map<string, Value>} outputs by name
 * @param {Map<string, Value>} inputs all inputs of the builder by name; those not reached are left out
 * @returns {{graph: Graph, copies: Map<Value, Value>}} copies of the values that are reached
 */
export function reachableGraph(outputs, inputs) {
  const graph = new Graph();
  /** @type {Map<Value, Value>} */
  const copies = new Map();
  const copyOf = (/** @type {Value} */ value) => {
    let copy = copies.get(value);
    if (!copy) {
      copy = new Value(value.dataType, value.shape, value.constant);
      copies.set(value, copy);
    }
    return copy;
  };
  for (const node of nodesInOrder([...outputs.values()])) {
    /** @type {Record<string, Value>} */
    const operands = {};
    for (const [name, value] of Object.entries(node.inputs)) operands[name] = copyOf(value);
    graph.add(node.op, operands, node.attributes, node.outputs.map(copyOf), node.label);
  }
  for (const [name, value] of inputs) {
    const copy = copies.get(value);
    if (copy) graph.inputs.set(name, copy);
  }
  for (const [name, value] of outputs) graph.outputs.set(name, copyOf(value));
  return { graph, copies };
}

/**
 * The nodes that make `values`, each after those it reads. Without recursion: graphs may be deep.
 *
 * @param {Value[]} values
 * @returns {Iterable<Node>}
 */
function nodesInOrder(values) {
  /** @type {Set<Node>} */
  const done = new Set();
  const stack = values.map((value) => value.producer);
  while (stack.length) {
    const node = stack[stack.length - 1];
    if (!node || done.has(node)) {
      stack.pop();
      continue;
    }
    const missing = Object.values(node.inputs)
      .map((value) => value.producer)
      .filter((producer) => producer && !done.has(producer));
    if (missing.length) {
      stack.push(...missing);
    } else {
      done.add(node);
      stack.pop();
    }
  }
  return done;
}
