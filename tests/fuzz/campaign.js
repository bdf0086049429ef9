// SPDX-License-Identifier: Apache-2.0
// Loads mutants, runs those that load, and notes what must not happen: an error that is none of the
// loader's, a run that fails, a round that takes long. For Node and for pages.

import { ARRAYS } from "../../polyfill/tflite/tflite_model.js";
import { mutant } from "./mutations.js";
import { random, roundSeed } from "./random.js";

/** A file that asks for more is refused: what remains is small enough to run thousands of times. */
export const LIMITS = { elements: 2 ** 14, totalElements: 2 ** 17, tensors: 2 ** 12 };

/** Milliseconds; a thousand times what a good file takes. */
export const SLOW = 2000;

/** An error of the language that a check should have kept from happening. */
const SLIP =
  /undefined|not a function|not iterable|of null|is not defined|Invalid (typed )?array|call stack|offset is out/i;

/**
 * @typedef {object} Engine
 * @property {any} context
 * @property {(source: ArrayBuffer, options: any) => Promise<any>} loadModel
 */

/** @typedef {{round: number, what: string, bytes: number[]}} Finding */

/**
 * @typedef {object} Report
 * @property {number} files
 * @property {number} refused by the loader
 * @property {number} unbuilt refused by WebNN
 * @property {number} ran
 * @property {number} slowest milliseconds
 * @property {Finding[]} findings
 */

/** @returns {Report} */
export function emptyReport() {
  return { files: 0, refused: 0, unbuilt: 0, ran: 0, slowest: 0, findings: [] };
}

/**
 * Go through the rounds from `first` to before `end`, adding to `report`.
 *
 * @param {Engine} engine
 * @param {{seeds: any[], seed: number, first: number, end: number}} rounds
 * @param {Report} report
 * @param {(round: number) => void} [onRound]
 */
export async function campaign(engine, { seeds, seed, first, end }, report, onRound) {
  for (let round = first; round < end; round++) {
    const bytes = mutant(seeds, seed, round);
    if (!bytes) continue;
    onRound?.(round);
    report.files++;
    const once = async (/** @type {Report} */ counts) => {
      const start = performance.now();
      const problem = await examine(engine, bytes, random(roundSeed(seed, ~round)), counts);
      return { problem, time: performance.now() - start };
    };
    let { problem, time } = await once(report);
    // Twice: the machine may have been busy with something else.
    if (!problem && time > SLOW) ({ problem, time } = await once(emptyReport()));
    report.slowest = Math.max(report.slowest, time);
    const what = problem ?? (time > SLOW ? `it took ${Math.round(time)} ms` : null);
    if (what) report.findings.push({ round, what, bytes: Array.from(bytes) });
  }
}

/**
 * Load a file and run it.
 *
 * @param {Engine} engine
 * @param {Uint8Array} bytes
 * @param {(below: number) => number} next
 * @param {Report} report
 * @returns {Promise<string | null>} what should not have happened
 */
export async function examine({ context, loadModel }, bytes, next, report) {
  let model;
  try {
    model = await loadModel(bytes.slice().buffer, { context, limits: LIMITS, fileName: "mutant" });
  } catch (error) {
    return refusal(error, report);
  }
  try {
    await model.run(inputsOf(model, next));
    report.ran++;
    return null;
  } catch (error) {
    return `run: ${error.stack}`;
  } finally {
    model.destroy();
  }
}

/**
 * Count an error of loading.
 *
 * @param {any} error
 * @param {Report} report
 * @returns {string | null} what is wrong with it, if it is not a refusal
 */
export function refusal(error, report) {
  const cause = error.cause ?? error;
  if (SLIP.test(cause.message)) return `slip: ${cause.stack}`;
  if (error.name === "TfliteError") {
    report.refused++;
    if (!error.rule || error.message.length > 5000) return `message: ${error.message}`;
    return null;
  }
  report.unbuilt++;
  return error.name === "OperationError" ? null : `error: ${error.stack}`;
}

/** Bytes of all kinds: floats among them are NaN now and then, indices out of bounds mostly. */
function inputsOf(model, next) {
  const entries = model.inputs.map(({ name, shape, dataType }) => {
    const length = shape.reduce((count, d) => count * d, 1);
    const Elements = ARRAYS[dataType];
    const bytes = Uint8Array.from({ length: length * Elements.BYTES_PER_ELEMENT }, () => next(256));
    return [name, new Elements(bytes.buffer)];
  });
  return Object.fromEntries(entries);
}
