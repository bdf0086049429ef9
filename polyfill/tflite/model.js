// SPDX-License-Identifier: Apache-2.0
// Reads a .tflite file into plain frozen records; nothing is believed that has not been checked.

import { ENUMS, FILE_IDENTIFIER, TABLES } from "../gen/tflite_schema.js";
import { listed, quoted, TfliteError } from "./errors.js";
import { FlatBuffer } from "./flatbuffer.js";
import { checkGraph } from "./graph_rules.js";
import { readTensor } from "./tensor.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */

/**
 * What a caller allows a file to ask for.
 *
 * @typedef {object} Limits
 * @property {number} bytes of the file
 * @property {number} subgraphs
 * @property {number} tensors of a subgraph
 * @property {number} operators of a subgraph
 * @property {number} rank
 * @property {number} elements of a tensor
 * @property {number} totalElements of a subgraph's tensors together
 */

/**
 * @typedef {object} Operator
 * @property {number} index
 * @property {string} name the builtin's, or the custom operator's own
 * @property {boolean} custom
 * @property {number} version
 * @property {readonly number[]} inputs tensor indices; -1 is an input left out
 * @property {readonly number[]} outputs
 * @property {readonly number[]} intermediates tensors that tell scales of inner numbers
 * @property {string} optionsType name of the table of `options`, "NONE" without
 * @property {Readonly<Record<string, any>> | null} options
 * @property {Uint8Array | null} customOptions
 */

/**
 * @typedef {object} Subgraph
 * @property {number} index
 * @property {string} name
 * @property {readonly Tensor[]} tensors
 * @property {readonly number[]} inputs
 * @property {readonly number[]} outputs
 * @property {readonly Operator[]} operators in an order in which they can run
 */

/**
 * @typedef {object} Signature
 * @property {string} key
 * @property {number} subgraph
 * @property {readonly {name: string, tensor: number}[]} inputs
 * @property {readonly {name: string, tensor: number}[]} outputs
 */

/**
 * @typedef {object} Model
 * @property {string} file
 * @property {number} version
 * @property {string} description
 * @property {readonly {name: string, custom: boolean, version: number}[]} operatorCodes
 * @property {readonly Subgraph[]} subgraphs
 * @property {readonly Signature[]} signatures
 * @property {readonly string[]} metadata names only
 * @property {Readonly<Limits>} limits it was read with, which hold for what is computed, too
 */

/** @type {Limits} */
export const DEFAULT_LIMITS = {
  bytes: 2 ** 31 - 1,
  subgraphs: 2 ** 10,
  tensors: 2 ** 17,
  operators: 2 ** 17,
  // Twice what any runtime takes; loops over pairs of dimensions must stay short.
  rank: 16,
  elements: 2 ** 31 - 1,
  totalElements: 2 ** 34,
};
const VERSION = 3;

/**
 * Read and check a model. Tensor data are views of `bytes`.
 *
 * @param {Uint8Array} bytes
 * @param {{fileName?: string, limits?: Partial<Limits>}} [options] limits can only be lowered
 * @returns {Model}
 * @throws {TfliteError}
 */
export function readModel(bytes, { fileName = "model", limits: lowered = {} } = {}) {
  const limits = effectiveLimits(lowered);
  const file = fileName;
  if (bytes.byteLength > limits.bytes) {
    throw new TfliteError(
      { file },
      `${bytes.byteLength} bytes`,
      `at most ${limits.bytes}`,
      "limit bytes",
    );
  }
  const buffer = new FlatBuffer(bytes, TABLES, ENUMS, (path, got, expected, rule) => {
    throw new TfliteError({ file, path }, got, expected, rule);
  });
  const root = buffer.root(FILE_IDENTIFIER, "Model", "model");
  if (root.version !== VERSION) {
    throw new TfliteError({ file }, `version ${root.version}`, String(VERSION), "format version");
  }
  const codes = (root.operatorCodes ?? []).map((/** @type {any} */ code, /** @type {number} */ i) =>
    readOperatorCode(code, i, file),
  );
  const buffers = (root.buffers ?? []).map((/** @type {any} */ entry, /** @type {number} */ i) =>
    external(bytes, entry.offset, entry.size, entry.data, { file, path: `model.buffers[${i}]` }),
  );
  checkLimit("subgraphs", root.subgraphs?.length ?? 0, limits, { file });
  const subgraphs = (root.subgraphs ?? []).map(
    (/** @type {any} */ raw, /** @type {number} */ index) =>
      readSubgraph(raw, { file, bytes, index, codes, buffers, limits }),
  );
  if (subgraphs.length === 0) {
    throw new TfliteError({ file }, "no subgraph", "at least one", "subgraphs");
  }
  return Object.freeze({
    file,
    version: root.version,
    description: root.description ?? "",
    operatorCodes: Object.freeze(codes),
    subgraphs: Object.freeze(subgraphs),
    signatures: Object.freeze(readSignatures(root.signatureDefs ?? [], subgraphs, file)),
    metadata: Object.freeze((root.metadata ?? []).map((/** @type {any} */ m) => m.name ?? "")),
    limits: Object.freeze(limits),
  });
}

/** @param {Partial<Limits>} lowered @returns {Limits} */
function effectiveLimits(lowered) {
  const limits = { ...DEFAULT_LIMITS };
  for (const [key, value] of Object.entries(lowered)) {
    if (!(key in limits)) {
      throw new TypeError(`limits: got ${key}, expected ${Object.keys(limits).join(", ")}.`);
    }
    if (value === undefined) continue;
    const name = /** @type {keyof Limits} */ (key);
    limits[name] = Math.min(limits[name], value);
  }
  return limits;
}

/**
 * @param {keyof Limits} key
 * @param {number} count
 * @param {Limits} limits
 * @param {import("./errors.js").Place} place
 */
function checkLimit(key, count, limits, place) {
  if (count > limits[key]) {
    throw new TfliteError(place, `${count} ${key}`, `at most ${limits[key]}`, `limit ${key}`);
  }
}

/**
 * Old files keep the code in the deprecated field alone, new ones fill both as far as they can.
 *
 * @param {any} raw
 * @param {number} index
 * @param {string} file
 */
function readOperatorCode(raw, index, file) {
  const code = Math.max(raw.deprecatedBuiltinCode, raw.builtinCode);
  const names = ENUMS.BuiltinOperator;
  const builtin = names[code];
  if (builtin === undefined) {
    const path = `model.operatorCodes[${index}]`;
    throw new TfliteError({ file, path }, `${code}`, `0 to ${names.length - 1}`, "operator code");
  }
  const custom = builtin === "CUSTOM";
  const name = custom ? raw.customCode || "(unnamed custom operator)" : builtin;
  return Object.freeze({ name, custom, version: raw.version });
}

/**
 * Data are inside the FlatBuffer or, in files too large for its offsets, at a 64-bit place of the
 * file.
 *
 * @param {Uint8Array} bytes
 * @param {number} offset 0 and 1 mean inside
 * @param {number} size
 * @param {Uint8Array | null} inside
 * @param {import("./errors.js").Place} place
 * @returns {Uint8Array | null}
 */
function external(bytes, offset, size, inside, place) {
  if (offset <= 1) return inside;
  if (offset + size > bytes.byteLength) {
    const got = `${size} bytes at ${offset}`;
    throw new TfliteError(place, got, `inside the file's ${bytes.byteLength}`, "inside the file");
  }
  return bytes.subarray(offset, offset + size);
}

/**
 * @typedef {object} Reading
 * @property {string} file
 * @property {Uint8Array} bytes
 * @property {number} index of the subgraph
 * @property {readonly {name: string, custom: boolean, version: number}[]} codes
 * @property {readonly (Uint8Array | null)[]} buffers
 * @property {Limits} limits
 */

/** @param {any} raw @param {Reading} reading @returns {Subgraph} */
function readSubgraph(raw, reading) {
  const { file, index, limits } = reading;
  const counts = { tensors: raw.tensors?.length ?? 0, operators: raw.operators?.length ?? 0 };
  const place = { file, subgraph: index };
  for (const [key, count] of Object.entries(counts)) {
    checkLimit(/** @type {keyof Limits} */ (key), count, limits, place);
  }
  /** @type {Tensor[]} */
  const tensors = (raw.tensors ?? []).map((/** @type {any} */ tensor, /** @type {number} */ i) =>
    readTensor(tensor, i, reading),
  );
  const total = tensors.reduce((/** @type {number} */ sum, tensor) => sum + tensor.elements, 0);
  checkLimit("totalElements", total, limits, place);
  const operators = (raw.operators ?? []).map(
    (/** @type {any} */ operator, /** @type {number} */ i) => readOperator(operator, i, reading),
  );
  const subgraph = Object.freeze({
    index,
    name: raw.name ?? "",
    tensors: Object.freeze(tensors),
    inputs: Object.freeze(raw.inputs ?? []),
    outputs: Object.freeze(raw.outputs ?? []),
    operators: Object.freeze(operators),
  });
  checkGraph(subgraph, file);
  return subgraph;
}

/** @param {any} raw @param {number} index @param {Reading} reading @returns {Operator} */
function readOperator(raw, index, { file, bytes, index: subgraph, codes }) {
  const code = codes[raw.opcodeIndex];
  if (!code) {
    const place = { file, subgraph, operator: index };
    const expected = `below ${codes.length}`;
    throw new TfliteError(place, `code index ${raw.opcodeIndex}`, expected, "operator code index");
  }
  const place = { file, subgraph, operator: index, operatorName: code.name };
  const { largeCustomOptionsOffset: offset, largeCustomOptionsSize: size } = raw;
  return Object.freeze({
    index,
    ...code,
    inputs: Object.freeze(raw.inputs ?? []),
    outputs: Object.freeze(raw.outputs ?? []),
    intermediates: Object.freeze(raw.intermediates ?? []),
    optionsType: raw.builtinOptionsType,
    options: raw.builtinOptions && Object.freeze(raw.builtinOptions),
    customOptions: external(bytes, offset, size, raw.customOptions, place),
  });
}

/**
 * @param {any[]} raw
 * @param {readonly Subgraph[]} subgraphs
 * @param {string} file
 * @returns {Signature[]}
 */
function readSignatures(raw, subgraphs, file) {
  const borders = subgraphs.map(({ inputs, outputs }) => ({
    inputs: new Set(inputs),
    outputs: new Set(outputs),
  }));
  return raw.map((entry, i) => {
    const place = { file, path: `model.signatureDefs[${i}]` };
    const border = borders[entry.subgraphIndex];
    if (!border) {
      const got = `subgraph ${entry.subgraphIndex}`;
      throw new TfliteError(place, got, `below ${subgraphs.length}`, "subgraph index");
    }
    return Object.freeze({
      key: entry.signatureKey ?? "",
      subgraph: entry.subgraphIndex,
      inputs: readTensorMap(entry.inputs ?? [], border.inputs, "inputs", place),
      outputs: readTensorMap(entry.outputs ?? [], border.outputs, "outputs", place),
    });
  });
}

/**
 * @param {{name: string | null, tensorIndex: number}[]} raw
 * @param {ReadonlySet<number>} allowed
 * @param {string} side
 * @param {import("./errors.js").Place} place
 */
function readTensorMap(raw, allowed, side, place) {
  const entries = raw.map(({ name: given, tensorIndex: tensor }) => {
    const name = given ?? "";
    if (!allowed.has(tensor)) {
      const got = `tensor ${tensor} for ${quoted(name)}`;
      const expected = `one of the subgraph's ${side} ${listed([...allowed])}`;
      throw new TfliteError(place, got, expected, `signature ${side}`);
    }
    return Object.freeze({ name, tensor });
  });
  return Object.freeze(entries);
}
