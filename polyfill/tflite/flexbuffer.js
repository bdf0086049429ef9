// SPDX-License-Identifier: Apache-2.0
// Reads the FlexBuffer map in which custom operators keep their options; every offset is checked.
//
// Layout (https://flatbuffers.dev/flatbuffers_internals/#flexbuffers): the last byte is the root's
// width, the one before it the root's type, the root value lies in front of both. A value's type
// byte is type << 2 | log2(width of what it points to). Offsets are distances backwards. A map is a
// vector of values (count in front, type bytes behind) with two more words in front of the count:
// the distance to the vector of keys, and that vector's width.

/** @typedef {number | boolean | string | null} FlexValue */

const INT = 1;
const UINT = 2;
const FLOAT = 3;
const STRING = 5;
const INDIRECT_INT = 6;
const INDIRECT_UINT = 7;
const INDIRECT_FLOAT = 8;
const MAP = 9;
const BOOL = 26;

/** What the bytes break, worded for `expected`; the caller knows file and operator. */
export class FlexBufferError extends Error {}

/**
 * The scalars and strings of the map that `bytes` hold; values of other types (vectors, maps) are
 * null.
 *
 * @param {Uint8Array} bytes
 * @returns {Map<string, FlexValue>}
 * @throws {FlexBufferError}
 */
export function readFlexMap(bytes) {
  return new FlexBuffer(bytes).rootMap();
}

class FlexBuffer {
  #bytes;
  #view;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @returns {Map<string, FlexValue>} */
  rootMap() {
    const size = this.#bytes.length;
    if (size < 3) throw new FlexBufferError("at least 3 bytes");
    const type = this.#bytes[size - 2];
    if (type >> 2 !== MAP) throw new FlexBufferError("a map at the root");
    const position = size - 2 - this.#bytes[size - 1];
    return this.#map(this.#back(position, this.#bytes[size - 1]), 1 << (type & 3));
  }

  /**
   * @param {number} position of its values
   * @param {number} width
   * @returns {Map<string, FlexValue>}
   */
  #map(position, width) {
    const count = this.#unsigned(position - width, width);
    const keysWidth = this.#unsigned(position - 2 * width, width);
    const keys = this.#back(position - 3 * width, width);
    this.#check(position, count * (width + 1));
    this.#check(keys, count * keysWidth);
    const map = new Map();
    for (let i = 0; i < count; i++) {
      const type = this.#bytes[position + count * width + i];
      const key = this.#key(this.#back(keys + i * keysWidth, keysWidth));
      map.set(key, this.#value(position + i * width, width, type));
    }
    return map;
  }

  /** @param {number} position @param {number} width @param {number} type @returns {FlexValue} */
  #value(position, width, type) {
    const kind = type >> 2;
    if (kind === INT) return this.#signed(position, width);
    if (kind === UINT) return this.#unsigned(position, width);
    if (kind === BOOL) return this.#unsigned(position, width) !== 0;
    if (kind === FLOAT) return this.#float(position, width);
    const target = 1 << (type & 3);
    if (kind === INDIRECT_INT) return this.#signed(this.#back(position, width), target);
    if (kind === INDIRECT_UINT) return this.#unsigned(this.#back(position, width), target);
    if (kind === INDIRECT_FLOAT) return this.#float(this.#back(position, width), target);
    if (kind === STRING) return this.#string(this.#back(position, width), target);
    return null;
  }

  /** @param {number} position @returns {string} up to the NUL */
  #key(position) {
    const end = this.#bytes.indexOf(0, position);
    if (end < 0) throw new FlexBufferError("keys that end");
    return new TextDecoder().decode(this.#bytes.subarray(position, end));
  }

  /** @param {number} position @param {number} width @returns {string} */
  #string(position, width) {
    const count = this.#unsigned(position - width, width);
    this.#check(position, count);
    return new TextDecoder().decode(this.#bytes.subarray(position, position + count));
  }

  /**
   * @param {number} position
   * @param {number} width
   * @returns {number} where the offset there points
   */
  #back(position, width) {
    const target = position - this.#unsigned(position, width);
    this.#check(target, 1);
    return target;
  }

  /** @param {number} position @param {number} width @returns {number} */
  #unsigned(position, width) {
    this.#check(position, width);
    if (width === 1) return this.#view.getUint8(position);
    if (width === 2) return this.#view.getUint16(position, true);
    if (width === 4) return this.#view.getUint32(position, true);
    if (width === 8) return Number(this.#view.getBigUint64(position, true));
    throw new FlexBufferError("widths of 1, 2, 4 or 8 bytes");
  }

  /** @param {number} position @param {number} width @returns {number} */
  #signed(position, width) {
    this.#check(position, width);
    if (width === 1) return this.#view.getInt8(position);
    if (width === 2) return this.#view.getInt16(position, true);
    if (width === 4) return this.#view.getInt32(position, true);
    return Number(this.#view.getBigInt64(position, true));
  }

  /** @param {number} position @param {number} width @returns {number} */
  #float(position, width) {
    this.#check(position, width);
    if (width === 4) return this.#view.getFloat32(position, true);
    if (width === 8) return this.#view.getFloat64(position, true);
    throw new FlexBufferError("floats of 4 or 8 bytes");
  }

  /** @param {number} position @param {number} bytes */
  #check(position, bytes) {
    if (position < 0 || position + bytes > this.#bytes.length) {
      throw new FlexBufferError("offsets inside the options");
    }
  }
}
