// SPDX-License-Identifier: Apache-2.0
// Constants as plain numbers: axes, shapes, paddings and what else operators take beside their data.

import { UnsupportedError } from "./errors.js";

/** @typedef {import("./tensor.js").Tensor} Tensor */

/**
 * @param {Tensor} tensor
 * @returns {number[] | null} its elements as stored, null if they are computed
 */
export function paramValues({ data, type, elements, isSparse }) {
  if (isSparse || (!data && elements > 0)) return null;
  return data ? readNumbers(data, type, elements) : [];
}

/** @param {Uint8Array} data @param {string} type @param {number} count @returns {number[]} */
function readNumbers(data, type, count) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const read = READERS[type];
  if (!read) throw new UnsupportedError(`parameters of type ${type}`);
  return Array.from({ length: count }, (_, i) => read(view, i));
}

/** @type {Readonly<Record<string, (view: DataView, i: number) => number>>} */
const READERS = {
  FLOAT32: (view, i) => view.getFloat32(4 * i, true),
  INT32: (view, i) => view.getInt32(4 * i, true),
  INT64: (view, i) => Number(view.getBigInt64(8 * i, true)),
  INT8: (view, i) => view.getInt8(i),
  UINT8: (view, i) => view.getUint8(i),
  BOOL: (view, i) => view.getUint8(i),
  INT16: (view, i) => view.getInt16(2 * i, true),
};
