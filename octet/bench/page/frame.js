// SPDX-License-Identifier: Apache-2.0
// One engine with one model, in a realm of its own: engines leave globals behind, and some can be loaded
// only once. bench.js calls what this leaves in `benchFrame`.

/** @typedef {import("./adapter.js").Loaded} Loaded */
/** @typedef {import("./adapter.js").Settings} Settings */

export {};

/** @type {Loaded} */
let loaded;
/** @type {ArrayLike<unknown>[]} */
let outputs = [];

/**
 * Load the engine and the model and run once.
 *
 * @param {string} engine
 * @param {string} url of the model
 * @param {Settings} settings
 */
async function load(engine, url, settings) {
  const adapter = await import(`./engines/${engine}.js`);
  const bytes = await (await fetch(url)).arrayBuffer();
  loaded = await adapter.load(Promise.resolve(bytes), settings);
  const start = performance.now();
  outputs = await loaded.run();
  const firstMs = performance.now() - start;
  const { initMs, compileMs, facts = {} } = loaded;
  return { initMs, compileMs, firstMs, facts };
}

/**
 * Cores that were idle come up to speed, and apart where a host had put two on one, while a program
 * keeps them busy.
 */
const AWAKE_MS = 60;

/**
 * Milliseconds of each of `runs` runs, after uncounted ones that wake the machine.
 *
 * @param {number} runs
 */
async function time(runs) {
  const times = [];
  const begin = performance.now();
  do outputs = await loaded.run();
  while (performance.now() - begin < AWAKE_MS);
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    outputs = await loaded.run();
    times.push(performance.now() - start);
  }
  return times;
}

/** What the last run computed, as plain numbers. */
function results() {
  return outputs.map((values) => ({
    type: values.constructor.name,
    values: Array.from(values, Number),
  }));
}

Object.assign(globalThis, { benchFrame: { load, time, results } });
