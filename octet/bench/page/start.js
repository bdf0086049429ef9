// SPDX-License-Identifier: Apache-2.0
// A page that wants one result as early as possible, then some more, and once again after a second
// navigation. It uploads what it finds beside itself. octet/bench/startup.py bundles it with an engine's
// adapter.

/** @typedef {import("./adapter.js").Load} Load */
/** @typedef {import("./adapter.js").Settings} Settings */

/** Between two questions whether to go on. */
const POLL_MS = 50;

/** @param {string} name @param {unknown} facts */
function upload(name, facts) {
  return fetch(name, { method: "PUT", body: JSON.stringify(facts) });
}

/**
 * Load and run once, upload how long that took from the navigation, in milliseconds. On the first visit
 * also run some more, wait until `again` can be fetched, and navigate once more.
 *
 * @param {Load} load of the engine's adapter
 * @param {string} url of the model
 * @param {Settings} settings
 * @param {number} settleMs to wait before the second navigation
 * @param {number} runs after the first result
 */
export async function start(load, url, settings, settleMs, runs) {
  const scriptsMs = performance.now();
  const bytes = fetch(url).then((response) => response.arrayBuffer());
  const loaded = await load(bytes, settings);
  const running = performance.now();
  await loaded.run();
  const ms = performance.now();
  const { initMs, compileMs } = loaded;
  const isFirst = sessionStorage.getItem("visited") === null;
  sessionStorage.setItem("visited", "yes");
  await upload(isFirst ? "first" : "second", {
    ms,
    scriptsMs,
    initMs,
    compileMs,
    firstMs: ms - running,
  });
  if (!isFirst) return;
  for (let i = 0; i < runs; i++) await loaded.run();
  await upload("settled", {});
  while (!(await fetch("again", { cache: "no-store" })).ok) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  location.replace(`/bench/wait.html?ms=${settleMs}&to=${location.pathname}`);
}
