// SPDX-License-Identifier: Apache-2.0
// Changes of type: QUANTIZE, DEQUANTIZE, CAST.

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {import("./tensor.js").Quantization} Quantization */
/** @typedef {import("./tensor.js").Tensor} Tensor */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */

/**
 * From float, or from another quantization: either way the float view, quantized.
 *
 * @param {OperatorCall} op
 */
export function requantize(op) {
  const coarse = coarseScale(op.tensor(0), op.outputTensor());
  op.setFloat(coarse === null ? op.float(0) : dequantized(op, coarse));
}

/** @param {OperatorCall} op @param {number} scale in place of the input's @returns {MLOperand} */
function dequantized(op, scale) {
  const x = op.raw(0);
  const ones = x.shape.map(() => 1);
  const { zeroPoint } = /** @type {Quantization} */ (op.tensor(0).quantization);
  const parameters = [
    op.constant("float32", ones, [scale]),
    op.constant(x.dataType, ones, zeroPoint),
  ];
  return op.build("dequantizeLinear", [x, ...parameters]);
}

/** Ratios of scales that XNNPACK's kernel takes. */
const RATIOS = [2 ** -8, 2 ** 7];
const FRACTION = 256;

/**
 * LiteRT changes the coding of bytes by XNNPACK's kernel, whose factor has 8 bits behind the point:
 * (factor · (x − zero point) + 128) >> 8. The scale that makes a dequantizeLinear and the output's
 * quantizeLinear do the same for all bytes; of halves on both sides of 0, those below are rounded
 * the other way.
 *
 * Source: XNNPACK, src/qs8-vcvt/scalar.c.in and xnn_init_qu8_cvt_scalar_params.
 *
 * @param {Tensor} from
 * @param {Tensor} to
 * @returns {number | null} null where it does not apply
 */
function coarseScale(from, to) {
  const [a, b] = [from.quantization, to.quantization];
  const bytes = from.type === "INT8" || from.type === "UINT8";
  if (!bytes || from.type !== to.type || a?.scale.length !== 1 || b?.scale.length !== 1)
    return null;
  const ratio = Math.fround(a.scale[0] / b.scale[0]);
  if (!(ratio >= RATIOS[0] && ratio <= RATIOS[1])) return null;
  const factor = roundedEven(FRACTION * ratio);
  const [lowest, highest] = from.type === "INT8" ? [-128, 127] : [0, 255];
  const whole = (factor / FRACTION) * b.scale[0];
  // A little more or less turns halves to the side they are rounded to.
  const candidates = [0, 1, -1].map((side) => Math.fround(whole * (1 + side * 2 ** -21)));
  const misses = candidates.map((scale) => {
    const used = Math.fround(scale / b.scale[0]);
    let count = 0;
    for (let q = lowest; q <= highest; q++) {
      const x = q - a.zeroPoint[0];
      const wanted = Math.floor((factor * x + FRACTION / 2) / FRACTION);
      if (roundedEven(Math.fround(x * used)) !== wanted) count++;
    }
    return count;
  });
  return candidates[misses.indexOf(Math.min(...misses))];
}

/** @param {number} x @returns {number} the nearest whole number, the even one of two */
function roundedEven(x) {
  const nearest = Math.round(x);
  return nearest - x === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
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
