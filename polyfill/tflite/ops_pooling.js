// SPDX-License-Identifier: Apache-2.0
// Pools over [batch, height, width, channels]; padding never counts, as in WebNN.

import { slidingWindow } from "./ops_window.js";

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */

/** @param {OperatorCall} op */
export function averagePool2d(op) {
  pool(op, (x, options) => op.build("averagePool2d", [x], options));
}

/** @param {OperatorCall} op */
export function maxPool2d(op) {
  pool(op, (x, options) => op.build("maxPool2d", [x], options));
}

/**
 * The root of the mean of squares; WebNN's l2Pool2d would take their sum.
 *
 * @param {OperatorCall} op
 */
export function l2Pool2d(op) {
  pool(op, (x, options) => {
    const squares = op.build("mul", [x, x]);
    return op.build("sqrt", [op.build("averagePool2d", [squares], options)]);
  });
}

/**
 * @param {OperatorCall} op
 * @param {(x: MLOperand, options: Record<string, unknown>) => MLOperand} make
 */
function pool(op, make) {
  const shape = op.requireRank(0, 4);
  const { filterHeight, filterWidth, fusedActivationFunction } = op.options;
  const windowDimensions = [filterHeight, filterWidth];
  if (!windowDimensions.every((d) => d >= 1)) {
    throw op.malformed(`window [${windowDimensions}]`, "at least 1", "window");
  }
  const { strides, padding } = slidingWindow(op, shape, [filterHeight, filterWidth]);
  const y = make(op.float(0), { windowDimensions, strides, padding, layout: "nhwc" });
  op.setFloat(op.activate(y, fusedActivationFunction));
}
