// SPDX-License-Identifier: Apache-2.0
// The polyfill's pool of two threads, on a step whose scratch memory does not exist for one of them.
import { KERNELS, REDUCE_OP } from "/polyfill/gen/kernels.js";
import { Executor } from "/polyfill/runtime/executor.js";
import { createMemory, instantiate, loadModule } from "/polyfill/runtime/module.js";
import { startThreads, WorkerPool } from "/polyfill/runtime/worker_pool.js";

const OUTSIDE = 1 << 30;
const MAX_RUNS = 1000;
const [OUTER, N, INNER] = [64, 8, 4096];

self.onmessage = async ({ data: { url, failing } }) => {
  try {
    const module = await loadModule(url, true);
    const executor = new Executor(await instantiate(module, createMemory(true)));
    const pool = await WorkerPool.create(executor, module, startThreads(2, WORKER));
    postMessage(runs(executor, pool, failing));
  } catch (error) {
    postMessage(`did not start: ${error}`);
  }
};

const WORKER = "/polyfill/runtime/worker.js";

/**
 * Run until it fails: the thread may come too late to take work. Returns the error's message.
 *
 * @param {Executor} executor
 * @param {WorkerPool} pool
 * @param {number} failing the thread whose scratch memory lies outside
 */
function runs(executor, pool, failing) {
  const { heap, memory } = executor;
  const place = (/** @type {number[]} */ words) => {
    const address = heap.allocate(4 * words.length);
    new Int32Array(memory.buffer, address, words.length).set(words);
    return address;
  };
  const x = heap.allocate(4 * OUTER * N * INNER);
  const y = heap.allocate(4 * OUTER * INNER);
  const scratch = heap.allocate(4 * INNER);
  const dispatch = {
    steps: place([KERNELS.f32_reduce.id, 0, OUTER, 1]),
    words: place([y, x, REDUCE_OP.sum, OUTER, N, INNER]),
    stepCount: 1,
    block: 0,
    bindings: [],
    parallel: true,
  };
  const graph = { dispatch, blocks: [], progress: heap.allocate(8), bound: [] };
  for (let run = 0; run < MAX_RUNS; run++) {
    try {
      if (failing === 0) pool.run(graph, OUTSIDE, -OUTSIDE + scratch);
      else pool.run(graph, scratch, OUTSIDE);
    } catch (error) {
      return /** @type {Error} */ (error).message;
    }
  }
  return "nothing failed";
}
