// SPDX-License-Identifier: Apache-2.0
// float16 is stored as half and computed in float32: op(x) → half(op(float(x))), before operators are
// decomposed, so that each of them rounds once. What only moves elements moves halves.

import { Value } from "../ir/graph.js";
import { numberFromHalf } from "../ir/numbers.js";
import { OPERATORS } from "../ops/index.js";

/** @typedef {import("../ir/graph.js").Graph} Graph */
/** @typedef {import("../ir/graph.js").Node} Node */

/** @param {Value} value */
function isHalf(value) {
  return value.dataType === "float16";
}

/** @param {Node} node */
function computes(node) {
  const record = OPERATORS[node.op];
  return record && !record.movement && !record.opaque && node.op !== "cast";
}

/** All halves as float32, by their bits. @type {Float32Array | null} */
let table = null;

/** A constant of float16 as one of float32. @param {Value} value */
function widenedConstant({ constant, shape }) {
  table ??= Float32Array.from({ length: 65536 }, (_, bits) => numberFromHalf(bits));
  const halves = new Uint16Array(/** @type {Uint8Array} */ (constant).slice().buffer);
  const floats = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) floats[i] = table[halves[i]];
  return new Value("float32", shape, new Uint8Array(floats.buffer));
}

/** @param {Graph} graph */
export function widenHalf(graph) {
  /** @type {Map<Value, Value>} */
  const widened = new Map();
  for (const node of [...graph.nodes]) {
    const touches = [...Object.values(node.inputs), ...node.outputs].some(isHalf);
    if (!touches || !computes(node)) continue;
    /** @type {Record<string, Value>} */
    const inputs = {};
    for (const [name, value] of Object.entries(node.inputs)) {
      inputs[name] = isHalf(value) ? widen(graph, widened, value, node) : value;
    }
    const outputs = node.outputs.map((v) => new Value(isHalf(v) ? "float32" : v.dataType, v.shape));
    graph.add(node.op, inputs, node.attributes, outputs, node.label, node);
    for (const [i, old] of node.outputs.entries()) {
      const attributes = { dataType: "float16" };
      const result = isHalf(old)
        ? graph.insert("cast", { input: outputs[i] }, attributes, "float16", old.shape, node)
        : outputs[i];
      graph.replace(old, result);
    }
  }
}

/**
 * A value as float32; nodes are visited in order, so what one inserted serves all that follow.
 *
 * @param {Graph} graph
 * @param {Map<Value, Value>} widened
 * @param {Value} value
 * @param {Node} before
 */
function widen(graph, widened, value, before) {
  let wide = widened.get(value);
  if (!wide) {
    const attributes = { dataType: "float32" };
    wide = value.constant
      ? widenedConstant(value)
      : graph.insert("cast", { input: value }, attributes, "float32", value.shape, before);
    widened.set(value, wide);
  }
  return wide;
}
