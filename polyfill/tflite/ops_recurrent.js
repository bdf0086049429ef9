// SPDX-License-Identifier: Apache-2.0
// Recurrent layers without gates, whose state starts at zero in each run:
// h = activation(W·x + R·h + b). WebNN has no such cell, the steps are written out.

import { UnsupportedError } from "./errors.js";
import { atStep, exchanged, joined, requireSteps, sequenceOf } from "./sequences.js";

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */

/** @param {OperatorCall} op */
export function unidirectionalSequenceRnn(op) {
  const { timeMajor } = op.options;
  op.requireRank(0, 3);
  const x = timeMajor ? op.float(0) : exchanged(op, op.float(0));
  const y = sequence(op, driven(op, x, 1, 3), x.shape, 2);
  op.setFloat(timeMajor ? y : exchanged(op, y));
}

const FORWARD = { weights: 1, recurrent: 2, bias: 3 };
const BACKWARD = { weights: 5, recurrent: 6, bias: 7 };
const AUXILIARY = 9;

/**
 * Two cells, one of which reads the sequence from its end. Inputs: x; weights, recurrent weights,
 * bias and state of each cell; a second sequence and its weights for each cell.
 *
 * @param {OperatorCall} op
 */
export function bidirectionalSequenceRnn(op) {
  const { timeMajor, mergeOutputs } = op.options;
  const given = (/** @type {number} */ position) => {
    op.requireRank(position, 3);
    return timeMajor ? op.float(position) : exchanged(op, op.float(position));
  };
  const x = given(0);
  const second = op.has(AUXILIARY) ? given(AUXILIARY) : null;
  const weighted = op.has(AUXILIARY + 1);
  if (second && !weighted && !timeMajor) {
    // Where TFLite's kernel, against its own description, reads the first one.
    throw new UnsupportedError("a second sequence without weights, batches in front");
  }
  const reversed = (/** @type {MLOperand} */ operand) =>
    op.build("reverse", [operand], { axes: [0] });
  const directions = [FORWARD, BACKWARD].map(({ weights, recurrent, bias }, k) => {
    const turned = k === 1 ? reversed : (/** @type {MLOperand} */ operand) => operand;
    // Without weights of its own, the second sequence is what the backward cell reads.
    const own = turned(k === 1 && second && !weighted ? second : x);
    let sums = driven(op, own, weights, bias);
    if (second && weighted) sums = added(op, sums, turned(second), AUXILIARY + 1 + k);
    return turned(sequence(op, sums, own.shape, recurrent));
  });
  joined(op, directions, mergeOutputs, timeMajor);
}

/** RNN: the first step, before which the state is zero. @param {OperatorCall} op */
export function recurrentStep(op) {
  op.requireRank(0, 2);
  const y = op.build("gemm", [op.float(0), op.float(1)], { c: op.float(3), bTranspose: true });
  op.setFloat(op.activate(y, op.options.fusedActivationFunction));
}

/**
 * W·x + b of all steps, one product.
 *
 * @param {OperatorCall} op
 * @param {MLOperand} x [steps, batch, inputs]
 * @param {number} weights
 * @param {number} bias
 * @returns {MLOperand} [steps · batch, hidden]
 */
function driven(op, x, weights, bias) {
  const values = [flat(op, x), op.float(weights)];
  return op.build("gemm", values, { c: op.float(bias), bTranspose: true });
}

/** @param {OperatorCall} op @param {MLOperand} sums @param {MLOperand} x @param {number} weights */
function added(op, sums, x, weights) {
  return op.build("gemm", [flat(op, x), op.float(weights)], { c: sums, bTranspose: true });
}

/** @param {OperatorCall} op @param {MLOperand} x [steps, batch, n] */
function flat(op, x) {
  const [steps, batch, n] = x.shape;
  return op.reshape(x, [steps * batch, n]);
}

/**
 * @param {OperatorCall} op
 * @param {MLOperand} sums [steps · batch, hidden], all but the state's share
 * @param {readonly number[]} shape whose first dimensions are steps and batch
 * @param {number} recurrent position of the state's weights
 * @returns {MLOperand} [steps, batch, hidden]
 */
function sequence(op, sums, [steps, batch], recurrent) {
  requireSteps(steps);
  if (steps === 0) throw new UnsupportedError("no steps");
  /** @type {MLOperand[]} */
  const outputs = [];
  for (let step = 0; step < steps; step++) {
    const own = atStep(op, sums, step, batch);
    const before = outputs[step - 1];
    const sum = before
      ? op.build("gemm", [before, op.float(recurrent)], { c: own, bTranspose: true })
      : own;
    outputs.push(op.activate(sum, op.options.fusedActivationFunction));
  }
  return sequenceOf(op, outputs);
}
