// SPDX-License-Identifier: Apache-2.0
// Linear resampling by coordinates that resample2d does not know (align_corners, legacy TFLite) reaches
// the API as two gathers and a weighted sum per axis:
//
//   lower = gather(x, i, axis); upper = gather(x, j, axis); y = lower + (upper - lower) * w
//
// with constant i, j and w. Here it becomes one resizeLinear, for two neighbouring axes together.

import { elementCount } from "../ir/graph.js";
import { constantNumbers } from "../ir/numbers.js";

/** @typedef {import("../ir/graph.js").Graph} Graph */
/** @typedef {import("../ir/graph.js").Node} Node */
/** @typedef {import("../ir/graph.js").Value} Value */
/** @typedef {import("../ops/resample.js").Coordinates} Coordinates */

/** @typedef {{input: Value, axis: number, coordinates: Coordinates, gathers: Node[]}} AxisMix */

/** @param {Graph} graph */
export function recogniseResize(graph) {
  for (const node of [...graph.nodes]) {
    const last = mixOf(node);
    if (!last) continue;
    const first = last.input.producer ? mixOf(last.input.producer) : null;
    const joins = first && first.axis === last.axis - 1 && isOnlyFor(graph, last);
    // A mix that the next one will take in is left for it.
    if (!joins && [...node.output.uses].some((user) => takesIn(user, last.axis))) continue;
    graph.replace(node.output, resize(graph, node, joins ? [first, last] : [last]));
  }
}

/** Whether nothing but the mix itself reads its input. @param {Graph} graph @param {AxisMix} mix */
function isOnlyFor(graph, { input, gathers }) {
  return !graph.isOutput(input) && [...input.uses].every((user) => gathers.includes(user));
}

/** Whether `user` belongs to a mix along the axis after `axis`. @param {Node} user @param {number} axis */
function takesIn(user, axis) {
  return user.op === "gather" && user.attributes.axis === axis + 1;
}

/**
 * The mix that an add is the end of, or null.
 *
 * @param {Node} add
 * @returns {AxisMix | null}
 */
function mixOf(add) {
  if (add.op !== "add") return null;
  const lower = add.inputs.a.producer;
  const product = add.inputs.b.producer;
  const difference = product?.op === "mul" ? product.inputs.a.producer : null;
  if (lower?.op !== "gather" || !product || difference?.op !== "sub") return null;
  const upper = difference.inputs.a.producer;
  if (upper?.op !== "gather" || difference.inputs.b !== add.inputs.a) return null;
  const { axis } = lower.attributes;
  const { input } = lower.inputs;
  if (upper.inputs.input !== input || upper.attributes.axis !== axis) return null;
  const coordinates = coordinatesOf(lower.inputs.indices, upper.inputs.indices, product.inputs.b, {
    size: input.shape[axis],
    axis,
    rank: input.shape.length,
  });
  return coordinates ? { input, axis, coordinates, gathers: [lower, upper] } : null;
}

/**
 * @param {Value} lower
 * @param {Value} upper
 * @param {Value} weight
 * @param {{size: number, axis: number, rank: number}} along
 * @returns {Coordinates | null}
 */
function coordinatesOf(lower, upper, weight, { size, axis, rank }) {
  const i = constantNumbers(lower);
  const j = constantNumbers(upper);
  const w = constantNumbers(weight);
  if (!i || !j || !w || lower.shape.length !== 1 || weight.dataType !== "float32") return null;
  const offset = rank - weight.shape.length;
  const alongAxis = weight.shape.every(
    (d, k) => d === 1 || (k + offset === axis && d === i.length),
  );
  if (!alongAxis || j.length !== i.length || (w.length !== i.length && w.length !== 1)) return null;
  const indices = Array.from(i, Number);
  const weights = indices.map((_, k) => w[w.length === 1 ? 0 : k]);
  const valid = indices.every((at, k) => {
    const next = Number(j[k]);
    const neighbours = next === Math.min(at + 1, size - 1) || weights[k] === 0;
    return at >= 0 && at < size && neighbours && next >= 0 && next < size;
  });
  return valid ? { indices, weights } : null;
}

/**
 * @param {Graph} graph
 * @param {Node} node
 * @param {AxisMix[]} mixes one, or two along neighbouring axes
 */
function resize(graph, node, mixes) {
  const { input, axis } = mixes[0];
  const { dataType, shape } = node.output;
  const last = mixes[mixes.length - 1].axis;
  // A single axis is resampled as rows of one column.
  const alone = mixes.length === 1;
  const inner = elementCount(shape.slice(last + 1));
  const geometry = {
    batch: elementCount(shape.slice(0, axis)),
    height: input.shape[axis],
    width: alone ? 1 : input.shape[last],
    outHeight: shape[axis],
    outWidth: alone ? 1 : shape[last],
    channels: inner,
  };
  const columns = alone ? { indices: [0], weights: [0] } : mixes[1].coordinates;
  const attributes = { geometry, rows: mixes[0].coordinates, columns };
  return graph.insert("resizeLinear", { input }, attributes, dataType, shape, node);
}
