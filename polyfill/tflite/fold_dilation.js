// SPDX-License-Identifier: Apache-2.0
// SPACE_TO_BATCH_ND → CONV_2D or DEPTHWISE_CONV_2D → BATCH_TO_SPACE_ND is how old converters write
// a dilated convolution; it becomes one again.

import { paramValues } from "./parameters.js";
import { codedAlike } from "./tensor.js";

/** @typedef {import("./model.js").Operator} Operator */
/** @typedef {import("./model.js").Subgraph} Subgraph */

const CONVOLUTIONS = ["CONV_2D", "DEPTHWISE_CONV_2D"];

/**
 * The operators of a subgraph, dilated convolutions folded. A convolution keeps its index and takes
 * the first operator's input and the last one's output; its padding is then "EXPLICIT".
 *
 * @param {Subgraph} subgraph
 * @param {ReadonlySet<number>} wanted tensors that must exist
 * @returns {readonly Operator[]}
 */
export function foldDilations(subgraph, wanted) {
  const { operators } = subgraph;
  if (!operators.some(({ name }) => name === "SPACE_TO_BATCH_ND")) return operators;
  const makers = new Map(operators.flatMap((op) => op.outputs.map((index) => [index, op])));
  /** @type {Map<number, number>} */
  const uses = new Map();
  for (const { inputs } of operators) {
    for (const index of inputs) uses.set(index, (uses.get(index) ?? 0) + 1);
  }
  const inner = (/** @type {number} */ index) => uses.get(index) === 1 && !wanted.has(index);
  /** @type {Map<Operator, Operator | null>} what takes an operator's place */
  const replaced = new Map();
  for (const last of operators) {
    const convolution = last.name === "BATCH_TO_SPACE_ND" && makers.get(last.inputs[0]);
    if (!convolution || !CONVOLUTIONS.includes(convolution.name)) continue;
    const first = makers.get(convolution.inputs[0]);
    if (first?.name !== "SPACE_TO_BATCH_ND") continue;
    if (!inner(first.outputs[0]) || !inner(convolution.outputs[0])) continue;
    const folded = dilated(subgraph, first, convolution, last);
    if (!folded) continue;
    replaced.set(first, null).set(convolution, folded).set(last, null);
  }
  return operators.flatMap((op) => {
    const other = replaced.get(op);
    if (other === undefined) return [op];
    return other ? [other] : [];
  });
}

/**
 * @param {Subgraph} subgraph
 * @param {Operator} first
 * @param {Operator} convolution
 * @param {Operator} last
 * @returns {Operator | null} null where it would be something else
 */
function dilated({ tensors }, first, convolution, last) {
  // Too few inputs or outputs, or none that it must have: what is wrong is said when it is mapped.
  const complete =
    first.inputs.length === 3 && last.inputs.length === 3 && last.outputs.length === 1;
  const all = [...first.inputs, ...last.inputs, ...convolution.inputs.slice(0, 2)];
  if (!complete || all.some((index) => index < 0)) return null;
  const values = (/** @type {Operator} */ op, /** @type {number} */ position) => {
    const tensor = tensors[op.inputs[position]];
    return tensor.type === "INT32" ? paramValues(tensor) : null;
  };
  const [blocks, pads] = [values(first, 1), values(first, 2)];
  const [others, crops] = [values(last, 1), values(last, 2)];
  const filter = tensors[convolution.inputs[1]]?.shape ?? [];
  const { options } = convolution;
  const plain =
    options?.strideH === 1 &&
    options.strideW === 1 &&
    (options.dilationHFactor ?? 1) === 1 &&
    (options.dilationWFactor ?? 1) === 1;
  const outer = (/** @type {Operator} */ op) =>
    codedAlike(tensors[op.inputs[0]], tensors[op.outputs[0]]);
  if (!outer(first) || !outer(last)) return null;
  if (!plain || !blocks || !pads || !crops || filter.length !== 4) return null;
  if (blocks.length !== 2 || String(blocks) !== String(others)) return null;
  if (pads.length !== 4 || crops.length !== 4 || !blocks.every((block) => block >= 1)) return null;
  const explicitPadding = pads.map((pad, k) => {
    const axis = k >> 1;
    const own = options.padding === "SAME" ? filter[1 + axis] - 1 : 0;
    const side = k % 2 ? Math.ceil(own / 2) : Math.floor(own / 2);
    return pad - crops[k] + side * blocks[axis];
  });
  if (!explicitPadding.every((pad) => pad >= 0)) return null;
  return Object.freeze({
    ...convolution,
    inputs: Object.freeze([first.inputs[0], ...convolution.inputs.slice(1)]),
    outputs: last.outputs,
    options: Object.freeze({
      ...options,
      padding: "EXPLICIT",
      explicitPadding,
      dilationHFactor: blocks[0],
      dilationWFactor: blocks[1],
    }),
  });
}
