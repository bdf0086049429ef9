// SPDX-License-Identifier: Apache-2.0
// Changes of type: QUANTIZE, DEQUANTIZE, CAST.

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */

/**
 * From float, or from another quantization: either way the float view, quantized.
 *
 * @param {OperatorCall} op
 */
export function requantize(op) {
  op.setFloat(op.float(0));
}

/**
 * CAST changes the stored numbers, not what they stand for; to BOOL, anything but 0 is 1.
 *
 * @param {OperatorCall} op
 */
export function cast(op) {
  const x = op.raw(0);
  if (op.outputTensor().type === "BOOL") {
    const zero = op.constant(x.dataType, [], [0]);
    op.setRaw(op.build("notEqual", [x, zero]));
    return;
  }
  op.setRaw(op.build("cast", [x, op.mapping.dataType(op.output())]));
}
