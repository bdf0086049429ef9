// SPDX-License-Identifier: Apache-2.0
// The 16-bit fixed-point functions that TFLite's quantized LSTM is made of, number by number as
// gemmlowp has them: products rounded to 15 bits, exponentials of parts of a number, reciprocals by
// three of Newton's steps. Numbers are Q(b).(15 − b) with b integer bits.
//
// Source: gemmlowp, fixedpoint/fixedpoint.h and its paper's appendix (arXiv:1712.05877).

const ONE = 32767;
const LOWEST = -32768;

/** @param {number} x @returns {number} */
export function saturated(x) {
  return Math.min(Math.max(x, LOWEST), ONE);
}

/** To the nearest, halves away from 0. @param {number} x @param {number} bits @returns {number} */
export function roundedShift(x, bits) {
  const quotient = Math.floor(Math.abs(x) / 2 ** bits + 0.5);
  return x < 0 ? -quotient : quotient;
}

/** a · b / 2^15 to the nearest, halves upwards. @param {number} a @param {number} b */
function product(a, b) {
  return a === LOWEST && b === LOWEST ? ONE : Math.floor((a * b + (1 << 14)) / (1 << 15));
}

/** x · 2^power @param {number} x @param {number} power @returns {number} */
function scaled(x, power) {
  return power >= 0 ? saturated(x * 2 ** power) : roundedShift(x, -power);
}

/** A constant of gemmlowp's 32 bits in 16. @param {number} raw */
const short = (raw) => roundedShift(raw, 16);

const EXP_OF_EIGHTH = short(1895147668);
const THIRD = short(715827883);
/** exp(−2^power) in Q0.15 for powers from −2. */
const POWERS = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242].map(short);
const FIRST_POWER = -2;
/** Newton's start for 1 / x on [0.5, 1], in Q2.13. */
const START = short(1515870810);
const SLOPE = short(-1010580540);
const ONE_Q2 = 1 << 13;

/** exp on [−1/4, 0), by its fourth-order polynomial at −1/8. @param {number} a Q0.15 */
function expOfQuarter(a) {
  const x = a + (1 << 12);
  const square = product(x, x);
  const fourth = roundedShift(product(square, square), 2);
  const cubic = product(fourth + product(square, x), THIRD);
  const rest = roundedShift(cubic + square, 1);
  return saturated(EXP_OF_EIGHTH + product(EXP_OF_EIGHTH, x + rest));
}

/** @param {number} a at most 0, Q(integerBits) @param {number} integerBits @returns {number} Q0.15 */
function expOfNegative(a, integerBits) {
  if (a === 0) return ONE;
  const fraction = 15 - integerBits;
  const quarter = 1 << (fraction - 2);
  const part = (a & (quarter - 1)) - quarter;
  const rest = part - a;
  let result = expOfQuarter(scaled(part, integerBits));
  for (const [i, factor] of POWERS.entries()) {
    const power = FIRST_POWER + i;
    if (integerBits > power && rest & (1 << (fraction + power))) result = product(result, factor);
  }
  return integerBits > 5 && a < -(1 << (fraction + 5)) ? 0 : result;
}

/** 2 / (1 + a) for a in [0, 1]. @param {number} a Q0.15 @returns {number} Q2.13 */
function twiceReciprocal(a) {
  const half = Math.floor((a + ONE + 1) / 2);
  let x = saturated(START + product(half, SLOPE));
  for (let step = 0; step < 3; step++) {
    const missing = ONE_Q2 - product(half, x);
    x = saturated(x + scaled(product(x, missing), 2));
  }
  return x;
}

/** @param {number} x Q3.12 @returns {number} Q0.15 */
export function sigmoid(x) {
  if (x === 0) return 1 << 14;
  const positive = scaled(twiceReciprocal(expOfNegative(saturated(-Math.abs(x)), 3)), 1);
  return x > 0 ? positive : ONE - positive;
}

/** @param {number} x @param {number} integerBits of x @returns {number} Q0.15 */
export function tanh(x, integerBits) {
  if (x === 0) return 0;
  // exp(2x): the same bits with another integer bit.
  const e = expOfNegative(-Math.abs(x), integerBits + 1);
  const positive = scaled(twiceReciprocal(e) - ONE_Q2, 2);
  return x > 0 ? positive : -positive;
}

/**
 * A function of int16 as a table, which indices from −32768 to 32767 address: the negative ones
 * count from its end.
 *
 * @param {(x: number) => number} f
 * @returns {Int32Array} 65536 numbers
 */
export function table16(f) {
  return Int32Array.from({ length: 1 << 16 }, (_, i) => f(i > ONE ? i - (1 << 16) : i));
}

/**
 * @param {number} scale above 0
 * @returns {{multiplier: number, shift: number}} scale = multiplier · 2^(shift − 31), the
 *   multiplier of 31 bits
 */
export function quantizedMultiplier(scale) {
  let shift = Math.ceil(Math.log2(scale));
  while (scale >= 2 ** shift) shift++;
  while (scale < 2 ** (shift - 1)) shift--;
  const multiplier = Math.round(scale * 2 ** (31 - shift));
  return multiplier === 2 ** 31 ? { multiplier: 2 ** 30, shift: shift + 1 } : { multiplier, shift };
}
