// SPDX-License-Identifier: Apache-2.0
// Whatever is computed element by element from one 8-bit value has 256 answers: they are computed once,
// by the float kernels themselves, when the graph is built. So the table is right by construction.

import { Value } from "../ir/graph.js";
import { OPERATORS } from "../ops/index.js";
import { byteRange, dequantized, tensorParams } from "./quantization.js";
import { sameShape } from "./simplify.js";

/** @typedef {import("../ir/graph.js").Graph} Graph */
/** @typedef {import("../ir/graph.js").Node} Node */

/** Operators of two operands that count as elementwise when one of them is a single constant. */
const BINARY = new Set(["add", "sub", "mul", "div", "max", "min"]);

/** Beyond this many nodes an expression is left alone. */
const MAX_NODES = 24;

/**
 * The nodes between `value` and the one dequantizeLinear it is computed from, in order; null where
 * there is anything else.
 *
 * @param {Value} value
 * @returns {{source: Node, nodes: Node[]} | null}
 */
function expressionOf(value) {
  /** @type {Set<Node>} */
  const nodes = new Set();
  /** @type {Node | null} */
  let source = null;
  const { shape } = value;
  const visit = (/** @type {Value} */ v) => {
    if (v.constant) return v.elements === 1;
    const from = dequantized(v);
    if (from) {
      if (source && source !== from.node) return false;
      source = from.node;
      return sameShape(v.shape, shape);
    }
    const node = v.producer;
    if (!node || !isElementwise(node) || !sameShape(v.shape, shape)) return false;
    if (nodes.has(node)) return true;
    if (nodes.size >= MAX_NODES) return false;
    for (const input of Object.values(node.inputs)) if (!visit(input)) return false;
    nodes.add(node);
    return true;
  };
  return visit(value) && source ? { source, nodes: [...nodes] } : null;
}

/** @param {Node} node */
function isElementwise(node) {
  return (
    node.output.dataType === "float32" && (OPERATORS[node.op]?.elementwise || BINARY.has(node.op))
  );
}

/**
 * Q(f(DQ(x))) → lut(x, Q(f(DQ(0..255)))) for f of elementwise operators
 *
 * @param {Graph} graph
 * @param {Node} quantize
 */
export function fuseTable(graph, quantize) {
  if (!tensorParams(quantize) || !byteRange(quantize.output.dataType)) return null;
  const found = expressionOf(quantize.inputs.input);
  if (!found) return null;
  const { source, nodes } = found;
  const input = source.inputs.input;
  // Every byte once, in the order of its unsigned value; the table is indexed by the byte.
  const bytes = new Value(
    input.dataType,
    [256],
    Uint8Array.from({ length: 256 }, (_, i) => i),
  );
  /** @type {Map<Value, Value>} */
  const copies = new Map([[input, bytes]]);
  let result = bytes;
  for (const node of [source, ...nodes, quantize]) {
    /** @type {Record<string, Value>} */
    const inputs = {};
    for (const [name, value] of Object.entries(node.inputs)) {
      inputs[name] = copies.get(value) ?? new Value(value.dataType, [1], value.constant);
    }
    result = graph.insert(node.op, inputs, node.attributes, node.output.dataType, [256], quantize);
    copies.set(node.output, result);
  }
  const { dataType, shape } = quantize.output;
  const output = new Value(dataType, shape);
  const { label } = nodes.at(-1) ?? quantize;
  graph.add("lut", { input, table: result }, {}, [output], label, quantize);
  return output;
}
