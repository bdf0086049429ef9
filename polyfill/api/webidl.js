// SPDX-License-Identifier: Apache-2.0
// WebIDL: conversions of JavaScript values to IDL types, and the shape of interface objects. Nothing here
// knows about machine learning. https://webidl.spec.whatwg.org/

import { typeError } from "./errors.js";

/** @typedef {(value: unknown, where: string) => any} Conversion */

/** @param {unknown} value @param {string} where @returns {number} */
function toNumber(value, where) {
  if (typeof value === "bigint") throw typeError(where, "a BigInt is not a number");
  if (typeof value === "symbol") throw typeError(where, "a symbol is not a number");
  return Number(value);
}

/**
 * [EnforceRange] integer types.
 *
 * @param {number} lo
 * @param {number} hi
 * @returns {Conversion}
 */
function enforceRange(lo, hi) {
  return (value, where) => {
    const number = Math.trunc(toNumber(value, where));
    if (!(number >= lo && number <= hi)) {
      throw typeError(where, `got ${String(value)}, expected an integer from ${lo} to ${hi}.`);
    }
    return number + 0;
  };
}

/** @type {Conversion} */
export const enforcedUnsignedLong = enforceRange(0, 2 ** 32 - 1);
/** @type {Conversion} */
export const enforcedLong = enforceRange(-(2 ** 31), 2 ** 31 - 1);

/** Modulo 2^32. @type {Conversion} */
export const unsignedLong = (value, where) => toNumber(value, where) >>> 0;

/** Finite numbers only. @type {Conversion} */
export const double = (value, where) => {
  const number = toNumber(value, where);
  if (!Number.isFinite(number))
    throw typeError(where, `got ${String(value)}, expected a finite number.`);
  return number;
};

/** @type {Conversion} */
export const float = (value, where) => {
  const number = Math.fround(toNumber(value, where));
  if (!Number.isFinite(number))
    throw typeError(where, `got ${String(value)}, expected a finite number.`);
  return number;
};

/** (bigint or unrestricted double). @type {Conversion} */
export const bigintOrNumber = (value, where) => {
  if (typeof value === "bigint" || typeof value === "number") return value;
  if (typeof value === "symbol") throw typeError(where, "a symbol is not a number");
  const primitive = typeof value === "object" && value !== null ? toPrimitive(value) : value;
  return typeof primitive === "bigint" ? primitive : Number(primitive);
};

/** ToPrimitive with hint number. @param {object} value @returns {unknown} */
function toPrimitive(value) {
  const boxed = value.valueOf();
  return typeof boxed === "object" ? Number(value) : boxed;
}

/** @type {Conversion} */
export const boolean = (value) => Boolean(value);

/** Lone surrogates become U+FFFD. @type {Conversion} */
export const usvString = (value, where) => {
  if (typeof value === "symbol") throw typeError(where, "a symbol is not a string");
  const text = /** @type {String & {toWellFormed?: () => string}} */ (String(value));
  if (text.toWellFormed) return text.toWellFormed();
  return text.replace(
    /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    "\ufffd",
  );
};

/**
 * @param {readonly string[]} values
 * @returns {Conversion}
 */
export function enumeration(values) {
  return (value, where) => {
    if (typeof value === "symbol") throw typeError(where, "a symbol is not a string");
    const text = String(value);
    if (!values.includes(text)) {
      throw typeError(
        where,
        `got "${text}", expected one of ${values.map((v) => `"${v}"`).join(", ")}.`,
      );
    }
    return text;
  };
}

/**
 * @param {Conversion} item
 * @returns {Conversion}
 */
export function sequence(item) {
  return (value, where) => {
    const iterate = isObject(value) ? /** @type {any} */ (value)[Symbol.iterator] : undefined;
    if (typeof iterate !== "function") throw typeError(where, "expected a sequence.");
    const list = [];
    for (const element of /** @type {Iterable<unknown>} */ (value)) {
      list.push(item(element, `${where}[${list.length}]`));
    }
    return list;
  };
}

/**
 * record<USVString, T>, as a Map in key order.
 *
 * @param {Conversion} item
 * @returns {Conversion}
 */
export function record(item) {
  return (value, where) => {
    if (!isObject(value)) throw typeError(where, "expected an object.");
    const map = new Map();
    for (const key of Reflect.ownKeys(/** @type {object} */ (value))) {
      const descriptor = Reflect.getOwnPropertyDescriptor(/** @type {object} */ (value), key);
      if (!descriptor?.enumerable) continue;
      const name = usvString(key, where);
      map.set(name, item(/** @type {any} */ (value)[key], `${where}["${name}"]`));
    }
    return map;
  };
}

/** @param {unknown} value */
export function isObject(value) {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/**
 * A dictionary argument as an object whose members can be read; undefined and null are empty.
 *
 * @param {unknown} value
 * @param {string} where
 * @returns {Record<string, unknown>}
 */
export function dictionary(value, where) {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw typeError(where, "expected an object.");
  return /** @type {Record<string, unknown>} */ (value);
}

/**
 * @param {string} method
 * @param {number} got
 * @param {number} required
 */
export function checkArgumentCount(method, got, required) {
  if (got < required) {
    throw new TypeError(
      `${method}: ${required} argument${required === 1 ? "" : "s"} required, but only ${got} present.`,
    );
  }
}

/**
 * Give a class the name and the property attributes of an interface: members enumerable, toStringTag set.
 *
 * @param {string} name for a minifier takes a class's own
 * @param {Function} Interface
 */
export function defineInterface(name, Interface) {
  Object.defineProperty(Interface, "name", { value: name });
  const { prototype } = Interface;
  for (const member of Object.getOwnPropertyNames(prototype)) {
    if (member === "constructor") continue;
    const descriptor = /** @type {PropertyDescriptor} */ (
      Object.getOwnPropertyDescriptor(prototype, member)
    );
    Object.defineProperty(prototype, member, { ...descriptor, enumerable: true });
  }
  Object.defineProperty(prototype, Symbol.toStringTag, {
    value: name,
    configurable: true,
  });
  Object.defineProperty(Interface, "prototype", { writable: false });
}
