// SPDX-License-Identifier: Apache-2.0
// The graph the compiler works on: values, nodes that make them from other values, and the edits that
// passes need. A node's operands are named as the spec names them; `nodes` stays in an order in which
// every value is made before it is used.

import { numberBytes } from "./numbers.js";

/** @typedef {"float32"|"float16"|"int32"|"uint32"|"int64"|"uint64"|"int8"|"uint8"|"int4"|"uint4"} DataType */

/** Bits of one element. @type {Readonly<Record<DataType, number>>} */
export const ELEMENT_BITS = {
  float32: 32,
  float16: 16,
  int32: 32,
  uint32: 32,
  int64: 64,
  uint64: 64,
  int8: 8,
  uint8: 8,
  int4: 4,
  uint4: 4,
};

/** @param {readonly number[]} shape */
export function elementCount(shape) {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/**
 * @param {DataType} dataType
 * @param {readonly number[]} shape
 */
export function byteLength(dataType, shape) {
  return Math.ceil((elementCount(shape) * ELEMENT_BITS[dataType]) / 8);
}

/** A tensor in the graph. `constant` holds its bytes where they are known before the first dispatch. */
export class Value {
  /**
   * @param {DataType} dataType
   * @param {readonly number[]} shape
   * @param {Uint8Array | null} [constant]
   */
  constructor(dataType, shape, constant = null) {
    this.dataType = dataType;
    this.shape = shape;
    this.constant = constant;
    /** @type {Node | null} */
    this.producer = null;
    /** Nodes that read it, each once. @type {Set<Node>} */
    this.uses = new Set();
  }

  get byteLength() {
    return byteLength(this.dataType, this.shape);
  }

  get elements() {
    return elementCount(this.shape);
  }
}

/** @typedef {{readonly [name: string]: any}} Attributes */

export class Node {
  /**
   * @param {string} op
   * @param {Record<string, Value>} inputs operands by name; variadic ones are "0", "1", ...
   * @param {Attributes} attributes
   * @param {Value[]} outputs
   * @param {string} label
   */
  constructor(op, inputs, attributes, outputs, label) {
    this.op = op;
    this.inputs = inputs;
    this.attributes = attributes;
    this.outputs = outputs;
    this.label = label;
    for (const output of outputs) output.producer = this;
    for (const input of Object.values(inputs)) input.uses.add(this);
  }

  /** The only output. */
  get output() {
    return this.outputs[0];
  }
}

export class Graph {
  /** @type {Node[]} */
  #nodes = [];
  /** Nodes that wait to be put in front of another. @type {Map<Node, Node[]>} */
  #inserted = new Map();

  constructor() {
    /** @type {Map<string, Value>} */
    this.inputs = new Map();
    /** @type {Map<string, Value>} */
    this.outputs = new Map();
    /** Why an operator, by label, stayed in float although it stands between quantizations. @type {Map<string, string>} */
    this.notes = new Map();
  }

  /** In an order in which every value is made before it is used. @returns {readonly Node[]} */
  get nodes() {
    if (this.#inserted.size) {
      /** @type {Node[]} */
      const merged = [];
      for (const node of this.#nodes) this.#collect(node, merged);
      this.#inserted.clear();
      this.#nodes = merged;
    }
    return this.#nodes;
  }

  /** A node behind all that was inserted in front of it. @param {Node} node @param {Node[]} list */
  #collect(node, list) {
    for (const inserted of this.#inserted.get(node) ?? []) this.#collect(inserted, list);
    list.push(node);
  }

  /**
   * Append a node, or insert it in front of `before`.
   *
   * @param {string} op
   * @param {Record<string, Value>} inputs
   * @param {Attributes} attributes
   * @param {Value[]} outputs
   * @param {string} label
   * @param {Node | null} [before]
   */
  add(op, inputs, attributes, outputs, label, before = null) {
    const node = new Node(op, inputs, attributes, outputs, label);
    if (!before) {
      this.#nodes.push(node);
      return node;
    }
    // Insertions are merged when the list is next read: many in one pass stay linear.
    const waiting = this.#inserted.get(before);
    if (waiting) waiting.push(node);
    else this.#inserted.set(before, [node]);
    return node;
  }

  /**
   * A node with one output of the given kind, in front of `before`; returns the output.
   *
   * @param {string} op
   * @param {Record<string, Value>} inputs
   * @param {Attributes} attributes
   * @param {DataType} dataType
   * @param {readonly number[]} shape
   * @param {Node} before its label is used
   */
  insert(op, inputs, attributes, dataType, shape, before) {
    const output = new Value(dataType, shape);
    this.add(op, inputs, attributes, [output], before.label, before);
    return output;
  }

  /**
   * A constant of rank 0; a value that the type cannot hold is cast as an MLNumber is.
   *
   * @param {DataType} dataType
   * @param {number | bigint} value
   */
  scalar(dataType, value) {
    return new Value(dataType, [], numberBytes(dataType, [value]));
  }

  /**
   * A constant of one element seen with `rank` dimensions.
   *
   * @param {Value} value
   * @param {number} rank
   */
  ones(value, rank) {
    return new Value(value.dataType, new Array(rank).fill(1), value.constant);
  }

  /**
   * The elements of `input` at constant indices along an axis, in front of `before`.
   *
   * @param {Value} input
   * @param {readonly number[]} indices
   * @param {number} axis
   * @param {Node} before
   */
  gather(input, indices, axis, before) {
    const shape = input.shape.map((d, i) => (i === axis ? indices.length : d));
    const list = new Value("int32", [indices.length], numberBytes("int32", indices));
    return this.insert("gather", { input, indices: list }, { axis }, input.dataType, shape, before);
  }

  /**
   * Let every reader of `old` read `value` instead, graph outputs included.
   *
   * @param {Value} old
   * @param {Value} value
   */
  replace(old, value) {
    for (const node of old.uses) {
      for (const name of Object.keys(node.inputs)) {
        if (node.inputs[name] === old) node.inputs[name] = value;
      }
      value.uses.add(node);
    }
    old.uses.clear();
    for (const [name, output] of this.outputs) {
      if (output === old) this.outputs.set(name, value);
    }
  }

  /**
   * Let `node` read `value` as its operand `name`.
   *
   * @param {Node} node
   * @param {string} name
   * @param {Value} value
   */
  setInput(node, name, value) {
    const old = node.inputs[name];
    node.inputs[name] = value;
    value.uses.add(node);
    if (!Object.values(node.inputs).includes(old)) old.uses.delete(node);
  }

  /** @param {Value} value */
  isOutput(value) {
    for (const output of this.outputs.values()) if (output === value) return true;
    return false;
  }

  /**
   * Whether `value` is read by one node only and is not a graph output.
   *
   * @param {Value} value
   */
  hasSingleUse(value) {
    return value.uses.size === 1 && !this.isOutput(value);
  }

  /** Drop nodes whose results nobody reads. */
  prune() {
    const { nodes } = this;
    const outputs = new Set(this.outputs.values());
    const kept = [];
    for (let i = nodes.length - 1; i >= 0; i--) {
      const node = nodes[i];
      if (node.outputs.some((value) => value.uses.size > 0 || outputs.has(value))) {
        kept.push(node);
      } else {
        for (const input of Object.values(node.inputs)) input.uses.delete(node);
      }
    }
    this.#nodes = kept.reverse();
  }
}

/**
 * Values that are the same in every dispatch: constants and what is computed from them alone.
 *
 * @param {Graph} graph
 * @returns {Set<Value>}
 */
export function staticValues(graph) {
  const values = new Set();
  for (const node of graph.nodes) {
    const inputs = Object.values(node.inputs);
    for (const input of inputs) if (input.constant) values.add(input);
    if (inputs.every((input) => values.has(input))) {
      for (const output of node.outputs) values.add(output);
    }
  }
  return values;
}
