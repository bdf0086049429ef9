// SPDX-License-Identifier: Apache-2.0
// A fully quantized LSTM in the numbers of TFLite's kernel: 8-bit inputs and outputs, gates and cell
// in 16 bits, rounded after each operation. Since a step goes on from the roundings of the one
// before, nothing else stays close to it. Exact: WebNN's int32 and int64 hold all that is rounded;
// products of 8-bit numbers are summed in float32, which is exact to 2^24; activations are tables.
//
// Source: TensorFlow Lite, lite/kernels/lstm_eval.cc, the integer kernel of 8 × 8 bits to 16.

import { UnsupportedError } from "./errors.js";
import * as fixed from "./fixed_point.js";
import { atStep, requireSteps, sequenceOf } from "./sequences.js";

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {import("./ops_lstm.js").Cell} Cell */
/** @typedef {import("./tensor.js").Tensor} Tensor */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */

const [INPUT, FORGET, CELL, OUTPUT] = [0, 1, 2, 3];

const INT8 = [-128, 127];
const INT16 = [-32768, 32767];
/** Integer bits of a gate before its activation. */
const GATE_BITS = 3;
/** Where the scale of what a cell gives out is noted. */
const HIDDEN = 4;
/** Bits that may be left of the point of a scale; sums have at most 24 more and scales 31. */
const MAX_SHIFT = 7;

/** Added before a division and taken away after it, so that it rounds downwards. */
const POSITIVE = 2 ** 31;

/**
 * @typedef {object} Coding
 * @property {number} scale
 * @property {number} zeroPoint
 */

/**
 * @param {OperatorCall} op
 * @param {MLOperand} x int8 [steps, batch, inputs]
 * @param {Cell} cell
 * @returns {MLOperand} int8 [steps, batch, outputs]
 */
export function integerLstm(op, x, cell) {
  if ([...cell.peepholes, ...cell.norms].some((position) => op.has(position))) {
    throw new UnsupportedError("peepholes or layer norm in 8 bits");
  }
  requireSteps(x.shape[0]);
  // Sigmoid's gates side by side: they share a table.
  const gates = op.has(cell.weights[INPUT])
    ? [INPUT, FORGET, OUTPUT, CELL]
    : [FORGET, OUTPUT, CELL];
  return new IntegerLstm(op, cell, gates, x.shape[1]).run(x);
}

class IntegerLstm {
  #op;
  #cell;
  #gates;
  #batch;
  #hidden;
  /** Of the cell, a power of 2. */
  #cellPower;
  /** @type {Coding} of the output and what steps hand on */
  #outer;
  /** @type {Coding} before a projection */
  #inner;
  #sigmoid;
  #tanh;
  #cellTanh;

  /** @param {OperatorCall} op @param {Cell} cell @param {number[]} gates @param {number} batch */
  constructor(op, cell, gates, batch) {
    this.#op = op;
    this.#cell = cell;
    this.#gates = gates;
    this.#batch = batch;
    [this.#hidden] = op.requireRank(cell.weights[CELL], 2);
    this.#outer = coding(op.tensor(cell.state));
    this.#inner = op.hasIntermediate(HIDDEN) ? coding(op.intermediate(HIDDEN)) : this.#outer;
    this.#cellPower = powerOfTwo(coding(op.tensor(cell.state + 1)).scale);
    const bits = 15 + this.#cellPower;
    this.#sigmoid = table(op, "sigmoid", fixed.sigmoid);
    this.#tanh = tanhTable(op, GATE_BITS);
    this.#cellTanh = tanhTable(op, bits);
  }

  /** @param {MLOperand} x int8 [steps, batch, inputs] @returns {MLOperand} */
  run(x) {
    const op = this.#op;
    const [steps] = x.shape;
    const driven = this.#drive(x);
    const recurrent = this.#stacked(this.#cell.recurrent);
    const offset = this.#rowSums(this.#cell.recurrent, -this.#outer.zeroPoint);
    const scales = this.#scales(this.#cell.recurrent, this.#outer.scale);
    /** @type {MLOperand | null} */
    let state = null;
    /** @type {MLOperand[]} */
    const outputs = [];
    for (let t = 0; t < steps; t++) {
      let sums = atStep(op, driven, t, this.#batch);
      const before = outputs[t - 1];
      if (before) {
        const real = op.build("cast", [before, "float32"]);
        const product = op.build("gemm", [real, recurrent], { bTranspose: true });
        const scaled = this.#requantized(op.build("cast", [product, "int64"]), scales, offset);
        sums = clamped(op, op.build("add", [scaled, sums]), INT16);
      }
      const next = this.#step(sums, state);
      state = next.state;
      outputs.push(next.output);
    }
    return op.build("cast", [sequenceOf(op, outputs), "int8"]);
  }

  /**
   * The inputs' share of all gates in all steps, Q3.12.
   *
   * @param {MLOperand} x
   * @returns {MLOperand} int32 [steps · batch, gates · hidden]
   */
  #drive(x) {
    const op = this.#op;
    const { scale, zeroPoint } = coding(op.tensor(0));
    const [steps, batch, inputs] = x.shape;
    const flat = op.reshape(op.build("cast", [x, "float32"]), [steps * batch, inputs]);
    const product = op.build("gemm", [flat, this.#stacked(this.#cell.weights)], {
      bTranspose: true,
    });
    const sums = this.#rowSums(this.#cell.weights, -zeroPoint);
    const biases = this.#gates.flatMap((gate) =>
      numbers(op, this.#cell.biases[gate], this.#hidden),
    );
    const offset = sums.map((sum, i) => sum + biases[i]);
    const scales = this.#scales(this.#cell.weights, scale);
    const wide = op.build("cast", [product, "int64"]);
    return clamped(op, this.#requantized(wide, scales, offset), INT16);
  }

  /** @param {readonly number[]} positions @returns {MLOperand} float32, integers */
  #stacked(positions) {
    const parts = this.#gates.map((gate) => this.#op.raw(positions[gate]));
    return this.#op.build("cast", [this.#op.build("concat", [parts, 0]), "float32"]);
  }

  /** @param {readonly number[]} positions @param {number} factor @returns {number[]} */
  #rowSums(positions, factor) {
    return this.#gates.flatMap((gate) => rowSums(this.#op, positions[gate], this.#hidden, factor));
  }

  /**
   * From products of inputs and weights to Q3.12, for each column.
   *
   * @param {readonly number[]} positions of weights
   * @param {number} scale of what they are multiplied with
   * @returns {number[]}
   */
  #scales(positions, scale) {
    return this.#gates.flatMap((gate) => {
      const own = coding(this.#op.tensor(positions[gate])).scale;
      const whole = Math.fround(Math.fround(scale * own) / 2 ** (GATE_BITS - 15));
      return new Array(this.#hidden).fill(whole);
    });
  }

  /**
   * @param {MLOperand} sums int32 [batch, gates · hidden], Q3.12
   * @param {MLOperand | null} state int32 [batch, hidden]; null before the first step
   * @returns {{output: MLOperand, state: MLOperand}} int32
   */
  #step(sums, state) {
    const op = this.#op;
    const [batch, hidden] = [this.#batch, this.#hidden];
    const part = (/** @type {MLOperand} */ whole, /** @type {number} */ from, count = 1) =>
      op.build("slice", [whole, [0, from * hidden], [batch, count * hidden]]);
    const opening = this.#gates.length - 1;
    const open = op.build("gather", [this.#sigmoid, part(sums, 0, opening)]);
    const candidate = op.build("gather", [this.#tanh, part(sums, opening)]);
    const gate = (/** @type {number} */ which) => part(open, this.#gates.indexOf(which));
    const forget = gate(FORGET);
    const input = this.#gates.includes(INPUT)
      ? gate(INPUT)
      : op.build("sub", [op.constant("int32", [], [INT16[1]]), forget]);
    let next = shifted(op, op.build("mul", [input, candidate]), 30 + this.#cellPower);
    if (state) {
      const kept = shifted(op, op.build("mul", [forget, state]), 15);
      next = clamped(op, op.build("add", [kept, next]), INT16);
    }
    const clip = this.#clip(op.options.cellClip, 2 ** this.#cellPower, INT16);
    if (clip) next = clamped(op, next, clip);
    const squashed = op.build("gather", [this.#cellTanh, next]);
    return { output: this.#output(op.build("mul", [gate(OUTPUT), squashed])), state: next };
  }

  /** @param {MLOperand} product int32, Q0.30 @returns {MLOperand} int32 in 8 bits */
  #output(product) {
    const op = this.#op;
    const { projection } = this.#cell;
    const { scale, zeroPoint: noted } = this.#inner;
    // Before a projection, the kernel takes the zero point the other way round, and back again.
    const zeroPoint = op.has(projection) ? -noted : noted;
    const wide = op.build("cast", [product, "int64"]);
    const hidden = this.#coded(wide, [2 ** -30 / scale], null, zeroPoint);
    if (!op.has(projection)) return hidden;
    const [outputs] = op.requireRank(projection, 2);
    const real = op.build("cast", [hidden, "float32"]);
    const weights = op.build("cast", [op.raw(projection), "float32"]);
    const sums = op.build("gemm", [real, weights], { bTranspose: true });
    const bias = op.has(projection + 1)
      ? numbers(op, projection + 1, outputs)
      : new Array(outputs).fill(0);
    const offset = rowSums(op, projection, outputs, -zeroPoint).map((sum, i) => sum + bias[i]);
    const own = Math.fround(coding(op.tensor(projection)).scale * scale);
    const whole = Math.fround(own / this.#outer.scale);
    const result = this.#coded(
      op.build("cast", [sums, "int64"]),
      new Array(outputs).fill(whole),
      offset,
      this.#outer.zeroPoint,
    );
    const clip = this.#clip(op.options.projClip, this.#outer.scale, INT8);
    return clip ? clamped(op, result, clip) : result;
  }

  /**
   * @param {MLOperand} x int64
   * @param {readonly number[]} scales
   * @param {readonly number[] | null} offset
   * @param {number} zeroPoint
   * @returns {MLOperand} int32 in 8 bits
   */
  #coded(x, scales, offset, zeroPoint) {
    const op = this.#op;
    const scaled = this.#requantized(x, scales, offset);
    const point = op.constant("int32", [], [zeroPoint]);
    return clamped(op, zeroPoint === 0 ? scaled : op.build("add", [scaled, point]), INT8);
  }

  /**
   * (x + offset) · scale as TFLite rounds it: to the scale's 31 bits upwards, then away from 0.
   *
   * @param {MLOperand} x int64
   * @param {readonly number[]} scales one, or one for each column
   * @param {readonly number[] | null} offset for each column
   * @returns {MLOperand} int32
   */
  #requantized(x, scales, offset) {
    const op = this.#op;
    const row = (/** @type {readonly number[]} */ values) =>
      op.constant("int64", values.length > 1 ? [values.length] : [], values);
    const parts = scales.map(fixed.quantizedMultiplier);
    if (parts.some(({ shift }) => shift > MAX_SHIFT || shift < -31)) {
      throw new UnsupportedError(`a scale of ${Math.max(...scales)} in a quantized LSTM`);
    }
    const sum = offset?.some((value) => value !== 0) ? op.build("add", [x, row(offset)]) : x;
    const factors = parts.map(({ multiplier, shift }) => multiplier * 2 ** Math.max(shift, 0));
    const product = op.build("mul", [sum, row(factors)]);
    const raised = op.build("add", [product, row([POSITIVE * 2 ** 31 + 2 ** 30])]);
    const high = op.build("div", [raised, row([2 ** 31])]);
    const whole = op.build("cast", [op.build("sub", [high, row([POSITIVE])]), "int32"]);
    const shifts = parts.map(({ shift }) => Math.max(-shift, 0));
    return shifts.some((shift) => shift > 0) ? shifted(op, whole, shifts) : whole;
  }

  /**
   * @param {number} clip in real numbers, 0 for none
   * @param {number} scale
   * @param {number[]} range of stored numbers
   * @returns {number[] | null}
   */
  #clip(clip, scale, range) {
    if (!(clip > 0)) return null;
    const stored = Math.trunc(Math.min(Math.fround(clip / scale), range[1]));
    return [-stored, stored];
  }
}

/** @param {Tensor} tensor @returns {Coding} of all its elements */
function coding({ quantization, name }) {
  if (quantization?.scale.length !== 1) {
    throw new UnsupportedError(`"${name}" without one scale in a quantized LSTM`);
  }
  return { scale: quantization.scale[0], zeroPoint: quantization.zeroPoint[0] };
}

/** @param {number} scale @returns {number} */
function powerOfTwo(scale) {
  const power = Math.round(Math.log2(scale));
  if (2 ** power !== scale || power < -15 || power > -9) {
    throw new UnsupportedError(`a cell state of scale ${scale}, expected 2^-15 to 2^-9`);
  }
  return power;
}

/**
 * @param {OperatorCall} op
 * @param {number} position of a constant
 * @param {number} count of its elements
 * @returns {number[]}
 */
function numbers(op, position, count) {
  const values = op.requireNumbers(position, "a quantized LSTM's constants");
  if (values.length !== count) {
    const { name } = op.tensor(position);
    throw op.malformed(`${values.length} elements`, `${count}`, "quantized LSTM", name);
  }
  return values;
}

/**
 * @param {OperatorCall} op
 * @param {number} position of weights
 * @param {number} rows
 * @param {number} factor
 * @returns {number[]} the sum of each row, times the factor
 */
function rowSums(op, position, rows, factor) {
  const columns = op.requireRank(position, 2)[1];
  const values = numbers(op, position, rows * columns);
  return Array.from({ length: rows }, (_, row) => {
    const own = values.slice(row * columns, (row + 1) * columns);
    return factor * own.reduce((sum, value) => sum + value, 0) + 0;
  });
}

/**
 * x / 2^bits to the nearest, halves away from 0.
 *
 * @param {OperatorCall} op
 * @param {MLOperand} x int32
 * @param {number | number[]} bits one, or one for each column
 * @returns {MLOperand}
 */
function shifted(op, x, bits) {
  const row = (/** @type {(bits: number) => number} */ value) =>
    Array.isArray(bits)
      ? op.constant("int32", [bits.length], bits.map(value))
      : op.constant("int32", [], [value(bits)]);
  const half = op.build("mul", [op.build("sign", [x]), row((b) => (b > 0 ? 2 ** (b - 1) : 0))]);
  // WebNN's division of integers drops the fraction.
  return op.build("div", [op.build("add", [x, half]), row((b) => 2 ** b)]);
}

/** @param {OperatorCall} op @param {MLOperand} x @param {readonly number[]} range */
function clamped(op, x, [minValue, maxValue]) {
  return op.build("clamp", [x], { minValue, maxValue });
}

/** @param {OperatorCall} op @param {number} bits of the argument left of its point */
function tanhTable(op, bits) {
  return table(op, `tanh of ${bits} bits`, (x) => fixed.tanh(x, bits));
}

/** @param {OperatorCall} op @param {string} name @param {(x: number) => number} f */
function table(op, name, f) {
  return op.mapping.table(name, "int32", [1 << 16], () => fixed.table16(f));
}
