// SPDX-License-Identifier: Apache-2.0
// Operators that repeat elements. https://www.w3.org/TR/webnn/#api-mlgraphbuilder-expand

import { Composer } from "./compose.js";
import { emitCopy } from "./copy.js";
import { ANY_TYPE, check, limit } from "./operator.js";
import {
  broadcastStrides,
  checkLength,
  checkShape,
  elementCount,
  isBroadcastableTo,
  stridesOf,
} from "./shape.js";

/** @typedef {import("./operator.js").Operator} Operator */

const ANY = { input: limit(ANY_TYPE), output: limit("input") };

/** @type {Operator} */
export const expand = {
  name: "expand",
  parameters: { input: "operand", newShape: "u32[]" },
  options: {},
  limits: ANY,
  infer({ input, newShape }) {
    checkShape("newShape", newShape);
    check(
      isBroadcastableTo(input.shape, newShape),
      "newShape",
      newShape,
      `a shape that [${input.shape.join(", ")}] broadcasts to`,
    );
    return { outputs: [{ dataType: input.dataType, shape: newShape }] };
  },
  lower(node, to) {
    const y = node.output;
    const x = node.inputs.input;
    emitCopy(
      to,
      { value: y, strides: stridesOf(y.shape) },
      { value: x, strides: broadcastStrides(x.shape, y.shape) },
      y.shape,
    );
  },
  movement: true,
};

/** @type {Operator} */
export const tile = {
  name: "tile",
  parameters: { input: "operand", repetitions: "wrapping u32[]" },
  options: {},
  limits: ANY,
  infer({ input, repetitions }) {
    checkLength("repetitions", repetitions, input.shape.length);
    check(!repetitions.includes(0), "repetitions", repetitions, "values above 0");
    const shape = input.shape.map(
      (/** @type {number} */ d, /** @type {number} */ i) => d * repetitions[i],
    );
    checkShape("output shape", shape);
    return { outputs: [{ dataType: input.dataType, shape }] };
  },
  decompose(node, graph) {
    // An axis at a time, the last one first: [outer, d * inner] → [outer, n, d * inner].
    const c = new Composer(graph, node);
    let value = node.inputs.input;
    for (let axis = value.shape.length - 1; axis >= 0; axis--) {
      const count = node.attributes.repetitions[axis];
      if (count === 1) continue;
      const outer = elementCount(value.shape.slice(0, axis));
      const rest = value.elements / outer;
      const shape = value.shape.map((d, i) => (i === axis ? d * count : d));
      const rows = c.reshape(value, [outer, 1, rest]);
      value = c.reshape(c.expand(rows, [outer, count, rest]), shape);
    }
    return [value];
  },
  movement: true,
};
