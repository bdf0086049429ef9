// SPDX-License-Identifier: Apache-2.0
// What octet tells beyond the standard: how a graph runs. Functions of the bundle, not members of the
// standard's interfaces.

import { byteLength } from "../ir/graph.js";
import { wasmFeatures } from "../runtime/features.js";
import { checkUsable } from "./context.js";
import { isOwnContext, stateOf } from "./internals.js";

/** @typedef {import("../runtime/plan.js").StepInfo} StepInfo */
/** @typedef {import("../ops/operator.js").Descriptor} Descriptor */

/** Whether a context is octet's, not the browser's own. @param {unknown} context @returns {boolean} */
export function isOctetContext(context) {
  return isOwnContext(context);
}

/**
 * What a context runs on.
 *
 * @param {unknown} context
 * @returns {{variant: string, threads: number, dot: string, features: string[]}} dot: the CPU's dot
 *   product of bytes; features: of wasm, which this realm has, whether or not the variant uses them
 */
export function describeContext(context) {
  const { engine } = stateOf(context, "context", "describeContext");
  const { variant, threads, dot } = engine;
  return { variant, threads, dot, features: wasmFeatures() };
}

/**
 * A graph's inputs and outputs, and how it runs: the kernel steps of a dispatch in order; by label, why an
 * operator that stands between quantizations stayed in float; and with `configure({ debug: true })` the
 * compiled graph as text.
 *
 * @param {unknown} graph
 * @returns {{inputs: Record<string, Descriptor>, outputs: Record<string, Descriptor>,
 *   steps: readonly StepInfo[], notes: Record<string, string>, text: string}}
 */
export function describeGraph(graph) {
  const { inputs, outputs, steps, notes, text } = stateOf(graph, "graph", "describeGraph");
  return {
    inputs: Object.fromEntries(inputs),
    outputs: Object.fromEntries(outputs),
    steps,
    notes: Object.fromEntries(notes),
    text,
  };
}

/**
 * Run a graph step by step, on one thread and on tensors of zeros, and time each step.
 *
 * @param {unknown} graph
 * @param {{runs?: number}} [options] the median of this many runs, after one that is not counted
 * @returns {Promise<(StepInfo & {ms: number})[]>}
 */
export async function profile(graph, { runs = 5 } = {}) {
  const { context, id, inputs, outputs, steps } = stateOf(graph, "graph", "profile: graph");
  checkUsable(context, "profile");
  const { engine } = context;
  const tensors = await Promise.all(
    [...inputs.values(), ...outputs.values()].map(({ dataType, shape }) =>
      engine.createTensor(byteLength(dataType, shape)),
    ),
  );
  /** @type {Float64Array[]} */
  const times = [];
  for (let run = 0; run <= runs; run++) times.push(await engine.profile(id, tensors));
  for (const tensor of tensors) engine.destroyTensor(tensor);
  return steps.map((step, i) => ({ ...step, ms: median(times.slice(1).map((list) => list[i])) }));
}

/** @param {number[]} list */
function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** Bytes of wasm memory in use and in all. @param {unknown} context @returns {Promise<{used: number, total: number}>} */
export async function memoryUse(context) {
  return stateOf(context, "context", "memoryUse").engine.memoryUse();
}
