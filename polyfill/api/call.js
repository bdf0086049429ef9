// SPDX-License-Identifier: Apache-2.0
// From the arguments of a builder method to the call that an operator's `infer` sees: WebIDL conversion
// first, then operands, types and ranks against the record's limits.

import { ANY_TYPE, RuleViolation } from "../ops/operator.js";
import { subject, typeError } from "./errors.js";
import { stateOf } from "./internals.js";
import * as webidl from "./webidl.js";

/** @typedef {import("../ops/operator.js").Operator} Operator */
/** @typedef {import("../ops/operator.js").IdlType} IdlType */
/** @typedef {import("./internals.js").OperandState} OperandState */
/** @typedef {import("./internals.js").BuilderState} BuilderState */
/** @typedef {import("../ir/graph.js").Value} Value */

/** @type {webidl.Conversion} */
const toOperand = (value, where) => stateOf(value, "operand", where);

/** @type {Readonly<Record<string, webidl.Conversion>>} */
const CONVERSIONS = {
  operand: toOperand,
  "operand[]": webidl.sequence(toOperand),
  u32: webidl.enforcedUnsignedLong,
  "u32[]": webidl.sequence(webidl.enforcedUnsignedLong),
  "u32 or u32[]": (value, where) =>
    (webidl.isObject(value)
      ? webidl.sequence(webidl.enforcedUnsignedLong)
      : webidl.enforcedUnsignedLong)(value, where),
  "wrapping u32": webidl.unsignedLong,
  "wrapping u32[]": webidl.sequence(webidl.unsignedLong),
  i32: webidl.enforcedLong,
  "float[]": webidl.sequence(webidl.float),
  double: webidl.double,
  number: webidl.bigintOrNumber,
  boolean: webidl.boolean,
  dataType: webidl.enumeration(ANY_TYPE),
  "activation[]": webidl.sequence(webidl.enumeration(["relu", "sigmoid", "tanh"])),
};

/**
 * An argument or option: its conversion, and the default of an option that has one.
 *
 * @typedef {object} Member
 * @property {string} key
 * @property {webidl.Conversion} convert
 * @property {boolean} isOperand
 * @property {any} otherwise
 */

/** @param {string} key @param {IdlType} type @param {any} [otherwise] @returns {Member} */
function member(key, type, otherwise) {
  const convert = typeof type === "string" ? CONVERSIONS[type] : webidl.enumeration(type);
  return { key, convert, isOperand: type === "operand" || type === "operand[]", otherwise };
}

/** @type {Map<Operator, {parameters: Member[], options: Member[]}>} */
const signatures = new Map();

/** What an operator takes; options in the order in which IDL reads them. @param {Operator} operator */
function signatureOf(operator) {
  let signature = signatures.get(operator);
  if (!signature) {
    const { parameters, options } = operator;
    signature = {
      parameters: Object.entries(parameters).map(([key, type]) => member(key, type)),
      options: Object.keys(options)
        .sort()
        .map((key) => member(key, ...options[key])),
    };
    signatures.set(operator, signature);
  }
  return signature;
}

/**
 * A call by IDL: `operands` holds operand states by name (variadic ones in a list), `values` the rest.
 *
 * @typedef {object} Call
 * @property {string} where
 * @property {string} label
 * @property {Record<string, OperandState | OperandState[]>} operands
 * @property {Record<string, any>} values
 */

/**
 * The label for messages about arguments that IDL converts before it reads the options: without running
 * a getter.
 *
 * @param {unknown} options
 */
function plainLabel(options) {
  const member = webidl.isObject(options)
    ? Object.getOwnPropertyDescriptor(/** @type {object} */ (options), "label")
    : undefined;
  return typeof member?.value === "string" ? webidl.usvString(member.value, "label") : "";
}

/**
 * @param {Operator} operator
 * @param {readonly unknown[]} args
 * @returns {Call}
 */
export function convertCall(operator, args) {
  const { name } = operator;
  const { parameters, options } = signatureOf(operator);
  const count = parameters.length;
  webidl.checkArgumentCount(name, args.length, count);
  /** @type {Call} */
  const call = { where: name, label: "", operands: {}, values: {} };
  const where = subject(name, plainLabel(args[count]));
  for (let i = 0; i < count; i++) {
    const { key, convert, isOperand } = parameters[i];
    const into = isOperand ? call.operands : call.values;
    into[key] = convert(args[i], `${where}: ${key}`);
  }
  const members = webidl.dictionary(args[count], `${where}: options`);
  // The label first: it is a member of the dictionary that all options inherit from.
  const { label } = members;
  if (label !== undefined) call.label = webidl.usvString(label, `${name}: label`);
  call.where = subject(name, call.label);
  for (const { key, convert, isOperand, otherwise } of options) {
    const value = members[key];
    if (value === undefined && otherwise === undefined) continue;
    const into = isOperand ? call.operands : call.values;
    into[key] = value === undefined ? otherwise : convert(value, `${call.where}: ${key}`);
  }
  return call;
}

/**
 * The operands' values, checked to be the builder's own and within the record's limits; variadic ones
 * under "0", "1", ….
 *
 * @param {Operator} operator
 * @param {Call} call
 * @param {BuilderState} builder
 * @returns {Record<string, Value>}
 */
export function checkOperands(operator, { where, operands }, builder) {
  /** @type {Record<string, Value>} */
  const values = {};
  for (const [name, given] of Object.entries(operands)) {
    for (const [i, operand] of (Array.isArray(given) ? given : [given]).entries()) {
      const key = Array.isArray(given) ? String(i) : name;
      if (operand.builder !== builder) throw typeError(where, `${name} is of another builder.`);
      values[key] = operand.value;
      checkLimits(operator, where, name, operand.value, operands);
    }
  }
  return values;
}

/**
 * @param {Operator} operator
 * @param {string} where
 * @param {string} name
 * @param {Value} value
 * @param {Record<string, OperandState | OperandState[]>} operands
 */
function checkLimits({ limits }, where, name, { dataType, shape }, operands) {
  const { dataTypes, minRank, maxRank } = limits[name];
  if (typeof dataTypes === "string") {
    const other = firstOf(operands[dataTypes]).value.dataType;
    if (dataType !== other) {
      throw typeError(
        where,
        `${name} data type: got ${dataType}, expected ${dataTypes}'s ${other}.`,
      );
    }
  } else if (!dataTypes.includes(dataType)) {
    throw typeError(where, `${name} data type: got ${dataType}, expected ${dataTypes.join(", ")}.`);
  }
  // Variadic operands share the first one's type.
  const first = firstOf(operands[name]).value.dataType;
  if (dataType !== first)
    throw typeError(where, `${name} data type: got ${dataType}, expected ${first} as the first.`);
  if (shape.length < minRank || shape.length > maxRank) {
    const ranks = minRank === maxRank ? `${minRank}` : `${minRank} to ${maxRank}`;
    throw typeError(where, `${name} rank: got ${shape.length}, expected ${ranks}.`);
  }
}

/** @param {OperandState | OperandState[]} given */
function firstOf(given) {
  return Array.isArray(given) ? given[0] : given;
}

/**
 * The operator's own rules; a violation becomes a TypeError with the operator in front.
 *
 * @param {Operator} operator
 * @param {Call} call
 * @returns {import("../ops/operator.js").Inference}
 */
export function infer(operator, { where, operands, values }) {
  /** @type {Record<string, any>} */
  const view = { ...values };
  for (const [name, given] of Object.entries(operands)) {
    view[name] = Array.isArray(given) ? given.map(({ value }) => value) : given.value;
  }
  try {
    return operator.infer(view);
  } catch (error) {
    throw error instanceof RuleViolation ? typeError(where, error.message) : error;
  }
}
