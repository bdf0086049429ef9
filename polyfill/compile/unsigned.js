// SPDX-License-Identifier: Apache-2.0
// The kernels' activations are uint8. An int8 value is the same byte with its top bit flipped and its
// zero point moved by 128; operators that know their zero points, or do not look at the bytes, are moved
// over, and a flip stands wherever int8 comes in from outside or goes out.

import { Value } from "../ir/graph.js";
import { INTERNAL_OPERATORS, OPERATORS } from "../ops/index.js";

/** @typedef {import("../ir/graph.js").Graph} Graph */
/** @typedef {import("../ir/graph.js").Node} Node */

/**
 * Operands that are activations, and the attribute that holds their parameters. The output's is `y`.
 *
 * @type {Readonly<Record<string, Readonly<Record<string, string>>>>}
 */
const ACTIVATIONS = {
  qConv2d: { input: "x" },
  qGemm: { a: "x" },
  qAdd: { a: "a", b: "b" },
  qMul: { a: "a", b: "b" },
  qAveragePool2d: { input: "x" },
  qReduceMean: { input: "x" },
  qResizeLinear: { input: "x" },
  qSoftmax: { input: "x" },
  requantize: { input: "x" },
  quantize: {},
  dequantize: { input: "x" },
};

/** Operators that treat all bytes alike or only compare them. */
const INDIFFERENT = new Set(["concat", "argMax", "argMin", "maxPool2d", "pad", "lut"]);

/** @param {Node} node */
function operandsOf(node) {
  if (ACTIVATIONS[node.op]) return Object.keys(ACTIVATIONS[node.op]);
  if (node.op === "concat") return Object.keys(node.inputs);
  const record = OPERATORS[node.op] ?? INTERNAL_OPERATORS[node.op];
  return record?.movement || INDIFFERENT.has(node.op) ? ["input"] : null;
}

/** @param {{scale: number, zeroPoint: number}} params */
function moved(params) {
  return { ...params, zeroPoint: params.zeroPoint + 128 };
}

/**
 * The attributes of a node once the operands and outputs that were int8 are uint8.
 *
 * @param {Node} node
 */
function movedAttributes(node) {
  const attributes = { ...node.attributes };
  for (const [operand, name] of Object.entries(ACTIVATIONS[node.op] ?? {})) {
    if (node.inputs[operand].dataType === "int8") attributes[name] = moved(attributes[name]);
  }
  if (node.output.dataType === "int8") {
    if (attributes.y) attributes.y = moved(attributes.y);
    if (attributes.lo !== undefined) {
      attributes.lo += 128;
      attributes.hi += 128;
    }
    if (node.op === "qAveragePool2d") attributes.origin = 128;
    if (node.op === "pad") attributes.value = Number(attributes.value) + 128;
  }
  return attributes;
}

/**
 * The table of a lut whose index, result or both change sign: halves swapped, entries flipped.
 *
 * @param {Graph} graph
 * @param {Node} node
 */
function movedTable(graph, node) {
  let { table } = node.inputs;
  if (node.inputs.input.dataType === "int8") {
    const half = (/** @type {number} */ start) =>
      graph.insert(
        "slice",
        { input: table },
        { starts: [start], sizes: [128], strides: [1] },
        table.dataType,
        [128],
        node,
      );
    const halves = { 0: half(128), 1: half(0) };
    table = graph.insert("concat", halves, { axis: 0 }, table.dataType, [256], node);
  }
  return table.dataType === "int8" ? unsignedForm(graph, table, node) : table;
}

/**
 * `value` as uint8, in front of `before`.
 *
 * @param {Graph} graph
 * @param {Value} value
 * @param {Node} before
 */
function unsignedForm(graph, value, before) {
  const { producer } = value;
  if (producer?.op === "flip") return producer.inputs.input;
  // Nodes are visited in order, so a flip that is there already stands in front of `before`.
  const flip = [...value.uses].find((user) => user.op === "flip");
  if (flip) return flip.output;
  return graph.insert("flip", { input: value }, {}, "uint8", value.shape, before);
}

/**
 * @param {Graph} graph
 * @param {Node} node
 */
function moveOver(graph, node) {
  const operands = operandsOf(node);
  const isInt8 = (/** @type {Value} */ value) => value.dataType === "int8";
  if (!operands) return;
  if (!operands.some((name) => isInt8(node.inputs[name])) && !node.outputs.some(isInt8)) return;
  const inputs = { ...node.inputs };
  for (const name of operands) {
    if (isInt8(inputs[name])) inputs[name] = unsignedForm(graph, inputs[name], node);
  }
  if (node.op === "lut") inputs.table = movedTable(graph, node);
  const outputs = node.outputs.map((v) => new Value(isInt8(v) ? "uint8" : v.dataType, v.shape));
  graph.add(node.op, inputs, movedAttributes(node), outputs, node.label, node);
  for (const [i, old] of node.outputs.entries()) {
    const result = isInt8(old)
      ? graph.insert("flip", { input: outputs[i] }, {}, "int8", old.shape, node)
      : outputs[i];
    graph.replace(old, result);
  }
}

/** @param {Graph} graph */
export function makeUnsigned(graph) {
  for (const node of [...graph.nodes]) moveOver(graph, node);
}
