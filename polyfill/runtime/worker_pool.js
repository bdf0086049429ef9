// SPDX-License-Identifier: Apache-2.0
// Threads: N - 1 workers that sit in pool_serve, and the record in shared memory through which they are
// given plans (plan_pool in plan.h).

/** @typedef {import("./executor.js").Executor} Executor */
/** @typedef {import("./executor.js").LoadedGraph} LoadedGraph */

const STACK_BYTES = 65536;

/** Words of plan_pool. */
const POOL = /** @type {const} */ ({
  EPOCH: 0,
  QUIT: 1,
  INSIDE: 2,
  THREADS: 3,
  STEPS: 4,
  WORDS: 5,
  SCRATCH: 6,
  PROGRESS: 7,
  SCRATCH_BYTES: 8,
  STEP_COUNT: 9,
  FAILED: 10,
  SLEEPERS: 11,
  LENGTH: 12,
});

/** @param {WebAssembly.Memory} memory @param {number} pool */
function poolWords(memory, pool) {
  return new Int32Array(memory.buffer, pool, POOL.LENGTH);
}

/**
 * What a thread's worker is told.
 *
 * @typedef {object} ThreadMessage
 * @property {"thread"} role
 * @property {WebAssembly.Module} module
 * @property {WebAssembly.Memory} memory
 * @property {number} pool address of the plan_pool
 * @property {number} stack address of the top of its stack
 * @property {number} thread
 */

/** @typedef {{worker: Worker, ready: Promise<void>}} Thread a worker that waits for its ThreadMessage */

/**
 * Start the workers of a pool, which need not know its module yet.
 *
 * @param {number} threads all of them, the caller included
 * @param {string} workerUrl
 * @returns {Thread[]}
 */
export function startThreads(threads, workerUrl) {
  return Array.from({ length: threads - 1 }, (_, i) => {
    const worker = new Worker(workerUrl, { type: "module", name: `octet thread ${i + 1}` });
    /** @type {Promise<void>} */
    const ready = new Promise((resolve, reject) => {
      const fail = (/** @type {string} */ why) =>
        reject(new Error(`thread ${i + 1} did not start${why ? `: ${why}` : ""}`));
      worker.onmessage = ({ data }) => (data.error ? fail(data.error) : resolve());
      worker.onerror = ({ message }) => fail(message);
    });
    ready.catch(() => {}); // told by create()
    return { worker, ready };
  });
}

export class WorkerPool {
  #executor;
  #pool;

  /**
   * @param {Executor} executor
   * @param {number} pool
   * @param {number} threads
   */
  constructor(executor, pool, threads) {
    this.#executor = executor;
    this.#pool = pool;
    this.threads = threads;
  }

  /**
   * Give the workers their module; resolves when all of them can take work.
   *
   * @param {Executor} executor over shared memory
   * @param {WebAssembly.Module} module
   * @param {Thread[]} workers
   */
  static async create(executor, module, workers) {
    const pool = executor.heap.allocate(4 * POOL.LENGTH);
    poolWords(executor.memory, pool).fill(0)[POOL.THREADS] = workers.length + 1;
    for (const [i, { worker }] of workers.entries()) {
      const stack = executor.heap.allocate(STACK_BYTES) + STACK_BYTES;
      const { memory } = executor;
      /** @type {ThreadMessage} */
      const message = { role: "thread", module, memory, pool, stack, thread: i + 1 };
      worker.postMessage(message);
    }
    await Promise.all(workers.map(({ ready }) => ready));
    return new WorkerPool(executor, pool, workers.length + 1);
  }

  /**
   * Run a graph's dispatch on all threads.
   *
   * @param {LoadedGraph} graph
   * @param {number} scratch
   * @param {number} scratchBytes per thread
   * @throws {Error} when a kernel trapped on any thread; the pool cannot be used again
   */
  run({ dispatch, progress }, scratch, scratchBytes) {
    const words = poolWords(this.#executor.memory, this.#pool);
    words[POOL.STEPS] = dispatch.steps;
    words[POOL.WORDS] = dispatch.words;
    words[POOL.SCRATCH] = scratch;
    words[POOL.PROGRESS] = progress;
    words[POOL.SCRATCH_BYTES] = scratchBytes;
    words[POOL.STEP_COUNT] = dispatch.stepCount;
    try {
      this.#executor.exports.pool_run?.(this.#pool);
    } catch (error) {
      // The others wait for this thread's chunk.
      Atomics.store(words, POOL.FAILED, 1);
      throw error;
    }
    if (Atomics.load(words, POOL.FAILED)) throw new Error("a kernel failed on one of the threads");
  }
}

/**
 * A thread's side: take part in the pool's runs until it ends.
 *
 * @param {import("./module.js").KernelExports} exports
 * @param {ThreadMessage} message
 * @throws {WebAssembly.RuntimeError} when a kernel trapped; by then the pool knows
 */
export function servePool(exports, { memory, pool, thread }) {
  try {
    exports.pool_serve?.(pool, thread);
  } catch (error) {
    Atomics.store(poolWords(memory, pool), POOL.FAILED, 1);
    throw error;
  }
}
