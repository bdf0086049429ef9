// SPDX-License-Identifier: Apache-2.0
// Pooling over two spatial dimensions. https://www.w3.org/TR/webnn/#api-mlgraphbuilder-pool2d

import { INPUT_LAYOUTS } from "./convolution.js";
import { ANY_TYPE, check, FLOAT_TYPES, limit } from "./operator.js";
import { checkLength } from "./shape.js";
import { slidingExtent, windowShape } from "./window.js";

/** @typedef {import("./operator.js").Operator} Operator */
/** @typedef {import("./operator.js").DataType} DataType */
/** @typedef {import("./operator.js").Node} Node */

/**
 * @param {string} name
 * @param {readonly DataType[]} types
 * @param {Operator["lower"]} lower
 * @returns {Operator}
 */
function pool2d(name, types, lower) {
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
    lower,
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
  if (outputSizes) checkLength("outputSizes", outputSizes, 2);
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

export const averagePool2d = pool2d("averagePool2d", FLOAT_TYPES, (node, to) => {
  to.requireType(node, "float32");
  const { shape, channels, rows, perRow } = planPool(node);
  const { minValue: lo = -Infinity, maxValue: hi = Infinity } = node.attributes;
  const { input: x } = node.inputs;
  to.step("f32_avgpool", { y: node.output, x, lo, hi, shape }, rows, perRow, {
    scratch: 4 * channels,
  });
});

export const maxPool2d = pool2d("maxPool2d", ANY_TYPE, (node, to) => {
  const { shape, rows, perRow } = planPool(node);
  const { input: x } = node.inputs;
  const { minValue = -Infinity, maxValue = Infinity } = node.attributes;
  if (node.output.dataType === "uint8") {
    const lo = Math.max(minValue, 0);
    const hi = Math.min(maxValue, 255);
    to.step("u8_maxpool", { y: node.output, x, lo, hi, shape }, rows, perRow);
  } else {
    to.requireType(node, "float32");
    const lo = minValue;
    const hi = maxValue;
    to.step("f32_maxpool", { y: node.output, x, lo, hi, shape }, rows, perRow);
  }
});
