// SPDX-License-Identifier: Apache-2.0
// Recurrent networks: gru and lstm, a step of each at a time.
// https://www.w3.org/TR/webnn/#api-mlgraphbuilder-gru
//
// They are composed of products and elementwise operators. A network multiplies all its inputs by the
// weights at once and only the states step by step; the packed weights are shared by the steps.

import { Composer } from "./compose.js";
import { check, FLOAT_TYPES, limit, RuleViolation } from "./operator.js";
import { MAX_DIMENSION } from "./shape.js";

/** @typedef {import("./operator.js").Operator} Operator */
/** @typedef {import("./operator.js").Limit} Limit */
/** @typedef {import("./operator.js").Node} Node */
/** @typedef {import("./operator.js").Value} Value */

const DIRECTIONS = ["forward", "backward", "both"];

/**
 * What the two kinds of network differ in.
 *
 * @typedef {object} Kind
 * @property {string[]} layouts the orders of the gates' rows, the default first
 * @property {string[]} activations
 * @property {string[]} states
 * @property {(c: Composer, weights: Weights, attributes: any) => Prepared} prepare
 * @property {(c: Composer, projected: Value, prepared: Prepared, states: Value[], attributes: any) =>
 *   Value[]} step the states after a step
 */

/**
 * The weights of one direction: `recurrent` is [gates * hidden, hidden].
 *
 * @typedef {{recurrent: Value, bias: Value | null, recurrentBias: Value | null,
 *   peephole: Value | null}} Weights
 */

/**
 * What all steps share: biases, the weights that multiply the states, the peepholes. Biases are added
 * last: the products are rounded while they are small.
 *
 * @typedef {{biases: (Value | null)[], weights: Value[], peepholes: Value[]}} Prepared
 */

/** The sum of two values that may be missing. @param {Composer} c @param {Value | null} a @param {Value | null} b */
function sumOf(c, a, b) {
  return a && b ? c.add(a, b) : (a ?? b);
}

/** @param {Composer} c @param {Value} value @param {Value | null} bias */
function biased(c, value, bias) {
  return bias ? c.add(value, bias) : value;
}

/**
 * Column block `index` of a [batch, n * hidden] value.
 *
 * @param {Composer} c
 * @param {Value} value
 * @param {number} index
 * @param {number} hidden
 */
function gate(c, value, index, hidden) {
  return c.slice(value, value.shape.length - 1, index * hidden, (index + 1) * hidden);
}

/** a × bᵀ. @param {Composer} c @param {Value} a @param {Value} b */
function product(c, a, b) {
  const attributes = { alpha: 1, beta: 1, aTranspose: false, bTranspose: true };
  return c.insert("gemm", { a, b }, attributes, [a.shape[0], b.shape[0]]);
}

/** @type {Kind} */
const GRU = {
  layouts: ["zrn", "rzn"],
  activations: ["sigmoid", "tanh"],
  states: ["hiddenState"],
  prepare(c, { recurrent, bias, recurrentBias }, { hiddenSize, resetAfter }) {
    // The update and the reset gate lie together, then comes the new gate.
    const parts = (/** @type {Value} */ v) => [
      c.slice(v, 0, 0, 2 * hiddenSize),
      c.slice(v, 0, 2 * hiddenSize, 3 * hiddenSize),
    ];
    const [gates, fresh] = bias ? parts(bias) : [null, null];
    const [carriedGates, carriedFresh] = recurrentBias ? parts(recurrentBias) : [null, null];
    const peepholes = /** @type {Value[]} */ ([]);
    const sums = sumOf(c, gates, carriedGates);
    if (resetAfter) {
      return { biases: [sums, fresh, carriedFresh], weights: [recurrent], peepholes };
    }
    const last = sumOf(c, fresh, carriedFresh);
    return { biases: [sums, last, null], weights: parts(recurrent), peepholes };
  },
  step(c, projected, { biases, weights }, [state], attributes) {
    const { hiddenSize, layout, resetAfter, activations } = attributes;
    const [sigma, activate] = activations;
    const inner = (/** @type {Value} */ v, /** @type {string} */ name) =>
      gate(c, v, layout.indexOf(name), hiddenSize);
    const both = (/** @type {Value} */ v) => c.slice(v, 1, 0, 2 * hiddenSize);
    const carried = product(c, state, weights[0]);
    const sum = c.add(both(projected), resetAfter ? both(carried) : carried);
    const gates = c.unary(sigma, biased(c, sum, biases[0]));
    const z = inner(gates, "z");
    const r = inner(gates, "r");
    // The reset comes after the product with the state, or before it.
    const candidate = resetAfter
      ? c.mul(r, biased(c, inner(carried, "n"), biases[2]))
      : product(c, c.mul(r, state), weights[1]);
    const fresh = c.add(inner(projected, "n"), candidate);
    const n = c.unary(activate, biased(c, fresh, biases[1]));
    // (1 − z) n + z h
    const kept = c.sub(c.scalar(z.dataType, 1), z);
    return [c.add(c.mul(kept, n), c.mul(z, state))];
  },
};

/** @type {Kind} */
const LSTM = {
  layouts: ["iofg", "ifgo"],
  activations: ["sigmoid", "tanh", "tanh"],
  states: ["hiddenState", "cellState"],
  prepare(c, { recurrent, bias, recurrentBias, peephole }, { hiddenSize }) {
    return {
      biases: [sumOf(c, bias, recurrentBias)],
      weights: [recurrent],
      // Their order is i, o, f.
      peepholes: peephole ? [0, 1, 2].map((i) => gate(c, peephole, i, hiddenSize)) : [],
    };
  },
  step(c, projected, { biases, weights, peepholes }, [state, cell], attributes) {
    const { hiddenSize, layout, activations } = attributes;
    const [sigma, activate, squash] = activations;
    const sum = biased(c, c.add(projected, product(c, state, weights[0])), biases[0]);
    const inner = (/** @type {string} */ name) => gate(c, sum, layout.indexOf(name), hiddenSize);
    // A peephole looks at the cell.
    const peeking = (/** @type {string} */ name, /** @type {Value} */ at) => {
      const value = inner(name);
      const weight = peepholes["iof".indexOf(name)];
      return c.unary(sigma, weight ? c.add(value, c.mul(weight, at)) : value);
    };
    const i = peeking("i", cell);
    const f = peeking("f", cell);
    const g = c.unary(activate, inner("g"));
    const next = c.add(c.mul(f, cell), c.mul(i, g));
    const o = peeking("o", next);
    return [c.mul(o, c.unary(squash, next)), next];
  },
};

// ---------------------------------------------------------------------------
// Rules

/**
 * @param {string} name
 * @param {Value | undefined} value
 * @param {readonly number[]} wanted
 */
function checkOperandShape(name, value, wanted) {
  if (!value || String(value.shape) === String(wanted)) return;
  throw new RuleViolation(`${name} shape`, [...value.shape], `[${wanted.join(", ")}]`);
}

/**
 * The rules that a cell and a network share; `leading` are the dimensions that a network's operands have
 * in front of a cell's: the directions.
 *
 * @param {Kind} kind
 * @param {any} call
 * @param {{leading: number[], batch: number, inputSize: number, states: string[]}} sizes
 */
function checkCall(kind, call, { leading, batch, inputSize, states }) {
  const { hiddenSize, activations = kind.activations } = call;
  const gates = kind.layouts[0].length;
  check(hiddenSize > 0, "hiddenSize", hiddenSize, "a value above 0");
  const room = 2 * gates * hiddenSize;
  check(room <= MAX_DIMENSION, "hiddenSize", hiddenSize, `at most 2^31-1 / ${2 * gates}`);
  const rows = gates * hiddenSize;
  checkOperandShape("weight", call.weight, [...leading, rows, inputSize]);
  checkOperandShape("recurrentWeight", call.recurrentWeight, [...leading, rows, hiddenSize]);
  checkOperandShape("bias", call.bias, [...leading, rows]);
  checkOperandShape("recurrentBias", call.recurrentBias, [...leading, rows]);
  checkOperandShape("peepholeWeight", call.peepholeWeight, [...leading, 3 * hiddenSize]);
  for (const name of states) {
    checkOperandShape(name, call[name], [...leading, batch, hiddenSize]);
  }
  const count = kind.activations.length;
  check(activations.length === count, "activations length", activations.length, String(count));
  return { activations };
}

/** Options that hold operands, of a cell or network. @param {Kind} kind */
function operandOptions(kind) {
  const names = ["bias", "recurrentBias"];
  if (kind === LSTM) names.push("peepholeWeight");
  return names;
}

/**
 * @param {readonly string[]} names
 * @param {number} rank
 * @returns {Record<string, Limit>}
 */
function sameAsInput(names, rank) {
  return Object.fromEntries(names.map((name) => [name, limit("input", rank, rank)]));
}

// ---------------------------------------------------------------------------
// Networks

/** Names of a network's initial states: initialHiddenState, initialCellState. @param {Kind} kind */
function initialStates({ states }) {
  return states.map((name) => `initial${name[0].toUpperCase()}${name.slice(1)}`);
}

/** @param {Kind} kind @param {any} call @returns {import("./operator.js").Inference} */
function inferNetwork(kind, call) {
  const { input, steps, hiddenSize, direction, returnSequence } = call;
  const [length, batch, inputSize] = input.shape;
  check(steps > 0, "steps", steps, "a value above 0");
  check(length === steps, "input shape[0]", length, `steps (${steps})`);
  const directions = direction === "both" ? 2 : 1;
  const sizes = { leading: [directions], batch, inputSize, states: initialStates(kind) };
  const attributes = checkCall(kind, call, sizes);
  const { dataType } = input;
  const state = { dataType, shape: [directions, batch, hiddenSize] };
  const sequence = { dataType, shape: [steps, directions, batch, hiddenSize] };
  const outputs = kind.states.map(() => state);
  return { outputs: returnSequence ? [...outputs, sequence] : outputs, attributes };
}

/**
 * Entry `index` of the first dimension, which goes.
 *
 * @param {Composer} c
 * @param {Value} value
 * @param {number} index
 */
function entry(c, value, index) {
  const single = value.shape[0] === 1 ? value : c.slice(value, 0, index, index + 1);
  return c.reshape(single, value.shape.slice(1));
}

/**
 * One direction: the last states, and the hidden state after each step in the order of time.
 *
 * @param {Kind} kind
 * @param {Composer} c
 * @param {Node} node
 * @param {number} index of the direction
 * @param {boolean} backward
 */
function runDirection(kind, c, node, index, backward) {
  const { input, weight, recurrentWeight } = node.inputs;
  const { steps, hiddenSize } = node.attributes;
  const [, batch, inputSize] = input.shape;
  const optional = (/** @type {string} */ name) =>
    node.inputs[name] ? entry(c, node.inputs[name], index) : null;
  const weights = {
    recurrent: entry(c, recurrentWeight, index),
    bias: optional("bias"),
    recurrentBias: optional("recurrentBias"),
    peephole: optional("peepholeWeight"),
  };
  const prepared = kind.prepare(c, weights, node.attributes);
  const rows = c.reshape(input, [steps * batch, inputSize]);
  const projected = product(c, rows, entry(c, weight, index));
  const zeros = () =>
    c.constant(input.dataType, [batch, hiddenSize], new Float32Array(batch * hiddenSize));
  let states = initialStates(kind).map((name) => optional(name) ?? zeros());
  /** @type {Value[]} */
  const sequence = new Array(steps);
  for (let i = 0; i < steps; i++) {
    const at = backward ? steps - 1 - i : i;
    const now = c.slice(projected, 0, at * batch, (at + 1) * batch);
    states = kind.step(c, now, prepared, states, node.attributes);
    sequence[at] = states[0];
  }
  return { states, sequence };
}

/** @param {Kind} kind @param {Node} node @param {import("./operator.js").Graph} graph */
function decomposeNetwork(kind, node, graph) {
  const c = new Composer(graph, node);
  const { direction, returnSequence } = node.attributes;
  const backward = direction === "both" ? [false, true] : [direction === "backward"];
  const runs = backward.map((isBackward, i) => runDirection(kind, c, node, i, isBackward));
  const stacked = (/** @type {Value} */ v, /** @type {number[]} */ leading) =>
    c.reshape(v, [...leading, ...v.shape]);
  const outputs = kind.states.map((_, i) =>
    c.concat(
      runs.map(({ states }) => stacked(states[i], [1])),
      0,
    ),
  );
  if (returnSequence) {
    const sequences = runs.map(({ sequence }) =>
      c.concat(
        sequence.map((v) => stacked(v, [1, 1])),
        0,
      ),
    );
    outputs.push(c.concat(sequences, 1));
  }
  return outputs;
}

/** @param {string} name @param {Kind} kind @returns {Operator} */
function network(name, kind) {
  const initial = initialStates(kind);
  const states = Object.keys(kind.states).map((i) => `output${i}`);
  return {
    name,
    parameters: {
      input: "operand",
      weight: "operand",
      recurrentWeight: "operand",
      steps: "u32",
      hiddenSize: "u32",
    },
    options: {
      ...Object.fromEntries([...operandOptions(kind), ...initial].map((key) => [key, ["operand"]])),
      ...(kind === GRU ? { resetAfter: ["boolean", true] } : {}),
      returnSequence: ["boolean", false],
      direction: [DIRECTIONS, "forward"],
      layout: [kind.layouts, kind.layouts[0]],
      activations: ["activation[]"],
    },
    limits: {
      input: limit(FLOAT_TYPES, 3, 3),
      ...sameAsInput(["weight", "recurrentWeight"], 3),
      ...sameAsInput(operandOptions(kind), 2),
      ...sameAsInput([...initial, ...states], 3),
      ...sameAsInput([`output${states.length}`], 4),
    },
    infer: (call) => inferNetwork(kind, call),
    decompose: (node, graph) => decomposeNetwork(kind, node, graph),
  };
}

export const gru = network("gru", GRU);
export const lstm = network("lstm", LSTM);

// ---------------------------------------------------------------------------
// Cells

/** @param {string} name @param {Kind} kind @returns {Operator} */
function cell(name, kind) {
  const outputs = kind === GRU ? ["output"] : ["output0", "output1"];
  const states = Object.fromEntries(kind.states.map((key) => [key, "operand"]));
  return {
    name,
    parameters: {
      input: "operand",
      weight: "operand",
      recurrentWeight: "operand",
      ...states,
      hiddenSize: "u32",
    },
    options: {
      ...Object.fromEntries(operandOptions(kind).map((key) => [key, ["operand"]])),
      ...(kind === GRU ? { resetAfter: ["boolean", true] } : {}),
      layout: [kind.layouts, kind.layouts[0]],
      activations: ["activation[]"],
    },
    limits: {
      input: limit(FLOAT_TYPES, 2, 2),
      ...sameAsInput(["weight", "recurrentWeight", ...kind.states], 2),
      ...sameAsInput(operandOptions(kind), 1),
      ...sameAsInput(outputs, 2),
    },
    infer(call) {
      const { input, hiddenSize } = call;
      const [batch, inputSize] = input.shape;
      const sizes = { leading: [], batch, inputSize, states: kind.states };
      const attributes = checkCall(kind, call, sizes);
      const state = { dataType: input.dataType, shape: [batch, hiddenSize] };
      return { outputs: outputs.map(() => state), attributes };
    },
    decompose(node, graph) {
      const c = new Composer(graph, node);
      const { input, weight, recurrentWeight, bias = null } = node.inputs;
      const { recurrentBias = null, peepholeWeight = null } = node.inputs;
      const weights = { recurrent: recurrentWeight, bias, recurrentBias, peephole: peepholeWeight };
      const prepared = kind.prepare(c, weights, node.attributes);
      const projected = product(c, input, weight);
      const given = kind.states.map((key) => node.inputs[key]);
      return kind.step(c, projected, prepared, given, node.attributes);
    },
  };
}

export const gruCell = cell("gruCell", GRU);
export const lstmCell = cell("lstmCell", LSTM);
