// SPDX-License-Identifier: Apache-2.0
// What TFLite_Detection_PostProcess computes, outside the graph: box decoding and non-maximum
// suppression are a few thousand branches, for which WebNN has no operators.
//
// Each box is coded against an anchor (y, x, height, width): centre = code / scale · size + centre
// of the anchor, half size = exp(code / scale) · size / 2. Suppression drops a box that overlaps a
// better one by more than a threshold; "fast" does so once, by each box's best class, "regular"
// once per class. Thousands of boxes are candidates and tens are kept, so that candidates wait in a
// heap and are compared only with what was kept before them.

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
 * @property {ArrayLike<number>} scores [boxes, classes], or one more with the background first
 * @property {Coding | null} [coding] of the scores; it keeps their order
 * @property {Float32Array} anchors [boxes, 4]
 */

/**
 * @typedef {{boxes: Float32Array, classes: Float32Array, scores: Float32Array, count:
 *   Float32Array}} Detections
 */

/** Corners: ymin, xmin, ymax, xmax. @typedef {Float32Array} Corners */

/** A stored number stands for (stored − zeroPoint) · scale. @typedef {{scale: number, zeroPoint: number}} Coding */

/**
 * A file's detection as data; its anchors are real values, [boxes, 4].
 *
 * @typedef {object} DetectionParameters
 * @property {DetectionOptions} options
 * @property {number} codeSize
 * @property {Coding | null} codes null for float32
 * @property {Coding | null} scores
 * @property {Float32Array} anchors
 */

/**
 * The function from stored codes and scores to boxes, classes, scores and count.
 *
 * @param {DetectionParameters} parameters
 * @returns {(stored: ArrayLike<number>[]) => Float32Array[]}
 */
export function detection({ options, codeSize, codes, scores, anchors }) {
  return ([code, score]) => {
    const real = realValues(code, codes);
    const result = detect(options, {
      codes: real,
      codeSize,
      scores: score,
      coding: scores,
      anchors,
    });
    return [result.boxes, result.classes, result.scores, result.count];
  };
}

/** @param {number} stored @param {Coding | null} coding */
function realValue(stored, coding) {
  return coding ? (stored - coding.zeroPoint) * coding.scale : stored;
}

/** @param {ArrayLike<number>} stored @param {Coding | null} coding @returns {Float32Array} */
export function realValues(stored, coding) {
  if (!coding && stored instanceof Float32Array) return stored;
  const real = new Float32Array(stored.length);
  for (let i = 0; i < real.length; i++) real[i] = realValue(stored[i], coding);
  return real;
}

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
  const { scores, coding = null } = inputs;
  if (options.regular) regularDetections(options, scores, coding, corners, result);
  else fastDetections(options, scores, coding, corners, result);
  return result;
}

/** @param {DetectionOptions} options @param {DetectionInputs} inputs @returns {Corners} */
function decodeBoxes({ scales }, { codes, codeSize, anchors }) {
  const corners = new Float32Array(anchors.length);
  for (let at = 0, code = 0; at < anchors.length; at += 4, code += codeSize) {
    for (let axis = 0; axis < 2; axis++) {
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
 * @param {ArrayLike<number>} scores
 * @param {Coding | null} coding of the scores
 * @param {Corners} corners
 * @param {Detections} result
 */
function fastDetections(options, scores, coding, corners, result) {
  const { maxDetections, maxClassesPerDetection, classes } = options;
  const boxes = corners.length / 4;
  const stride = scores.length / boxes;
  const best = new Float32Array(boxes);
  for (let box = 0; box < boxes; box++) {
    let most = -Infinity;
    const end = (box + 1) * stride;
    for (let i = end - classes; i < end; i++) most = Math.max(most, scores[i]);
    best[box] = realValue(most, coding);
  }
  const candidates = new Candidates(boxes);
  const survivors = new Int32Array(maxDetections);
  const count = suppress(options, candidates, best, corners, survivors);
  const labels = new Int32Array(Math.min(maxClassesPerDetection, classes));
  for (let place = 0; place < count; place++) {
    const box = survivors[place];
    const row = (box + 1) * stride - classes;
    bestClasses(scores, row, classes, labels);
    for (let k = 0; k < labels.length; k++) {
      const score = realValue(scores[row + labels[k]], coding);
      report(result, place * maxClassesPerDetection + k, corners, box, labels[k], score);
    }
  }
  result.count[0] = count;
}

/**
 * @param {DetectionOptions} options
 * @param {ArrayLike<number>} scores
 * @param {Coding | null} coding of the scores
 * @param {Corners} corners
 * @param {Detections} result
 */
function regularDetections(options, scores, coding, corners, result) {
  const { maxDetections, detectionsPerClass, classes } = options;
  const boxes = corners.length / 4;
  const stride = scores.length / boxes;
  const own = new Float32Array(boxes);
  const candidates = new Candidates(boxes);
  const survivors = new Int32Array(Math.min(detectionsPerClass, maxDetections));
  // The best of all classes so far, in order; of equal scores, the lower class stays in front.
  const foundBoxes = new Int32Array(maxDetections);
  const foundLabels = new Int32Array(maxDetections);
  const foundScores = new Float32Array(maxDetections);
  let found = 0;
  for (let label = 0; label < classes; label++) {
    const column = stride - classes + label;
    for (let box = 0; box < boxes; box++)
      own[box] = realValue(scores[box * stride + column], coding);
    const count = suppress(options, candidates, own, corners, survivors);
    for (let k = 0; k < count; k++) {
      const score = own[survivors[k]];
      let place = found;
      while (place > 0 && foundScores[place - 1] < score) place--;
      if (place === maxDetections) break;
      for (const list of [foundBoxes, foundLabels, foundScores]) {
        list.copyWithin(place + 1, place, found);
      }
      foundBoxes[place] = survivors[k];
      foundLabels[place] = label;
      foundScores[place] = score;
      found = Math.min(found + 1, maxDetections);
    }
  }
  for (let k = 0; k < found; k++) {
    report(result, k, corners, foundBoxes[k], foundLabels[k], foundScores[k]);
  }
  result.count[0] = found;
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
  for (let i = 0; i < 4; i++) result.boxes[4 * place + i] = corners[4 * box + i];
  result.classes[place] = label;
  result.scores[place] = score;
}

/** Boxes that wait for their turn, best first; of equal scores, the lower index. A binary heap. */
class Candidates {
  #boxes;
  #count = 0;
  /** @type {Float32Array} by box */
  #scores = new Float32Array(0);

  /** @param {number} most */
  constructor(most) {
    this.#boxes = new Int32Array(most);
  }

  /** Start again with the boxes from a score on. @param {Float32Array} scores @param {number} least */
  fill(scores, least) {
    this.#scores = scores;
    this.#count = 0;
    for (let box = 0; box < scores.length; box++) {
      if (scores[box] >= least) this.#boxes[this.#count++] = box;
    }
    for (let at = (this.#count >> 1) - 1; at >= 0; at--) this.#sink(at, this.#boxes[at]);
  }

  /** @returns {number} the best box, removed; -1 if there is none */
  next() {
    if (this.#count === 0) return -1;
    const best = this.#boxes[0];
    this.#count--;
    if (this.#count > 0) this.#sink(0, this.#boxes[this.#count]);
    return best;
  }

  /** Put a box in at a place or below it. @param {number} at @param {number} box */
  #sink(at, box) {
    const boxes = this.#boxes;
    const count = this.#count;
    let place = at;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= count) break;
      if (child + 1 < count && this.#before(boxes[child + 1], boxes[child])) child++;
      if (!this.#before(boxes[child], box)) break;
      boxes[place] = boxes[child];
      place = child;
    }
    boxes[place] = box;
  }

  /** @param {number} a @param {number} b */
  #before(a, b) {
    const [p, q] = [this.#scores[a], this.#scores[b]];
    return p > q || (p === q && a < b);
  }
}

/**
 * Find the boxes that survive, best first, as many as there is room for. Costs candidates ×
 * survivors at most.
 *
 * @param {DetectionOptions} options
 * @param {Candidates} candidates
 * @param {Float32Array} scores by box
 * @param {Corners} corners
 * @param {Int32Array} survivors
 * @returns {number} how many
 */
function suppress({ scoreThreshold, iouThreshold }, candidates, scores, corners, survivors) {
  candidates.fill(scores, scoreThreshold);
  let count = 0;
  while (count < survivors.length) {
    const box = candidates.next();
    if (box < 0) break;
    let k = 0;
    while (k < count && !(overlap(corners, survivors[k], box) > iouThreshold)) k++;
    if (k === count) survivors[count++] = box;
  }
  return count;
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
  const [i, j] = [4 * a, 4 * b];
  const areaA = f(f(corners[i + 2] - corners[i]) * f(corners[i + 3] - corners[i + 1]));
  const areaB = f(f(corners[j + 2] - corners[j]) * f(corners[j + 3] - corners[j + 1]));
  if (areaA <= 0 || areaB <= 0) return 0;
  const bottom = Math.min(corners[i + 2], corners[j + 2]);
  const right = Math.min(corners[i + 3], corners[j + 3]);
  const height = Math.max(f(bottom - Math.max(corners[i], corners[j])), 0);
  const width = Math.max(f(right - Math.max(corners[i + 1], corners[j + 1])), 0);
  const both = f(height * width);
  return f(both / f(f(areaA + areaB) - both));
}

/**
 * The best classes of a row of scores, best first; of equal scores, the lower class.
 *
 * @param {ArrayLike<number>} scores
 * @param {number} row where it starts
 * @param {number} classes
 * @param {Int32Array} labels filled
 */
function bestClasses(scores, row, classes, labels) {
  let count = 0;
  for (let label = 0; label < classes; label++) {
    const score = scores[row + label];
    let place = count;
    while (place > 0 && scores[row + labels[place - 1]] < score) place--;
    if (place === labels.length) continue;
    labels.copyWithin(place + 1, place, count);
    labels[place] = label;
    count = Math.min(count + 1, labels.length);
  }
}
