// SPDX-License-Identifier: Apache-2.0
// Sliding windows: the spatial arithmetic that convolutions and pools share.

import { check } from "./operator.js";

/**
 * "Calculate the output size of a sliding window": floor((input + padding − effective window) / stride) + 1,
 * or the ceiling.
 *
 * @param {string} dimension "height" or "width", for the message
 * @param {number} input
 * @param {{window: number, before: number, after: number, stride: number, dilation: number,
 *   ceil?: boolean}} sliding
 * @returns {number}
 */
export function slidingExtent(dimension, input, sliding) {
  const { window, before, after, stride, dilation, ceil = false } = sliding;
  const effective = (window - 1) * dilation + 1;
  const room = input + before + after - effective;
  check(
    room >= 0,
    `window ${dimension}`,
    effective,
    `at most the padded input's ${input + before + after}`,
  );
  const steps = room / stride;
  return (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
}

/**
 * The spatial fields of a window_shape over NHWC data.
 *
 * @param {readonly number[]} input
 * @param {readonly number[]} output
 * @param {readonly number[]} window height, width
 * @param {readonly number[]} padding top, bottom, left, right
 * @param {readonly number[]} strides
 * @param {readonly number[]} dilations
 */
export function windowShape(input, output, window, padding, strides, dilations) {
  return {
    batch: input[0],
    in_height: input[1],
    in_width: input[2],
    out_height: output[1],
    out_width: output[2],
    kernel_height: window[0],
    kernel_width: window[1],
    stride_height: strides[0],
    stride_width: strides[1],
    dilation_height: dilations[0],
    dilation_width: dilations[1],
    pad_top: padding[0],
    pad_left: padding[2],
  };
}
