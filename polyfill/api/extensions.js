// SPDX-License-Identifier: Apache-2.0
// What octet tells beyond the standard: how a graph runs. Functions of the bundle, not members of the
// standard's interfaces.

import { checkUsable } from "./context.js";
import { typeError } from "./errors.js";
import { isOwnContext, stateOf } from "./internals.js";

/** @typedef {import("../runtime/plan.js").StepInfo} StepInfo */

/** Whether a context is octet's, not the browser's own. @param {unknown} context @returns {boolean} */
export function isOctetContext(context) {
  return isOwnContext(context);
}

/**
 * What a context runs on.
 *
 * @param {unknown} context
 * @returns {{variant: string, threads: number}}
 */
export function describeContext(context) {
  const { engine } = stateOf(context, "context", "describeContext");
  return { variant: engine.variant, threads: engine.threads };
}

/**
 * The kernel steps of a dispatch, in order, and with `configure({ debug: true })` the compiled graph.
 *
 * @param {unknown} graph
 * @returns {{steps: readonly StepInfo[], text: string}}
 */
export function describeGraph(graph) {
  const { steps, text } = stateOf(graph, "graph", "describeGraph");
  return { steps, text };
}

/**
 * Dispatch once on one thread and time each step.
 *
 * @param {unknown} context
 * @param {unknown} graph
 * @param {Record<string, unknown>} inputs tensors by name, as for dispatch
 * @param {Record<string, unknown>} outputs
 * @returns {Promise<(StepInfo & {ms: number})[]>}
 */
export async function profile(context, graph, inputs, outputs) {
  const owner = stateOf(context, "context", "profile");
  const target = stateOf(graph, "graph", "profile: graph");
  checkUsable(owner, "profile");
  const bindings = [];
  for (const [kind, wanted, given] of /** @type {const} */ ([
    ["inputs", target.inputs, inputs],
    ["outputs", target.outputs, outputs],
  ])) {
    for (const name of wanted.keys()) {
      if (!Object.hasOwn(given, name)) throw typeError(`profile: ${kind}`, `"${name}" is missing.`);
      bindings.push(stateOf(given[name], "tensor", `profile: ${kind} "${name}"`).id);
    }
  }
  const times = await owner.engine.profile(target.id, bindings);
  return target.steps.map((step, i) => ({ ...step, ms: times[i] }));
}

/** Bytes of wasm memory in use and in all. @param {unknown} context @returns {Promise<{used: number, total: number}>} */
export async function memoryUse(context) {
  return stateOf(context, "context", "memoryUse").engine.memoryUse();
}
