// SPDX-License-Identifier: Apache-2.0
// From kernel steps to a Plan: what runs once and what in every dispatch, where each byte lies, and the
// flat arrays of the interpreter.

import { KERNELS, STRUCTS } from "../gen/kernels.js";
import { Value } from "../ir/graph.js";
import { REGION, STEP_WORDS } from "../runtime/plan.js";
import { Data, Place } from "./lower.js";
import { aligned, planMemory } from "./plan_memory.js";

/** Tables up to this long are compared, and equal ones stored once: shapes, mostly. */
const MERGED_BYTES = 256;

/** @typedef {import("../ir/graph.js").Graph} Graph */
/** @typedef {import("../runtime/plan.js").Plan} Plan */
/** @typedef {import("../runtime/plan.js").Program} Program */
/** @typedef {import("./lower.js").Lowering} Lowering */
/** @typedef {import("./lower.js").Step} Step */
/** @typedef {import("./lower.js").Argument} Argument */
/** @typedef {{region: number, offset: number}} Location */

/**
 * @param {Graph} graph
 * @param {Lowering} lowering
 * @returns {Plan}
 */
export function schedule(graph, lowering) {
  return new Scheduler(graph, lowering).plan();
}

class Scheduler {
  /** @param {Graph} graph @param {Lowering} lowering */
  constructor(graph, lowering) {
    this.graph = graph;
    this.steps = lowering.steps;
    this.aliases = lowering.aliases;
    /** Roots of aliases to their place. @type {Map<Value, Location>} */
    this.locations = new Map();
    /** @type {Plan["uploads"]} */
    this.uploads = [];
    this.weightsBytes = 0;
    this.stagingBytes = 0;
    /** Tables already uploaded, by content. @type {Map<string, Location>} */
    this.tables = new Map();
  }

  plan() {
    this.bindInputs();
    this.bindOutputs();
    const isStatic = this.staticSteps();
    const prepare = this.steps.filter((step) => isStatic.has(step));
    const dispatch = this.steps.filter((step) => !isStatic.has(step));
    this.placeStatic(prepare, dispatch);
    const arenaBytes = this.placeDynamic(dispatch);
    const programs = {
      prepare: this.flatten(prepare, REGION.STAGING),
      dispatch: this.flatten(dispatch, REGION.WEIGHTS),
    };
    return {
      ...programs,
      weightsBytes: this.weightsBytes,
      stagingBytes: this.stagingBytes,
      arenaBytes,
      scratchBytes: aligned(Math.max(0, ...this.steps.map((step) => step.scratch))),
      uploads: this.uploads,
      bindingBytes: [...this.graph.inputs.values(), ...this.graph.outputs.values()].map(
        (value) => value.byteLength,
      ),
      info: dispatch.map(infoOf),
    };
  }

  /** The value whose storage `value` is. @param {Value} value */
  root(value) {
    let root = value;
    for (let next = this.aliases.get(root); next; next = this.aliases.get(root)) root = next;
    return root;
  }

  bindInputs() {
    let binding = REGION.BINDINGS;
    for (const value of this.graph.inputs.values()) {
      this.locations.set(value, { region: binding, offset: 0 });
      binding += 1;
    }
  }

  /** An output is computed in place where its storage is nobody else's, else copied at the end. */
  bindOutputs() {
    const written = new Set(this.steps.flatMap((step) => step.writes.map((v) => this.root(v))));
    let binding = REGION.BINDINGS + this.graph.inputs.size;
    for (const value of this.graph.outputs.values()) {
      const root = this.root(value);
      const location = { region: binding, offset: 0 };
      binding += 1;
      if (written.has(root) && !this.locations.has(root)) {
        this.locations.set(root, location);
      } else {
        const copy = new Value(value.dataType, value.shape);
        this.locations.set(copy, location);
        this.steps.push(copyStep(copy, value));
      }
    }
  }

  /**
   * Steps that read nothing which changes between dispatches, and write nothing that other steps change.
   */
  staticSteps() {
    const dynamic = new Set(this.locations.keys());
    const pending = new Set(this.steps);
    for (let changed = true; changed; ) {
      changed = false;
      for (const step of pending) {
        const touched = [...step.reads, ...step.writes].map((value) => this.root(value));
        if (!touched.some((value) => dynamic.has(value))) continue;
        for (const value of step.writes) dynamic.add(this.root(value));
        pending.delete(step);
        changed = true;
      }
    }
    return pending;
  }

  /** @param {Step[]} prepare @param {Step[]} dispatch */
  placeStatic(prepare, dispatch) {
    const made = new Set(prepare.flatMap((step) => step.writes.map((v) => this.root(v))));
    const kept = new Set(dispatch.flatMap((step) => step.reads.map((v) => this.root(v))));
    const touched = new Set(
      [...prepare, ...dispatch].flatMap((step) => step.reads.map((v) => this.root(v))),
    );
    for (const value of new Set([...made, ...touched])) {
      if (!value.constant && !made.has(value)) continue;
      const region = kept.has(value) ? REGION.WEIGHTS : REGION.STAGING;
      const location = { region, offset: this.reserve(region, value.byteLength) };
      this.locations.set(value, location);
      if (value.constant) this.uploads.push({ ...location, bytes: value.constant });
    }
  }

  /** @param {number} region @param {number} bytes */
  reserve(region, bytes) {
    if (region === REGION.WEIGHTS) {
      const offset = this.weightsBytes;
      this.weightsBytes += aligned(bytes);
      return offset;
    }
    const offset = this.stagingBytes;
    this.stagingBytes += aligned(bytes);
    return offset;
  }

  /** Offsets in the arena for everything a dispatch makes; returns its size. @param {Step[]} dispatch */
  placeDynamic(dispatch) {
    /** @type {Map<Value, import("./plan_memory.js").Lifetime>} */
    const lives = new Map();
    for (const [i, step] of dispatch.entries()) {
      for (const value of [...step.writes, ...step.reads].map((v) => this.root(v))) {
        if (this.locations.has(value)) continue;
        const life = lives.get(value);
        if (life) life.last = i;
        else lives.set(value, { bytes: value.byteLength, first: i, last: i });
      }
    }
    const { offsets, bytes } = planMemory([...lives.values()]);
    for (const [i, value] of [...lives.keys()].entries()) {
      this.locations.set(value, { region: REGION.ARENA, offset: offsets[i] });
    }
    return bytes;
  }

  /**
   * @param {Step[]} steps
   * @param {number} tableRegion where their structs and tables go
   * @returns {Program}
   */
  flatten(steps, tableRegion) {
    const records = new Int32Array(steps.length * STEP_WORDS);
    /** @type {number[]} */
    const words = [];
    /** @type {number[]} */
    const relocations = [];
    for (const [i, step] of steps.entries()) {
      const kernel = KERNELS[step.kernel];
      records.set(
        [kernel.id, words.length, step.extent, Math.min(step.grain, step.extent)],
        i * STEP_WORDS,
      );
      for (const [name, kind] of kernel.parameters) {
        const word = this.word(step, kind, step.args[name], tableRegion);
        if (typeof word === "number") {
          words.push(word);
        } else {
          relocations.push(words.length, word.region);
          words.push(word.offset);
        }
      }
    }
    return {
      steps: records,
      words: Int32Array.from(words),
      relocations: Int32Array.from(relocations),
    };
  }

  /**
   * An argument as a number, or as a place to be relocated.
   *
   * @param {Step} step
   * @param {string} kind
   * @param {Argument} arg
   * @param {number} tableRegion
   * @returns {number | Location}
   */
  word(step, kind, arg, tableRegion) {
    if (typeof arg === "number") {
      if (kind === "f32") return floatBits(arg);
      if (!Number.isInteger(arg)) throw new Error(`${step.kernel}: ${arg} is not an int32`);
      return arg | 0;
    }
    if (arg === null) return 0;
    if (arg instanceof Place) {
      const { region, offset } = this.locate(step, arg.value);
      return { region, offset: offset + arg.offset };
    }
    if (arg instanceof Value) return this.locate(step, arg);
    const array = arg instanceof Data ? arg.array : structWords(kind, arg);
    return this.table(array, tableRegion);
  }

  /** @param {Step} step @param {Value} value */
  locate(step, value) {
    const location = this.locations.get(this.root(value));
    if (!location)
      throw new Error(`${step.kernel} "${step.node?.label}" reads a value that nothing makes`);
    return location;
  }

  /** @param {Int32Array | Float32Array} array @param {number} region */
  table(array, region) {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    const key = `${region}:${bytes.length <= MERGED_BYTES ? bytes.join() : this.tables.size}`;
    let location = this.tables.get(key);
    if (!location) {
      location = { region, offset: this.reserve(region, bytes.length) };
      this.tables.set(key, location);
      this.uploads.push({ ...location, bytes });
    }
    return location;
  }
}

/** @param {Step} step @returns {import("../runtime/plan.js").StepInfo} */
function infoOf({ kernel, node, macs }) {
  if (!node) return { kernel, op: "output", label: "", dataType: "uint8", shape: [], macs };
  const { dataType, shape } = node.output;
  return { kernel, op: node.op, label: node.label, dataType, shape: [...shape], macs };
}

/** @param {Value} y @param {Value} x @returns {Step} */
function copyStep(y, x) {
  const bytes = x.byteLength;
  const zeros = new Array(7).fill(0);
  const shape = {
    rank: 1,
    element_bytes: 1,
    dims: [bytes, ...zeros],
    y_strides: [1, ...zeros],
    x_strides: [1, ...zeros],
  };
  return {
    kernel: "copy_nd",
    args: { y, x, shape },
    extent: 1,
    grain: 1,
    scratch: 0,
    macs: 0,
    node: null,
    reads: [x],
    writes: [y],
  };
}

const FLOAT = new Float32Array(1);
const FLOAT_WORD = new Int32Array(FLOAT.buffer);

/** @param {number} value */
function floatBits(value) {
  FLOAT[0] = value;
  return FLOAT_WORD[0];
}

/**
 * A parameter struct as its words.
 *
 * @param {string} name
 * @param {Record<string, number | readonly number[]>} fields
 */
function structWords(name, fields) {
  /** @type {number[]} */
  const words = [];
  for (const [field, length] of STRUCTS[name]) {
    const value = fields[field];
    const list = typeof value === "number" ? [value] : value;
    if (!list || list.length !== length)
      throw new Error(`${name}.${field}: expected ${length} numbers`);
    words.push(...list);
  }
  return Int32Array.from(words);
}
