// SPDX-License-Identifier: Apache-2.0
// Tensors and graphs in wasm memory, and running plans on them. Synchronous; it lives in the worker, or
// in the page's own thread where there are no workers.

import { DOT_PRODUCT } from "../gen/kernels.js";
import { Heap } from "./arena.js";
import { progressBytes, REGION, STEP_WORDS, stepCount } from "./plan.js";

/** @typedef {keyof typeof DOT_PRODUCT} DotProduct */
/** @typedef {import("./plan.js").Plan} Plan */
/** @typedef {import("./plan.js").Program} Program */
/** @typedef {import("./module.js").KernelModule} KernelModule */

/**
 * A program in memory; `bindings[i]` lists the words that hold an address in binding i, with the offset
 * to add.
 *
 * @typedef {object} LoadedProgram
 * @property {number} steps address of the plan_step records
 * @property {number} words address of the argument words
 * @property {number} stepCount
 * @property {number} block
 * @property {{word: number, offset: number}[][]} bindings
 * @property {boolean} parallel whether any step is worth sharing
 */

/**
 * @typedef {object} LoadedGraph
 * @property {LoadedProgram} dispatch
 * @property {number[]} blocks to free with the graph
 * @property {number} progress
 * @property {readonly number[]} bindingBytes
 * @property {number[]} bound addresses the bindings hold now
 */

/** A pool of threads that run plans together with this one; see worker_pool.js. */
/** @typedef {{run(graph: LoadedGraph, scratch: number, scratchBytes: number): void, threads: number}} Pool */

/** Fastest first. @type {readonly DotProduct[]} */
const DOT_PRODUCTS = ["unsigned", "signed", "pairs"];

/** Pairs of operands that the CPU's dot products are tried on. */
const PROBE_PAIRS = 16;

/** Bytes from end to end of their range in the first pairs, then mixed. @param {number} i */
function probeByte(i) {
  const pair = i >> 5;
  const isWeight = (i & 16) === 0;
  if (pair < 4) return isWeight ? [127, 128, 64, 255][pair] : [255, 255, 255, 128][pair];
  return (i * 167 + pair * 89 + (i >> 3) * 31) & 255;
}

export class Executor {
  /** @type {Map<number, {address: number, bytes: number}>} */
  #tensors = new Map();
  /** @type {Map<number, LoadedGraph>} */
  #graphs = new Map();
  #scratch = 0;
  #scratchBytes = 0;
  /** @type {Pool | null} */
  #pool = null;

  /** @param {KernelModule} module */
  constructor({ memory, exports }) {
    this.memory = memory;
    this.exports = exports;
    this.heap = new Heap(memory, exports.__heap_base.value);
  }

  /** @param {Pool} pool */
  usePool(pool) {
    this.#pool = pool;
    this.#scratchBytes = 0;
  }

  /** The dot products of bytes this CPU has, best first. @returns {DotProduct[]} */
  dotProducts() {
    if (!this.exports.dot_classes) return [];
    const address = this.heap.allocate(PROBE_PAIRS * 32);
    const operands = new Uint8Array(this.memory.buffer, address, PROBE_PAIRS * 32);
    for (const i of operands.keys()) operands[i] = probeByte(i);
    const classes = this.exports.dot_classes(address, PROBE_PAIRS);
    this.heap.free(address);
    return DOT_PRODUCTS.filter((name) => classes & (1 << DOT_PRODUCT[name]));
  }

  // -------------------------------------------------------------------------
  // Tensors

  /** A tensor of zeros. @param {number} id @param {number} bytes */
  createTensor(id, bytes) {
    const address = this.heap.allocate(bytes);
    new Uint8Array(this.memory.buffer, address, bytes).fill(0);
    this.#tensors.set(id, { address, bytes });
  }

  /** @param {number} id @param {Uint8Array} bytes */
  writeTensor(id, bytes) {
    const tensor = this.#tensors.get(id);
    if (tensor) new Uint8Array(this.memory.buffer, tensor.address, tensor.bytes).set(bytes);
  }

  /** A copy of a tensor's bytes. @param {number} id @param {ArrayBuffer | null} into of its size; null for a new one */
  readTensor(id, into) {
    const { address, bytes } = this.#tensor(id);
    const copy = new Uint8Array(into ?? new ArrayBuffer(bytes));
    copy.set(new Uint8Array(this.memory.buffer, address, bytes));
    return copy.buffer;
  }

  /** @param {number} id */
  destroyTensor(id) {
    const tensor = this.#tensors.get(id);
    if (!tensor) return;
    this.#tensors.delete(id);
    this.heap.free(tensor.address);
  }

  /** @param {number} id */
  #tensor(id) {
    const tensor = this.#tensors.get(id);
    if (!tensor) throw new Error(`no tensor ${id}`);
    return tensor;
  }

  // -------------------------------------------------------------------------
  // Graphs

  /**
   * Load a plan: its constants go into memory, weights are packed, staging is freed.
   *
   * @param {number} id
   * @param {Plan} plan
   * @throws {RangeError} when memory runs out; nothing stays allocated
   */
  build(id, plan) {
    /** @type {number[]} */
    const blocks = [];
    const take = (/** @type {number} */ bytes) => {
      const address = this.heap.allocate(bytes);
      blocks.push(address);
      return address;
    };
    try {
      const bases = [take(plan.weightsBytes), take(plan.stagingBytes), 0];
      for (const { region, offset, bytes } of plan.uploads) {
        new Uint8Array(this.memory.buffer, bases[region] + offset, bytes.length).set(bytes);
      }
      this.#reserveScratch(plan.scratchBytes);
      const prepare = this.#load(plan.prepare, bases, 0);
      blocks.push(prepare.block);
      this.exports.plan_run(prepare.steps, prepare.words, this.#scratch, 0, prepare.stepCount);
      for (const address of [prepare.block, bases[REGION.STAGING]]) {
        this.heap.free(address);
        blocks.splice(blocks.indexOf(address), 1);
      }
      // Where staging was, whose pages are there already.
      bases[REGION.ARENA] = take(plan.arenaBytes);
      const { bindingBytes } = plan;
      const bindings = bindingBytes.length;
      const dispatch = this.#load(plan.dispatch, bases, bindings);
      blocks.push(dispatch.block);
      const threads = this.#pool?.threads ?? 1;
      const progress = take(progressBytes(dispatch.stepCount, threads));
      const bound = new Array(bindings).fill(-1);
      this.#graphs.set(id, { dispatch, blocks, progress, bindingBytes, bound });
    } catch (error) {
      for (const address of blocks) this.heap.free(address);
      if (this.#graphs.size === 0) this.#freeScratch();
      throw error;
    }
  }

  /** @param {number} bytes per thread */
  #reserveScratch(bytes) {
    if (bytes <= this.#scratchBytes) return;
    this.#freeScratch();
    this.#scratch = this.heap.allocate(bytes * (this.#pool?.threads ?? 1));
    this.#scratchBytes = bytes;
  }

  #freeScratch() {
    if (this.#scratch) this.heap.free(this.#scratch);
    this.#scratch = 0;
    this.#scratchBytes = 0;
  }

  /**
   * Write a program into memory with its addresses relocated.
   *
   * @param {Program} program
   * @param {readonly number[]} bases of the regions
   * @param {number} bindingCount
   * @returns {LoadedProgram}
   */
  #load({ steps, words, relocations }, bases, bindingCount) {
    const block = this.heap.allocate(4 * (steps.length + words.length));
    const wordsAt = block + 4 * steps.length;
    /** @type {LoadedProgram["bindings"]} */
    const bindings = Array.from({ length: bindingCount }, () => []);
    const relocated = words.slice();
    for (let i = 0; i < relocations.length; i += 2) {
      const word = relocations[i];
      const region = relocations[i + 1];
      if (region < REGION.BINDINGS) {
        relocated[word] += bases[region];
      } else {
        bindings[region - REGION.BINDINGS].push({ word, offset: words[word] });
      }
    }
    const memory = new Int32Array(this.memory.buffer);
    memory.set(steps, block / 4);
    memory.set(relocated, wordsAt / 4);
    let parallel = false;
    for (let i = 0; i < steps.length; i += STEP_WORDS) parallel ||= steps[i + 2] > steps[i + 3];
    const count = stepCount({ steps, words, relocations });
    return { steps: block, words: wordsAt, stepCount: count, block, bindings, parallel };
  }

  /**
   * Run a graph on tensors, in the order of its bindings.
   *
   * @param {number} id
   * @param {readonly number[]} tensors inputs, then outputs
   */
  dispatch(id, tensors) {
    const graph = this.#bind(id, tensors);
    const { steps, words, stepCount: count, parallel } = graph.dispatch;
    if (this.#pool && parallel) {
      this.#pool.run(graph, this.#scratch, this.#scratchBytes);
    } else {
      this.exports.plan_run(steps, words, this.#scratch, 0, count);
    }
  }

  /**
   * Run a graph step by step on this thread.
   *
   * @param {number} id
   * @param {readonly number[]} tensors
   * @returns {Float64Array} milliseconds of each step
   */
  profile(id, tensors) {
    const graph = this.#bind(id, tensors);
    const { steps, words, stepCount: count } = graph.dispatch;
    const times = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      this.exports.plan_run(steps, words, this.#scratch, i, 1);
      times[i] = performance.now() - start;
    }
    return times;
  }

  /**
   * Run a graph on zeros on this thread, a step for each value asked for; nothing else may run meanwhile.
   *
   * @param {number} id
   * @param {Map<number, number>} spent milliseconds that each kernel has run, to which this adds
   * @param {number} enough milliseconds after which a kernel's steps are left out
   * @returns {Generator<undefined, void>}
   */
  *rehearse(id, spent, enough) {
    const { bindingBytes = [] } = this.#graphs.get(id) ?? {};
    const tensors = bindingBytes.map((_, i) => -1 - i);
    try {
      for (const [i, bytes] of bindingBytes.entries()) this.createTensor(tensors[i], bytes);
      const { steps, words, stepCount: count } = this.#bind(id, tensors).dispatch;
      for (let i = 0; i < count; i++) {
        const [kernel] = new Int32Array(this.memory.buffer, steps + 4 * STEP_WORDS * i, 1);
        const before = spent.get(kernel) ?? 0;
        if (before >= enough) continue;
        const start = performance.now();
        this.exports.plan_run(steps, words, this.#scratch, i, 1);
        spent.set(kernel, before + performance.now() - start);
        yield;
      }
    } finally {
      for (const tensor of tensors) this.destroyTensor(tensor);
    }
  }

  /** @param {number} id @param {readonly number[]} tensors */
  #bind(id, tensors) {
    const graph = this.#graphs.get(id);
    if (!graph) throw new Error(`no graph ${id}`);
    const { words, bindings } = graph.dispatch;
    const memory = new Int32Array(this.memory.buffer);
    for (const [i, tensor] of tensors.entries()) {
      const { address } = this.#tensor(tensor);
      if (graph.bound[i] === address) continue;
      for (const { word, offset } of bindings[i]) memory[words / 4 + word] = address + offset;
      graph.bound[i] = address;
    }
    return graph;
  }

  /** @param {number} id */
  destroyGraph(id) {
    const graph = this.#graphs.get(id);
    if (!graph) return;
    this.#graphs.delete(id);
    for (const block of graph.blocks) this.heap.free(block);
    if (this.#graphs.size === 0) this.#freeScratch();
  }

  /** Bytes of wasm memory in use, and the memory's size. */
  memoryUse() {
    return { used: this.heap.usedBytes, total: this.memory.buffer.byteLength };
  }
}
