// SPDX-License-Identifier: Apache-2.0
// The bytes of a loader's constants in one piece: each content once, aligned.

import { createHash } from "node:crypto";

/** Any typed array may lie there. */
const ALIGNMENT = 16;

export class Weights {
  /** @type {Map<string, number>} offsets by content */
  #places = new Map();
  /** @type {Uint8Array[]} */
  #parts = [];
  #size = 0;

  /** @param {Uint8Array} bytes @returns {number} their offset */
  add(bytes) {
    const key = `${bytes.length} ${digest(bytes)}`;
    let place = this.#places.get(key);
    if (place === undefined) {
      place = Math.ceil(this.#size / ALIGNMENT) * ALIGNMENT;
      this.#parts.push(new Uint8Array(place - this.#size), bytes);
      this.#size = place + bytes.length;
      this.#places.set(key, place);
    }
    return place;
  }

  /** @returns {{bytes: Uint8Array, sha256: string}} */
  finish() {
    const bytes = new Uint8Array(this.#size);
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return { bytes, sha256: digest(bytes) };
  }
}

/** @param {Uint8Array} bytes */
function digest(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}
