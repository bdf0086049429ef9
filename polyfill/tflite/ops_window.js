// SPDX-License-Identifier: Apache-2.0
// What convolutions and pools share: strides, dilations, and TFLite's rule for SAME padding.

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */

/**
 * @typedef {object} Window
 * @property {[number, number]} strides
 * @property {[number, number]} dilations
 * @property {[number, number, number, number]} padding top, bottom, left, right
 */

/**
 * The window of an operator whose input is [batch, height, width, channels].
 *
 * @param {OperatorCall} op
 * @param {readonly number[]} shape of the input
 * @param {readonly [number, number]} size height and width
 * @returns {Window}
 */
export function slidingWindow(op, shape, size) {
  const { padding, strideH, strideW, dilationHFactor = 1, dilationWFactor = 1 } = op.options;
  const strides = positive(op, [strideH, strideW], "strides");
  const dilations = positive(op, [dilationHFactor, dilationWFactor], "dilations");
  if (padding === "EXPLICIT") return { strides, dilations, padding: op.options.explicitPadding };
  const pads = [0, 1].map((i) =>
    padding === "SAME" ? samePadding(shape[1 + i], size[i], strides[i], dilations[i]) : [0, 0],
  );
  return { strides, dilations, padding: [pads[0][0], pads[0][1], pads[1][0], pads[1][1]] };
}

/**
 * @param {OperatorCall} op
 * @param {[number, number]} values
 * @param {string} what
 * @returns {[number, number]}
 */
export function positive(op, values, what) {
  if (!values.every((value) => value >= 1)) {
    throw op.malformed(`${what} [${values}]`, "at least 1", what);
  }
  return values;
}

/**
 * SAME: ceil(input / stride) results; an odd pixel of padding goes to the end.
 *
 * @param {number} input
 * @param {number} window
 * @param {number} stride
 * @param {number} dilation
 * @returns {[number, number]}
 */
export function samePadding(input, window, stride, dilation) {
  const output = Math.ceil(input / stride);
  const span = (window - 1) * dilation + 1;
  const total = Math.max((output - 1) * stride + span - input, 0);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}
