// SPDX-License-Identifier: Apache-2.0
// TFLite_Detection_PostProcess: the tensors that feed it become outputs of the graph, and what it
// computes of them happens after each dispatch.

import { listed, UnsupportedError } from "./errors.js";
import { FlexBufferError, readFlexMap } from "./flexbuffer.js";
import { detection, realValues } from "./postprocess.js";
import { isQuantized } from "./tensor.js";

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {import("./postprocess.js").Coding} Coding */
/** @typedef {import("./postprocess.js").DetectionOptions} DetectionOptions */
/** @typedef {import("./tensor.js").Tensor} Tensor */

const DETECTIONS_PER_CLASS = 100;
/**
 * Far more than any detector has: suppression takes boxes × reported steps, both the file's to
 * choose.
 */
const MAX_BOXES = 1 << 16;
const MAX_REPORTED = 1 << 12;

/** @param {OperatorCall} op */
export function detectionPostprocess(op) {
  const codes = op.requireRank(0, 3);
  const scores = op.requireRank(1, 3);
  const anchors = op.requireRank(2, 2);
  const options = readOptions(op);
  const boxes = anchors[0];
  const background = scores[2] - options.classes;
  if (codes[0] !== 1 || codes[1] !== boxes || codes[2] < 4 || anchors[1] !== 4) {
    const got = `codes ${listed(codes)} and anchors ${listed(anchors)}`;
    throw op.malformed(got, "[1, n, 4 or more] and [n, 4]", "detection boxes");
  }
  if (scores[0] !== 1 || scores[1] !== boxes || background < 0 || background > 1) {
    const expected = `[1, ${boxes}, ${options.classes} or one more]`;
    throw op.malformed(`scores ${listed(scores)}`, expected, "detection scores");
  }
  if (boxes > MAX_BOXES) {
    throw op.malformed(`${boxes} boxes`, `at most ${MAX_BOXES}`, "detection boxes");
  }
  for (const position of [0, 1, 2]) checkReal(op, position);
  const values = op.numbers(2);
  if (!values) throw new UnsupportedError("anchors computed at run time");
  const n = options.maxDetections * options.maxClassesPerDetection;
  const parameters = {
    options,
    codeSize: codes[2],
    codes: coding(op.tensor(0)),
    scores: coding(op.tensor(1)),
    anchors: realValues(values, coding(op.tensor(2))),
  };
  op.mapping.postprocess({
    inputs: [op.input(0), op.input(1)],
    outputs: [0, 1, 2, 3].map((k) => op.output(k)),
    shapes: [[1, n, 4], [1, n], [1, n], [1]],
    run: detection(parameters),
    parameters,
  });
}

/** @param {OperatorCall} op @param {number} position */
function checkReal(op, position) {
  const tensor = op.tensor(position);
  const single = isQuantized(tensor) && tensor.quantization?.scale.length === 1;
  if (!single && tensor.type !== "FLOAT32") {
    throw new UnsupportedError(`${tensor.type} without one scale for its boxes`);
  }
}

/** @param {Tensor} tensor with one scale, or float32 @returns {Coding | null} */
function coding(tensor) {
  if (!isQuantized(tensor) || !tensor.quantization) return null;
  const { scale, zeroPoint } = tensor.quantization;
  return { scale: scale[0], zeroPoint: zeroPoint[0] };
}

/** @param {OperatorCall} op @returns {DetectionOptions} */
function readOptions(op) {
  const map = readMap(op);
  const number = (/** @type {string} */ key, /** @type {number} */ least) => {
    const value = Number(map.get(key) ?? NaN);
    if (!(value >= least && value < Infinity)) {
      const expected = `a number from ${least}`;
      throw op.malformed(`${key} ${map.get(key) ?? "left out"}`, expected, "detection options");
    }
    return value;
  };
  const count = (/** @type {string} */ key) => Math.trunc(number(key, 1));
  const options = {
    maxDetections: count("max_detections"),
    maxClassesPerDetection: count("max_classes_per_detection"),
    detectionsPerClass: map.has("detections_per_class")
      ? count("detections_per_class")
      : DETECTIONS_PER_CLASS,
    regular: Boolean(map.get("use_regular_nms") ?? false),
    scoreThreshold: number("nms_score_threshold", -Number.MAX_VALUE),
    iouThreshold: number("nms_iou_threshold", Number.MIN_VALUE),
    classes: count("num_classes"),
    scales: /** @type {[number, number, number, number]} */ (
      ["y_scale", "x_scale", "h_scale", "w_scale"].map((key) => number(key, Number.MIN_VALUE))
    ),
  };
  const reported = options.maxDetections * options.maxClassesPerDetection;
  if (reported > MAX_REPORTED) {
    throw op.malformed(`${reported} detections`, `at most ${MAX_REPORTED}`, "detection options");
  }
  return options;
}

/** @param {OperatorCall} op */
function readMap(op) {
  try {
    return readFlexMap(op.customOptions ?? new Uint8Array());
  } catch (error) {
    if (!(error instanceof FlexBufferError)) throw error;
    throw op.malformed("other options", error.message, "custom options");
  }
}
