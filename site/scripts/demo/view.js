// SPDX-License-Identifier: Apache-2.0
// How a page shows answers: one view for each kind, chosen by the page's task.

import { ClassifyView } from "./classify_view.js";
import { DetectView } from "./detect_view.js";
import { SegmentView } from "./segment_view.js";

/** @typedef {import("../compute/answers.js").Answer} Answer */
/** @typedef {import("./stage.js").Stage} Stage */

/**
 * @typedef {object} View
 * @property {() => void} clear
 * @property {(answer: Answer, labels: readonly string[], picture: ImageBitmap) => void} show
 * @property {(answer: Answer, labels: readonly string[]) => string} headline a few words
 * @property {(answer: Answer | null) => void} [compareWith] the other network's answer
 */

/**
 * @param {string} task
 * @param {HTMLElement} answer where lists go
 * @param {Stage | null} stage where what belongs on the picture goes
 * @returns {View}
 */
export function makeView(task, answer, stage) {
  if (task === "classify" || !stage) return new ClassifyView(answer);
  return task === "detect" ? new DetectView(answer, stage) : new SegmentView(answer, stage);
}
