// SPDX-License-Identifier: Apache-2.0
// Browsers make optimized code of what has run for a while. So a graph that nobody has used yet is run
// on zeros while its worker has nothing to do: whoever dispatches it first finds its kernels optimized.

/** @typedef {import("./executor.js").Executor} Executor */

/** Milliseconds without a request before it starts. */
export const IDLE_MS = 20;

/** A kernel that has run for so many milliseconds is being optimized. */
const ENOUGH_MS = 10;

export class WarmUp {
  #executor;
  /** Graphs that nobody has used yet. @type {Set<number>} */
  #waiting = new Set();
  /** Milliseconds that kernels have run here. @type {Map<number, number>} */
  #spent = new Map();
  /** @type {Generator<unknown, void> | null} */
  #running = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {Executor} executor */
  constructor(executor) {
    this.#executor = executor;
  }

  /** Give way: a request comes. What was begun is begun anew when there is time again. */
  pause() {
    clearTimeout(this.#timer);
    this.#running?.return();
    this.#running = null;
  }

  /**
   * A request was answered.
   *
   * @param {string} method
   * @param {number} id its first argument
   */
  resume(method, id) {
    if (method === "build") this.#waiting.add(id);
    else if (method === "destroyGraph") this.#waiting.delete(id);
    else if (method === "dispatch" || method === "profile") this.#waiting.clear();
    if (this.#waiting.size) this.#timer = setTimeout(() => this.#next(), IDLE_MS);
  }

  /** One step, then whatever else waits in this thread. */
  #next() {
    const [id] = this.#waiting;
    try {
      this.#running ??= this.#executor.rehearse(id, this.#spent, ENOUGH_MS);
      if (this.#running.next().done) this.#end(id);
    } catch {
      // There is no room for it, or a kernel traps: a dispatch will say so.
      this.#end(id);
    }
    if (this.#waiting.size) this.#timer = setTimeout(() => this.#next());
  }

  /** @param {number} id */
  #end(id) {
    this.#waiting.delete(id);
    this.#running = null;
  }
}
