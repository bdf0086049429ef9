// SPDX-License-Identifier: Apache-2.0
// Brings quantize and dequantize next to the operators that compute. Operators that only move elements
// commute with both, to the bit; so dequantizeLinear sinks and quantizeLinear rises through them, and
// what is moved is bytes. Here too go layouts between a pair, which then cancel.

import { Value } from "../ir/graph.js";
import { INTERNAL_OPERATORS, OPERATORS } from "../ops/index.js";
import { byteRange, dequantized, quantizeNumber, tensorParams } from "./quantization.js";

/** @typedef {import("../ir/graph.js").Graph} Graph */
/** @typedef {import("../ir/graph.js").Node} Node */
/** @typedef {import("../ir/graph.js").DataType} DataType */

/** Quantization keeps order, so a maximum may be taken on either side of it. */
const ORDER_KEEPING = new Set(["maxPool2d"]);

/** @param {Node} node */
function commutes(node) {
  const record = OPERATORS[node.op] ?? INTERNAL_OPERATORS[node.op];
  return Boolean(record?.movement) || ORDER_KEEPING.has(node.op);
}

/**
 * A scale or zero point of one element, with another rank.
 *
 * @param {Value} value
 * @param {number} rank
 */
function withRank(value, rank) {
  return new Value(value.dataType, new Array(rank).fill(1), value.constant);
}

/**
 * quantizeLinear or dequantizeLinear of `input` with the parameters of `like`.
 *
 * @param {Graph} graph
 * @param {Node} like
 * @param {Value} input
 * @param {DataType} dataType
 * @param {Node} before
 */
function converted(graph, like, input, dataType, before) {
  const rank = input.shape.length;
  const inputs = {
    input,
    scale: withRank(like.inputs.scale, rank),
    zeroPoint: withRank(like.inputs.zeroPoint, rank),
  };
  return graph.insert(like.op, inputs, like.attributes, dataType, input.shape, before);
}

/**
 * move(DQ(x)) → DQ(move(x))
 *
 * @param {Node} node
 * @param {Graph} graph
 */
function sinkDequantize(node, graph) {
  const from = commutes(node) ? dequantized(node.inputs.input) : null;
  if (!from) return false;
  const outputs = node.outputs.map((output) => new Value(from.source.dataType, output.shape));
  const inputs = { ...node.inputs, input: from.source };
  graph.add(node.op, inputs, node.attributes, outputs, node.label, node);
  for (const [i, output] of node.outputs.entries()) {
    graph.replace(output, converted(graph, from.node, outputs[i], output.dataType, node));
  }
  return true;
}

/**
 * pad(DQ(x), value) → DQ(pad(x, Q(value))) where value is one that x can hold
 *
 * @param {Node} node
 * @param {Graph} graph
 */
function sinkThroughPad(node, graph) {
  const from = node.op === "pad" ? dequantized(node.inputs.input) : null;
  const range = from && byteRange(from.source.dataType);
  if (!from || !range) return false;
  const value = Number(node.attributes.value);
  const q = quantizeNumber(value, from.params, range);
  if (Math.fround((q - from.params.zeroPoint) * from.params.scale) !== Math.fround(value))
    return false;
  const attributes = { ...node.attributes, value: q };
  const { dataType } = from.source;
  const moved = graph.insert(
    "pad",
    { input: from.source },
    attributes,
    dataType,
    node.output.shape,
    node,
  );
  graph.replace(node.output, converted(graph, from.node, moved, node.output.dataType, node));
  return true;
}

/**
 * argMax(DQ(x)) → argMax(x)
 *
 * @param {Node} node
 * @param {Graph} graph
 */
function takeExtremeOfBytes(node, graph) {
  if (node.op !== "argMax" && node.op !== "argMin") return false;
  const from = dequantized(node.inputs.input);
  if (!from) return false;
  graph.setInput(node, "input", from.source);
  return true;
}

/**
 * Q(move(x)) → move(Q(x)), where nobody else reads move(x) and x is not itself dequantized
 *
 * @param {Node} node
 * @param {Graph} graph
 */
function raiseQuantize(node, graph) {
  if (node.op !== "quantizeLinear" || !tensorParams(node)) return false;
  const { input } = node.inputs;
  const mover = input.producer;
  if (!mover || !commutes(mover) || mover.outputs.length !== 1 || !graph.hasSingleUse(input))
    return false;
  if (!byteRange(node.output.dataType)) return false;
  const { dataType, shape } = node.output;
  const source = converted(graph, node, mover.inputs.input, dataType, mover);
  const inputs = { ...mover.inputs, input: source };
  graph.replace(
    node.output,
    graph.insert(mover.op, inputs, mover.attributes, dataType, shape, mover),
  );
  return true;
}

/**
 * Q(concat(x...)) → concat(Q(x)...)
 *
 * @param {Node} node
 * @param {Graph} graph
 */
function raiseThroughConcat(node, graph) {
  if (node.op !== "quantizeLinear" || !tensorParams(node)) return false;
  const { input } = node.inputs;
  const join = input.producer;
  if (join?.op !== "concat" || !graph.hasSingleUse(input)) return false;
  if (!byteRange(node.output.dataType)) return false;
  const { dataType, shape } = node.output;
  /** @type {Record<string, Value>} */
  const inputs = {};
  for (const [name, part] of Object.entries(join.inputs)) {
    inputs[name] = converted(graph, node, part, dataType, join);
  }
  graph.replace(
    node.output,
    graph.insert("concat", inputs, join.attributes, dataType, shape, join),
  );
  return true;
}

/** @param {Graph} graph */
export function moveQuantization(graph) {
  for (const node of [...graph.nodes]) {
    if (node.outputs.length && !sinkDequantize(node, graph) && !sinkThroughPad(node, graph)) {
      takeExtremeOfBytes(node, graph);
    }
  }
  graph.prune();
  for (let changed = true; changed; ) {
    changed = false;
    for (const node of [...graph.nodes].reverse()) {
      changed = raiseQuantize(node, graph) || raiseThroughConcat(node, graph) || changed;
    }
    graph.prune();
  }
}
