// SPDX-License-Identifier: Apache-2.0
// Descriptors and buffer sources: which bytes a script may hand over for which tensor.

import { byteLength } from "../ir/graph.js";
import { ANY_TYPE, check, MAX_RANK, NIBBLE_TYPES, RuleViolation } from "../ops/operator.js";
import { checkShape } from "../ops/shape.js";
import { typeError } from "./errors.js";
import { dictionary, enforcedUnsignedLong, enumeration, sequence } from "./webidl.js";

/** @typedef {import("../ir/graph.js").DataType} DataType */
/** @typedef {import("../ops/operator.js").Descriptor} Descriptor */

/** What opSupportLimits() says of every tensor. */
export const MAX_TENSOR_BYTES = 2 ** 31 - 1;

/** The types of tensors: those of the standard, and the 4-bit ones that octet adds. */
export const TENSOR_TYPES = [...ANY_TYPE, ...NIBBLE_TYPES];

export const dataTypeEnumeration = enumeration(TENSOR_TYPES);
const toShape = sequence(enforcedUnsignedLong);

/** Views that may carry a type besides Uint8Array. @type {Readonly<Record<string, readonly string[]>>} */
const VIEW_NAMES = {
  float32: ["Float32Array"],
  float16: ["Float16Array", "Uint16Array"],
  int32: ["Int32Array"],
  uint32: ["Uint32Array"],
  int64: ["BigInt64Array"],
  uint64: ["BigUint64Array"],
  int8: ["Int8Array"],
  uint8: [],
  int4: [],
  uint4: [],
};

/**
 * An MLOperandDescriptor by IDL; its dimensions are not checked yet.
 *
 * @param {unknown} value
 * @param {string} where
 * @returns {Descriptor}
 */
export function toDescriptor(value, where) {
  const members = dictionary(value, where);
  const { dataType, shape } = members;
  if (dataType === undefined) throw typeError(where, "dataType is missing.");
  if (shape === undefined) throw typeError(where, "shape is missing.");
  return {
    dataType: dataTypeEnumeration(dataType, `${where}: dataType`),
    shape: toShape(shape, `${where}: shape`),
  };
}

/** @param {Descriptor} descriptor @param {string} where */
export function checkDescriptor({ dataType, shape }, where) {
  try {
    checkShape("shape", shape);
    check(shape.length <= MAX_RANK, "rank", shape.length, `at most ${MAX_RANK}`);
  } catch (error) {
    throw error instanceof RuleViolation ? typeError(where, error.message) : error;
  }
  const bytes = byteLength(dataType, shape);
  if (bytes > MAX_TENSOR_BYTES) {
    throw typeError(where, `byte length: got ${bytes}, expected at most ${MAX_TENSOR_BYTES}.`);
  }
}

/**
 * The bytes of a buffer source, as a view on the script's own memory.
 *
 * @param {unknown} source
 * @param {Descriptor} descriptor
 * @param {string} where
 * @returns {Uint8Array}
 */
export function bytesOf(source, { dataType, shape }, where) {
  const bytes = viewOf(source, dataType, where);
  const expected = byteLength(dataType, shape);
  if (bytes.length !== expected) {
    throw typeError(
      where,
      `byte length: got ${bytes.length}, expected ${expected} (${dataType}[${shape.join(", ")}]).`,
    );
  }
  return bytes;
}

/** @param {unknown} source @param {DataType} dataType @param {string} where */
function viewOf(source, dataType, where) {
  if (ArrayBuffer.isView(source)) {
    const name = /** @type {any} */ (source)[Symbol.toStringTag] ?? "DataView";
    if (name !== "Uint8Array" && !VIEW_NAMES[dataType].includes(name)) {
      throw typeError(
        where,
        `got a ${name}, expected ${["Uint8Array", ...VIEW_NAMES[dataType]].join(" or ")} for ${dataType}.`,
      );
    }
    checkFixed(source.buffer, where);
    return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  }
  const tag = Object.prototype.toString.call(source);
  if (tag === "[object ArrayBuffer]" || tag === "[object SharedArrayBuffer]") {
    checkFixed(/** @type {ArrayBuffer} */ (source), where);
    return new Uint8Array(/** @type {ArrayBuffer} */ (source));
  }
  throw typeError(where, "expected an ArrayBuffer, a SharedArrayBuffer or a view.");
}

/** IDL takes no buffer that can change its size. @param {ArrayBufferLike} buffer @param {string} where */
function checkFixed(buffer, where) {
  const { resizable, growable } = /** @type {any} */ (buffer);
  if (resizable || growable) throw typeError(where, "the buffer can change its size.");
}

/**
 * A copy of the bytes as they are now.
 *
 * @param {Uint8Array} bytes
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function snapshot(bytes) {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy;
}
