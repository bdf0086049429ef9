// SPDX-License-Identifier: Apache-2.0
// What all recurrent layers share: steps in front or batches, and how many may be written out.

import { UnsupportedError } from "./errors.js";

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */

const MAX_UNROLLED = 512;

/** @param {number} steps that are going to be written out one by one */
export function requireSteps(steps) {
  if (steps > MAX_UNROLLED) throw new UnsupportedError(`${steps} steps of a recurrent layer`);
}

/** [a, b, c] → [b, a, c] @param {OperatorCall} op @param {MLOperand} x @returns {MLOperand} */
export function exchanged(op, x) {
  return op.build("transpose", [x], { permutation: [1, 0, 2] });
}

/**
 * One step of a sequence.
 *
 * @param {OperatorCall} op
 * @param {MLOperand} x [steps · batch, n]
 * @param {number} step
 * @param {number} batch
 * @returns {MLOperand} [batch, n]
 */
export function atStep(op, x, step, batch) {
  const [rows, n] = x.shape;
  return rows === batch ? x : op.build("slice", [x, [step * batch, 0], [batch, n]]);
}

/**
 * Steps as one sequence.
 *
 * @param {OperatorCall} op
 * @param {MLOperand[]} outputs [batch, n] each
 * @returns {MLOperand} [steps, batch, n]
 */
export function sequenceOf(op, outputs) {
  const whole = outputs.length > 1 ? op.build("concat", [outputs, 0]) : outputs[0];
  return op.reshape(whole, [outputs.length, ...outputs[0].shape]);
}

/**
 * Set a bidirectional layer's outputs: one of both directions' numbers, or two.
 *
 * @param {OperatorCall} op
 * @param {MLOperand[]} directions [steps, batch, n] each
 * @param {boolean} merged
 * @param {boolean} timeMajor
 */
export function joined(op, directions, merged, timeMajor) {
  const expected = merged ? 1 : directions.length;
  if (op.outputCount !== expected) {
    throw op.malformed(`${op.outputCount} outputs`, `${expected}`, "operator outputs");
  }
  const results = merged ? [op.build("concat", [directions, 2])] : directions;
  for (const [k, result] of results.entries()) {
    op.setFloat(timeMajor ? result : exchanged(op, result), k);
  }
}
