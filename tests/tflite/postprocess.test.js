// SPDX-License-Identifier: Apache-2.0
// FlexBuffer options and detection post-processing, on numbers worked out by hand.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { FlexBufferError, readFlexMap } from "../../polyfill/tflite/flexbuffer.js";
import { detect } from "../../polyfill/tflite/postprocess.js";

/** The options of a published SSD MobileNet (COCO, 90 classes). */
const SSD_OPTIONS =
  "795f7363616c65005f6f75747075745f7175616e74697a6564006d61785f646574656374696f6e73006e6d735f73" +
  "636f72655f7468726573686f6c6400775f7363616c6500785f7363616c65006e6d735f696f755f7468726573686f" +
  "6c6400685f7363616c65006d61785f636c61737365735f7065725f646574656374696f6e006e756d5f636c617373" +
  "6573000a86302977456a135851970a000000010000000a000000010000000000a040010000000a0000009a99193f" +
  "77cc2b325a0000000000a04000002041000020416a0e06060e0e060e0e0e322601";

function bytesOf(hex) {
  return Uint8Array.from(hex.match(/../g), (pair) => Number.parseInt(pair, 16));
}

describe("FlexBuffer maps", () => {
  test("of a published model", () => {
    const map = readFlexMap(bytesOf(SSD_OPTIONS));
    assert.deepEqual(
      [...map].map(([key, value]) => [
        key,
        typeof value === "number" ? +value.toPrecision(6) : value,
      ]),
      [
        ["_output_quantized", true],
        ["h_scale", 5],
        ["max_classes_per_detection", 1],
        ["max_detections", 10],
        ["nms_iou_threshold", 0.6],
        ["nms_score_threshold", 1e-8],
        ["num_classes", 90],
        ["w_scale", 5],
        ["x_scale", 10],
        ["y_scale", 10],
      ],
    );
  });

  // {"a": -2, "b": "hi", "c": 0.5 (indirect)}, laid out by hand with one-byte offsets.
  const SMALL = Uint8Array.of(
    ...[0x61, 0, 0x62, 0, 0x63, 0], // keys at 0, 2, 4
    ...[2, 0x68, 0x69, 0, 0, 0], // the string at 7, its length in front
    ...[0, 0, 0, 0x3f], // 0.5 at 12
    ...[3, 17, 16, 15], // 16: the vector of keys: count, then distances from 17, 18, 19
    ...[3, 1, 3], // 20: distance from 20 to 17, width of keys, count
    ...[0xfe, 17, 13], // 23: values: -2, distance from 24 to 7, from 25 to 12
    ...[0x04, 0x14, 0x22], // types: int, string, indirect float of 4 bytes
    ...[6, 0x24, 1], // the root: distance from 29 to 23, a map, width 1
  );

  test("ints, strings, indirect floats", () => {
    assert.deepEqual(
      [...readFlexMap(SMALL)],
      [
        ["a", -2],
        ["b", "hi"],
        ["c", 0.5],
      ],
    );
  });

  test("cut and bent bytes are refused, never read outside", () => {
    for (const whole of [SMALL, bytesOf(SSD_OPTIONS)]) {
      for (let length = 0; length < whole.length; length++) {
        attempt(whole.slice(whole.length - length));
        attempt(whole.slice(0, length));
      }
      for (let at = 0; at < whole.length; at++) {
        for (const value of [0, 1, 0x7f, 0x80, 0xff]) attempt(replaced(whole, at, value));
      }
    }
    assert.throws(() => readFlexMap(Uint8Array.of(0, 4, 1)), /a map at the root/);
  });

  function replaced(bytes, at, value) {
    const copy = bytes.slice();
    copy[at] = value;
    return copy;
  }

  function attempt(bytes) {
    try {
      readFlexMap(bytes);
    } catch (error) {
      assert.ok(error instanceof FlexBufferError, error.stack);
    }
  }
});

const OPTIONS = {
  maxDetections: 3,
  maxClassesPerDetection: 1,
  detectionsPerClass: 100,
  regular: false,
  scoreThreshold: 0.1,
  iouThreshold: 0.5,
  classes: 2,
  scales: [10, 10, 5, 5],
};

/**
 * Boxes of half size 0.5 around the anchors (0, 0), (0, 0.1) and (5, 5); the first score is
 * background.
 */
const INPUTS = {
  codes: new Float32Array(12),
  codeSize: 4,
  anchors: Float32Array.of(0, 0, 1, 1, 0, 0.1, 1, 1, 5, 5, 1, 1),
  scores: Float32Array.of(0.9, 0.3, 0.6, 0.9, 0.7, 0.2, 0.9, 0.05, 0.5),
};

const run = (options, inputs) => {
  const result = detect({ ...OPTIONS, ...options }, { ...INPUTS, ...inputs });
  const plain = (array) => Array.from(array, (v) => +v.toPrecision(5));
  const { boxes, classes, scores, count } = result;
  return { boxes: plain(boxes), classes: [...classes], scores: plain(scores), count: count[0] };
};

describe("detections", () => {
  test("fast: one suppression over each box's best class", () => {
    // The second box beats the first, which overlaps it by 0.9 / 1.1.
    assert.deepEqual(run(), {
      boxes: [-0.5, -0.4, 0.5, 0.6, 4.5, 4.5, 5.5, 5.5, 0, 0, 0, 0],
      classes: [0, 1, 0],
      scores: [0.7, 0.5, 0],
      count: 2,
    });
  });

  test("fast: several classes of each box", () => {
    const { classes, scores, count } = run({ maxClassesPerDetection: 2 });
    assert.deepEqual(classes, [0, 1, 1, 0, 0, 0]);
    assert.deepEqual(scores, [0.7, 0.2, 0.5, 0.05, 0, 0]);
    assert.equal(count, 2);
  });

  test("regular: a suppression per class, the best of all classes", () => {
    // Class 0: the second box over the first. Class 1: the first over the second, and the third.
    const { classes, scores, count } = run({ regular: true });
    assert.deepEqual([classes, scores, count], [[0, 1, 1], [0.7, 0.6, 0.5], 3]);
  });

  test("regular: at most so many per class, so many in all", () => {
    assert.equal(run({ regular: true, detectionsPerClass: 1 }).count, 2);
    assert.equal(run({ regular: true, maxDetections: 2 }).count, 2);
  });

  test("the score threshold counts as reached", () => {
    assert.equal(run({ scoreThreshold: Math.fround(0.7) }).count, 1);
    assert.equal(run({ scoreThreshold: 0.71 }).count, 0);
  });

  test("a wide enough overlap threshold keeps all", () => {
    assert.equal(run({ iouThreshold: 0.9 }).count, 3);
  });

  test("codes move and stretch the anchors", () => {
    const codes = Float32Array.of(10, -10, 5 * Math.log(2), 0, ...new Array(8).fill(0));
    const { boxes } = run({}, { codes, scores: Float32Array.of(0, 1, 0, 0, 0, 0, 0, 0, 0) });
    assert.deepEqual(boxes.slice(0, 4), [0, -1.5, 2, -0.5]);
  });

  test("scores without background, codes with more than a box", () => {
    const codes = new Float32Array(18);
    const scores = Float32Array.of(0.3, 0.6, 0.7, 0.2, 0.05, 0.5);
    assert.deepEqual(run({}, { codes, codeSize: 6, scores }), run());
  });

  for (const regular of [false, true]) {
    test(`stored scores give what their real values give, ${regular ? "regular" : "fast"}`, () => {
      const coding = { scale: 0.0037, zeroPoint: 3 };
      const stored = Uint8Array.of(250, 3, 160, 255, 190, 0, 240, 16, 130);
      const scores = Float32Array.from(stored, (q) => (q - coding.zeroPoint) * coding.scale);
      const options = { regular, maxClassesPerDetection: 2, scoreThreshold: 0.01 };
      const real = run(options, { scores });
      assert.ok(real.count > 1);
      assert.deepEqual(run(options, { scores: stored, coding }), real);
    });

    test(`many boxes with equal scores, ${regular ? "regular" : "fast"}, as by sorting`, () => {
      const { inputs, boxes, corners } = manyBoxes(300, 5);
      const options = {
        ...OPTIONS,
        regular,
        classes: 5,
        maxDetections: 40,
        detectionsPerClass: 12,
      };
      const row = (box) => Array.from(inputs.scores.subarray(5 * box, 5 * box + 5));
      const detections = regular
        ? [0, 1, 2, 3, 4]
            .flatMap((label) =>
              keep(corners, boxes, (box) => row(box)[label])
                .slice(0, 12)
                .map((box) => [box, label]),
            )
            .sort(([a, p], [b, q]) => row(b)[q] - row(a)[p])
        : keep(corners, boxes, (box) => Math.max(...row(box))).map((box) => [
            box,
            row(box).indexOf(Math.max(...row(box))),
          ]);
      const expected = detections.slice(0, 40);
      const got = detect(options, inputs);
      assert.equal(got.count[0], expected.length);
      assert.deepEqual(
        expected.map(([, label]) => label),
        [...got.classes].slice(0, expected.length),
      );
      assert.deepEqual(
        expected.flatMap(([box]) => [...corners[box]]),
        [...got.boxes].slice(0, 4 * expected.length),
      );
    });
  }
});

/** Boxes that overlap a lot, with scores of a few levels. */
function manyBoxes(count, classes) {
  let state = 1;
  const random = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  const anchors = Float32Array.from({ length: 4 * count }, (_, i) =>
    i % 4 < 2 ? random() * 4 : 0.5 + random(),
  );
  const scores = Float32Array.from({ length: classes * count }, () => Math.floor(random() * 8) / 8);
  const boxes = Array.from({ length: count }, (_, box) => box);
  const corners = boxes.map((box) => {
    const [y, x, h, w] = anchors.subarray(4 * box, 4 * box + 4);
    const half = [Math.fround(0.5 * h), Math.fround(0.5 * w)];
    return Float32Array.of(y - half[0], x - half[1], y + half[0], x + half[1]);
  });
  return {
    inputs: { codes: new Float32Array(4 * count), codeSize: 4, anchors, scores },
    boxes,
    corners,
  };
}

/** The definition: sort all, then drop what overlaps a better one. */
function keep(corners, boxes, score) {
  const sorted = boxes.filter((box) => score(box) >= 0.1).sort((a, b) => score(b) - score(a));
  const kept = [];
  for (const box of sorted) {
    if (!kept.some((better) => overlap(corners[better], corners[box]) > 0.5)) kept.push(box);
  }
  return kept;
}

function overlap(a, b) {
  const extent = (axis) => Math.min(a[axis + 2], b[axis + 2]) - Math.max(a[axis], b[axis]);
  const area = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  const both = Math.max(extent(0), 0) * Math.max(extent(1), 0);
  return both / (area(a) + area(b) - both);
}
