// SPDX-License-Identifier: Apache-2.0
// CONV_3D over [batch, depth, height, width, channels]. WebNN convolves pictures: each layer of the
// filter is a conv2d over all slices that it meets, and their sum is the result.

import { UnsupportedError } from "./errors.js";
import { positive, samePadding, slidingWindow } from "./ops_window.js";

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */

/** @param {OperatorCall} op */
export function convolution3d(op) {
  const [batch, depth, height, width, channels] = op.requireRank(0, 5);
  const [layers, rows, columns, inputs, outputs] = op.requireRank(1, 5);
  if (channels !== inputs) {
    const got = `${inputs} filter input channels`;
    throw op.malformed(got, `${channels} (groups are not mapped)`, "groups", op.tensor(1).name);
  }
  const { padding, strideD, dilationDFactor } = op.options;
  const [stride, dilation] = positive(op, [strideD, dilationDFactor], "stride and dilation");
  const pads = padding === "SAME" ? samePadding(depth, layers, stride, dilation) : [0, 0];
  const span = (layers - 1) * dilation + 1;
  const count = Math.floor((depth + pads[0] + pads[1] - span) / stride) + 1;
  if (!(count >= 1)) throw new UnsupportedError(`a filter of ${span} layers over ${depth}`);
  const x = padded(op, op.float(0), pads);
  const window = slidingWindow(op, [batch * count, height, width], [rows, columns]);
  const options = { ...window, inputLayout: "nhwc", filterLayout: "hwio" };
  const sum = Array.from({ length: layers }, (_, layer) => layer).reduce(
    (before, layer) => {
      const starts = [0, layer * dilation, 0, 0, 0];
      const sizes = [batch, (count - 1) * stride + 1, height, width, channels];
      const strides = [1, stride, 1, 1, 1];
      const slices = op.build("slice", [x, starts, sizes], { strides });
      const own = op.build("slice", [
        op.float(1),
        [layer, 0, 0, 0, 0],
        [1, rows, columns, inputs, outputs],
      ]);
      const y = op.build(
        "conv2d",
        [
          op.reshape(slices, [batch * count, height, width, channels]),
          op.reshape(own, [rows, columns, inputs, outputs]),
        ],
        // The bias once.
        { ...options, ...(layer === 0 && op.has(2) && { bias: op.float(2) }) },
      );
      return before ? op.build("add", [before, y]) : y;
    },
    /** @type {MLOperand | null} */ (null),
  );
  const whole = /** @type {MLOperand} */ (sum);
  const shape = [batch, count, ...whole.shape.slice(1)];
  op.setFloat(op.activate(op.reshape(whole, shape), op.options.fusedActivationFunction));
}

/** Zeros in front of the first slice and behind the last. @param {OperatorCall} op
 * @param {MLOperand} x @param {readonly number[]} pads @returns {MLOperand} */
function padded(op, x, [before, after]) {
  if (before + after === 0) return x;
  const ends = (/** @type {number} */ count) => [0, count, 0, 0, 0];
  return op.build("pad", [x, ends(before), ends(after)], { mode: "constant", value: 0 });
}
