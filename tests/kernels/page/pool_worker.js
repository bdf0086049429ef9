// SPDX-License-Identifier: Apache-2.0
// A thread of the pool. Thread 0 runs plans again and again, each time on other input: by the pool in
// one set of buffers, by plan_run in another. The outputs must agree.
import { progressBytes } from "/polyfill/runtime/plan.js";
import {
  align16,
  argumentWords,
  instantiate,
  POOL,
  POOL_WORDS,
  Reader,
  readBuffers,
  Writer,
} from "./module.js";

const LIMIT_BYTES = 48 << 20;
const SLEEP_MS = 2;

self.onmessage = async ({ data }) => {
  try {
    const exports = await instantiate(data.url, data.memory);
    exports.__stack_pointer.value = data.stack;
    const poolAt = align16(exports.__heap_base.value);
    if (data.thread > 0) {
      exports.pool_serve?.(poolAt, data.thread);
      postMessage({ response: new Uint8Array(0) });
    } else {
      postMessage({ response: lead(exports, data, poolAt) });
    }
  } catch (error) {
    postMessage({ error: String(error) });
  }
};

/** Memory is given out from here on; nothing is given back. */
class Arena {
  /**
   * @param {WebAssembly.Memory} memory
   * @param {number} start
   */
  constructor(memory, start) {
    this.memory = memory;
    this.end = start;
  }

  /** @param {number} bytes */
  allocate(bytes) {
    const address = align16(this.end);
    this.end = address + bytes;
    if (this.end > LIMIT_BYTES) throw new Error("the plans do not fit into the memory");
    return address;
  }

  /** @param {ArrayLike<number>} words */
  place(words) {
    const address = this.allocate(4 * words.length);
    new Uint32Array(this.memory.buffer, address, words.length).set(words);
    return address;
  }
}

/**
 * A plan twice: for the pool and for plan_run, each with its own buffers and words.
 *
 * @param {Reader} reader
 * @param {Arena} arena
 * @param {number} threads
 */
function readPlan(reader, arena, threads) {
  const [scratchBytes, bufferCount, stepCount] = reader.take(3);
  const buffers = readBuffers(reader, bufferCount);
  const steps = [];
  /** @type {Uint32Array[]} */
  const triples = [];
  let args = 0;
  for (let i = 0; i < stepCount; i++) {
    const [kernel, extent, grain, words] = reader.take(4);
    steps.push(kernel, args, extent, grain);
    triples.push(reader.take(3 * words));
    args += words;
  }
  const sets = [0, 1].map(() => {
    const addresses = buffers.map(({ bytes }) => arena.allocate(bytes));
    const words = triples.flatMap((some) => argumentWords(some, (i) => addresses[i]));
    return { addresses, words: arena.place(words) };
  });
  return {
    scratchBytes,
    buffers,
    sets,
    steps,
    stepCount,
    stepsAt: arena.allocate(4 * steps.length),
    progress: arena.allocate(progressBytes(stepCount, threads)),
    progressBytes: progressBytes(stepCount, threads),
  };
}

/**
 * @param {import("../../../polyfill/runtime/module.js").KernelExports} exports
 * @param {any} data
 * @param {number} poolAt
 */
function lead(exports, { memory, threads, request, dispatches }, poolAt) {
  const arena = new Arena(memory, poolAt + 4 * POOL_WORDS);
  const reader = new Reader(request);
  const plans = Array.from({ length: reader.next() }, () => readPlan(reader, arena, threads));
  const scratchBytes = align16(Math.max(...plans.map((plan) => plan.scratchBytes)));
  const scratch = arena.allocate(threads * scratchBytes);

  const pool = new Int32Array(memory.buffer, poolAt, POOL_WORDS);
  pool[POOL.threads] = threads;
  pool[POOL.scratch] = scratch;
  pool[POOL.scratchBytes] = scratchBytes;

  const writer = new Writer();
  let mismatches = 0;
  for (let dispatch = 0; dispatch < dispatches; dispatch++) {
    const plan = plans[dispatch % plans.length];
    for (const set of plan.sets) fillBuffers(memory, plan.buffers, set.addresses, dispatch);
    const steps = new Int32Array(memory.buffer, plan.stepsAt, plan.steps.length);
    steps.set(plan.steps);
    pool[POOL.steps] = plan.stepsAt;
    pool[POOL.words] = plan.sets[0].words;
    pool[POOL.progress] = plan.progress;
    pool[POOL.stepCount] = plan.stepCount;
    // Now and then the others get time to fall asleep, and wake up late.
    if (dispatch % 4 === 0) Atomics.wait(pool, POOL.epoch, pool[POOL.epoch], SLEEP_MS);
    exports.pool_run?.(poolAt);
    exports.plan_run(plan.stepsAt, plan.sets[1].words, scratch, 0, plan.stepCount);
    // A graph may go once its run is over, and its memory be used for something else.
    steps.fill(0x7f7f7f7f);
    new Uint8Array(memory.buffer, plan.progress, plan.progressBytes).fill(0);
    mismatches += compare(memory, plan.buffers, plan.sets, dispatch < plans.length ? writer : null);
  }
  writer.word(mismatches);

  Atomics.store(pool, POOL.quit, 1);
  Atomics.add(pool, POOL.epoch, 1);
  Atomics.notify(pool, POOL.epoch);
  return writer.result();
}

/**
 * Inputs as the request has them, the first one changed by the number of the dispatch; outputs wiped.
 *
 * @param {WebAssembly.Memory} memory
 * @param {import("./module.js").Buffer[]} buffers
 * @param {number[]} addresses
 * @param {number} dispatch
 */
function fillBuffers(memory, buffers, addresses, dispatch) {
  buffers.forEach(({ bytes, data }, i) => {
    new Uint8Array(memory.buffer, addresses[i], bytes).set(data);
  });
  const input = new Uint8Array(memory.buffer, addresses[0], buffers[0].bytes);
  const change = Math.floor(dispatch / 2) * 37;
  for (let i = 0; i < input.length; i += 4) input[i] ^= change; // the low mantissa byte of a float
}

/**
 * The number of outputs in which the two sets differ; `writer` gets those of the pool.
 *
 * @param {WebAssembly.Memory} memory
 * @param {import("./module.js").Buffer[]} buffers
 * @param {{ addresses: number[] }[]} sets
 * @param {Writer | null} writer
 */
function compare(memory, buffers, sets, writer) {
  let different = 0;
  buffers.forEach(({ bytes, isOutput }, i) => {
    if (!isOutput) return;
    const [ours, theirs] = sets.map(
      (set) => new Uint8Array(memory.buffer, set.addresses[i], bytes),
    );
    if (!ours.every((byte, j) => byte === theirs[j])) different++;
    writer?.blob(ours);
  });
  return different;
}
