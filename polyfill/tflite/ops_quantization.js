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

/** DENSIFY: constants are written out wherever they are used. @param {OperatorCall} op */
export function densify(op) {
  op.setRaw(op.raw(0));
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

/**
 * FAKE_QUANT: to the nearest of 2^bits evenly spaced numbers, of which 0 is one.
 *
 * @param {OperatorCall} op
 */
export function fakeQuant(op) {
  const { min, max, numBits, narrowRange } = op.options;
  const [lowest, highest] = [narrowRange ? 1 : 0, 2 ** numBits - 1];
  const scale = Math.fround((max - min) / (highest - lowest));
  if (!(scale > 0 && Number.isFinite(scale) && min <= 0 && max >= 0)) {
    const got = `${min} to ${max} in ${numBits} bits`;
    throw op.malformed(got, "a range around 0", "fake quantization");
  }
  const free = Math.fround(lowest - Math.fround(min / scale));
  const zeroPoint = Math.min(Math.max(Math.floor(free + 0.5), lowest), highest);
  const [minValue, maxValue] = [lowest, highest].map((q) => Math.fround((q - zeroPoint) * scale));
  op.compute([0], (x) => {
    const number = (/** @type {number} */ value) => op.constant("float32", [], [value]);
    const clamped = op.build("clamp", [x], { minValue, maxValue });
    const above = op.build("sub", [clamped, number(minValue)]);
    const steps = op.build("mul", [above, number(Math.fround(1 / scale))]);
    // Halves go up, as there is nothing below 0.
    const whole = op.build("floor", [op.build("add", [steps, number(0.5)])]);
    return op.build("add", [op.build("mul", [whole, number(scale)]), number(minValue)]);
  });
}
