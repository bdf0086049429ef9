// SPDX-License-Identifier: Apache-2.0
// Small rewrites that remove work which does nothing.

/** @typedef {import("../ir/graph.js").Graph} Graph */
/** @typedef {import("../ir/graph.js").Node} Node */
/** @typedef {import("../ir/graph.js").Value} Value */

/** Whether two shapes are equal. @param {readonly number[]} a @param {readonly number[]} b */
export function sameShape(a, b) {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/**
 * identity(x) → x; reshape(x) to its own shape → x
 *
 * @param {Node} node
 */
function removeIdentity(node) {
  const { input } = node.inputs;
  if (node.op === "identity") return input;
  if (node.op === "reshape" && sameShape(input.shape, node.output.shape)) return input;
  return null;
}

/**
 * transpose(x) that moves only dimensions of size 1 → reshape(x)
 *
 * @param {Node} node
 * @param {Graph} graph
 */
function flattenTranspose(node, graph) {
  if (node.op !== "transpose") return null;
  const { input } = node.inputs;
  const { dataType, shape } = node.output;
  const moved = node.attributes.permutation.filter(
    (/** @type {number} */ p) => input.shape[p] !== 1,
  );
  if (moved.some((/** @type {number} */ p, /** @type {number} */ i) => i > 0 && p < moved[i - 1])) {
    return null;
  }
  return graph.insert("reshape", { input }, { newShape: shape }, dataType, shape, node);
}

/**
 * reshape(reshape(x)) → reshape(x)
 *
 * @param {Node} node
 * @param {Graph} graph
 */
function mergeReshapes(node, graph) {
  const first = node.inputs.input?.producer;
  if (node.op !== "reshape" || first?.op !== "reshape") return null;
  const { dataType, shape } = node.output;
  return graph.insert(
    "reshape",
    { input: first.inputs.input },
    { newShape: shape },
    dataType,
    shape,
    node,
  );
}

/**
 * requantize(x) to the same parameters and the full range → x
 *
 * @param {Node} node
 */
function removeRequantize(node) {
  if (node.op !== "requantize") return null;
  const { x, y, lo, hi } = node.attributes;
  const { input } = node.inputs;
  const full = input.dataType === "int8" ? lo === -128 && hi === 127 : lo === 0 && hi === 255;
  const same = x.scale === y.scale && x.zeroPoint === y.zeroPoint;
  return same && full && input.dataType === node.output.dataType ? input : null;
}

/**
 * flip(flip(x)) → x
 *
 * @param {Node} node
 */
function removeFlips(node) {
  const first = node.inputs.input?.producer;
  return node.op === "flip" && first?.op === "flip" ? first.inputs.input : null;
}

const RULES = [removeIdentity, flattenTranspose, mergeReshapes, removeRequantize, removeFlips];

/** @param {Graph} graph */
export function simplify(graph) {
  for (let changed = true; changed; ) {
    changed = false;
    for (const node of [...graph.nodes]) {
      for (const rule of RULES) {
        const value =
          node.output.uses.size || graph.isOutput(node.output) ? rule(node, graph) : null;
        if (!value) continue;
        graph.replace(node.output, value);
        changed = true;
        break;
      }
    }
    graph.prune();
  }
}
