// SPDX-License-Identifier: Apache-2.0
// The visitor's say in how networks run, and the models that the browser keeps.

import { parameter, setParameters } from "./address.js";
import { find } from "./dom.js";
import { formatBytes } from "./format.js";
import { clearStore, storedBytes } from "./worker/model_store.js";

/** @typedef {import("./worker/network_worker.js").EngineSettings} EngineSettings */
/** @typedef {import("./worker/model_store.js").ModelFile} ModelFile */

const MAX_THREADS = 16;

export class EnginePanel {
  #variant;
  #threads;
  #files;
  /** How often it was looked up what is stored: the last time counts. */
  #looking = 0;

  /**
   * @param {HTMLElement} root
   * @param {readonly ModelFile[]} files that may be stored
   * @param {() => void} onChange of the settings
   */
  constructor(root, files, onChange) {
    this.#files = files;
    this.#variant = /** @type {HTMLSelectElement} */ (find("#variant", root));
    this.#threads = /** @type {HTMLInputElement} */ (find("#threads", root));
    this.#variant.value = parameter("variant") ?? "";
    if (this.#variant.selectedIndex < 0) this.#variant.value = "";
    this.#threads.value = threadCount(parameter("threads"));
    this.#threads.disabled = !globalThis.crossOriginIsolated;
    find("#threads-note", root).hidden = globalThis.crossOriginIsolated;
    for (const control of [this.#variant, this.#threads]) {
      control.addEventListener("change", () => {
        this.#threads.value = threadCount(this.#threads.value);
        setParameters({
          variant: this.#variant.value || null,
          threads: this.#threads.value || null,
        });
        onChange();
      });
    }
    find("#clear-store", root).addEventListener("click", async () => {
      await clearStore();
      await this.refresh();
      onChange();
    });
    this.refresh();
  }

  /** @returns {EngineSettings} */
  get settings() {
    const variant = /** @type {EngineSettings["variant"]} */ (this.#variant.value || null);
    const threads = this.#threads.value && !this.#threads.disabled ? this.#threads.value : null;
    return { variant, threads: threads === null ? null : Number(threads) };
  }

  /** Show how much is stored. */
  async refresh() {
    const looking = ++this.#looking;
    const bytes = await storedBytes(this.#files);
    if (looking !== this.#looking) return;
    find("#stored").textContent = bytes ? formatBytes(bytes) : "none";
    /** @type {HTMLButtonElement} */ (find("#clear-store")).disabled = bytes === 0;
  }
}

/** @param {string | null} text @returns {string} a possible count, or "" for the engine's own choice */
function threadCount(text) {
  const count = Number(text);
  return Number.isInteger(count) && count >= 1 && count <= MAX_THREADS ? String(count) : "";
}
