// SPDX-License-Identifier: Apache-2.0
// A page that wants one result as early as possible, then some more. octet/bench/startup.py bundles it with
// an engine's adapter.

/** @typedef {import("./adapter.js").Load} Load */
/** @typedef {import("./adapter.js").Loaded} Loaded */
/** @typedef {import("./adapter.js").Settings} Settings */

/** @type {Loaded} */
let loaded;

/**
 * Load and run once. Times count from the navigation.
 *
 * @param {Load} load of the engine's adapter
 * @param {string} url of the model
 * @param {Settings} settings
 */
export async function start(load, url, settings) {
  const scriptsMs = performance.now();
  const bytes = fetch(url).then((response) => response.arrayBuffer());
  loaded = await load(bytes, settings);
  const running = performance.now();
  await loaded.run();
  const ms = performance.now();
  const { initMs, compileMs } = loaded;
  return { ms, scriptsMs, initMs, compileMs, firstMs: ms - running };
}

/** @param {number} runs */
export async function runMore(runs) {
  for (let i = 0; i < runs; i++) await loaded.run();
}
