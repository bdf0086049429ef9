// SPDX-License-Identifier: Apache-2.0
// Bringing up an executor: fetch, compile, instantiate, start threads.

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

/**
 * @param {StartOptions} options
 * @returns {Promise<Executor>}
 */
export async function startExecutor({ wasm, bytes, threads, workerUrl }) {
  const shared = threads > 1;
  const module = await (bytes ? compileModule(bytes, shared) : loadModule(wasm, shared));
  const executor = new Executor(await instantiate(module, createMemory(shared)));
  if (shared) executor.usePool(await WorkerPool.create(executor, module, threads, workerUrl));
  return executor;
}
