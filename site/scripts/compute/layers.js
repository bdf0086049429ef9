// SPDX-License-Identifier: Apache-2.0
// A model's operators and how each of them runs; layers of two models side by side.

/** @typedef {import("../../../polyfill/runtime/plan.js").StepInfo} StepInfo */
/** @typedef {StepInfo & {ms?: number}} TimedStep */

/**
 * An operator as the file has it.
 *
 * @typedef {object} OperatorFacts
 * @property {number} index
 * @property {string} name TFLite's
 * @property {boolean} supported
 * @property {string} output name of its first output
 * @property {string} type of that output
 * @property {readonly number[]} shape of that output
 */

/**
 * integer: 8-bit numbers only; view: no work of its own; script: after the graph, in JavaScript.
 *
 * @typedef {"integer" | "float" | "view" | "script" | "unsupported" | ""} Runs
 */

/**
 * @typedef {object} Layer
 * @property {number} index
 * @property {string} name
 * @property {string} output
 * @property {string} type
 * @property {readonly number[]} shape
 * @property {Runs} runs
 * @property {string[]} kernels
 * @property {string} why for float operators between quantized tensors, what kept them there
 * @property {number} ms 0 where nothing was measured
 * @property {number} macs
 */

const BYTE_TYPES = new Set(["uint8", "int8"]);

/** Computed outside the graph. */
const SCRIPT = "TFLite_Detection_PostProcess";

/**
 * @param {readonly OperatorFacts[]} operators
 * @param {{steps: readonly TimedStep[], notes: Readonly<Record<string, string>>} | null} graph null where
 *   the model could not be built
 * @returns {Layer[]}
 */
export function makeLayers(operators, graph) {
  /** @type {Map<number, TimedStep[]>} */
  const steps = new Map();
  for (const step of graph?.steps ?? []) {
    const index = operatorIndex(step.label);
    steps.set(index, [...(steps.get(index) ?? []), step]);
  }
  const notes = new Map(
    Object.entries(graph?.notes ?? {}).map(([label, why]) => [operatorIndex(label), why]),
  );
  return operators.map(({ index, name, supported, output, type, shape }) => {
    const own = steps.get(index) ?? [];
    return {
      index,
      name,
      output,
      type,
      shape,
      runs: howItRuns(name, supported, own, graph !== null),
      kernels: own.map(({ kernel }) => kernel),
      why: notes.get(index) ?? "",
      ms: own.reduce((sum, { ms = 0 }) => sum + ms, 0),
      macs: own.reduce((sum, { macs }) => sum + macs, 0),
    };
  });
}

/** The operator's index that a builder label starts with, or -1. @param {string} label */
function operatorIndex(label) {
  const [first] = label.split(" ", 1);
  return /^\d+$/.test(first) ? Number(first) : -1;
}

/**
 * @param {string} name
 * @param {boolean} supported
 * @param {readonly StepInfo[]} steps
 * @param {boolean} built
 * @returns {Runs}
 */
function howItRuns(name, supported, steps, built) {
  if (!supported) return "unsupported";
  if (name === SCRIPT) return "script";
  if (!built) return "";
  if (steps.length === 0) return "view";
  return steps.every(isInteger) ? "integer" : "float";
}

/** Whether a kernel computes on, or moves, 8-bit numbers only. @param {StepInfo} step */
export function isInteger({ kernel, dataType }) {
  if (/^(qu8_f32_|f32_)/.test(kernel)) return false;
  if (/^(qu8_|u8_|x8_)/.test(kernel)) return true;
  return BYTE_TYPES.has(dataType) || kernel === "arg_reduce";
}

/** "2 × copy_nd, qu8_add". @param {readonly string[]} kernels */
export function kernelText(kernels) {
  const counts = new Map();
  for (const kernel of kernels) counts.set(kernel, (counts.get(kernel) ?? 0) + 1);
  return Array.from(counts, ([kernel, count]) =>
    count > 1 ? `${count} × ${kernel}` : kernel,
  ).join(", ");
}

/**
 * Pair the layers of two models in order: the longest common sequence of operators with the same output
 * shape. What has no counterpart stands alone.
 *
 * @param {readonly Layer[]} a
 * @param {readonly Layer[]} b
 * @returns {{a: Layer | null, b: Layer | null}[]}
 */
export function alignLayers(a, b) {
  const same = (/** @type {number} */ i, /** @type {number} */ j) => key(a[i]) === key(b[j]);
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i][j] = same(i, j)
        ? lengths[i + 1][j + 1] + 1
        : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const rows = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && same(i, j)) rows.push({ a: a[i++], b: b[j++] });
    else if (j === b.length || (i < a.length && lengths[i + 1][j] >= lengths[i][j + 1]))
      rows.push({ a: a[i++], b: null });
    else rows.push({ a: null, b: b[j++] });
  }
  return rows;
}

/** @param {Layer} layer */
function key({ name, shape }) {
  return `${name} ${shape.join("×")}`;
}

/**
 * @param {readonly Layer[]} layers
 * @returns {{ms: number, macs: number, integerMs: number, floatMs: number}} sums; by what runs, too
 */
export function sumLayers(layers) {
  const sum = { ms: 0, macs: 0, integerMs: 0, floatMs: 0 };
  for (const { ms, macs, runs } of layers) {
    sum.ms += ms;
    sum.macs += macs;
    if (runs === "integer") sum.integerMs += ms;
    if (runs === "float") sum.floatMs += ms;
  }
  return sum;
}
