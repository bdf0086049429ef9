// SPDX-License-Identifier: Apache-2.0
// Pooling over two spatial dimensions. https://www.w3.org/TR/webnn/#api-mlgraphbuilder-pool2d

import { integerRange } from "../ir/numbers.js";
import { Composer } from "./compose.js";
import { INPUT_LAYOUTS } from "./convolution.js";
import { ANY_TYPE, check, FLOAT_TYPES, limit } from "./operator.js";
import { checkLength, elementCount } from "./shape.js";
import { slidingExtent, windowShape } from "./window.js";

/** @typedef {import("./operator.js").Operator} Operator */
/** @typedef {import("./operator.js").DataType} DataType */
/** @typedef {import("./operator.js").Node} Node */
/** @typedef {import("./operator.js").Graph} Graph */

/**
 * @param {string} name
 * @param {readonly DataType[]} types
 * @returns {Operator}
 */
function pool2d(name, types) {
  return {
    name,
    parameters: { input: "operand" },
    options: {
      windowDimensions: ["u32[]"],
      padding: ["u32[]"],
      strides: ["u32[]"],
      dilations: ["u32[]"],
      layout: [INPUT_LAYOUTS, "nchw"],
      outputShapeRounding: [["floor", "ceil"], "floor"],
      outputSizes: ["u32[]"],
    },
    limits: { input: limit(types, 4, 4), output: limit("input", 4, 4) },
    infer: inferPool2d,
  };
}

/** @param {any} call @returns {import("./operator.js").Inference} */
function inferPool2d(call) {
  const { input, layout, outputShapeRounding } = call;
  const [channelAxis, heightAxis, widthAxis] = layout === "nchw" ? [1, 2, 3] : [3, 1, 2];
  const size = [input.shape[heightAxis], input.shape[widthAxis]];
  const { windowDimensions = size, padding = [0, 0, 0, 0] } = call;
  const { strides = [1, 1], dilations = [1, 1], outputSizes } = call;
  checkLength("windowDimensions", windowDimensions, 2);
  checkLength("padding", padding, 4);
  checkLength("strides", strides, 2);
  checkLength("dilations", dilations, 2);
  if (outputSizes) checkLength("outputSizes", outputSizes, 2);
  check(!windowDimensions.includes(0), "windowDimensions", windowDimensions, "values above 0");
  check(!strides.includes(0), "strides", strides, "values above 0");
  check(!dilations.includes(0), "dilations", dilations, "values above 0");
  const extents = ["height", "width"].map((dimension, i) => {
    const sliding = {
      window: windowDimensions[i],
      before: padding[2 * i],
      after: padding[2 * i + 1],
      stride: strides[i],
      dilation: dilations[i],
    };
    const floor = slidingExtent(dimension, size[i], sliding);
    const ceil = slidingExtent(dimension, size[i], { ...sliding, ceil: true });
    if (!outputSizes) return outputShapeRounding === "ceil" ? ceil : floor;
    const wanted = outputSizes[i];
    check(
      wanted === floor || wanted === ceil,
      `outputSizes ${dimension}`,
      wanted,
      `${floor} or ${ceil}`,
    );
    return wanted;
  });
  const n = input.shape[0];
  const c = input.shape[channelAxis];
  return {
    outputs: [
      {
        dataType: input.dataType,
        shape: layout === "nchw" ? [n, c, ...extents] : [n, ...extents, c],
      },
    ],
    attributes: { windowDimensions, padding, strides, dilations },
  };
}

/**
 * The window_shape of a pool over NHWC data, its range and the elements a unit visits.
 *
 * @param {Node} node
 */
export function planPool(node) {
  const { input } = node.inputs;
  const { windowDimensions, padding, strides, dilations } = node.attributes;
  const [batch, height, width, channels] = node.output.shape;
  const shape = {
    ...windowShape(input.shape, node.output.shape, windowDimensions, padding, strides, dilations),
    in_channels: 1,
    out_channels: 1,
    groups: channels,
    x_stride: channels,
    y_stride: channels,
  };
  const perRow = width * channels * windowDimensions[0] * windowDimensions[1];
  return { shape, channels, rows: batch * height, perRow };
}

/** @type {Operator} */
export const averagePool2d = {
  ...pool2d("averagePool2d", FLOAT_TYPES),
  lower(node, to) {
    to.requireType(node, "float32");
    const { shape, channels, rows, perRow } = planPool(node);
    const { minValue: lo = -Infinity, maxValue: hi = Infinity } = node.attributes;
    const { input: x } = node.inputs;
    to.step("f32_avgpool", { y: node.output, x, lo, hi, shape }, rows, perRow, {
      scratch: 4 * channels,
    });
  },
};

/**
 * Over bytes and floats there is a kernel; over other integers the maximum is taken along one axis at a
 * time, of slices that each hold one tap of every window.
 *
 * @param {Node} node
 * @param {Graph} graph
 */
function decomposeMaxPool2d(node, graph) {
  const { input } = node.inputs;
  const { dataType } = input;
  const range = integerRange(dataType);
  if (!range || dataType === "uint8" || dataType === "int8") return node.outputs;
  const c = new Composer(graph, node);
  const { layout, windowDimensions, padding, strides, dilations } = node.attributes;
  let value = input;
  for (const [i, axis] of (layout === "nchw" ? [2, 3] : [1, 2]).entries()) {
    const extent = node.output.shape[axis];
    const reach = (extent - 1) * strides[i] + 1;
    const end = reach + (windowDimensions[i] - 1) * dilations[i];
    const before = padding[2 * i];
    const along = (/** @type {number} */ n) => input.shape.map((_, d) => (d === axis ? n : 0));
    const after = Math.max(end - before - value.shape[axis], 0);
    const padded = c.pad(value, along(before), along(after), range[0]);
    const taps = Array.from({ length: windowDimensions[i] }, (_, tap) => {
      const start = tap * dilations[i];
      return c.slice(padded, axis, start, start + reach, strides[i]);
    });
    value = taps.reduce((top, tap) => c.binary("max", top, tap));
  }
  return [value];
}

/** @type {Operator} */
export const maxPool2d = {
  ...pool2d("maxPool2d", ANY_TYPE),
  decompose: decomposeMaxPool2d,
  lower(node, to) {
    const { shape, rows, perRow } = planPool(node);
    const { input: x } = node.inputs;
    const { minValue = -Infinity, maxValue = Infinity } = node.attributes;
    const y = node.output;
    if (y.dataType === "uint8") {
      const lo = Math.max(minValue, 0);
      const hi = Math.min(maxValue, 255);
      to.step("u8_maxpool", { y, x, lo, hi, shape }, rows, perRow);
    } else {
      to.requireType(node, "float32");
      to.step("f32_maxpool", { y, x, lo: minValue, hi: maxValue, shape }, rows, perRow);
    }
  },
};

/** sqrt of the sum of squares, which is a depthwise convolution with ones. @type {Operator} */
export const l2Pool2d = {
  ...pool2d("l2Pool2d", FLOAT_TYPES),
  decompose(node, graph) {
    const c = new Composer(graph, node);
    const { input } = node.inputs;
    const { layout, windowDimensions, padding, strides, dilations } = node.attributes;
    const groups = input.shape[layout === "nchw" ? 1 : 3];
    const shape = [groups, 1, ...windowDimensions];
    const filter = c.constant("float32", shape, new Float32Array(elementCount(shape)).fill(1));
    const attributes = {
      padding,
      strides,
      dilations,
      groups,
      inputLayout: layout,
      filterLayout: "oihw",
    };
    const inputs = { input: c.mul(input, input), filter };
    return [c.unary("sqrt", c.insert("conv2d", inputs, attributes, node.output.shape))];
  },
};
