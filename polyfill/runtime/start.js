// SPDX-License-Identifier: Apache-2.0
// Bringing up an executor: the module on one side, memory and threads on the other.

import { Executor } from "./executor.js";
import { compileModule, createMemory, instantiate, loadModule } from "./module.js";
import { WorkerPool } from "./worker_pool.js";

/**
 * @typedef {object} StartOptions
 * @property {string} wasm URL of the module
 * @property {BufferSource | null} bytes the module itself, instead
 * @property {number} threads more than 1 only where memory can be shared
 * @property {string} workerUrl
 */

/** @param {StartOptions} options @returns {Promise<WebAssembly.Module>} */
export async function loadKernels({ wasm, bytes, threads }) {
  return bytes ? compileModule(bytes, threads > 1) : loadModule(wasm, threads > 1);
}

/**
 * @param {WebAssembly.Module} module
 * @param {import("./worker_pool.js").Thread[]} threads all but this one
 * @returns {Promise<Executor>}
 */
export async function startExecutor(module, threads) {
  const shared = threads.length > 0;
  const executor = new Executor(await instantiate(module, createMemory(shared)));
  if (shared) executor.usePool(await WorkerPool.create(executor, module, threads));
  return executor;
}
