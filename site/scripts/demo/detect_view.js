// SPDX-License-Identifier: Apache-2.0
// Boxes on the picture, and the list of them.

import { labelOf } from "../catalogue.js";
import { matchBoxes } from "../compute/agreement.js";
import { make } from "../dom.js";
import { formatPercent } from "../format.js";
import { classColourText } from "./colours.js";

/** @typedef {import("../compute/answers.js").Answer} Answer */
/** @typedef {import("../compute/answers.js").Boxes} Boxes */
/** @typedef {import("../compute/answers.js").ScoredBox} ScoredBox */
/** @typedef {import("./stage.js").Stage} Stage */
/** @typedef {import("./view.js").View} View */

/** A label goes inside its box where there is no room above it: this near to the top. */
const TOP_EDGE = 0.08;

/** Beyond this a label ends with its box instead of starting with it. */
const RIGHT_PART = 0.75;

/** @implements {View} */
export class DetectView {
  #list;
  #stage;
  /** @type {ScoredBox[]} */
  #boxes = [];

  /** @param {HTMLElement} answer @param {Stage} stage */
  constructor(answer, stage) {
    this.#stage = stage;
    this.#list = make("ul", { class: "found" });
    answer.append(this.#list);
  }

  clear() {
    this.#boxes = [];
    this.#list.replaceChildren();
    this.#stage.layer.replaceChildren();
  }

  /** @param {Answer} answer @param {readonly string[]} labels @param {ImageBitmap} picture */
  show(answer, labels, picture) {
    const { boxes } = /** @type {Boxes} */ (answer);
    const frames = boxes.map((box) => frame(box, labelOf(labels, box.index)));
    const items = boxes.map((box, i) => {
      const item = listItem(box, labelOf(labels, box.index));
      item.addEventListener("pointerenter", () => frames[i].classList.add("highlighted"));
      item.addEventListener("pointerleave", () => frames[i].classList.remove("highlighted"));
      return item;
    });
    this.#boxes = boxes;
    this.#stage.show(picture);
    this.#stage.layer.replaceChildren(...frames);
    this.#list.replaceChildren(...items);
  }

  /** Mark what the other network did not find. @param {Answer | null} answer */
  compareWith(answer) {
    const other = /** @type {Boxes | null} */ (answer);
    const found = other && new Set(matchBoxes(this.#boxes, other.boxes).map(({ a }) => a));
    for (const i of this.#boxes.keys()) {
      const alone = found !== null && !found.has(i);
      this.#stage.layer.children[i]?.classList.toggle("alone", alone);
      const item = /** @type {HTMLElement | undefined} */ (this.#list.children[i]);
      if (item) item.title = alone ? "Found by this network only" : "";
      item?.classList.toggle("alone", alone);
    }
  }

  /** @param {Answer} answer @param {readonly string[]} labels */
  headline(answer, labels) {
    const { boxes } = /** @type {Boxes} */ (answer);
    if (boxes.length === 0) return "Nothing found";
    const counts = new Map();
    for (const { index } of boxes) counts.set(index, (counts.get(index) ?? 0) + 1);
    return Array.from(counts, ([index, count]) => {
      const name = labelOf(labels, index);
      return count === 1 ? name : `${count} × ${name}`;
    }).join(", ");
  }
}

/** @param {ScoredBox} box @param {string} name */
function frame({ top, left, bottom, right, index, score }, name) {
  const label = make("span", {}, `${name} ${formatPercent(score)}`);
  const element = make("div", { class: "box" }, label);
  element.classList.toggle("label-inside", top < TOP_EDGE);
  element.classList.toggle("label-end", left > RIGHT_PART);
  const { style } = element;
  style.top = `${100 * top}%`;
  style.left = `${100 * left}%`;
  style.height = `${100 * (bottom - top)}%`;
  style.width = `${100 * (right - left)}%`;
  style.setProperty("--colour", classColourText(index));
  return element;
}

/** @param {ScoredBox} box @param {string} name */
function listItem({ index, score }, name) {
  const item = make(
    "li",
    {},
    make("span", { class: "swatch" }),
    make("span", { class: "name" }, name),
    make("span", { class: "value" }, formatPercent(score, 1)),
  );
  item.style.setProperty("--colour", classColourText(index));
  return item;
}
