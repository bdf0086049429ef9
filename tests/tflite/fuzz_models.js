// SPDX-License-Identifier: Apache-2.0
// Models to mutate: chains of operators that read their parameters from constants and options.

import { quantizedConvolution, tinyModel } from "./model_writer.js";

const I32 = (shape, ...values) => ({ shape, type: "INT32", data: Int32Array.from(values) });
const F32 = (...shape) => ({ shape });
const I8 = (...shape) => ({ shape, type: "INT8", scale: 0.25, zeroPoint: 1 });
const zeros = (...shape) => ({
  shape,
  data: new Float32Array(shape.reduce((product, d) => product * d, 1)),
});

const resizing = tinyModel({
  tensors: {
    x: F32(1, 4, 4, 2),
    size: I32([2], 8, 3),
    r: F32(1, 8, 3, 2),
    pads: I32([4, 2], 0, 0, 1, 2, 0, 1, 0, 0),
    p: F32(1, 11, 4, 2),
    begin: I32([4], 0, 1, 0, 0),
    end: I32([4], 1, -1, 4, 1),
    stride: I32([4], 1, 3, 2, 1),
    s: F32(1, 3, 2),
    axes: I32([1], -1),
    m: F32(1, 3),
    shape: I32([2], 3, -1),
    y: F32(3, 1),
  },
  operators: [
    ["RESIZE_BILINEAR", ["x", "size"], ["r"], { alignCorners: true }],
    ["MIRROR_PAD", ["r", "pads"], ["p"], { mode: "SYMMETRIC" }],
    ["STRIDED_SLICE", ["p", "begin", "end", "stride"], ["s"], { shrinkAxisMask: 8 }],
    ["MEAN", ["s", "axes"], ["m"], {}],
    ["RESHAPE", ["m", "shape"], ["y"], {}],
  ],
  inputs: ["x"],
  outputs: ["y"],
});

const scales = { scale: [1, 2, 3, 4], zeroPoint: [0, 0, 0, 0], axis: 0 };
const quantized = tinyModel({
  tensors: {
    x: { ...I8(2, 3), scale: 0.5 },
    w: { shape: [4, 3], type: "INT8", ...scales, data: new Int8Array(12) },
    b: { shape: [4], type: "INT32", ...scales, data: new Int32Array(4) },
    f: I8(2, 4),
    axis: I32([], 1),
    g: I8(2, 2),
    h: I8(2, 2),
    y: { ...I8(2, 4), scale: 0.5 },
  },
  operators: [
    ["FULLY_CONNECTED", ["x", "w", "b"], ["f"], { fusedActivationFunction: "RELU" }],
    ["SPLIT", ["axis", "f"], ["g", "h"], { numSplits: 2 }],
    ["CONCATENATION", ["h", "g"], ["y"], { axis: 1 }],
  ],
  inputs: ["x"],
  outputs: ["y"],
});

const moving = tinyModel({
  tensors: {
    x: I8(1, 4, 6, 2),
    blocks: I32([2], 2, 3),
    none: I32([2, 2], 0, 0, 0, 0),
    s: I8(6, 2, 2, 2),
    t: I8(1, 4, 6, 2),
    d: I8(1, 2, 3, 8),
    e: I8(1, 4, 6, 2),
    i: I32([2], 0, 2),
    g: I8(1, 2, 6, 2),
    target: I32([4], 1, 4, 12, 3),
    w: { shape: [3, 2, 2, 2], type: "INT8", scale: 1, zeroPoint: 0, data: new Int8Array(24) },
    c: I8(1, 4, 12, 3),
    size: I32([2], 5, 7),
    n: I8(1, 5, 7, 3),
    axis: I32([], 3),
    y: { shape: [1, 5, 7], type: "INT64" },
  },
  operators: [
    ["SPACE_TO_BATCH_ND", ["x", "blocks", "none"], ["s"]],
    ["BATCH_TO_SPACE_ND", ["s", "blocks", "none"], ["t"]],
    ["SPACE_TO_DEPTH", ["t"], ["d"], { blockSize: 2 }],
    ["DEPTH_TO_SPACE", ["d"], ["e"], { blockSize: 2 }],
    ["GATHER", ["e", "i"], ["g"], { axis: 1 }],
    ["TRANSPOSE_CONV", ["target", "w", "g"], ["c"], { strideH: 2, strideW: 2, padding: "SAME" }],
    ["RESIZE_NEAREST_NEIGHBOR", ["c", "size"], ["n"], { halfPixelCenters: true }],
    ["ARG_MAX", ["n", "axis"], ["y"], { outputType: "INT64" }],
  ],
  inputs: ["x"],
  outputs: ["y"],
});

const gates = Object.fromEntries(
  Array.from({ length: 8 }, (_, k) => [`w${k}`, zeros(2, k < 4 ? 3 : 2)]),
);
const biases = Object.fromEntries(Array.from({ length: 4 }, (_, k) => [`b${k}`, zeros(2)]));
const recurrent = tinyModel({
  tensors: {
    x: F32(1, 5, 3),
    ...gates,
    ...biases,
    s: F32(1, 5, 2),
    begin: I32([3], 0, 1, 0),
    size: I32([3], -1, 3, 2),
    c: F32(1, 3, 2),
    u: F32(1, 2),
    v: F32(1, 2),
    w: F32(1, 2),
    p: F32(3, 1, 2),
    times: I32([3], 1, 2, 2),
    y: F32(3, 2, 4),
  },
  operators: [
    [
      "UNIDIRECTIONAL_SEQUENCE_LSTM",
      [
        "x",
        ...Object.keys(gates),
        null,
        null,
        null,
        ...Object.keys(biases),
        null,
        null,
        null,
        null,
      ],
      ["s"],
      { cellClip: 9.5, fusedActivationFunction: "TANH" },
    ],
    ["SLICE", ["s", "begin", "size"], ["c"]],
    ["UNPACK", ["c"], ["u", "v", "w"], { num: 3, axis: 1 }],
    ["PACK", ["w", "v", "u"], ["p"], { valuesCount: 3 }],
    ["TILE", ["p", "times"], ["y"]],
  ],
  inputs: ["x"],
  outputs: ["y"],
});

/** {"h_scale": 5, …}: a FlexBuffer map of one-byte numbers, as small as its keys allow. */
function detectionOptions() {
  const values = {
    h_scale: 5,
    max_classes_per_detection: 1,
    max_detections: 3,
    nms_iou_threshold: 1,
    nms_score_threshold: 0,
    num_classes: 2,
    w_scale: 5,
    x_scale: 10,
    y_scale: 10,
  };
  const keys = Object.keys(values);
  const text = new TextEncoder().encode(keys.map((key) => `${key}\0`).join(""));
  const starts = keys.map((_, k) => keys.slice(0, k).join("0").length + (k ? 1 : 0));
  const first = text.length + 1;
  const distances = starts.map((start, k) => first + k - start);
  const n = keys.length;
  const tail = [n, 1, n, ...Object.values(values), ...keys.map(() => 4), 2 * n, 0x24, 1];
  return Uint8Array.from([...text, n, ...distances, ...tail]);
}

const detector = tinyModel({
  tensors: {
    boxes: { shape: [1, 5, 4], type: "UINT8", scale: 0.1, zeroPoint: 128 },
    scores: F32(1, 5, 3),
    anchors: zeros(5, 4),
    a: F32(1, 3, 4),
    b: F32(1, 3),
    c: F32(1, 3),
    n: F32(1),
  },
  operators: [
    [
      "!TFLite_Detection_PostProcess",
      ["boxes", "scores", "anchors"],
      ["a", "b", "c", "n"],
      detectionOptions(),
    ],
  ],
  inputs: ["boxes", "scores"],
  outputs: ["a", "b", "c", "n"],
});

export const MODELS = [quantizedConvolution(), resizing, quantized, moving, recurrent, detector];
