// SPDX-License-Identifier: Apache-2.0
// What of octet a model needs: operators of the compiler, kernels of the wasm module.

import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";

import { MLGraphBuilder } from "../../polyfill/api/builder.js";
import { attachState } from "../../polyfill/api/internals.js";
import { supportLimits } from "../../polyfill/api/support_limits.js";
import { PASSES } from "../../polyfill/compile/passes.js";
import { DOT_PRODUCT, KERNELS } from "../../polyfill/gen/kernels.js";
import { INTERNAL_OPERATORS, OPERATORS } from "../../polyfill/ops/index.js";
import { STEP_WORDS } from "../../polyfill/runtime/plan.js";
import { mapModel } from "../../polyfill/tflite/loader.js";

const OPERATOR_FILES = new URL("../../polyfill/ops/", import.meta.url);

/** What octet supports; asked before records are watched, for it reads them all. */
export const LIMITS = supportLimits();

/** A context that plans and runs nothing. @param {string} dot @param {(plan: any) => void} onPlan */
export function planningContext(dot, onPlan) {
  const engine = { dot, build: async (/** @type {any} */ plan) => onPlan(plan) };
  const context = {};
  const state = { kind: "context", engine, isLost: false, graphs: new Set(), tensors: new Set() };
  attachState(context, /** @type {any} */ (state));
  return /** @type {any} */ (context);
}

/**
 * @typedef {object} Requirements
 * @property {string[]} kernels in the catalogue's order
 * @property {number[]} passes of the compiler, by their place in PASSES, that matter for the model
 * @property {{file: string, name: string}[]} requiredOperators by file of polyfill/ops and export
 */

/**
 * Compile the model for every kind of CPU and see what that takes. What is left out changes nothing:
 * without it the plans are the same.
 *
 * @param {any} model
 * @param {any} options of mapModel()
 * @returns {Promise<Requirements>}
 */
export async function requirements(model, options) {
  const expected = digest(await plansOf(model, options));
  const all = [...PASSES.entries()];
  let needed = all;
  for (const entry of all) {
    const fewer = needed.filter((other) => other !== entry);
    usePasses(fewer);
    if (await givesPlans(model, options, expected)) needed = fewer;
  }
  usePasses(needed);
  const read = watch([...Object.values(OPERATORS), ...Object.values(INTERNAL_OPERATORS)]);
  const plans = await plansOf(model, options);
  usePasses(all);
  const kernels = new Set(plans.flatMap(kernelsOf));
  return {
    kernels: Object.values(KERNELS)
      .filter(({ id }) => kernels.has(id))
      .map(({ name }) => name),
    passes: needed.map(([place]) => place),
    requiredOperators: await exportsOf(read),
  };
}

/** @param {(readonly [number, any])[]} entries places and passes */
function usePasses(entries) {
  /** @type {any} */ (PASSES).splice(0, Infinity, ...entries.map(([, pass]) => pass));
}

/** One plan for each kind of dot product. @param {any} model @param {any} options @returns {Promise<any[]>} */
async function plansOf(model, options) {
  /** @type {any[]} */
  const plans = [];
  for (const dot of Object.keys(DOT_PRODUCT)) {
    const builder = new MLGraphBuilder(planningContext(dot, (plan) => plans.push(plan)));
    const mapped = mapModel(model, builder, LIMITS, options);
    await builder.build(Object.fromEntries(mapped.graphOutputs));
  }
  return plans;
}

/** @param {any} model @param {any} options @param {string} expected @returns {Promise<boolean>} */
async function givesPlans(model, options, expected) {
  try {
    return digest(await plansOf(model, options)) === expected;
  } catch {
    return false; // a later pass needs what is missing
  }
}

/** @param {any} plan @returns {number[]} numbers in the catalogue */
function kernelsOf({ prepare, dispatch }) {
  return [prepare, dispatch].flatMap(({ steps }) =>
    Array.from({ length: steps.length / STEP_WORDS }, (_, i) => steps[i * STEP_WORDS]),
  );
}

/** @param {any[]} plans @returns {string} equal for equal plans */
function digest(plans) {
  const hash = createHash("sha256");
  for (const { info, ...plan } of plans) {
    const text = JSON.stringify(plan, (_, value) => {
      if (!ArrayBuffer.isView(value)) return value;
      hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
      return value.byteLength;
    });
    hash.update(text);
  }
  return hash.digest("hex");
}

/** The records, of these, that something reads from now on. @param {any[]} records @returns {Set<any>} */
function watch(records) {
  const read = new Set();
  for (const record of records) {
    for (const [key, value] of Object.entries(record)) {
      const get = () => {
        read.add(record);
        return value;
      };
      Object.defineProperty(record, key, { get });
    }
  }
  return read;
}

/** @param {Set<any>} records @returns {Promise<{file: string, name: string}[]>} */
async function exportsOf(records) {
  const found = [];
  for (const file of readdirSync(OPERATOR_FILES).sort()) {
    if (!file.endsWith(".js")) continue;
    const module = await import(new URL(file, OPERATOR_FILES).href);
    for (const [name, value] of Object.entries(module)) {
      if (records.has(value)) found.push({ file, name });
    }
  }
  return found;
}
