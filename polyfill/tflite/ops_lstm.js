// SPDX-License-Identifier: Apache-2.0
// UNIDIRECTIONAL_SEQUENCE_LSTM and BIDIRECTIONAL_SEQUENCE_LSTM; the state starts at zero in each
// run. A plain cell is WebNN's lstm, any other one is written out step by step (lstm_float.js), and
// so is a fully quantized one, in the numbers of TFLite's own kernel (lstm_integer.js).

import { UnsupportedError } from "./errors.js";
import { unrolledLstm } from "./lstm_float.js";
import { integerLstm } from "./lstm_integer.js";
import { exchanged, joined, requireSteps } from "./sequences.js";

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */

/**
 * Where an operator has what a cell is made of. Gates are in TFLite's order: input, forget, cell,
 * output. Optional parts may be left out in a file.
 *
 * @typedef {object} Cell
 * @property {readonly number[]} weights [hidden, inputs] each; no input gate: it is 1 − forget gate
 * @property {readonly number[]} recurrent [hidden, outputs] each
 * @property {readonly number[]} peepholes of input, forget and output gate, [hidden] each
 * @property {readonly number[]} biases [hidden] each
 * @property {number} projection [outputs, hidden]; its bias is the next input
 * @property {readonly number[]} norms coefficients of layer normalization, [hidden] each
 * @property {readonly number[]} auxiliary weights of a second input, [hidden, its inputs] each
 * @property {number} state the output of the step before, [batch, outputs]; the cell is next
 */

/** @param {number} from @param {number} count */
const range = (from, count) => Array.from({ length: count }, (_, k) => from + k);

/**
 * @param {number} first its weights' position
 * @param {Pick<Cell, "norms" | "auxiliary" | "state">} more
 * @returns {Cell}
 */
function cellAt(first, more) {
  return {
    weights: range(first, 4),
    recurrent: range(first + 4, 4),
    peepholes: range(first + 8, 3),
    biases: range(first + 11, 4),
    projection: first + 15,
    ...more,
  };
}

const UNIDIRECTIONAL = cellAt(1, { norms: range(20, 4), auxiliary: [], state: 18 });
const FORWARD = cellAt(1, { norms: [], auxiliary: range(40, 4), state: 35 });
const BACKWARD = cellAt(18, { norms: [], auxiliary: range(44, 4), state: 37 });
const AUXILIARY = 39;

/** @param {OperatorCall} op */
export function unidirectionalSequenceLstm(op) {
  checkOptions(op);
  const { timeMajor } = op.options;
  op.requireRank(0, 3);
  if (op.tensor(0).type === "INT8" && op.tensor(UNIDIRECTIONAL.state + 1).type === "INT16") {
    const x = timeMajor ? op.raw(0) : exchanged(op, op.raw(0));
    const y = integerLstm(op, x, UNIDIRECTIONAL);
    op.setRaw(timeMajor ? y : exchanged(op, y));
    return;
  }
  const x = timeMajor ? op.float(0) : exchanged(op, op.float(0));
  const y = floatLstm(op, x, null, UNIDIRECTIONAL);
  op.setFloat(timeMajor ? y : exchanged(op, y));
}

/**
 * Two cells, one of which reads the sequence from its end. A second input is another sequence of as
 * many steps: with weights of its own, or, without them, what the backward cell reads.
 *
 * @param {OperatorCall} op
 */
export function bidirectionalSequenceLstm(op) {
  checkOptions(op);
  const { timeMajor, mergeOutputs } = op.options;
  op.requireRank(0, 3);
  const sequence = (/** @type {number} */ position) => {
    op.requireRank(position, 3);
    return timeMajor ? op.float(position) : exchanged(op, op.float(position));
  };
  const x = sequence(0);
  const second = op.has(AUXILIARY) ? sequence(AUXILIARY) : null;
  const weighted = op.has(FORWARD.auxiliary[1]);
  const behind = second && !weighted ? second : x;
  const auxiliary = weighted ? second : null;
  const reversed = (/** @type {MLOperand} */ operand) =>
    op.build("reverse", [operand], { axes: [0] });
  const forward = floatLstm(op, x, auxiliary, FORWARD);
  const backward = reversed(
    floatLstm(op, reversed(behind), auxiliary && reversed(auxiliary), BACKWARD),
  );
  joined(op, [forward, backward], mergeOutputs, timeMajor);
}

/** @param {OperatorCall} op */
function checkOptions({ options: { fusedActivationFunction, cellClip, projClip } }) {
  if (fusedActivationFunction !== "TANH") {
    throw new UnsupportedError(`cell activation ${fusedActivationFunction}`);
  }
  if (!(cellClip >= 0 && projClip >= 0)) throw new UnsupportedError("a clip below 0");
}

/**
 * @param {OperatorCall} op
 * @param {MLOperand} x [steps, batch, inputs]
 * @param {MLOperand | null} auxiliary [steps, batch, its inputs]
 * @param {Cell} cell
 * @returns {MLOperand} [steps, batch, outputs]
 */
function floatLstm(op, x, auxiliary, cell) {
  const given = (/** @type {readonly number[]} */ positions) => positions.some((p) => op.has(p));
  // A cell grows by at most 1 a step, so that a wide clip never acts.
  const free = op.options.cellClip === 0 || op.options.cellClip >= x.shape[0];
  const plain =
    free &&
    !auxiliary &&
    op.has(cell.weights[0]) &&
    !given([...cell.peepholes, ...cell.norms, cell.projection]);
  if (plain) return wholeSequence(op, x, cell);
  requireSteps(x.shape[0]);
  return unrolledLstm(op, x, auxiliary, cell);
}

/** @param {OperatorCall} op @param {MLOperand} x @param {Cell} cell @returns {MLOperand} */
function wholeSequence(op, x, { weights, recurrent, biases }) {
  const [steps, batch] = x.shape;
  const [hidden] = op.requireRank(weights[0], 2);
  const stacked = (/** @type {readonly number[]} */ positions) => {
    const whole = op.build("concat", [positions.map((position) => op.float(position)), 0]);
    // One direction: a leading 1 on everything.
    return op.reshape(whole, [1, ...whole.shape]);
  };
  const options = { bias: stacked(biases), layout: "ifgo", returnSequence: true };
  const values = [x, stacked(weights), stacked(recurrent), steps, hidden];
  return op.reshape(op.build("lstm", values, options)[2], [steps, batch, hidden]);
}
