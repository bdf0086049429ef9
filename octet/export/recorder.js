// SPDX-License-Identifier: Apache-2.0
// A graph builder that keeps the calls made on another one, as the JavaScript that makes them again.

import { ARRAYS } from "../../polyfill/tflite/tflite_model.js";

/**
 * One call. `names` are the variables that its results get, `text` the expression.
 *
 * @typedef {object} Call
 * @property {number} operator index in the file; -1 for what belongs to none
 * @property {string[]} names
 * @property {boolean} list whether the call returns an array
 * @property {string} text
 */

/** @typedef {{dataType: string, shape: readonly number[]}} Descriptor */

/** Constants of at most this many elements are written out. */
const WRITTEN_OUT = 4;

const LABEL = /^(\d+) (\S+)/;

export class Recorder {
  /** @type {Call[]} */
  calls = [];
  /** @type {Map<unknown, string>} variables by operand */
  #names = new Map();
  /** @type {Set<string>} */
  #taken = new Set();
  /** @type {Map<any, Call>} constants that nothing has used yet */
  #waiting = new Map();
  #weights;

  /** @param {import("./weights.js").Weights} weights where large constants go */
  constructor(weights) {
    this.#weights = weights;
  }

  /**
   * @param {any} builder
   * @returns {any} a builder that does what `builder` does and records it
   */
  record(builder) {
    return new Proxy(builder, {
      get: (target, key) => {
        if (key === "input") return this.#input.bind(this, target);
        if (key === "constant") return this.#constant.bind(this, target);
        const method = target[key];
        if (typeof method !== "function") return method;
        return (/** @type {any[]} */ ...args) => this.#call(target, String(key), args);
      },
    });
  }

  /** @param {unknown} operand @returns {string} the variable that holds it */
  nameOf(operand) {
    const waiting = this.#waiting.get(operand);
    if (waiting) {
      this.#waiting.delete(operand);
      this.calls.push(waiting);
    }
    return /** @type {string} */ (this.#names.get(operand));
  }

  /** @param {any} builder @param {string} name @param {Descriptor} descriptor */
  #input(builder, name, descriptor) {
    const operand = builder.input(name, descriptor);
    const variable = this.#name(operand, identifier(name));
    const text = `builder.input(${literal(name)}, ${literal(plain(descriptor))})`;
    this.calls.push({ operator: -1, names: [variable], list: false, text });
    return operand;
  }

  /** @param {any} builder @param {Descriptor} descriptor @param {ArrayBufferView} data */
  #constant(builder, descriptor, data) {
    const operand = builder.constant(descriptor, data);
    const { shape } = descriptor;
    const dataType = /** @type {keyof typeof ARRAYS} */ (descriptor.dataType);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const values = new ARRAYS[dataType](bytes.slice().buffer);
    const isSmall = values.length <= WRITTEN_OUT && dataType !== "float16";
    const [prefix, last] = isSmall
      ? ["value", `[${Array.from(values, dataType === "float32" ? shortest : literal).join(", ")}]`]
      : ["constant", `${this.#weights.add(bytes)}`];
    const name = this.#name(operand, isSmall ? "c1" : "w1");
    const text = `${prefix}(${literal(dataType)}, ${literal([...shape])}, ${last})`;
    this.#waiting.set(operand, { operator: -1, names: [name], list: false, text });
    return operand;
  }

  /** @param {any} builder @param {string} method @param {any[]} args */
  #call(builder, method, args) {
    const result = builder[method](...args);
    const label = LABEL.exec(args.at(-1)?.label ?? "");
    const operator = label ? Number(label[1]) : -1;
    const words = args.map((arg) => this.#argument(arg, label));
    const list = Array.isArray(result);
    const names = [result]
      .flat()
      .map((operand) => this.#name(operand, operator < 0 ? `${method}1` : `${method}_${operator}`));
    this.calls.push({ operator, names, list, text: `builder.${method}(${words.join(", ")})` });
    return result;
  }

  /** @param {any} value @param {RegExpExecArray | null} label @returns {string} */
  #argument(value, label) {
    if (this.#names.has(value)) return this.nameOf(value);
    if (Array.isArray(value)) return `[${value.map((v) => this.#argument(v, label)).join(", ")}]`;
    if (typeof value !== "object" || value === null) return literal(value);
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => {
        const text = key === "label" && label ? literal(label[0]) : this.#argument(member, label);
        return `${propertyName(key)}: ${text}`;
      });
    return members.length ? `{ ${members.join(", ")} }` : "{}";
  }

  /** @param {unknown} operand @param {string} wanted @returns {string} */
  #name(operand, wanted) {
    let name = wanted;
    const numbered = /^(.*?)(\d+)$/.exec(wanted);
    for (let k = 2; this.#taken.has(name); k++) {
      name = numbered && !wanted.includes("_") ? `${numbered[1]}${k}` : `${wanted}_${k}`;
    }
    this.#taken.add(name);
    this.#names.set(operand, name);
    return name;
  }
}

/** @param {Descriptor} descriptor */
function plain({ dataType, shape }) {
  return { dataType, shape: [...shape] };
}

/**
 * A variable's name for a tensor's. It starts with "x_", so that it never is a keyword or one of the
 * loader's own names.
 *
 * @param {string} text
 * @returns {string}
 */
function identifier(text) {
  return `x_${text.replace(/[^A-Za-z0-9]+/g, "_").slice(0, 40)}`;
}

/** A key of an object literal. @param {string} key */
export function propertyName(key) {
  if (key === "__proto__") return `["__proto__"]`;
  return /^[A-Za-z_]\w*$/.test(key) ? key : literal(key);
}

/** @param {any} value numbers, strings, booleans, and arrays or plain objects of them @returns {string} */
export function literal(value) {
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(([k, v]) => `${propertyName(k)}: ${literal(v)}`);
    return `{ ${members.join(", ")} }`;
  }
  // Text of the file may end up in an HTML page or beside a comment.
  return JSON.stringify(value).replace(
    /[<>\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The shortest digits that give the same float32. @param {number} value @returns {string} */
function shortest(value) {
  for (let digits = 1; digits < 10; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return literal(short);
  }
  return literal(value);
}
