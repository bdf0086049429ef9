// SPDX-License-Identifier: Apache-2.0
// What mapping a model may cost: builder calls, and elements of what they make.

import { listed, TfliteError, UnsupportedError } from "./errors.js";

/**
 * Builder calls and elements of small constants for one model: hundreds of times what large ones
 * need, seconds at most.
 */
const MAX_WORK = 1 << 22;

/** A tensor of the file may be many operands: raw, real, transposed, before its activation. */
const WORKING_COPIES = 16;

export class Budget {
  #limits;
  #work = MAX_WORK;
  #elements = 0;

  /** @param {import("./model.js").Limits} limits of the file */
  constructor(limits) {
    this.#limits = limits;
  }

  /** @param {number} work calls, or elements of small constants */
  spend(work) {
    this.#work -= work;
    if (this.#work < 0) throw new UnsupportedError("more builder calls than a model needs");
  }

  /**
   * What the file declares is checked when it is read; this is what it makes of that.
   *
   * @param {string} what
   * @param {readonly number[]} shape
   * @param {import("./errors.js").Place} place
   */
  make(what, shape, place) {
    const { elements, totalElements } = this.#limits;
    const count = shape.reduce((product, d) => product * d, 1);
    this.#elements += count;
    const got = `${what} to ${listed(shape)}`;
    if (count > elements) {
      throw new TfliteError(place, got, `at most ${elements} elements`, "limit elements");
    }
    if (this.#elements > WORKING_COPIES * totalElements) {
      const expected = `less in all than ${totalElements} elements`;
      throw new TfliteError(place, got, expected, "limit totalElements");
    }
  }
}
