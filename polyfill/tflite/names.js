// SPDX-License-Identifier: Apache-2.0
// Names for a graph's inputs or outputs: each is given once, whatever the file says.

/** @typedef {import("./webnn.js").MLOperand} MLOperand */

/** The operands by name; a second tensor of the same name gets "#2". */
export class Names {
  /** @type {Map<string, MLOperand>} */
  operands = new Map();
  /** @type {Map<string, number>} the number to try next, by name */
  #given = new Map();

  /** @param {string} name @param {number} index @returns {string} */
  unique(name, index) {
    const base = name || `tensor ${index}`;
    let candidate = base;
    for (let k = this.#given.get(base) ?? 1; this.#given.has(candidate); k++) {
      candidate = `${base}#${k + 1}`;
      this.#given.set(base, k + 1);
    }
    this.#given.set(candidate, 1);
    return candidate;
  }
}
