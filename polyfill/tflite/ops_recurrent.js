// SPDX-License-Identifier: Apache-2.0
// Recurrent layers whose state starts at zero in each run: UNIDIRECTIONAL_SEQUENCE_LSTM for the plain
// cell (no projection, peepholes or layer norm), UNIDIRECTIONAL_SEQUENCE_RNN, and RNN, a step of it.

import { UnsupportedError } from "./errors.js";

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */

/**
 * @typedef {object} Cell
 * @property {MLOperand} weights [4 · hidden, inputs], in the order input, forget, cell, output
 * @property {MLOperand} recurrent [4 · hidden, hidden]
 * @property {MLOperand} bias [4 · hidden]
 * @property {number} hidden
 */

const INPUT_WEIGHTS = [1, 2, 3, 4];
const RECURRENT_WEIGHTS = [5, 6, 7, 8];
const BIASES = [12, 13, 14, 15];
/** Peepholes, projection and its bias, layer norm. */
const EXTRAS = [9, 10, 11, 16, 17, 20, 21, 22, 23];

/** From here on tanh is 1 in float32, so that clipping a cell does not change its step's output. */
const SATURATED = 9.1;
const MAX_UNROLLED = 512;

/** The state starts at zero in each run. @param {OperatorCall} op */
export function unidirectionalSequenceLstm(op) {
  const { timeMajor, cellClip: clip, fusedActivationFunction } = op.options;
  if (EXTRAS.some((position) => op.has(position))) {
    throw new UnsupportedError("peepholes, projection or layer norm");
  }
  if (!op.has(INPUT_WEIGHTS[0])) throw new UnsupportedError("coupled input and forget gates");
  if (fusedActivationFunction !== "TANH") {
    throw new UnsupportedError(`cell activation ${fusedActivationFunction}`);
  }
  op.requireRank(0, 3);
  const x = timeMajor ? op.float(0) : exchanged(op, op.float(0));
  const [steps] = x.shape;
  const [hidden] = op.requireRank(INPUT_WEIGHTS[0], 2);
  const stacked = (/** @type {number[]} */ positions) =>
    op.build("concat", [positions.map((position) => op.float(position)), 0]);
  const cell = {
    weights: stacked(INPUT_WEIGHTS),
    recurrent: stacked(RECURRENT_WEIGHTS),
    bias: stacked(BIASES),
    hidden,
  };
  // A cell grows by at most 1 a step, so that a wide clip never acts.
  const free = clip === 0 || clip >= steps;
  if (!free && (clip < SATURATED || steps > MAX_UNROLLED)) {
    throw new UnsupportedError(`cell clip ${clip} over ${steps} steps`);
  }
  const y = free ? wholeSequence(op, x, cell) : clippedSequence(op, x, cell, clip);
  op.setFloat(timeMajor ? y : exchanged(op, y));
}

/** @param {OperatorCall} op @param {MLOperand} x @param {Cell} cell @returns {MLOperand} */
function wholeSequence(op, x, { weights, recurrent, bias, hidden }) {
  const [steps, batch] = x.shape;
  // One direction: a leading 1 on everything.
  const one = (/** @type {MLOperand} */ operand) => op.reshape(operand, [1, ...operand.shape]);
  const options = { bias: one(bias), layout: "ifgo", returnSequence: true };
  const values = [x, one(weights), one(recurrent), steps, hidden];
  return op.reshape(op.build("lstm", values, options)[2], [steps, batch, hidden]);
}

/**
 * Step by step, the cell state clamped between steps.
 *
 * @param {OperatorCall} op
 * @param {MLOperand} x
 * @param {Cell} cell
 * @param {number} clip
 * @returns {MLOperand}
 */
function clippedSequence(op, x, { weights, recurrent, bias, hidden }, clip) {
  const [steps, batch, inputs] = x.shape;
  let output = op.build("expand", [op.constant("float32", [1, 1], [0]), [batch, hidden]]);
  let state = output;
  const outputs = [];
  for (let step = 0; step < steps; step++) {
    const part = op.build("slice", [x, [step, 0, 0], [1, batch, inputs]]);
    const now = op.reshape(part, [batch, inputs]);
    const values = [now, weights, recurrent, output, state, hidden];
    const [next, free] = op.build("lstmCell", values, { bias, layout: "ifgo" });
    output = next;
    state = op.build("clamp", [free], { minValue: -clip, maxValue: clip });
    outputs.push(op.reshape(output, [1, batch, hidden]));
  }
  return op.build("concat", [outputs, 0]);
}

/**
 * h = activation(W·x + R·h + b) at each step. WebNN has no such cell: all of W·x + b is one product,
 * the steps are written out.
 *
 * @param {OperatorCall} op
 */
export function unidirectionalSequenceRnn(op) {
  const { timeMajor, fusedActivationFunction: activation } = op.options;
  op.requireRank(0, 3);
  const x = timeMajor ? op.float(0) : exchanged(op, op.float(0));
  const [steps, batch, inputs] = x.shape;
  if (steps > MAX_UNROLLED) throw new UnsupportedError(`${steps} steps`);
  const driven = op.build("gemm", [op.reshape(x, [steps * batch, inputs]), op.float(1)], {
    c: op.float(3),
    bTranspose: true,
  });
  const hidden = driven.shape[1];
  /** @type {MLOperand[]} */
  const outputs = [];
  for (let step = 0; step < steps; step++) {
    const own = op.build("slice", [driven, [step * batch, 0], [batch, hidden]]);
    const before = outputs[step - 1];
    const sum = before
      ? op.build("gemm", [before, op.float(2)], { c: own, bTranspose: true })
      : own;
    outputs.push(op.activate(sum, activation));
  }
  const y = op.reshape(outputs.length > 1 ? op.build("concat", [outputs, 0]) : outputs[0], [
    steps,
    batch,
    hidden,
  ]);
  op.setFloat(timeMajor ? y : exchanged(op, y));
}

/** RNN: the first step, before which the state is zero. @param {OperatorCall} op */
export function recurrentStep(op) {
  op.requireRank(0, 2);
  const y = op.build("gemm", [op.float(0), op.float(1)], { c: op.float(3), bTranspose: true });
  op.setFloat(op.activate(y, op.options.fusedActivationFunction));
}

/** [a, b, c] → [b, a, c] @param {OperatorCall} op @param {MLOperand} x @returns {MLOperand} */
function exchanged(op, x) {
  return op.build("transpose", [x], { permutation: [1, 0, 2] });
}
