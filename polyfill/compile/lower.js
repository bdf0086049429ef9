// SPDX-License-Identifier: Apache-2.0
// From nodes to kernel steps: each operator's `lower` emits them here. A step names a kernel and gives
// every argument by name; where bytes lie is decided later (plan_memory.js).

import { ELEMENT_TYPE, KERNELS } from "../gen/kernels.js";
import { Value } from "../ir/graph.js";
import { INTERNAL_OPERATORS, OPERATORS } from "../ops/index.js";

/** @typedef {import("../ir/graph.js").Graph} Graph */
/** @typedef {import("../ir/graph.js").Node} Node */

/** Work, in multiply-adds, that a thread should get at a time: some 4 microseconds of floats. */
const GRAIN_WORK = 1 << 17;

/** A table of numbers that steps read. */
export class Data {
  /** @param {Int32Array | Float32Array} array */
  constructor(array) {
    this.array = array;
  }
}

/** A place inside a value. */
export class Place {
  /**
   * @param {Value} value
   * @param {number} offset in bytes
   */
  constructor(value, offset) {
    this.value = value;
    this.offset = offset;
  }
}

/** @typedef {Value | Place | Data | number | null | Record<string, number | readonly number[]>} Argument */

/**
 * @typedef {object} Step
 * @property {string} kernel
 * @property {Record<string, Argument>} args
 * @property {number} extent
 * @property {number} grain
 * @property {number} scratch bytes per thread
 * @property {number} macs multiply-adds of the whole step
 * @property {Node | null} node what it is lowered from
 * @property {Value[]} reads
 * @property {Value[]} writes
 */

/**
 * What the plan is made for.
 *
 * @typedef {object} Target
 * @property {"none" | "unsigned" | "signed" | "pairs"} dot the CPU's dot product of bytes (kernels.h)
 */

/** What runs everywhere. @type {Target} */
export const BASELINE = { dot: "none" };

export class Lowering {
  /** @param {Target} target */
  constructor(target) {
    this.target = target;
    /** @type {Step[]} */
    this.steps = [];
    /** Values that share another's storage. @type {Map<Value, Value>} */
    this.aliases = new Map();
    /** @type {Node | null} */
    this.node = null;
    /** What `shared` made, by its first operand. @type {Map<Value, {operands: (Value | null)[], text: string, made: Value}[]>} */
    this.made = new Map();
  }

  /**
   * Emit a kernel call.
   *
   * @param {string} kernel
   * @param {Record<string, Argument>} args every parameter but scratch and range
   * @param {number} extent of the kernel's range
   * @param {number} [workPerUnit] multiply-adds per unit of the range, to size threads' chunks
   * @param {{scratch?: number, grain?: number, macs?: number}} [options]
   */
  step(kernel, args, extent, workPerUnit = 1, { scratch = 0, grain, macs = 0 } = {}) {
    const { parameters } = KERNELS[kernel];
    /** @type {Value[]} */
    const reads = [];
    /** @type {Value[]} */
    const writes = [];
    for (const [name, kind] of parameters) {
      const arg = args[name];
      if (arg === undefined) throw new Error(`${kernel}: argument ${name} is missing`);
      const value = arg instanceof Place ? arg.value : arg;
      if (value instanceof Value) (kind === "out" ? writes : reads).push(value);
    }
    this.steps.push({
      kernel,
      args,
      extent,
      grain: grain ?? this.grain(workPerUnit),
      scratch,
      macs,
      node: this.node,
      reads,
      writes,
    });
  }

  /**
   * Units that a thread should get at a time.
   *
   * @param {number} workPerUnit multiply-adds
   */
  grain(workPerUnit) {
    return Math.max(1, Math.ceil(GRAIN_WORK / Math.max(1, workPerUnit)));
  }

  /**
   * A value that `make` has steps write: made once, then shared by all who ask with the same operands
   * and text. So the steps of a recurrent network pack their weights once.
   *
   * @param {[Value, ...(Value | null)[]]} operands
   * @param {string} text
   * @param {() => Value} make
   */
  shared(operands, text, make) {
    const known = this.made.get(operands[0]) ?? [];
    const same = known.find(
      (m) => m.text === text && m.operands.every((v, i) => v === operands[i]),
    );
    if (same) return same.made;
    const made = make();
    this.made.set(operands[0], [...known, { operands, text, made }]);
    return made;
  }

  /** Room for `bytes` bytes that steps write and read. @param {number} bytes */
  buffer(bytes) {
    return new Value("uint8", [bytes]);
  }

  /** @param {Int32Array | Float32Array} array */
  data(array) {
    return new Data(array);
  }

  /** @param {Value} value @param {number} offset in bytes */
  at(value, offset) {
    return offset === 0 ? value : new Place(value, offset);
  }

  /** `output` is the bytes of `input`. @param {Value} output @param {Value} input */
  alias(output, input) {
    this.aliases.set(output, input);
  }

  /** @param {Value} value */
  elementType(value) {
    return ELEMENT_TYPE[/** @type {keyof typeof ELEMENT_TYPE} */ (value.dataType)];
  }

  /**
   * Stop with a clear message where an operator has no kernel for its data type.
   *
   * @param {Node} node
   * @param {string} dataType
   */
  requireType(node, dataType) {
    const got = node.output.dataType;
    if (got === dataType) return;
    const label = node.label ? ` "${node.label}"` : "";
    throw new Error(
      `${node.op}${label}: data type: got ${got}, expected ${dataType} (the kernels octet has).`,
    );
  }
}

/**
 * Lower every node, in order.
 *
 * @param {Graph} graph
 * @param {Target} target
 * @returns {Lowering}
 */
export function lowerGraph(graph, target) {
  const to = new Lowering(target);
  for (const node of graph.nodes) {
    const { lower } = OPERATORS[node.op] ?? INTERNAL_OPERATORS[node.op];
    if (!lower) throw new Error(`${node.op} was not decomposed`);
    to.node = node;
    lower(node, to);
  }
  to.node = null;
  return to;
}
