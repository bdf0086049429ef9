// SPDX-License-Identifier: Apache-2.0
// What the tests lay out in a memory of their own: plan.h's records, and requests (exchange.py).
import { instantiate as instantiateModule, loadModule } from "/polyfill/runtime/module.js";

const PAGES = 1024;
const MAX_PAGES = 32768;

/** @param {boolean} shared */
export function createMemory(shared) {
  return new WebAssembly.Memory({ initial: PAGES, maximum: MAX_PAGES, shared });
}

/**
 * The kernels' exports, on a memory.
 *
 * @param {string} url
 * @param {WebAssembly.Memory} memory
 */
export async function instantiate(url, memory) {
  const module = await loadModule(url, memory.buffer instanceof SharedArrayBuffer);
  return (await instantiateModule(module, memory)).exports;
}

/**
 * The next multiple of 16.
 *
 * @param {number} address
 */
export const align16 = (address) => Math.ceil(address / 16) * 16;

/** Fields of plan_pool (plan.h), as word indices. */
export const POOL = {
  epoch: 0,
  quit: 1,
  inside: 2,
  threads: 3,
  steps: 4,
  words: 5,
  scratch: 6,
  progress: 7,
  scratchBytes: 8,
  stepCount: 9,
  failed: 10,
  sleepers: 11,
};
export const POOL_WORDS = 12;

/** Words of a plan_step: kernel, args, extent, grain. */
export const STEP_WORDS = 4;

/** Reads a request word by word. */
export class Reader {
  /** @param {Uint32Array} words */
  constructor(words) {
    this.words = words;
    this.at = 0;
  }

  next() {
    return this.words[this.at++];
  }

  /** @param {number} count */
  take(count) {
    this.at += count;
    return this.words.subarray(this.at - count, this.at);
  }

  /**
   * A blob padded to words.
   *
   * @param {number} bytes
   */
  blob(bytes) {
    const words = this.take(Math.ceil(bytes / 4));
    return new Uint8Array(words.buffer, words.byteOffset, bytes);
  }
}

/**
 * A buffer of a request and where it lies.
 *
 * @typedef {{ bytes: number, isOutput: boolean, skew: number, data: Uint8Array, address: number }} Buffer
 */

const ROLE_OUTPUT = 1;

/**
 * @param {Reader} reader
 * @param {number} count
 * @returns {Buffer[]}
 */
export function readBuffers(reader, count) {
  return Array.from({ length: count }, () => {
    const [bytes, role, skew] = reader.take(3);
    return { bytes, isOutput: role === ROLE_OUTPUT, skew, data: reader.blob(bytes), address: 0 };
  });
}

/**
 * Argument words of the plan: values, or addresses in the buffers.
 *
 * @param {Uint32Array} triples
 * @param {(buffer: number) => number} addressOf
 */
export function argumentWords(triples, addressOf) {
  return Array.from({ length: triples.length / 3 }, (_, i) => {
    const [kind, value, offset] = triples.subarray(3 * i, 3 * i + 3);
    return kind === 0 ? value : addressOf(value) + offset;
  });
}

/** Collects the words and blobs of a response. */
export class Writer {
  constructor() {
    this.bytes = new Uint8Array(1 << 16);
    this.at = 0;
  }

  /** @param {Uint8Array} blob */
  blob(blob) {
    const end = this.at + Math.ceil(blob.length / 4) * 4;
    if (end > this.bytes.length) {
      const grown = new Uint8Array(Math.max(2 * this.bytes.length, end));
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.bytes.set(blob, this.at);
    this.at = end;
  }

  /** @param {number} value */
  word(value) {
    this.blob(new Uint8Array(Uint32Array.of(value).buffer));
  }

  result() {
    return this.bytes.slice(0, this.at);
  }
}
