// SPDX-License-Identifier: Apache-2.0
// What a network's outputs say: classes, boxes, or a class for each pixel. Computed from nothing but the
// outputs, so that anyone who has them comes to the same answer.

import { toPicture } from "./geometry.js";
import { realValues } from "./tensors.js";

/** @typedef {import("./geometry.js").Box} Box */
/** @typedef {import("./geometry.js").Placement} Placement */
/** @typedef {import("./geometry.js").Size} Size */
/** @typedef {import("./tensors.js").TensorInfo} TensorInfo */
/** @typedef {import("./tensors.js").TypedArray} TypedArray */

/** @typedef {{index: number, score: number}} ScoredClass */
/** @typedef {{kind: "classify", classes: ScoredClass[]}} Classes best first */
/** @typedef {ScoredClass & Box} ScoredBox */
/** @typedef {{kind: "detect", boxes: ScoredBox[]}} Boxes best first, as fractions of the picture */

/**
 * A class for each pixel of the part of the input that the picture covers.
 *
 * @typedef {object} Mask
 * @property {"segment"} kind
 * @property {Uint8Array<ArrayBuffer>} classes [height, width]
 * @property {number} width
 * @property {number} height
 * @property {{index: number, share: number}[]} shares classes that are there, largest first, with their
 *   part of the pixels
 */

/** @typedef {Classes | Boxes | Mask} Answer */

/**
 * @typedef {object} Outputs
 * @property {readonly TensorInfo[]} infos
 * @property {Readonly<Record<string, TypedArray>>} values by name
 * @property {Placement} placement
 * @property {Size} picture
 * @property {Size} input
 */

export const TOP = 5;

/** Boxes below this score are not shown. */
export const THRESHOLD = 0.5;

/** @type {Readonly<Record<string, (outputs: Outputs) => Answer>>} */
export const ANSWERS = { classify, detect, segment };

/** @param {Outputs} outputs @returns {Classes} */
export function classify({ infos, values }) {
  const scores = realValues(values[infos[0].name], infos[0]);
  const [first, ...others] = topClasses(scores, TOP);
  // Eight bits round most probabilities to 0: which of those come next means nothing.
  return { kind: "classify", classes: [first, ...others.filter(({ score }) => score !== 0)] };
}

/**
 * The highest scores; of equal ones the first.
 *
 * @param {ArrayLike<number>} scores
 * @param {number} count
 * @returns {ScoredClass[]}
 */
export function topClasses(scores, count) {
  /** @type {ScoredClass[]} */
  const best = [];
  for (let index = 0; index < scores.length; index++) {
    const score = scores[index];
    if (best.length === count && score <= best[count - 1].score) continue;
    const place = best.findIndex((other) => score > other.score);
    best.splice(place < 0 ? best.length : place, 0, { index, score });
    best.length = Math.min(best.length, count);
  }
  return best;
}

/**
 * The outputs of TFLite_Detection_PostProcess: boxes, classes, scores, count.
 *
 * @param {Outputs} outputs
 * @returns {Boxes}
 */
export function detect({ infos, values, placement, picture, input }) {
  if (infos.length !== 4) {
    throw new Error(`got ${infos.length} outputs, expected boxes, classes, scores and count.`);
  }
  const [corners, classes, scores, [count]] = infos.map((info) =>
    Array.from(realValues(values[info.name], info)),
  );
  const boxes = [];
  for (let i = 0; i < count; i++) {
    if (scores[i] < THRESHOLD) continue;
    const [top, left, bottom, right] = corners.slice(4 * i, 4 * i + 4);
    const box = toPicture({ top, left, bottom, right }, placement, picture, input);
    boxes.push({ index: classes[i], score: scores[i], ...box });
  }
  boxes.sort((a, b) => b.score - a.score);
  return { kind: "detect", boxes };
}

/**
 * An output [1, height, width] of classes, or [1, height, width, classes] of scores.
 *
 * @param {Outputs} outputs
 * @returns {Mask}
 */
export function segment({ infos, values, placement, input }) {
  const [{ name, shape }] = infos;
  const [, mapHeight, mapWidth, channels = 1] = shape;
  const map = channels > 1 ? largestChannel(values[name], channels) : values[name];
  const across = mapWidth / input.width;
  const down = mapHeight / input.height;
  const left = Math.round(placement.to.x * across);
  const top = Math.round(placement.to.y * down);
  const width = Math.max(1, Math.round(placement.to.width * across));
  const height = Math.max(1, Math.round(placement.to.height * down));
  const classes = new Uint8Array(width * height);
  const counts = new Uint32Array(256);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const index = Number(map[(top + y) * mapWidth + left + x]);
      classes[y * width + x] = index;
      counts[index & 255]++;
    }
  }
  const shares = Array.from(counts, (count, index) => ({ index, share: count / classes.length }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share);
  return { kind: "segment", classes, width, height, shares };
}

/**
 * The index of each pixel's largest score; of equal ones the first.
 *
 * @param {TypedArray} scores [pixels, channels]
 * @param {number} channels
 * @returns {Uint8Array}
 */
function largestChannel(scores, channels) {
  const pixels = scores.length / channels;
  const map = new Uint8Array(pixels);
  for (let pixel = 0, at = 0; pixel < pixels; pixel++, at += channels) {
    let best = 0;
    for (let channel = 1; channel < channels; channel++) {
      if (scores[at + channel] > scores[at + best]) best = channel;
    }
    map[pixel] = best;
  }
  return map;
}
