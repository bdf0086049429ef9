// SPDX-License-Identifier: Apache-2.0
// What makes a list of operators a graph that can run in the order given.

import { listed, TfliteError } from "./errors.js";

/** @typedef {import("./model.js").Subgraph} Subgraph */
/** @typedef {import("./errors.js").Place} Place */

/**
 * Throw unless indices are in range, each tensor has at most one origin (graph input, constant or
 * one operator), and operators read only what exists before them. Linear in the size of the
 * subgraph.
 *
 * @param {Subgraph} subgraph
 * @param {string} file
 */
export function checkGraph(subgraph, file) {
  const { tensors, operators } = subgraph;
  const whole = { file, subgraph: subgraph.index };
  const ready = tensors.map((t) => t.data !== null || t.isVariable || t.elements === 0);
  checkIndices(subgraph.inputs, "input", tensors.length, 0, whole);
  checkIndices(subgraph.outputs, "output", tensors.length, 0, whole);
  const inputs = new Set(subgraph.inputs);
  if (inputs.size !== subgraph.inputs.length) {
    throw new TfliteError(whole, `inputs ${listed(subgraph.inputs)}`, "each once", "graph inputs");
  }
  const made = new Set();
  for (const i of inputs) ready[i] = true;
  for (const operator of operators) {
    const place = { ...whole, operator: operator.index, operatorName: operator.name };
    checkIndices(operator.inputs, "input", tensors.length, -1, place);
    checkIndices(operator.outputs, "output", tensors.length, 0, place);
    checkIndices(operator.intermediates, "intermediate", tensors.length, -1, place);
    for (const i of operator.inputs) {
      if (i >= 0 && !ready[i]) refuseEarlyUse(place, tensors[i].name);
    }
    for (const i of operator.outputs) {
      const origin = originOf(subgraph, i, inputs, made);
      if (origin) {
        const at = { ...place, tensor: tensors[i].name };
        throw new TfliteError(
          at,
          `an output that is ${origin}`,
          "a tensor of its own",
          "one origin",
        );
      }
      made.add(i);
      ready[i] = true;
    }
  }
  for (const i of subgraph.outputs) {
    if (!ready[i]) refuseEarlyUse(whole, tensors[i].name);
  }
}

/** @param {Place} place @param {string} tensor @returns {never} */
function refuseEarlyUse(place, tensor) {
  const expected = "an input, a constant or the result of an earlier operator";
  throw new TfliteError({ ...place, tensor }, "a tensor without value", expected, "operator order");
}

/**
 * @param {Subgraph} subgraph
 * @param {number} tensor
 * @param {ReadonlySet<number>} inputs
 * @param {ReadonlySet<number>} made
 * @returns {string | null} what else gives the tensor its value
 */
function originOf(subgraph, tensor, inputs, made) {
  if (made.has(tensor)) return "the output of another operator, too";
  if (inputs.has(tensor)) return "an input of the graph";
  const data = subgraph.tensors[tensor].data;
  return data !== null && data.length > 0 ? "a constant" : null;
}

/**
 * @param {readonly number[]} indices
 * @param {string} what
 * @param {number} count
 * @param {number} lowest -1 where a tensor may be left out
 * @param {Place} place
 */
function checkIndices(indices, what, count, lowest, place) {
  const wrong = indices.find((i) => i < lowest || i >= count);
  if (wrong !== undefined) {
    const got = `${what} tensor ${wrong}`;
    throw new TfliteError(place, got, `${lowest} to ${count - 1}`, "tensor index");
  }
}
