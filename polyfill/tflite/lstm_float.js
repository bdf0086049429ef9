// SPDX-License-Identifier: Apache-2.0
// An LSTM of float numbers written out step by step: with clips, peepholes, coupled gates, layer
// normalization, a projection, and a second input. Formulas are those of TFLite's kernel, which
// follows Sak et al. (arXiv:1402.1128) and Ba et al. (arXiv:1607.06450).

import { atStep, sequenceOf } from "./sequences.js";

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {import("./ops_lstm.js").Cell} Cell */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */

const [INPUT, FORGET, CELL, OUTPUT] = [0, 1, 2, 3];

/** Of the variance, lest it is 0. TFLite's kernel has the same. */
const EPSILON = 1e-8;

/**
 * @param {OperatorCall} op
 * @param {MLOperand} x [steps, batch, inputs]
 * @param {MLOperand | null} auxiliary [steps, batch, its inputs]
 * @param {Cell} cell
 * @returns {MLOperand} [steps, batch, outputs]
 */
export function unrolledLstm(op, x, auxiliary, cell) {
  const [steps, batch] = x.shape;
  const gates = op.has(cell.weights[INPUT])
    ? [INPUT, FORGET, CELL, OUTPUT]
    : [FORGET, CELL, OUTPUT];
  const driven = drive(op, x, auxiliary, cell, gates);
  const recurrent = stacked(op, cell.recurrent, gates);
  const [hidden] = op.requireRank(cell.weights[CELL], 2);
  const step = new Step(op, cell, gates, hidden);
  /** @type {MLOperand | null} */
  let state = null;
  /** @type {MLOperand[]} */
  const outputs = [];
  for (let t = 0; t < steps; t++) {
    let sums = atStep(op, driven, t, batch);
    const before = outputs[t - 1];
    if (before) sums = op.build("gemm", [before, recurrent], { c: sums, bTranspose: true });
    const next = step.run(sums, state);
    state = next.state;
    outputs.push(next.output);
  }
  return sequenceOf(op, outputs);
}

/**
 * What does not depend on the state, for all steps at once: [steps · batch, gates · hidden].
 *
 * @param {OperatorCall} op
 * @param {MLOperand} x
 * @param {MLOperand | null} auxiliary
 * @param {Cell} cell
 * @param {number[]} gates
 * @returns {MLOperand}
 */
function drive(op, x, auxiliary, cell, gates) {
  const flat = (/** @type {MLOperand} */ sequence) => {
    const [steps, batch, inputs] = sequence.shape;
    return op.reshape(sequence, [steps * batch, inputs]);
  };
  // Behind a normalization, the bias comes after it.
  const c = op.has(cell.norms[FORGET]) ? undefined : stacked(op, cell.biases, gates);
  const options = { bTranspose: true, ...(c && { c }) };
  const driven = op.build("gemm", [flat(x), stacked(op, cell.weights, gates)], options);
  if (!auxiliary) return driven;
  const second = stacked(op, cell.auxiliary, gates);
  return op.build("gemm", [flat(auxiliary), second], { c: driven, bTranspose: true });
}

/**
 * @param {OperatorCall} op
 * @param {readonly number[]} positions
 * @param {number[]} gates
 * @returns {MLOperand}
 */
function stacked(op, positions, gates) {
  return op.build("concat", [gates.map((gate) => op.float(positions[gate])), 0]);
}

class Step {
  #op;
  #cell;
  #gates;
  #hidden;

  /** @param {OperatorCall} op @param {Cell} cell @param {number[]} gates @param {number} hidden */
  constructor(op, cell, gates, hidden) {
    this.#op = op;
    this.#cell = cell;
    this.#gates = gates;
    this.#hidden = hidden;
  }

  /**
   * @param {MLOperand} sums [batch, gates · hidden]
   * @param {MLOperand | null} state [batch, hidden]; null before the first step
   * @returns {{output: MLOperand, state: MLOperand}}
   */
  run(sums, state) {
    const op = this.#op;
    const forget = op.build("sigmoid", [this.#gate(sums, FORGET, state)]);
    const candidate = op.build("tanh", [this.#gate(sums, CELL, null)]);
    const input = this.#gates.includes(INPUT)
      ? op.build("sigmoid", [this.#gate(sums, INPUT, state)])
      : op.build("sub", [op.constant("float32", [], [1]), forget]);
    let next = op.build("mul", [input, candidate]);
    if (state) next = op.build("add", [op.build("mul", [forget, state]), next]);
    next = clipped(op, next, op.options.cellClip);
    const open = op.build("sigmoid", [this.#gate(sums, OUTPUT, next)]);
    const output = op.build("mul", [open, op.build("tanh", [next])]);
    return { output: this.#projected(output), state: next };
  }

  /**
   * One gate before its activation.
   *
   * @param {MLOperand} sums
   * @param {number} gate
   * @param {MLOperand | null} state that a peephole looks at
   * @returns {MLOperand} [batch, hidden]
   */
  #gate(sums, gate, state) {
    const op = this.#op;
    const { peepholes, norms, biases } = this.#cell;
    const [batch] = sums.shape;
    const from = this.#gates.indexOf(gate) * this.#hidden;
    let own = op.build("slice", [sums, [0, from], [batch, this.#hidden]]);
    const peephole = peepholes[gate === OUTPUT ? 2 : gate];
    if (state && op.has(peephole)) {
      own = op.build("add", [own, op.build("mul", [op.float(peephole), state])]);
    }
    if (!op.has(norms[gate])) return own;
    // Of each row; WebNN's layerNormalization divides by the same square root.
    return op.build("layerNormalization", [own], {
      axes: [1],
      scale: op.float(norms[gate]),
      bias: op.float(biases[gate]),
      epsilon: EPSILON,
    });
  }

  /** @param {MLOperand} output @returns {MLOperand} */
  #projected(output) {
    const op = this.#op;
    const { projection } = this.#cell;
    if (!op.has(projection)) return output;
    const c = op.has(projection + 1) ? { c: op.float(projection + 1) } : {};
    const options = { bTranspose: true, ...c };
    const product = op.build("gemm", [output, op.float(projection)], options);
    return clipped(op, product, op.options.projClip);
  }
}

/** @param {OperatorCall} op @param {MLOperand} x @param {number} clip 0 for none */
function clipped(op, x, clip) {
  return clip > 0 ? op.build("clamp", [x], { minValue: -clip, maxValue: clip }) : x;
}
