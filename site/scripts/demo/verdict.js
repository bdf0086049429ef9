// SPDX-License-Identifier: Apache-2.0
// Two networks side by side: do they say the same, which is faster, which is smaller.

import { isFloat } from "../catalogue.js";
import { compareAnswers } from "../compute/agreement.js";
import { find } from "../dom.js";
import { formatBytes, formatFactor, formatMs } from "../format.js";

/** @typedef {import("./lane.js").Lane} Lane */

/** Networks whose multiply-adds differ by more than this part do different work. */
const SAME_WORK = 0.05;

export class Verdict {
  #root;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
  }

  set hidden(/** @type {boolean} */ hidden) {
    this.#root.hidden = hidden;
  }

  /** @param {Lane} first @param {Lane} second */
  show(first, second) {
    const [lane, other] =
      isFloat(first.model) && !isFloat(second.model) ? [second, first] : [first, second];
    const names = `${lane.model.title} against ${other.model.title}`;
    if (lane.answer && other.answer) {
      const { verdict, title, detail } = compareAnswers(lane.answer, other.answer);
      this.#tile("agreement", title, detail, verdict);
    } else {
      this.#tile("agreement", "Same answer?", `Run to see ${names}.`);
    }
    this.#size(lane, other);
    this.#time(lane, other);
  }

  /** @param {Lane} lane @param {Lane} other */
  #size(lane, other) {
    const [a, b] = [lane.model.bytes, other.model.bytes];
    const title = a <= b ? `${formatFactor(b / a)} smaller` : `${formatFactor(a / b)} larger`;
    this.#tile("size", title, `${formatBytes(a)} against ${formatBytes(b)} to download.`);
  }

  /** @param {Lane} lane @param {Lane} other */
  #time(lane, other) {
    const [a, b] = [lane.ms, other.ms];
    if (a === null || b === null) {
      this.#tile("speed", "How fast?", "Each is run several times; the median counts.");
      return;
    }
    const title = a <= b ? `${formatFactor(b / a)} faster` : `${formatFactor(a / b)} slower`;
    const work = differentWork(lane, other);
    this.#tile("speed", title, `${formatMs(a)} against ${formatMs(b)}${work}.`);
  }

  /** @param {string} name @param {string} title @param {string} detail @param {string} [verdict] */
  #tile(name, title, detail, verdict) {
    const tile = find(`[data-tile=${name}]`, this.#root);
    find(".tile-title", tile).textContent = title;
    find(".tile-detail", tile).textContent = detail;
    if (verdict) tile.dataset.verdict = verdict;
    else delete tile.dataset.verdict;
  }
}

/** @param {Lane} lane @param {Lane} other */
function differentWork(lane, other) {
  const [a, b] = [lane.facts?.macs ?? 0, other.facts?.macs ?? 0];
  if (!a || !b || Math.abs(a / b - 1) < SAME_WORK) return "";
  const [more, factor] = a < b ? [other, b / a] : [lane, a / b];
  return `; ${more.model.title} multiplies ${formatFactor(factor)} as much`;
}
