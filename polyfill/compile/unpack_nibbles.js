// SPDX-License-Identifier: Apache-2.0
// 4-bit types: inside a graph an element has a byte of its own. Constants are unpacked here; what comes in
// or goes out packed, two elements a byte, is taken apart or put together by arithmetic that wraps.

import { Value } from "../ir/graph.js";
import { Composer } from "../ops/compose.js";

/** @typedef {import("../ir/graph.js").Graph} Graph */
/** @typedef {import("../ir/graph.js").Node} Node */
/** @typedef {import("../ir/graph.js").DataType} DataType */

/** The type that holds an element. @type {Readonly<Record<string, DataType>>} */
const HOLDER = { int4: "int8", uint4: "uint8" };

/** @param {Value} value @returns {DataType | undefined} */
function holderOf(value) {
  return HOLDER[value.dataType];
}

/** @param {Value} value a constant */
function unpackedConstant(value) {
  const packed = /** @type {Uint8Array} */ (value.constant);
  const bytes = new Uint8Array(value.elements);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (packed[i >> 1] >> (4 * (i & 1))) & 15;
  if (value.dataType === "int4") for (const [i, v] of bytes.entries()) bytes[i] = (v ^ 8) - 8;
  return new Value(HOLDER[value.dataType], value.shape, bytes);
}

/** The same bytes as another type. @param {Composer} c @param {Value} value @param {DataType} dataType @param {readonly number[]} shape */
function reinterpret(c, value, dataType, shape = value.shape) {
  return c.insert("reinterpret", { input: value }, {}, shape, dataType);
}

/**
 * The elements of a packed value, in front of `node`: the low and the high half of each byte, moved to
 * the top and down again, which extends the sign.
 *
 * @param {Graph} graph
 * @param {Node} node
 * @param {Value} value
 */
function unpack(graph, node, value) {
  const c = new Composer(graph, node);
  const holder = HOLDER[value.dataType];
  const count = Math.ceil(value.elements / 2);
  const packed = reinterpret(c, value, "uint8", [count, 1]);
  const sixteen = c.scalar("uint8", 16);
  const halves = [c.mul(packed, sixteen), c.mul(c.div(packed, sixteen), sixteen)];
  const elements = halves.map((half) => c.div(reinterpret(c, half, holder), c.scalar(holder, 16)));
  const all = c.reshape(c.concat(elements, 1), [2 * count]);
  return c.reshape(c.slice(all, 0, 0, value.elements), value.shape);
}

/**
 * The packed form of a value whose elements have bytes of their own.
 *
 * @param {Graph} graph
 * @param {Node} node
 * @param {Value} value
 * @param {DataType} dataType
 */
function pack(graph, node, value, dataType) {
  const c = new Composer(graph, node);
  const flat = c.reshape(reinterpret(c, value, "uint8"), [value.elements]);
  const even = c.pad(flat, [0], [value.elements % 2], 0);
  const sixteen = c.scalar("uint8", 16);
  const low = c.div(c.mul(c.slice(even, 0, 0, even.elements, 2), sixteen), sixteen);
  const high = c.mul(c.slice(even, 0, 1, even.elements, 2), sixteen);
  return reinterpret(c, c.add(low, high), dataType, value.shape);
}

/** @param {Graph} graph */
export function unpackNibbles(graph) {
  for (const node of [...graph.nodes]) {
    for (const [name, value] of Object.entries(node.inputs)) {
      if (!holderOf(value)) continue;
      const elements = value.constant ? unpackedConstant(value) : unpack(graph, node, value);
      graph.setInput(node, name, elements);
    }
    for (const output of node.outputs) unpackOutput(graph, node, output);
  }
}

/**
 * quantizeLinear to 4 bits → clamp(quantizeLinear to 8 bits), packed where it leaves the graph.
 *
 * @param {Graph} graph
 * @param {Node} node
 * @param {Value} output
 */
function unpackOutput(graph, node, output) {
  const holder = holderOf(output);
  if (!holder) return;
  const c = new Composer(graph, node);
  const [minValue, maxValue] = output.dataType === "int4" ? [-8, 7] : [0, 15];
  const wide = c.insert(node.op, node.inputs, node.attributes, output.shape, holder);
  const elements = c.unary("clamp", wide, { minValue, maxValue });
  const isOutput = graph.isOutput(output);
  const packed = isOutput ? pack(graph, node, elements, output.dataType) : null;
  for (const [name, value] of graph.outputs) {
    if (value === output && packed) graph.outputs.set(name, packed);
  }
  graph.replace(output, elements);
}
