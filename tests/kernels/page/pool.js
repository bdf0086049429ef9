// SPDX-License-Identifier: Apache-2.0
// The thread pool: one worker leads (thread 0), the others serve; all share a memory.
import { createMemory } from "./module.js";

const STACK_BYTES = 65536;
const STACKS_AT = 48 << 20; // behind everything else in the memory of 64 MiB

/**
 * @param {string} url of the module
 * @param {Uint32Array} request plans
 * @param {number} threads
 * @param {number} dispatches
 * @param {number} seconds
 * @returns {Promise<Uint8Array<ArrayBuffer>>} the response of the leader
 */
export async function runPool(url, request, threads, dispatches, seconds) {
  const memory = createMemory(true);
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL("pool_worker.js", import.meta.url), { type: "module" }),
  );
  try {
    const results = workers.map((worker, thread) => {
      const stack = STACKS_AT + (thread + 1) * STACK_BYTES;
      worker.postMessage({ url, memory, thread, threads, stack, request, dispatches });
      return resultOf(worker, `thread ${thread}`);
    });
    const all = await Promise.race([Promise.all(results), limit(seconds)]);
    return all[0];
  } finally {
    for (const worker of workers) worker.terminate();
  }
}

/**
 * The worker's one message; its errors reject.
 *
 * @param {Worker} worker
 * @param {string} name
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
function resultOf(worker, name) {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) =>
      data.error ? reject(new Error(`${name}: ${data.error}`)) : resolve(data.response);
    worker.onerror = (event) => reject(new Error(`${name}: ${event.message}`));
  });
}

/**
 * @param {number} seconds
 * @returns {Promise<never>}
 */
function limit(seconds) {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`the pool did not finish in ${seconds} s`)), 1000 * seconds);
  });
}

/**
 * What the polyfill's pool says when a thread traps.
 *
 * @param {string} url of the module
 * @param {number} failing the thread
 * @param {number} seconds
 * @returns {Promise<string>}
 */
export async function runFailingPool(url, failing, seconds) {
  const worker = new Worker(new URL("failure_worker.js", import.meta.url), { type: "module" });
  try {
    const message = new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.postMessage({ url, failing });
    });
    return await Promise.race([message, limit(seconds)]);
  } finally {
    worker.terminate();
  }
}
