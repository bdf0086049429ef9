// SPDX-License-Identifier: Apache-2.0
// The Plan: a compiled graph as flat arrays that can be cloned to a worker and run by the interpreter in
// wasm_kernels/plan.c. Addresses are offsets into regions; the executor adds where each region lies.

/**
 * Regions of memory a plan speaks of; BINDINGS + i is the i-th graph input, then the outputs.
 */
export const REGION = /** @type {const} */ ({
  /** Constants and packed weights; lives as long as the graph. */
  WEIGHTS: 0,
  /** What only `prepare` needs; freed after it. */
  STAGING: 1,
  /** Intermediate results of a dispatch. */
  ARENA: 2,
  BINDINGS: 3,
});

/** Words of a step in `steps`: kernel, first argument word, extent, grain (plan_step in plan.h). */
export const STEP_WORDS = 4;

/**
 * @typedef {object} Program
 * @property {Int32Array} steps STEP_WORDS per step
 * @property {Int32Array} words argument words; an address is an offset into its region
 * @property {Int32Array} relocations pairs (index in words, region)
 */

/**
 * Where a step comes from, for profiles and reports.
 *
 * @typedef {object} StepInfo
 * @property {string} kernel
 * @property {string} op the node's operator
 * @property {string} label the label the builder call carried
 * @property {string} dataType of the node's output
 * @property {number[]} shape
 * @property {number} macs multiply-adds
 */

/**
 * @typedef {object} Plan
 * @property {Program} prepare run once, after the uploads
 * @property {Program} dispatch
 * @property {number} weightsBytes
 * @property {number} stagingBytes
 * @property {number} arenaBytes
 * @property {number} scratchBytes per thread
 * @property {{region: number, offset: number, bytes: Uint8Array}[]} uploads
 * @property {number[]} bindingBytes of each binding: the inputs, then the outputs
 * @property {StepInfo[]} info one per step of `dispatch`
 */

/** @param {Program} program */
export function stepCount(program) {
  return program.steps.length / STEP_WORDS;
}

/**
 * Room for plan_pool's progress (plan.h).
 *
 * @param {number} steps
 * @param {number} threads
 * @returns {number} bytes
 */
export function progressBytes(steps, threads) {
  return 64 * Math.ceil(steps / 16) * (threads + 1);
}
