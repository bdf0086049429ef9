// SPDX-License-Identifier: Apache-2.0
// What an operator is: the record from which the builder method, its validation, opSupportLimits(),
// the type declarations and the operator table are derived. One record per operator, one file per
// family.

/** @typedef {import("../ir/graph.js").DataType} DataType */
/** @typedef {import("../ir/graph.js").Graph} Graph */
/** @typedef {import("../ir/graph.js").Node} Node */
/** @typedef {import("../ir/graph.js").Value} Value */
/** @typedef {import("../compile/lower.js").Lowering} Lowering */

/** @typedef {{dataType: DataType, shape: readonly number[]}} Descriptor */

/**
 * The spec's tensor-limits entry of an operand: allowed types (or the operand whose type it shares) and
 * the allowed ranks.
 *
 * @typedef {object} Limit
 * @property {readonly DataType[] | string} dataTypes
 * @property {number} minRank
 * @property {number} maxRank
 */

/**
 * An IDL type: "operand", "operand[]", "u32", "u32[]", "wrapping u32", "wrapping u32[]", "i32",
 * "float[]", "double", "number", "boolean", "dataType", "activation[]", or a list of enumeration values.
 *
 * @typedef {string | readonly string[]} IdlType
 */

/**
 * @typedef {object} Operator
 * @property {string} name the builder method
 * @property {Readonly<Record<string, IdlType>>} parameters required arguments in order
 * @property {Readonly<Record<string, readonly [IdlType, any?]>>} options members with their defaults
 * @property {Readonly<Record<string, Limit>>} limits operands (variadic ones once) and outputs
 * @property {(call: any) => Inference} infer the operator's own rules; throws RuleViolation
 * @property {(node: Node, to: Lowering) => void} [lower] emits kernel steps
 * @property {(node: Node, graph: Graph) => Value[]} [decompose] the same in terms of other operators
 * @property {boolean} [elementwise] one input, one output, each element from its own
 * @property {boolean} [movement] moves elements of `input` without looking at them
 * @property {boolean} [opaque] looks at no element of its data operands, of which there may be several
 */

/**
 * @typedef {object} Inference
 * @property {Descriptor[]} outputs
 * @property {Record<string, any>} [attributes] defaults that depend on the operands
 */

/** The largest rank octet's kernels take. */
export const MAX_RANK = 8;

/** An element that is loaded, changed and stored takes as long as so many multiply-adds. */
export const ELEMENT_WORK = 8;

/** @type {readonly DataType[]} */
export const ANY_TYPE = [
  "float32",
  "float16",
  "int32",
  "uint32",
  "int64",
  "uint64",
  "int8",
  "uint8",
];
/** Beyond the standard: constants, and what is quantized and dequantized. @type {readonly DataType[]} */
export const NIBBLE_TYPES = ["int4", "uint4"];
/** @type {readonly DataType[]} */
export const FLOAT_TYPES = ["float32", "float16"];
/** @type {readonly DataType[]} */
export const SIGNED_TYPES = ["float32", "float16", "int64", "int32", "int8"];
/** @type {readonly DataType[]} */
export const SUM_TYPES = ["float32", "float16", "int32", "uint32", "int64", "uint64"];
/** @type {readonly DataType[]} */
export const INDEX_TYPES = ["int32", "uint32", "int64"];

/**
 * @param {readonly DataType[] | string} dataTypes
 * @param {number} [minRank]
 * @param {number} [maxRank]
 * @returns {Limit}
 */
export function limit(dataTypes, minRank = 0, maxRank = MAX_RANK) {
  return { dataTypes, minRank, maxRank };
}

/**
 * A call that breaks a rule of the spec. The builder words it as a TypeError with the operator's name
 * and label in front.
 */
export class RuleViolation extends Error {
  /**
   * @param {string} subject the argument and what of it
   * @param {unknown} got
   * @param {string} expected
   */
  constructor(subject, got, expected) {
    super(`${subject}: got ${show(got)}, expected ${expected}.`);
  }
}

/** @param {unknown} value @returns {string} */
function show(value) {
  return Array.isArray(value) ? `[${value.join(", ")}]` : String(value);
}

/**
 * Throw RuleViolation unless `holds`.
 *
 * @param {boolean} holds
 * @param {string} subject
 * @param {unknown} got
 * @param {string} expected
 */
export function check(holds, subject, got, expected) {
  if (!holds) throw new RuleViolation(subject, got, expected);
}
