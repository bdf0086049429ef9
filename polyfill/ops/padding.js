// SPDX-License-Identifier: Apache-2.0
// Operators that put other elements around or in place of those of a tensor.
// https://www.w3.org/TR/webnn/#api-mlgraphbuilder-pad

import { castNumber, numberBytes } from "../ir/numbers.js";
import { Composer } from "./compose.js";
import { elementBytes, emitCopy } from "./copy.js";
import { ANY_TYPE, check, limit } from "./operator.js";
import { checkLength, checkShape, stridesOf } from "./shape.js";

/** @typedef {import("./operator.js").Operator} Operator */
/** @typedef {import("./operator.js").Node} Node */
/** @typedef {import("./operator.js").Graph} Graph */

/** @type {Operator} */
export const pad = {
  name: "pad",
  parameters: { input: "operand", beginningPadding: "u32[]", endingPadding: "u32[]" },
  options: { mode: [["constant", "edge", "reflection"], "constant"], value: ["number", 0] },
  limits: { input: limit(ANY_TYPE), output: limit("input") },
  infer({ input, beginningPadding, endingPadding, mode, value }) {
    checkLength("beginningPadding", beginningPadding, input.shape.length);
    checkLength("endingPadding", endingPadding, input.shape.length);
    const shape = input.shape.map((/** @type {number} */ d, /** @type {number} */ i) => {
      if (mode === "reflection") {
        check(
          beginningPadding[i] < d,
          `beginningPadding[${i}]`,
          beginningPadding[i],
          `below the dimension ${d}`,
        );
        check(
          endingPadding[i] < d,
          `endingPadding[${i}]`,
          endingPadding[i],
          `below the dimension ${d}`,
        );
      }
      return d + beginningPadding[i] + endingPadding[i];
    });
    checkShape("padded shape", shape);
    return {
      outputs: [{ dataType: input.dataType, shape }],
      attributes: { value: castNumber(input.dataType, value) },
    };
  },
  decompose: decomposePad,
  lower(node, to) {
    const y = node.output;
    const x = node.inputs.input;
    const { beginningPadding, value } = node.attributes;
    const bytes = elementBytes(y);
    const words = new Int32Array(2);
    new Uint8Array(words.buffer).set(numberBytes(y.dataType, [value]));
    to.step("fill", { y, low: words[0], high: words[1], element_bytes: bytes }, y.elements);
    const strides = stridesOf(y.shape);
    let start = 0;
    for (const [i, stride] of strides.entries()) start += beginningPadding[i] * stride;
    emitCopy(to, { value: y, strides, start }, { value: x, strides: stridesOf(x.shape) }, x.shape);
  },
  opaque: true,
};

/**
 * Edge and reflection padding gather along each padded axis.
 *
 * @param {Node} node
 * @param {Graph} graph
 */
function decomposePad(node, graph) {
  const { mode, beginningPadding, endingPadding } = node.attributes;
  if (mode === "constant") return node.outputs;
  let value = node.inputs.input;
  for (const [axis, d] of node.inputs.input.shape.entries()) {
    const before = beginningPadding[axis];
    const count = before + d + endingPadding[axis];
    if (count === d) continue;
    const indices = Array.from({ length: count }, (_, i) => {
      const at = i - before;
      if (mode === "edge") return Math.min(Math.max(at, 0), d - 1);
      return at < 0 ? -at : at >= d ? 2 * (d - 1) - at : at;
    });
    value = graph.gather(value, indices, axis, node);
  }
  return [value];
}

/** @type {Operator} */
export const triangular = {
  name: "triangular",
  parameters: { input: "operand" },
  options: { upper: ["boolean", true], diagonal: ["i32", 0] },
  limits: { input: limit(ANY_TYPE, 2), output: limit("input", 2) },
  infer: ({ input }) => ({ outputs: [{ dataType: input.dataType, shape: input.shape }] }),
  decompose(node, graph) {
    const { input } = node.inputs;
    const { upper, diagonal } = node.attributes;
    const [rows, columns] = input.shape.slice(-2);
    const kept = new Uint8Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      // Column i + diagonal is kept, and what lies to its right, or left.
      const from = Math.min(Math.max(i + diagonal + (upper ? 0 : 1), 0), columns);
      if (upper) kept.fill(1, i * columns + from, (i + 1) * columns);
      else kept.fill(1, i * columns, i * columns + from);
    }
    const c = new Composer(graph, node);
    const mask = c.constant("uint8", [rows, columns], kept);
    return [c.where(mask, input, c.scalar(input.dataType, 0))];
  },
  opaque: true,
};
