// SPDX-License-Identifier: Apache-2.0
// Layouts: kernels know NHWC only. Operators over NCHW get a transpose in front and one behind; then
// transposes sink towards the outputs, through everything that does not care, until they meet and cancel.

import { Value } from "../ir/graph.js";
import { OPERATORS } from "../ops/index.js";
import { sameShape } from "./simplify.js";

/** @typedef {import("../ir/graph.js").Graph} Graph */
/** @typedef {import("../ir/graph.js").Node} Node */

const TO_NHWC = [0, 2, 3, 1];
const TO_NCHW = [0, 3, 1, 2];

/** Operators with a layout option, and its name. @type {Readonly<Record<string, string>>} */
const LAYOUT_OPTION = { conv2d: "inputLayout", averagePool2d: "layout", maxPool2d: "layout" };

/** @param {readonly number[]} list @param {readonly number[]} permutation */
function permuted(list, permutation) {
  return permutation.map((p) => list[p]);
}

/**
 * op(x, nchw) → transpose(op(transpose(x), nhwc))
 *
 * @param {Graph} graph
 */
export function channelsLast(graph) {
  for (const node of [...graph.nodes]) {
    const option = LAYOUT_OPTION[node.op];
    if (!option || node.attributes[option] !== "nchw") continue;
    const { input } = node.inputs;
    const { dataType, shape } = node.output;
    const turned = graph.insert(
      "transpose",
      { input },
      { permutation: TO_NHWC },
      input.dataType,
      permuted(input.shape, TO_NHWC),
      node,
    );
    const inputs = { ...node.inputs, input: turned };
    const attributes = { ...node.attributes, [option]: "nhwc" };
    const inner = graph.insert(
      node.op,
      inputs,
      attributes,
      dataType,
      permuted(shape, TO_NHWC),
      node,
    );
    const back = graph.insert(
      "transpose",
      { input: inner },
      { permutation: TO_NCHW },
      dataType,
      shape,
      node,
    );
    graph.replace(node.output, back);
  }
}

/** @param {Value | undefined} value */
function transposeOf(value) {
  const producer = value?.producer;
  return producer?.op === "transpose" ? producer : null;
}

/**
 * transpose(transpose(x)) → transpose(x) or x
 *
 * @param {Node} node
 * @param {Graph} graph
 */
function mergeTransposes(node, graph) {
  const first = node.op === "transpose" ? transposeOf(node.inputs.input) : null;
  if (!first) return null;
  const permutation = permuted(first.attributes.permutation, node.attributes.permutation);
  const { input } = first.inputs;
  if (permutation.every((p, i) => p === i)) return input;
  const { dataType, shape } = node.output;
  return graph.insert("transpose", { input }, { permutation }, dataType, shape, node);
}

/**
 * f(transpose(x)) → transpose(f(x)) for elementwise f
 *
 * @param {Node} node
 * @param {Graph} graph
 */
function sinkThroughUnary(node, graph) {
  if (!OPERATORS[node.op]?.elementwise) return null;
  const first = transposeOf(node.inputs.input);
  if (!first) return null;
  const { permutation } = first.attributes;
  const { input } = first.inputs;
  const { dataType, shape } = node.output;
  const inner = graph.insert(
    node.op,
    { ...node.inputs, input },
    node.attributes,
    dataType,
    input.shape,
    node,
  );
  return graph.insert("transpose", { input: inner }, { permutation }, dataType, shape, node);
}

const BINARY = new Set(["add", "sub", "mul", "div", "max", "min"]);

/**
 * f(transpose(a), transpose(b)) → transpose(f(a, b)), b also a constant that reshapes into place
 *
 * @param {Node} node
 * @param {Graph} graph
 */
function sinkThroughBinary(node, graph) {
  if (!BINARY.has(node.op)) return null;
  const { a, b } = node.inputs;
  const first = transposeOf(a) ?? transposeOf(b);
  if (!first) return null;
  const { permutation } = first.attributes;
  const { dataType, shape } = node.output;
  const before = new Array(permutation.length);
  for (const [i, p] of permutation.entries()) before[p] = i;
  const inputs = {
    a: untransposed(a, before, permutation),
    b: untransposed(b, before, permutation),
  };
  if (!inputs.a || !inputs.b || shape.length !== permutation.length) return null;
  const inner = graph.insert(
    node.op,
    /** @type {any} */ (inputs),
    node.attributes,
    dataType,
    permuted(shape, before),
    node,
  );
  return graph.insert("transpose", { input: inner }, { permutation }, dataType, shape, node);
}

/**
 * The operand as it was before `permutation`: a transposed value's source, or a constant with at most one
 * dimension above 1, which only needs another shape.
 *
 * @param {Value} value
 * @param {readonly number[]} inverse
 * @param {readonly number[]} permutation
 */
function untransposed(value, inverse, permutation) {
  const transpose = transposeOf(value);
  if (transpose) {
    return sameShape(transpose.attributes.permutation, permutation) ? transpose.inputs.input : null;
  }
  if (!value.constant || value.shape.filter((d) => d !== 1).length > 1) return null;
  const rank = permutation.length;
  const full = [...new Array(Math.max(0, rank - value.shape.length)).fill(1), ...value.shape];
  return new Value(value.dataType, permuted(full, inverse), value.constant);
}

/**
 * concat(transpose(x)...) → transpose(concat(x...))
 *
 * @param {Node} node
 * @param {Graph} graph
 */
function sinkThroughConcat(node, graph) {
  if (node.op !== "concat") return null;
  const firsts = Object.values(node.inputs).map(transposeOf);
  const permutation = firsts[0]?.attributes.permutation;
  if (!permutation || !firsts.every((t) => t && sameShape(t.attributes.permutation, permutation))) {
    return null;
  }
  /** @type {Record<string, Value>} */
  const inputs = {};
  for (const [i, first] of firsts.entries()) inputs[i] = /** @type {Node} */ (first).inputs.input;
  const { dataType, shape } = node.output;
  const inner = shape.slice();
  for (const [i, p] of permutation.entries()) inner[p] = shape[i];
  const axis = permutation[node.attributes.axis];
  const joined = graph.insert(
    "concat",
    inputs,
    { ...node.attributes, axis },
    dataType,
    inner,
    node,
  );
  return graph.insert("transpose", { input: joined }, { permutation }, dataType, shape, node);
}

const RULES = [mergeTransposes, sinkThroughUnary, sinkThroughBinary, sinkThroughConcat];

/** @param {Graph} graph */
export function sinkTransposes(graph) {
  for (const node of [...graph.nodes]) {
    for (const rule of RULES) {
      const value = rule(node, graph);
      if (!value) continue;
      graph.replace(node.output, value);
      break;
    }
  }
  graph.prune();
}
