// SPDX-License-Identifier: Apache-2.0
// What a float product or pool can do on its way: clamp its result, add a bias, read a padded input.

/** @typedef {import("../ir/graph.js").Graph} Graph */
/** @typedef {import("../ir/graph.js").Node} Node */

const CLAMPING = new Set(["conv2d", "gemm", "matmul", "averagePool2d", "maxPool2d"]);

/**
 * clamp(op(x), a, b) → op(x) with bounds; relu likewise
 *
 * @param {Node} node
 * @param {Graph} graph
 */
function takeInClamp(node, graph) {
  if (node.op !== "clamp" && node.op !== "relu") return null;
  const { input } = node.inputs;
  const op = input.producer;
  if (!op || !CLAMPING.has(op.op) || input.dataType !== "float32" || !graph.hasSingleUse(input)) {
    return null;
  }
  const [lo, hi] =
    node.op === "relu" ? [0, Infinity] : [node.attributes.minValue, node.attributes.maxValue];
  const { minValue = -Infinity, maxValue = Infinity } = op.attributes;
  const clamp = (/** @type {number} */ v) => Math.min(Math.max(v, Number(lo)), Number(hi));
  const attributes = { ...op.attributes, minValue: clamp(minValue), maxValue: clamp(maxValue) };
  const { dataType, shape } = node.output;
  return graph.insert(op.op, op.inputs, attributes, dataType, shape, node);
}

/**
 * conv2d(pad(x, zero)) → conv2d(x) with padding; qConv2d likewise with the zero point
 *
 * @param {Node} node
 * @param {Graph} graph
 */
function takeInPad(node, graph) {
  if (node.op !== "conv2d" && node.op !== "qConv2d") return null;
  const pad = node.inputs.input.producer;
  if (pad?.op !== "pad") return null;
  const { beginningPadding: before, endingPadding: after, value } = pad.attributes;
  const zero = node.op === "qConv2d" ? node.attributes.x.zeroPoint : 0;
  if (Number(value) !== zero || before[0] || after[0] || before[3] || after[3]) return null;
  const [top, bottom, left, right] = node.attributes.padding;
  const padding = [top + before[1], bottom + after[1], left + before[2], right + after[2]];
  const inputs = { ...node.inputs, input: pad.inputs.input };
  const { dataType, shape } = node.output;
  return graph.insert(node.op, inputs, { ...node.attributes, padding }, dataType, shape, node);
}

const RULES = [takeInPad, takeInClamp];

/** @param {Graph} graph */
export function fuseFloat(graph) {
  for (const node of [...graph.nodes]) {
    for (const rule of RULES) {
      const value = rule(node, graph);
      if (!value) continue;
      graph.replace(node.output, value);
      break;
    }
  }
}
