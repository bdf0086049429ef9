// SPDX-License-Identifier: Apache-2.0
// What outputs say, and how far two answers agree.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compareBoxes,
  compareClasses,
  compareMasks,
  maskAgreement,
  matchBoxes,
} from "../../site/scripts/compute/agreement.js";
import { classify, detect, segment, topClasses } from "../../site/scripts/compute/answers.js";
import { place } from "../../site/scripts/compute/geometry.js";

const SQUARE = { width: 4, height: 4 };
const PLACEMENT = place("stretch", SQUARE, SQUARE);

const tensor = (name, shape, quantization = null) => ({ name, shape, dataType: "", quantization });
const given = (infos, values) => ({
  infos,
  values,
  placement: PLACEMENT,
  picture: SQUARE,
  input: SQUARE,
});

for (const [name, scores, expected] of [
  ["best first", [0.1, 0.7, 0.2], [1, 2]],
  ["equal scores: the first", [0.5, 0.5, 0.5], [0, 1]],
  ["fewer than asked for", [0.3], [0]],
  ["below zero", [-3, -1, -2], [1, 2]],
]) {
  test(`topClasses: ${name}`, () => {
    assert.deepEqual(
      topClasses(scores, 2).map(({ index }) => index),
      expected,
    );
  });
}

test("classify leaves out what rounds to 0", () => {
  const info = tensor("scores", [1, 6], { scale: [1 / 256], zeroPoint: [0] });
  const { classes } = classify(given([info], { scores: Uint8Array.of(0, 64, 0, 128, 0, 0) }));
  assert.deepEqual(classes, [
    { index: 3, score: 0.5 },
    { index: 1, score: 0.25 },
  ]);
});

test("detect takes what is certain enough, best first", () => {
  const infos = [
    tensor("boxes", [1, 3, 4]),
    tensor("classes", [1, 3]),
    tensor("scores", [1, 3]),
    tensor("count", [1]),
  ];
  const values = {
    boxes: Float32Array.of(0, 0, 0.5, 0.5, 0, 0, 1, 1, 0.25, 0.5, 0.75, 1),
    classes: Float32Array.of(7, 1, 2),
    scores: Float32Array.of(0.5, 0.25, 0.75),
    count: Float32Array.of(3),
  };
  const { boxes } = detect(given(infos, values));
  assert.deepEqual(boxes, [
    { index: 2, score: 0.75, top: 0.25, left: 0.5, bottom: 0.75, right: 1 },
    { index: 7, score: 0.5, top: 0, left: 0, bottom: 0.5, right: 0.5 },
  ]);
  assert.throws(() => detect(given(infos.slice(1), values)), /got 3 outputs/);
});

test("segment reads class maps, and the largest of scores", () => {
  const map = BigInt64Array.of(0n, 0n, 1n, 1n, 0n, 0n, 1n, 1n, 0n, 0n, 1n, 1n, 0n, 2n, 2n, 2n);
  const byClass = segment(given([tensor("map", [1, 4, 4])], { map }));
  assert.deepEqual([...byClass.classes], [...map].map(Number));
  assert.deepEqual(
    byClass.shares.map(({ index, share }) => [index, share]),
    [
      [0, 7 / 16],
      [1, 6 / 16],
      [2, 3 / 16],
    ],
  );
  const scores = Float32Array.from(
    [...map].flatMap((one) => [0, 1, 2].map((c) => Number(c === Number(one)))),
  );
  const byScore = segment(given([tensor("map", [1, 4, 4, 3])], { map: scores }));
  assert.deepEqual(byScore, byClass);
});

test("segment keeps to the part that the picture covers", () => {
  const picture = { width: 40, height: 20 };
  const placement = place("contain", picture, SQUARE);
  const map = Uint8Array.of(9, 9, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9);
  const infos = [tensor("map", [1, 4, 4])];
  const mask = segment({ infos, values: { map }, placement, picture, input: SQUARE });
  assert.deepEqual([mask.width, mask.height, ...mask.classes], [4, 2, 1, 2, 3, 4, 5, 6, 7, 8]);
});

const classes = (...list) => ({
  kind: "classify",
  classes: list.map(([index, score]) => ({ index, score })),
});

for (const [name, a, b, verdict] of [
  ["same first", classes([1, 0.9], [2, 0.1]), classes([1, 0.8], [3, 0.1]), "same"],
  ["another first", classes([1, 0.6], [2, 0.4]), classes([2, 0.6], [1, 0.4]), "close"],
  ["nothing in common", classes([1, 0.6]), classes([2, 0.6]), "different"],
]) {
  test(`classes: ${name}`, () => assert.equal(compareClasses(a, b).verdict, verdict));
}

const box = (index, top, left, bottom, right) => ({ index, score: 1, top, left, bottom, right });

test("boxes are paired by class, the most overlapping first", () => {
  const a = [box(1, 0, 0, 1, 0.5), box(1, 0, 0, 1, 0.6), box(2, 0, 0, 1, 1)];
  const b = [box(1, 0, 0, 1, 0.6), box(2, 0, 0, 1, 0.4)];
  assert.deepEqual(
    matchBoxes(a, b).map(({ a: i, b: j }) => [i, j]),
    [[1, 0]],
  );
  const agreement = compareBoxes({ kind: "detect", boxes: a }, { kind: "detect", boxes: b });
  assert.equal(agreement.verdict, "close");
  assert.equal(agreement.title, "1 of 3 boxes");
  const none = { kind: "detect", boxes: [] };
  assert.equal(compareBoxes(none, none).verdict, "same");
  assert.equal(compareBoxes({ kind: "detect", boxes: a }, none).verdict, "different");
});

const mask = (width, height, ...list) => ({
  kind: "segment",
  classes: Uint8Array.from(list),
  width,
  height,
  shares: [],
});

test("masks of different sizes are compared pixel by pixel", () => {
  const fine = mask(4, 2, 0, 0, 1, 1, 0, 0, 1, 2);
  const coarse = mask(2, 1, 0, 1);
  const { agreeing, meanOverlap, differs } = maskAgreement(fine, coarse);
  assert.equal(agreeing, 7 / 8);
  assert.equal(meanOverlap, (1 + 3 / 4 + 0) / 3);
  assert.deepEqual([...differs], [0, 0, 0, 0, 0, 0, 0, 1]);
  assert.equal(compareMasks(fine, fine).verdict, "same");
  assert.equal(compareMasks(fine, coarse).verdict, "close");
});
