// SPDX-License-Identifier: Apache-2.0
// Profiles that were made in this browser, kept so that they can be compared without running again.

/** @typedef {import("../compute/layers.js").Layer} Layer */
/** @typedef {import("../machine.js").Machine} Machine */

/**
 * @typedef {object} ProfileRun
 * @property {string} id
 * @property {string} name of the model
 * @property {"float" | "integer"} tone
 * @property {string} when ISO 8601
 * @property {string} variant
 * @property {string} dot
 * @property {number} runs of which the medians are
 * @property {Machine} machine
 * @property {Layer[]} layers
 */

const KEY = "octet-profiles";

/** Older ones are forgotten. */
const MOST = 20;

export class History {
  /** Newest first. @type {ProfileRun[]} */
  runs = [];

  constructor() {
    try {
      const stored = JSON.parse(localStorage.getItem(KEY) ?? "[]");
      if (Array.isArray(stored)) this.runs = stored.filter(isRun);
    } catch {
      // Denied or damaged: it starts empty.
    }
  }

  /** @param {ProfileRun} run */
  add(run) {
    this.runs = [run, ...this.runs].slice(0, MOST);
    this.#store();
  }

  /** @param {string} id */
  remove(id) {
    this.runs = this.runs.filter((run) => run.id !== id);
    this.#store();
  }

  #store() {
    try {
      localStorage.setItem(KEY, JSON.stringify(this.runs));
    } catch {
      // It lasts as long as the page.
    }
  }
}

/** @param {any} run */
function isRun(run) {
  return (
    typeof run?.id === "string" && Array.isArray(run.layers) && typeof run.variant === "string"
  );
}
