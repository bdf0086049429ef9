// SPDX-License-Identifier: Apache-2.0
// The work of a tool's page: one at a time, with its button, its progress and what went wrong.

import { find } from "../dom.js";
import { formatBytes } from "../format.js";
import { isAbort, showProblem } from "../problems.js";

/** @typedef {import("../worker/network_worker.js").Progress} Progress */

/**
 * What a piece of work is given.
 *
 * @typedef {object} Work
 * @property {AbortSignal} signal
 * @property {(text: string) => void} say
 * @property {(name: string) => (progress: Progress) => void} follow a network's progress, under a name
 */

export class Job {
  #button = /** @type {HTMLButtonElement} */ (find("#run"));
  #bar = /** @type {HTMLProgressElement} */ (find("#progress"));
  #status = find("#status");
  #problem = find("#problem");
  #label;
  #detail = "";
  /** @type {Promise<string> | null} */
  #asked = null;
  /** @type {AbortController | null} */
  #under = null;

  /** @param {string} label of the button @param {() => void} onStart */
  constructor(label, onStart) {
    this.#label = label;
    this.#button.addEventListener("click", () => {
      if (this.#under) this.#under.abort(new DOMException("Cancelled.", "AbortError"));
      else onStart();
    });
    this.#show();
  }

  /** Show what pressing the button would download. @param {Promise<string>} asked */
  async showDetail(asked) {
    this.#asked = asked;
    const text = await asked;
    // What was asked later is what is shown, though it may be known earlier.
    if (this.#asked !== asked) return;
    this.#detail = text;
    this.#show();
  }

  set enabled(/** @type {boolean} */ enabled) {
    this.#button.disabled = !enabled;
  }

  /** @param {(work: Work) => Promise<void>} what @returns {Promise<boolean>} whether it came to its end */
  async run(what) {
    this.#under?.abort(new DOMException("Replaced.", "AbortError"));
    const controller = new AbortController();
    this.#under = controller;
    this.problem(null);
    this.#show();
    const say = (/** @type {string} */ text) => {
      this.#status.textContent = text;
    };
    const follow = (/** @type {string} */ name) => (/** @type {Progress} */ progress) => {
      if (progress.phase === "download") {
        const { loaded, total } = progress;
        this.#bar.value = loaded / total;
        say(`Downloading ${name}: ${formatBytes(loaded)} of ${formatBytes(total)}`);
      } else {
        this.#bar.removeAttribute("value");
        if (progress.phase === "build") say(`Preparing ${name}`);
      }
    };
    let ended = false;
    try {
      await what({ signal: controller.signal, say, follow });
      say("");
      ended = true;
    } catch (error) {
      say(isAbort(error) ? "Cancelled" : "Failed");
      if (!isAbort(error)) this.problem(error);
    }
    if (this.#under === controller) this.#under = null;
    this.#show();
    return ended;
  }

  /** @param {unknown} error null for none */
  problem(error) {
    showProblem(this.#problem, error);
  }

  #show() {
    const busy = this.#under !== null;
    find("main").setAttribute("aria-busy", String(busy));
    this.#bar.hidden = !busy;
    find(".label", this.#button).textContent = busy ? "Cancel" : this.#label;
    find(".detail", this.#button).textContent = busy ? "" : this.#detail;
  }
}
