// SPDX-License-Identifier: Apache-2.0
// What TFLite_Detection_PostProcess computes, outside the graph: box decoding and non-maximum
// suppression are a few thousand branches, for which WebNN has no operators.
//
// Each box is coded against an anchor (y, x, height, width): centre = code / scale · size + centre
// of the anchor, half size = exp(code / scale) · size / 2. Suppression drops a box that overlaps a
// better one by more than a threshold; "fast" does so once, by each box's best class, "regular"
// once per class.

/**
 * @typedef {object} DetectionOptions
 * @property {number} maxDetections
 * @property {number} maxClassesPerDetection fast form: how many classes of a box to report
 * @property {number} detectionsPerClass regular form
 * @property {boolean} regular
 * @property {number} scoreThreshold
 * @property {number} iouThreshold
 * @property {number} classes without background
 * @property {readonly [number, number, number, number]} scales y, x, height, width
 */

/**
 * @typedef {object} DetectionInputs
 * @property {Float32Array} codes [boxes, codeSize], of which the first four are y, x, height, width
 * @property {number} codeSize
 * @property {Float32Array} scores [boxes, classes], or one more with the background first
 * @property {Float32Array} anchors [boxes, 4]
 */

/**
 * @typedef {{boxes: Float32Array, classes: Float32Array, scores: Float32Array, count:
 *   Float32Array}} Detections
 */

/** Corners: ymin, xmin, ymax, xmax. @typedef {Float32Array} Corners */

/**
 * Boxes [n, 4] as corners, classes [n], scores [n] and count [1], n = maxDetections ·
 * maxClassesPerDetection; entries beyond the count are 0.
 *
 * @param {DetectionOptions} options
 * @param {DetectionInputs} inputs
 * @returns {Detections}
 */
export function detect(options, inputs) {
  const corners = decodeBoxes(options, inputs);
  const size = options.maxDetections * options.maxClassesPerDetection;
  const result = {
    boxes: new Float32Array(4 * size),
    classes: new Float32Array(size),
    scores: new Float32Array(size),
    count: new Float32Array(1),
  };
  if (options.regular) regularDetections(options, inputs.scores, corners, result);
  else fastDetections(options, inputs.scores, corners, result);
  return result;
}

/** @param {DetectionOptions} options @param {DetectionInputs} inputs @returns {Corners} */
function decodeBoxes({ scales }, { codes, codeSize, anchors }) {
  const corners = new Float32Array(anchors.length);
  for (let at = 0, code = 0; at < anchors.length; at += 4, code += codeSize) {
    for (const axis of [0, 1]) {
      const size = anchors[at + 2 + axis];
      const centre = Math.fround((codes[code + axis] / scales[axis]) * size + anchors[at + axis]);
      const half = Math.fround(0.5 * Math.exp(codes[code + 2 + axis] / scales[2 + axis]) * size);
      corners[at + axis] = centre - half;
      corners[at + 2 + axis] = centre + half;
    }
  }
  return corners;
}

/**
 * @param {DetectionOptions} options
 * @param {Float32Array} scores
 * @param {Corners} corners
 * @param {Detections} result
 */
function fastDetections(options, scores, corners, result) {
  const { maxDetections, maxClassesPerDetection: perBox, classes } = options;
  const boxes = corners.length / 4;
  const stride = scores.length / boxes;
  const rowOf = (/** @type {number} */ box) =>
    scores.subarray((box + 1) * stride - classes, (box + 1) * stride);
  const best = Float32Array.from({ length: boxes }, (_, box) => maximum(rowOf(box)));
  const selected = suppress(options, best, corners, maxDetections);
  for (const [place, box] of selected.entries()) {
    const row = rowOf(box);
    for (const [k, label] of bestClasses(row, Math.min(perBox, classes)).entries()) {
      report(result, place * perBox + k, corners, box, label, row[label]);
    }
  }
  result.count[0] = selected.length;
}

/**
 * @param {DetectionOptions} options
 * @param {Float32Array} scores
 * @param {Corners} corners
 * @param {Detections} result
 */
function regularDetections(options, scores, corners, result) {
  const { maxDetections, detectionsPerClass, classes } = options;
  const boxes = corners.length / 4;
  const stride = scores.length / boxes;
  const most = Math.min(detectionsPerClass, maxDetections);
  /** @type {{box: number, label: number, score: number}[]} */
  let found = [];
  for (let label = 0; label < classes; label++) {
    const column = stride - classes + label;
    const own = Float32Array.from({ length: boxes }, (_, box) => scores[box * stride + column]);
    const kept = suppress(options, own, corners, most);
    found.push(...kept.map((box) => ({ box, label, score: own[box] })));
    // A stable sort: of equal scores, the lower class stays in front.
    found = found.sort((a, b) => b.score - a.score).slice(0, maxDetections);
  }
  for (const [place, { box, label, score }] of found.entries()) {
    report(result, place, corners, box, label, score);
  }
  result.count[0] = found.length;
}

/**
 * @param {Detections} result
 * @param {number} place
 * @param {Corners} corners
 * @param {number} box
 * @param {number} label
 * @param {number} score
 */
function report(result, place, corners, box, label, score) {
  result.boxes.set(corners.subarray(4 * box, 4 * box + 4), 4 * place);
  result.classes[place] = label;
  result.scores[place] = score;
}

/**
 * Indices of the boxes that survive, best first. Costs candidates × survivors.
 *
 * @param {DetectionOptions} options
 * @param {Float32Array} scores
 * @param {Corners} corners
 * @param {number} most
 * @returns {number[]}
 */
function suppress({ scoreThreshold, iouThreshold }, scores, corners, most) {
  let candidates = Array.from(scores.keys()).filter((box) => scores[box] >= scoreThreshold);
  candidates.sort((a, b) => scores[b] - scores[a]);
  const survivors = [];
  while (candidates.length > 0 && survivors.length < most) {
    const [box, ...rest] = candidates;
    survivors.push(box);
    candidates = rest.filter((other) => !(overlap(corners, box, other) > iouThreshold));
  }
  return survivors;
}

/**
 * Intersection over union in float32, 0 for boxes without area.
 *
 * @param {Corners} corners
 * @param {number} a
 * @param {number} b
 * @returns {number}
 */
function overlap(corners, a, b) {
  const f = Math.fround;
  const [ay, ax, aY, aX] = corners.subarray(4 * a, 4 * a + 4);
  const [by, bx, bY, bX] = corners.subarray(4 * b, 4 * b + 4);
  const areaA = f(f(aY - ay) * f(aX - ax));
  const areaB = f(f(bY - by) * f(bX - bx));
  if (areaA <= 0 || areaB <= 0) return 0;
  const height = Math.max(f(Math.min(aY, bY) - Math.max(ay, by)), 0);
  const width = Math.max(f(Math.min(aX, bX) - Math.max(ax, bx)), 0);
  const both = f(height * width);
  return f(both / f(f(areaA + areaB) - both));
}

/** @param {Float32Array} row @returns {number} */
function maximum(row) {
  return row.reduce((most, score) => Math.max(most, score), -Infinity);
}

/** @param {Float32Array} row @param {number} count @returns {number[]} classes, best first */
function bestClasses(row, count) {
  return Array.from(row.keys())
    .sort((a, b) => row[b] - row[a])
    .slice(0, count);
}
