// SPDX-License-Identifier: Apache-2.0
// Convolutions. https://www.w3.org/TR/webnn/#api-mlgraphbuilder-conv2d

import { check, FLOAT_TYPES, limit } from "./operator.js";
import { checkLength } from "./shape.js";
import { slidingExtent, windowShape } from "./window.js";

/** @typedef {import("./operator.js").Operator} Operator */
/** @typedef {import("./operator.js").Node} Node */
/** @typedef {import("./operator.js").Value} Value */
/** @typedef {import("./operator.js").Lowering} Lowering */
/** @typedef {import("../compile/lower.js").Argument} Argument */

export const INPUT_LAYOUTS = ["nchw", "nhwc"];
export const FILTER_LAYOUTS = ["oihw", "hwio", "ohwi", "ihwo"];

/** @type {Operator} */
export const conv2d = {
  name: "conv2d",
  parameters: { input: "operand", filter: "operand" },
  options: {
    padding: ["u32[]"],
    strides: ["u32[]"],
    dilations: ["u32[]"],
    groups: ["u32", 1],
    inputLayout: [INPUT_LAYOUTS, "nchw"],
    filterLayout: [FILTER_LAYOUTS, "oihw"],
    bias: ["operand"],
  },
  limits: {
    input: limit(FLOAT_TYPES, 4, 4),
    filter: limit("input", 4, 4),
    bias: limit("input", 1, 1),
    output: limit("input", 4, 4),
  },
  infer(call) {
    const { input, filter, groups, inputLayout, bias } = call;
    const { padding = [0, 0, 0, 0], strides = [1, 1], dilations = [1, 1] } = call;
    checkLength("padding", padding, 4);
    checkLength("strides", strides, 2);
    checkLength("dilations", dilations, 2);
    check(!strides.includes(0), "strides", strides, "values above 0");
    check(!dilations.includes(0), "dilations", dilations, "values above 0");
    check(groups > 0, "groups", groups, "a value above 0");
    const [channelAxis, heightAxis, widthAxis] = inputLayout === "nchw" ? [1, 2, 3] : [3, 1, 2];
    const channels = input.shape[channelAxis];
    const dims = filterDimensions(filter.shape, call);
    check(channels % groups === 0, "groups", groups, `a divisor of the ${channels} input channels`);
    check(
      dims.i === channels / groups,
      "filter input channels",
      dims.i,
      `${channels / groups} (input channels ${channels} / groups ${groups})`,
    );
    check(
      dims.o % groups === 0,
      "filter output channels",
      dims.o,
      `a multiple of groups (${groups})`,
    );
    if (bias) checkLength("bias", bias.shape, 1);
    if (bias) check(bias.shape[0] === dims.o, "bias shape", bias.shape, `[${dims.o}]`);
    const height = slidingExtent("height", input.shape[heightAxis], {
      window: dims.h,
      before: padding[0],
      after: padding[1],
      stride: strides[0],
      dilation: dilations[0],
    });
    const width = slidingExtent("width", input.shape[widthAxis], {
      window: dims.w,
      before: padding[2],
      after: padding[3],
      stride: strides[1],
      dilation: dilations[1],
    });
    const n = input.shape[0];
    const shape = inputLayout === "nchw" ? [n, dims.o, height, width] : [n, height, width, dims.o];
    return {
      outputs: [{ dataType: input.dataType, shape }],
      attributes: { padding, strides, dilations },
    };
  },
  lower(node, to) {
    to.requireType(node, "float32");
    const { minValue: lo = -Infinity, maxValue: hi = Infinity } = node.attributes;
    const { input: x, bias = null } = node.inputs;
    const plan = planConvolution(node);
    const filter = to.at(node.inputs.filter, 4 * plan.start);
    const y = node.output;
    if (plan.kind === "depthwise") {
      const { groups, taps } = plan.filter;
      const blocks = Math.ceil(groups / 4);
      const w = to.buffer(blocks * 16 * (1 + taps));
      to.step("f32_dwpack", { packed: w, filter, bias, shape: plan.filter }, blocks);
      to.step("f32_dwconv", { y, x, w, lo, hi, shape: plan.window }, plan.rows, plan.macsPerRow, {
        scratch: 4 * groups + 8 * taps,
        macs: plan.macs,
      });
      return;
    }
    const { blocks, k } = plan;
    const w = to.buffer(plan.filter.groups * blocks * 32 * (1 + k));
    to.step(
      "f32_pack",
      { packed: w, filter, bias, shape: plan.filter },
      plan.filter.groups * blocks,
    );
    if (plan.kind === "pointwise") {
      lowerFloatGemm(to, { y, x, w, lo, hi, m: plan.m, n: plan.n, k });
    } else {
      const units = Math.ceil(plan.m / ROWS) * plan.filter.groups;
      to.step("f32_igemm", { y, x, w, lo, hi, shape: plan.window }, units, ROWS * plan.n * k, {
        scratch: 4 * (ROWS * k + 3),
        macs: plan.macs,
      });
    }
  },
};

/**
 * How a convolution reads its filter: `transposed` turns the window around, and groups lie along the
 * input channels.
 *
 * @typedef {{filterLayout: string, groups: number, transposed?: boolean}} FilterReading
 */

/**
 * Sizes of a filter by role: o counts the channels of all groups, i those of one.
 *
 * @param {readonly number[]} shape
 * @param {FilterReading} reading
 * @returns {{o: number, i: number, h: number, w: number}}
 */
export function filterDimensions(shape, { filterLayout, groups, transposed }) {
  const at = (/** @type {string} */ role) => shape[filterLayout.indexOf(role)];
  const [o, i] = transposed ? [at("o") * groups, at("i") / groups] : [at("o"), at("i")];
  return { o, i, h: at("h"), w: at("w") };
}

/**
 * The filter_shape of a filter, and the element at which it starts.
 *
 * @param {readonly number[]} shape
 * @param {FilterReading} reading
 */
function filterShape(shape, reading) {
  const { filterLayout, groups, transposed } = reading;
  const { o, i, h, w } = filterDimensions(shape, reading);
  const stride = (/** @type {string} */ role) =>
    shape.slice(filterLayout.indexOf(role) + 1).reduce((product, d) => product * d, 1);
  const tap = stride("w");
  return {
    start: transposed ? (h * w - 1) * tap : 0,
    filter: {
      groups,
      out_channels: o / groups,
      in_channels: i,
      taps: h * w,
      group_stride: transposed ? i * stride("i") : (o / groups) * stride("o"),
      out_stride: stride("o"),
      tap_stride: transposed ? -tap : tap,
      in_stride: stride("i"),
    },
  };
}

/**
 * Which kernel a convolution over NHWC data takes, float or quantized, with its structs and sizes.
 *
 * @param {Node} node conv2d or its quantized form
 */
export function planConvolution(node) {
  const { input, filter } = node.inputs;
  const { groups, padding, strides, dilations } = node.attributes;
  const reading = /** @type {FilterReading} */ (node.attributes);
  const dims = filterDimensions(filter.shape, reading);
  const channels = input.shape[3];
  const window = {
    ...windowShape(input.shape, node.output.shape, [dims.h, dims.w], padding, strides, dilations),
    in_channels: dims.i,
    out_channels: dims.o / groups,
    groups,
    x_stride: channels,
    y_stride: dims.o,
  };
  const { start, filter: shape } = filterShape(filter.shape, reading);
  const [batch, height, width] = node.output.shape;
  const m = batch * height * width;
  const k = shape.taps * shape.in_channels;
  const n = shape.out_channels;
  const pointwise =
    groups === 1 &&
    shape.taps === 1 &&
    strides.every((/** @type {number} */ s) => s === 1) &&
    padding.every((/** @type {number} */ p) => p === 0);
  const depthwise = groups > 1 && groups === channels && n === 1;
  return {
    kind: depthwise ? "depthwise" : pointwise ? "pointwise" : "general",
    window,
    filter: shape,
    start,
    m,
    n,
    k,
    blocks: Math.ceil(n / 8),
    macs: m * n * groups * k,
    rows: batch * height,
    macsPerRow: width * channels * shape.taps,
    units: Math.ceil(m / ROWS) * groups,
    macsPerUnit: ROWS * n * k,
  };
}

/** Rows of a unit of the products' ranges (kernels.h). */
const ROWS = 12;

/** Units that share out well among a few threads. */
const ENOUGH = 24;

/**
 * How a product of m rows and n columns is cut for threads: tiles of rows, and column shares where the
 * rows alone are too few.
 *
 * @param {number} m
 * @param {number} n
 * @param {number} k
 */
export function gemmExtent(m, n, k) {
  const tiles = Math.ceil(m / ROWS);
  const splits = Math.min(Math.ceil(n / 32), Math.ceil(ENOUGH / tiles));
  return { splits, extent: tiles * splits, macs: Math.ceil((ROWS * n * k) / splits) };
}

/**
 * @param {Lowering} to
 * @param {{y: Argument, x: Argument, w: Argument, lo: number, hi: number, m: number, n: number, k: number}} product
 */
export function lowerFloatGemm(to, { y, x, w, lo, hi, m, n, k }) {
  const { splits, extent, macs } = gemmExtent(m, n, k);
  to.step(
    "f32_gemm",
    { y, a: x, w, lo, hi, m, n, k, splits, a_stride: k, y_stride: n },
    extent,
    macs,
    { macs: m * n * k },
  );
}
