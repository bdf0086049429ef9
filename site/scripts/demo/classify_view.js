// SPDX-License-Identifier: Apache-2.0
// The first classes as bars.

import { labelOf } from "../catalogue.js";
import { TOP } from "../compute/answers.js";
import { make } from "../dom.js";
import { formatPercent } from "../format.js";

/** @typedef {import("../compute/answers.js").Classes} Classes */
/** @typedef {import("./view.js").View} View */

/** @implements {View} */
export class ClassifyView {
  #list;

  /** @param {HTMLElement} answer */
  constructor(answer) {
    this.#list = make("ol", { class: "bars" });
    answer.append(this.#list);
    this.clear();
  }

  clear() {
    this.#list.replaceChildren(...emptyRows(TOP));
  }

  /** @param {import("../compute/answers.js").Answer} answer @param {readonly string[]} labels */
  show(answer, labels) {
    const { classes } = /** @type {Classes} */ (answer);
    const rows = classes.map(({ index, score }) =>
      row(labelOf(labels, index), score, formatPercent(score, 1), labels[index]),
    );
    this.#list.replaceChildren(...rows, ...emptyRows(TOP - rows.length));
  }

  /** @param {import("../compute/answers.js").Answer} answer @param {readonly string[]} labels */
  headline(answer, labels) {
    const [first] = /** @type {Classes} */ (answer).classes;
    return labelOf(labels, first.index);
  }
}

/** @param {number} count */
function emptyRows(count) {
  return Array.from({ length: count }, () => row("", 0, ""));
}

/** @param {string} name @param {number} score @param {string} text @param {string} [all] every name */
function row(name, score, text, all) {
  const bar = make("span", { class: "bar" });
  bar.style.setProperty("--part", String(score));
  return make(
    "li",
    { "aria-hidden": name ? null : "true", title: all },
    make("span", { class: "name" }, name),
    make("span", { class: "value" }, text),
    bar,
  );
}
