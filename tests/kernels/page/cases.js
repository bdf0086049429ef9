// SPDX-License-Identifier: Apache-2.0
// Runs the cases of a request (exchange.py states its layout) in one instance, on one thread.
import { progressBytes } from "/polyfill/runtime/plan.js";
import {
  align16,
  argumentWords,
  POOL,
  POOL_WORDS,
  Reader,
  readBuffers,
  STEP_WORDS,
  Writer,
} from "./module.js";

const GUARD_BYTES = 64;
const GUARD = 0xa5;

/** Of a pool in which nobody but the first serves: it claims the others' parts, from their ends. */
const THREADS = 3;

const STATUS_OK = 0;
const STATUS_CHANGED = 2;

/** @typedef {import("../../../polyfill/runtime/module.js").KernelExports} KernelExports */

/**
 * @param {KernelExports} exports
 * @param {WebAssembly.Memory} memory
 * @param {Uint32Array} request
 */
export function runCases(exports, memory, request) {
  const reader = new Reader(request);
  const writer = new Writer();
  for (let left = reader.next(); left > 0; left--) {
    const testCase = readCase(reader);
    for (const whole of [true, false]) runCase(exports, memory, testCase, whole, writer);
  }
  return writer.result();
}

/** @param {Reader} reader */
function readCase(reader) {
  const [kernel, extent, grain, scratchBytes, parts, buffers, words] = reader.take(7);
  const [prepareKernel, prepareScratchBytes, prepareWords] = reader.take(3);
  reader.take(2 * parts); // for the native runner; here a thread pool makes the parts
  return {
    kernel,
    extent,
    grain,
    scratchBytes,
    buffers: readBuffers(reader, buffers),
    triples: reader.take(3 * words),
    prepare: {
      kernel: prepareKernel | 0,
      scratchBytes: prepareScratchBytes,
      triples: reader.take(3 * prepareWords),
    },
  };
}

/**
 * Lays out guard bytes, the buffers and the plan, runs, and checks that only outputs changed.
 *
 * @param {KernelExports} exports
 * @param {WebAssembly.Memory} memory
 * @param {ReturnType<typeof readCase>} testCase
 * @param {boolean} whole
 * @param {Writer} writer
 */
function runCase(exports, memory, testCase, whole, writer) {
  const { kernel, extent, grain, scratchBytes, buffers, triples, prepare } = testCase;
  const base = align16(exports.__heap_base.value);
  let end = base;
  /** @param {number} bytes */
  const allocate = (bytes, skew = 0) => {
    const address = align16(end + GUARD_BYTES) + skew;
    end = address + bytes;
    return address;
  };
  for (const buffer of buffers) buffer.address = allocate(buffer.bytes, buffer.skew);
  // The step is the second of a plan and its words lie behind others, so that indices matter.
  const addressOf = (/** @type {number} */ i) => buffers[i].address;
  const words = [1, 2, 3, ...argumentWords(triples, addressOf)];
  const prepareAt = words.length;
  words.push(...argumentWords(prepare.triples, addressOf));
  const wordsAt = allocate(4 * words.length);
  const stepsAt = allocate(3 * 4 * STEP_WORDS);
  const poolAt = allocate(4 * POOL_WORDS);
  const progressAt = allocate(progressBytes(1, THREADS));
  const scratchAt = allocate(scratchBytes);
  const prepareScratchAt = allocate(prepare.scratchBytes);
  end = align16(end + GUARD_BYTES);

  const region = new Uint8Array(memory.buffer, base, end - base);
  const view = new DataView(memory.buffer);
  region.fill(GUARD);
  for (const { address, data } of buffers) region.set(data, address - base);
  words.forEach((word, i) => {
    view.setUint32(wordsAt + 4 * i, word, true);
  });
  [prepare.kernel, prepareAt, 1, 1, kernel, 3, extent, grain, -1, 0, 1, 1].forEach((word, i) => {
    view.setInt32(stepsAt + 4 * i, word, true);
  });
  if (prepare.kernel >= 0) exports.plan_run(stepsAt, wordsAt, prepareScratchAt, 0, 1);
  const before = region.slice();

  /** What the call may change, as [address, bytes]. */
  const written = [[scratchAt, scratchBytes]];
  for (const { address, bytes, isOutput } of buffers) {
    if (isOutput) written.push([address, bytes]);
  }
  if (whole || !exports.pool_run) {
    exports.plan_run(stepsAt, wordsAt, scratchAt, 1, 1);
  } else {
    written.push([poolAt, 4 * POOL_WORDS], [progressAt, progressBytes(1, THREADS)]);
    const pool = new Uint32Array(memory.buffer, poolAt, POOL_WORDS).fill(0);
    pool[POOL.threads] = THREADS;
    pool[POOL.steps] = stepsAt + 4 * STEP_WORDS;
    pool[POOL.words] = wordsAt;
    pool[POOL.scratch] = scratchAt;
    pool[POOL.progress] = progressAt;
    pool[POOL.scratchBytes] = scratchBytes;
    pool[POOL.stepCount] = 1;
    exports.pool_run(poolAt);
  }

  const outputs = buffers
    .filter((buffer) => buffer.isOutput)
    .map(({ address, bytes }) => region.slice(address - base, address - base + bytes));
  for (const [address, bytes] of written) {
    region.set(before.subarray(address - base, address - base + bytes), address - base);
  }
  writer.word(sameBytes(region, before) ? STATUS_OK : STATUS_CHANGED);
  for (const output of outputs) writer.blob(output);
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b both of a multiple of 4 bytes
 */
function sameBytes(a, b) {
  const wordsA = new Uint32Array(a.buffer, a.byteOffset, a.length / 4);
  const wordsB = new Uint32Array(b.buffer, b.byteOffset, b.length / 4);
  return wordsA.every((word, i) => word === wordsB[i]);
}
