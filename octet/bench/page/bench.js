// SPDX-License-Identifier: Apache-2.0
// The page that holds the engines of one model, each in a frame, and times them in turns.

/** @typedef {import("./adapter.js").Settings} Settings */
/** @typedef {{type: string, values: number[]}} Output */

export {};

const LOAD_TIMEOUT_MS = 60_000;

/** Engines' threads may spin for a while after a run; this lets them come to rest. */
const PAUSE_MS = 40;

/** @type {Map<string, HTMLIFrameElement>} */
const frames = new Map();

/** @param {number} ms @returns {Promise<void>} */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {string} id */
function inside(id) {
  const frame = /** @type {HTMLIFrameElement} */ (frames.get(id));
  return /** @type {any} */ (frame.contentWindow).benchFrame;
}

/** @template T @param {Promise<T>} promise @returns {Promise<T>} */
function inTime(promise) {
  const late = pause(LOAD_TIMEOUT_MS).then(() => {
    throw new Error(`nothing after ${LOAD_TIMEOUT_MS / 1000} s`);
  });
  return Promise.race([promise, late]);
}

/**
 * Load an engine with a model in a new frame, and run it once.
 *
 * @param {string} id
 * @param {string} engine
 * @param {string} url of the model
 * @param {Settings} settings
 */
async function add(id, engine, url, settings) {
  const frame = document.createElement("iframe");
  const here = new Promise((resolve) => frame.addEventListener("load", resolve));
  frame.src = "frame.html";
  document.body.append(frame);
  frames.set(id, frame);
  await here;
  try {
    return await inTime(inside(id).load(engine, url, settings));
  } catch (error) {
    remove(id);
    throw new Error(messageOf(error));
  }
}

/** @param {string} id */
function remove(id) {
  frames.get(id)?.remove();
  frames.delete(id);
}

/** @param {unknown} error of another realm, or what C++ throws */
function messageOf(error) {
  return /** @type {Error} */ (error)?.message ?? String(error);
}

/**
 * Time engines one after the other. One that fails is gone.
 *
 * @param {string[]} order ids
 * @param {number} runs of each
 * @returns {Promise<Record<string, number[] | string>>} milliseconds by id, or what went wrong
 */
async function round(order, runs) {
  /** @type {Record<string, number[] | string>} */
  const times = {};
  for (const id of order) {
    await pause(PAUSE_MS);
    try {
      times[id] = await inside(id).time(runs);
    } catch (error) {
      remove(id);
      times[id] = messageOf(error);
    }
  }
  return times;
}

/**
 * How far the last results of `id` are from those of `reference`.
 *
 * @param {string} id
 * @param {string} reference
 * @returns {number | null} the largest difference of two elements; null if they cannot be compared
 */
function difference(id, reference) {
  const ours = /** @type {Output[]} */ (inside(id).results());
  const theirs = /** @type {Output[]} */ (inside(reference).results());
  let largest = 0;
  for (const [i, { type, values }] of ours.entries()) {
    const other = theirs[i];
    if (other?.type !== type || other.values.length !== values.length) return null;
    for (let k = 0; k < values.length; k++) {
      largest = Math.max(largest, Math.abs(values[k] - other.values[k]));
    }
  }
  return largest;
}

Object.assign(globalThis, { octetBench: { add, round, difference } });
