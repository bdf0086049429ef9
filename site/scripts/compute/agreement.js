// SPDX-License-Identifier: Apache-2.0
// How far two networks say the same of a picture.

import { overlap } from "./geometry.js";

/** @typedef {import("./answers.js").Answer} Answer */
/** @typedef {import("./answers.js").Boxes} Boxes */
/** @typedef {import("./answers.js").Classes} Classes */
/** @typedef {import("./answers.js").Mask} Mask */
/** @typedef {import("./answers.js").ScoredBox} ScoredBox */

/**
 * @typedef {object} Agreement
 * @property {"same" | "close" | "different"} verdict
 * @property {string} title a few words
 * @property {string} detail a sentence
 */

/** Boxes of one class that overlap by this much are taken for the same. */
export const SAME_BOX = 0.5;

/** Masks that agree on this part of the pixels are called the same. */
export const SAME_MASK = 0.95;
const CLOSE_MASK = 0.85;

/**
 * @param {Answer} a
 * @param {Answer} b of the same kind
 * @returns {Agreement}
 */
export function compareAnswers(a, b) {
  if (a.kind === "classify") return compareClasses(a, /** @type {Classes} */ (b));
  if (a.kind === "detect") return compareBoxes(a, /** @type {Boxes} */ (b));
  return compareMasks(a, /** @type {Mask} */ (b));
}

/** @param {Classes} a @param {Classes} b @returns {Agreement} */
export function compareClasses(a, b) {
  const known = new Map(b.classes.map(({ index, score }) => [index, score]));
  const common = a.classes.filter(({ index }) => known.has(index));
  const [first] = a.classes;
  const same = first.index === b.classes[0].index;
  const difference = Math.abs(first.score - (known.get(first.index) ?? 0));
  const points = `${(100 * difference).toFixed(1)} points apart on the first`;
  const fewer = Math.min(a.classes.length, b.classes.length);
  return {
    verdict: same ? "same" : common.length > 0 ? "close" : "different",
    title: same ? "Same answer" : "Another answer",
    detail: `${common.length} of the first ${fewer} classes in common${same ? `, ${points}` : ""}.`,
  };
}

/**
 * Pair boxes of equal class, the most overlapping first.
 *
 * @param {readonly ScoredBox[]} a
 * @param {readonly ScoredBox[]} b
 * @returns {{a: number, b: number, overlap: number}[]} indices
 */
export function matchBoxes(a, b) {
  const candidates = a.flatMap((boxA, i) =>
    b.map((boxB, j) => ({
      a: i,
      b: j,
      overlap: overlap(boxA, boxB),
      same: boxA.index === boxB.index,
    })),
  );
  const usable = candidates
    .filter((pair) => pair.same && pair.overlap >= SAME_BOX)
    .sort((one, other) => other.overlap - one.overlap);
  /** @type {{a: number, b: number, overlap: number}[]} */
  const pairs = [];
  for (const { a: i, b: j, overlap: iou } of usable) {
    if (!pairs.some((pair) => pair.a === i || pair.b === j))
      pairs.push({ a: i, b: j, overlap: iou });
  }
  return pairs;
}

/** @param {Boxes} a @param {Boxes} b @returns {Agreement} */
export function compareBoxes(a, b) {
  const pairs = matchBoxes(a.boxes, b.boxes);
  const most = Math.max(a.boxes.length, b.boxes.length);
  if (most === 0) return { verdict: "same", title: "Same answer", detail: "Both found nothing." };
  const mean = pairs.reduce((sum, pair) => sum + pair.overlap, 0) / (pairs.length || 1);
  const all = pairs.length === most;
  const overlaps = pairs.length ? `, overlapping by ${percent(mean)}` : "";
  return {
    verdict: all ? "same" : pairs.length > 0 ? "close" : "different",
    title: all ? "Same boxes" : `${pairs.length} of ${most} boxes`,
    detail: `${pairs.length} of ${most} boxes found by both${overlaps}.`,
  };
}

/** @param {Mask} a @param {Mask} b @returns {Agreement} */
export function compareMasks(a, b) {
  const { agreeing, meanOverlap } = maskAgreement(a, b);
  return {
    verdict: agreeing >= SAME_MASK ? "same" : agreeing >= CLOSE_MASK ? "close" : "different",
    title: `${percent(agreeing)} the same`,
    detail: `${percent(agreeing, 1)} of the pixels have the same class; classes overlap by ${percent(meanOverlap)}.`,
  };
}

/**
 * @param {Mask} a
 * @param {Mask} b of any size: the nearest pixel counts
 * @returns {{agreeing: number, meanOverlap: number, differs: Uint8Array}} part of the pixels, mean
 *   intersection over union of the classes that are there, and 1 where a's pixels differ
 */
export function maskAgreement(a, b) {
  const differs = new Uint8Array(a.classes.length);
  const [both, inA, inB] = [new Uint32Array(256), new Uint32Array(256), new Uint32Array(256)];
  let same = 0;
  for (let y = 0; y < a.height; y++) {
    const row = Math.floor(((y + 0.5) * b.height) / a.height) * b.width;
    for (let x = 0; x < a.width; x++) {
      const ours = a.classes[y * a.width + x];
      const theirs = b.classes[row + Math.floor(((x + 0.5) * b.width) / a.width)];
      inA[ours]++;
      inB[theirs]++;
      if (ours === theirs) {
        same++;
        both[ours]++;
      } else {
        differs[y * a.width + x] = 1;
      }
    }
  }
  const overlaps = [];
  for (let index = 0; index < 256; index++) {
    const either = inA[index] + inB[index] - both[index];
    if (either > 0) overlaps.push(both[index] / either);
  }
  const meanOverlap = overlaps.reduce((sum, value) => sum + value, 0) / overlaps.length;
  return { agreeing: same / a.classes.length, meanOverlap, differs };
}

/** @param {number} fraction @param {number} [digits] */
function percent(fraction, digits = 0) {
  return `${(100 * fraction).toFixed(digits)} %`;
}
