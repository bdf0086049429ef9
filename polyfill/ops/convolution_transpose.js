// SPDX-License-Identifier: Apache-2.0
// Transposed convolutions. https://www.w3.org/TR/webnn/#api-mlgraphbuilder-convtranspose2d

import { Composer } from "./compose.js";
import { filterDimensions, INPUT_LAYOUTS } from "./convolution.js";
import { check, FLOAT_TYPES, limit } from "./operator.js";
import { checkLength } from "./shape.js";

/** @typedef {import("./operator.js").Operator} Operator */
/** @typedef {import("./operator.js").Node} Node */
/** @typedef {import("./operator.js").Graph} Graph */
/** @typedef {import("./operator.js").Value} Value */

const FILTER_LAYOUTS = ["iohw", "hwoi", "ohwi"];

/**
 * The output extent of one axis: what the stride, the window and the padding make of the input, and what
 * the caller adds or asks for.
 *
 * @param {string} dimension
 * @param {{input: number, window: number, stride: number, dilation: number, before: number,
 *   after: number, extra: number, wanted: number | undefined}} along
 */
function transposedExtent(dimension, along) {
  const { input, window, stride, dilation, before, after, extra, wanted } = along;
  const effective = (window - 1) * dilation + 1;
  const least = (input - 1) * stride + effective - before - after;
  const most = least + stride - 1;
  if (wanted === undefined) {
    check(extra < stride, `outputPadding ${dimension}`, extra, `below the stride ${stride}`);
    check(least + extra > 0, `output ${dimension}`, least + extra, "a value above 0");
    return least + extra;
  }
  const fits = wanted >= least && wanted <= most && wanted > 0;
  check(fits, `outputSizes ${dimension}`, wanted, `${Math.max(least, 1)} to ${most}`);
  return wanted;
}

/** @param {any} call @returns {import("./operator.js").Inference} */
function inferConvTranspose2d(call) {
  const { input, filter, groups, inputLayout, filterLayout, bias, outputSizes } = call;
  const { padding = [0, 0, 0, 0], strides = [1, 1], dilations = [1, 1] } = call;
  const { outputPadding = [0, 0] } = call;
  checkLength("padding", padding, 4);
  checkLength("strides", strides, 2);
  checkLength("dilations", dilations, 2);
  checkLength("outputPadding", outputPadding, 2);
  if (outputSizes) checkLength("outputSizes", outputSizes, 2);
  check(!strides.includes(0), "strides", strides, "values above 0");
  check(!dilations.includes(0), "dilations", dilations, "values above 0");
  check(groups > 0, "groups", groups, "a value above 0");
  const [channelAxis, heightAxis, widthAxis] = inputLayout === "nchw" ? [1, 2, 3] : [3, 1, 2];
  const channels = input.shape[channelAxis];
  const at = (/** @type {string} */ role) => filter.shape[filterLayout.indexOf(role)];
  check(channels % groups === 0, "groups", groups, `a divisor of the ${channels} input channels`);
  check(at("i") === channels, "filter input channels", at("i"), `the input's ${channels}`);
  const out = at("o") * groups;
  if (bias) check(bias.shape[0] === out, "bias shape", bias.shape, `[${out}]`);
  const extent = (/** @type {string} */ dimension, /** @type {number} */ i) =>
    transposedExtent(dimension, {
      input: input.shape[i === 0 ? heightAxis : widthAxis],
      window: at(i === 0 ? "h" : "w"),
      stride: strides[i],
      dilation: dilations[i],
      before: padding[2 * i],
      after: padding[2 * i + 1],
      extra: outputPadding[i],
      wanted: outputSizes?.[i],
    });
  const [n, height, width] = [input.shape[0], extent("height", 0), extent("width", 1)];
  const shape = inputLayout === "nchw" ? [n, out, height, width] : [n, height, width, out];
  return {
    outputs: [{ dataType: input.dataType, shape }],
    attributes: { padding, strides, dilations },
  };
}

/**
 * One axis of the input as the convolution sees it: `stride` − 1 zeros behind each element, and the rows
 * that a padding wider than the window cuts off.
 *
 * @param {Composer} c
 * @param {Value} value
 * @param {number} axis
 * @param {{stride: number, cutBefore: number, cutAfter: number}} along
 */
function spreadAxis(c, value, axis, { stride, cutBefore, cutAfter }) {
  let spread = value;
  if (stride > 1) {
    const shape = [...value.shape];
    const padded = [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)];
    const none = padded.map(() => 0);
    const after = padded.map((_, i) => (i === axis + 1 ? stride - 1 : 0));
    shape[axis] *= stride;
    spread = c.reshape(c.pad(c.reshape(value, padded), none, after, 0), shape);
  }
  if (!cutBefore && !cutAfter) return spread;
  return c.slice(spread, axis, cutBefore, spread.shape[axis] - cutAfter);
}

/**
 * The operator over NCHW as one over NHWC, so that what is spread is already in the kernels' layout.
 *
 * @param {Composer} c
 * @param {Node} node
 */
function throughChannelsLast(c, node) {
  const input = c.transpose(node.inputs.input, [0, 2, 3, 1]);
  const [n, channels, height, width] = node.output.shape;
  const attributes = { ...node.attributes, inputLayout: "nhwc" };
  const inputs = { ...node.inputs, input };
  const turned = c.insert("convTranspose2d", inputs, attributes, [n, height, width, channels]);
  return c.transpose(turned, [0, 3, 1, 2]);
}

/**
 * convTranspose2d(x, w) → conv2d of x spread by zeros with w turned around. What is cut off and what is
 * padded follows from the output's extent: the last window ends where the output ends.
 *
 * @param {Node} node
 * @param {Graph} graph
 */
function decomposeConvTranspose2d(node, graph) {
  const c = new Composer(graph, node);
  const { filter, bias } = node.inputs;
  const { inputLayout, filterLayout, groups, padding, strides, dilations } = node.attributes;
  if (inputLayout === "nchw") return [throughChannelsLast(c, node)];
  const dims = filterDimensions(filter.shape, { filterLayout, groups, transposed: true });
  /** @type {number[]} */
  const around = [];
  let { input } = node.inputs;
  for (const [i, window] of [dims.h, dims.w].entries()) {
    const extent = input.shape[1 + i] * strides[i];
    const reach = (window - 1) * dilations[i];
    const before = reach - padding[2 * i];
    const after = node.output.shape[1 + i] + reach - extent - before;
    const cut = { cutBefore: Math.max(-before, 0), cutAfter: Math.max(-after, 0) };
    input = spreadAxis(c, input, 1 + i, { stride: strides[i], ...cut });
    around.push(Math.max(before, 0), Math.max(after, 0));
  }
  const attributes = { inputLayout, filterLayout, groups, dilations, strides: [1, 1] };
  /** @type {Record<string, Value>} */
  const inputs = bias ? { input, filter, bias } : { input, filter };
  const all = { ...attributes, padding: around, transposed: true };
  return [c.insert("conv2d", inputs, all, node.output.shape)];
}

/** @type {Operator} */
export const convTranspose2d = {
  name: "convTranspose2d",
  parameters: { input: "operand", filter: "operand" },
  options: {
    padding: ["u32[]"],
    strides: ["u32[]"],
    dilations: ["u32[]"],
    outputPadding: ["u32[]"],
    outputSizes: ["u32[]"],
    groups: ["u32", 1],
    inputLayout: [INPUT_LAYOUTS, "nchw"],
    filterLayout: [FILTER_LAYOUTS, "iohw"],
    bias: ["operand"],
  },
  limits: {
    input: limit(FLOAT_TYPES, 4, 4),
    filter: limit("input", 4, 4),
    bias: limit("input", 1, 1),
    output: limit("input", 4, 4),
  },
  infer: inferConvTranspose2d,
  decompose: decomposeConvTranspose2d,
};
