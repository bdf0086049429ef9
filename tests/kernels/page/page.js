// SPDX-License-Identifier: Apache-2.0
// What the kernel tests call in the page: each fetches a request and uploads the response.
import { Executor } from "/polyfill/runtime/executor.js";
import { runCases } from "./cases.js";
import { createMemory, instantiate } from "./module.js";
import { runFailingPool, runPool } from "./pool.js";

/** @param {string} url */
async function fetchWords(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return new Uint32Array(await response.arrayBuffer());
}

/**
 * @param {string} url
 * @param {Uint8Array<ArrayBuffer>} body
 */
async function upload(url, body) {
  const response = await fetch(url, { method: "PUT", body });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
}

Object.assign(globalThis, {
  /**
   * The dot products that this CPU has in a variant, by name.
   *
   * @param {string} variant
   */
  async dotClasses(variant) {
    const memory = createMemory(false);
    const exports = await instantiate(`/dist/octet_${variant}.wasm`, memory);
    return new Executor({ memory, exports }).dotProducts();
  },

  /**
   * @param {string} variant
   * @param {string} request
   * @param {string} response
   */
  async runCases(variant, request, response) {
    const memory = createMemory(false);
    const exports = await instantiate(`/dist/octet_${variant}.wasm`, memory);
    await upload(response, runCases(exports, memory, await fetchWords(request)));
  },

  /**
   * @param {string} variant
   * @param {number} failing a thread
   * @param {number} seconds a limit
   */
  runFailingPool: (variant, failing, seconds) =>
    runFailingPool(`/dist/octet_${variant}.wasm`, failing, seconds),

  /**
   * @param {string} variant
   * @param {string} request
   * @param {string} response
   * @param {number} threads
   * @param {number} dispatches
   * @param {number} seconds a limit
   */
  async runPool(variant, request, response, threads, dispatches, seconds) {
    const plans = await fetchWords(request);
    await upload(
      response,
      await runPool(`/dist/octet_${variant}.wasm`, plans, threads, dispatches, seconds),
    );
  },
});
