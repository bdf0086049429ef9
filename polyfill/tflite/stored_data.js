// SPDX-License-Identifier: Apache-2.0
// The elements of a constant as WebNN can hold them: types it lacks in wider ones, sparse tensors
// written out.

import { UnsupportedError } from "./errors.js";
import { densified } from "./sparse.js";
import { TYPE_BITS } from "./tensor.js";

/** @typedef {import("./errors.js").Place} Place */
/** @typedef {import("./tensor.js").Tensor} Tensor */

/**
 * @param {Tensor} tensor a constant
 * @param {Place} place
 * @returns {ArrayBufferView}
 */
export function storedData(tensor, place) {
  const { type, elements } = tensor;
  const data = denseData(tensor, place);
  if (type === "INT4") return widenedNibbles(data, elements);
  if (type !== "INT16") return data;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Int32Array.from({ length: elements }, (_, i) => view.getInt16(2 * i, true));
}

/** @param {Tensor} tensor @param {Place} place @returns {Uint8Array} */
function denseData(tensor, place) {
  const { data, isSparse, type } = tensor;
  if (!data) throw new UnsupportedError("a constant without data");
  if (!isSparse) return data;
  const bytes = (TYPE_BITS[type] ?? 0) / 8;
  if (!(bytes >= 1)) throw new UnsupportedError(`sparse ${type}`);
  return densified(tensor, bytes, place);
}

/** Two's complement nibbles, low one first. @param {Uint8Array} data @param {number} count */
function widenedNibbles(data, count) {
  return Int8Array.from({ length: count }, (_, i) => {
    const nibble = i % 2 ? data[i >> 1] >> 4 : data[i >> 1] & 15;
    return (nibble ^ 8) - 8;
  });
}
