// SPDX-License-Identifier: Apache-2.0
// Which dequantize → op → quantize patterns become integer operators, and which must not.

import assert from "node:assert/strict";
import test from "node:test";

import { dynamicOps, optimized } from "../support/graphs.js";

const NHWC = { inputLayout: "nhwc", filterLayout: "ohwi" };

/** A quantized convolution of x[1,4,4,3] with 2 filters 3x3; parts may be replaced. */
function convolution(b, s, parts = {}) {
  const { x = s.dq(s.input("x", "uint8", [1, 4, 4, 3]), 0.5, 128) } = parts;
  const { w = s.dq(s.filled("uint8", [2, 3, 3, 3], 7), 0.25, 3), options = {} } = parts;
  const { bias = s.dqChannels(s.filled("int32", [2], 100), 0, [0.125, 0.125]) } = parts;
  return b.conv2d(x, w, { ...NHWC, ...(bias ? { bias } : {}), ...options, label: "conv" });
}

const FUSED = [
  ["conv2d", (b, s) => s.q(convolution(b, s), 1, 0), ["qConv2d"]],
  ["conv2d without bias", (b, s) => s.q(convolution(b, s, { bias: null }), 1, 0), ["qConv2d"]],
  [
    "conv2d with int8 weights per channel",
    (b, s) => {
      const w = s.dqChannels(s.filled("int8", [2, 3, 3, 3], -5), 0, [0.25, 0.5]);
      const bias = s.dqChannels(s.filled("int32", [2], 9), 0, [0.125, 0.25]);
      return s.q(convolution(b, s, { w, bias }), 1, 0);
    },
    ["qConv2d"],
  ],
  ["conv2d → relu", (b, s) => s.q(b.relu(convolution(b, s)), 1, 10), ["qConv2d"]],
  [
    "conv2d → relu → clamp",
    (b, s) => s.q(b.clamp(b.relu(convolution(b, s)), { maxValue: 6 }), 1, 10),
    ["qConv2d"],
  ],
  [
    "conv2d over NCHW",
    (b, s) => {
      const x = s.dq(s.input("x", "uint8", [1, 3, 4, 4]), 0.5, 128);
      const w = s.dq(s.filled("uint8", [2, 3, 3, 3], 7), 0.25, 3);
      return s.q(b.conv2d(x, w), 1, 0);
    },
    ["transpose", "qConv2d", "transpose"],
  ],
  [
    "two convolutions over NCHW keep one layout between them",
    (b, s) => {
      const x = s.dq(s.input("x", "uint8", [1, 3, 6, 6]), 0.5, 128);
      const w = s.dq(s.filled("uint8", [3, 3, 3, 3], 7), 0.25, 3);
      const first = s.dq(s.q(b.relu(b.conv2d(x, w)), 1, 0), 1, 0);
      return s.q(b.conv2d(first, w), 1, 0);
    },
    ["transpose", "qConv2d", "qConv2d", "transpose"],
  ],
  [
    "pad → conv2d",
    (b, s) => {
      const x = s.dq(s.input("x", "uint8", [1, 4, 4, 3]), 0.5, 128);
      return s.q(convolution(b, s, { x: b.pad(x, [0, 1, 1, 0], [0, 1, 1, 0]) }), 1, 0);
    },
    ["qConv2d"],
  ],
  [
    "gemm",
    (b, s) => {
      const a = s.dq(s.input("a", "uint8", [2, 8]), 0.5, 1);
      const w = s.dq(s.filled("int8", [4, 8], 3), 0.25, 0);
      const c = s.dq(s.filled("int32", [4], 3), 0.125, 0);
      return s.q(b.gemm(a, w, { c, bTranspose: true }), 1, 0);
    },
    ["qGemm"],
  ],
  ...[
    ["matmul", [2, 8]],
    ["matmul of a batch by one matrix", [3, 1, 2, 8]],
  ].map(([name, shape]) => [
    name,
    (b, s) => {
      const w = s.dqChannels(s.filled("int8", [8, 4], 3), 1, [0.25, 0.5, 1, 2]);
      return s.q(b.matmul(s.dq(s.input("a", "uint8", shape), 0.5, 1), w), 1, 0);
    },
    ["qGemm"],
  ]),
  [
    "add",
    (b, s) =>
      s.q(
        b.add(s.dq(s.input("a", "uint8", [4]), 1, 2), s.dq(s.input("b", "uint8", [4]), 3, 4)),
        5,
        6,
      ),
    ["qAdd"],
  ],
  [
    "sub",
    (b, s) =>
      s.q(
        b.sub(s.dq(s.input("a", "uint8", [4]), 1, 2), s.dq(s.input("b", "uint8", [1]), 3, 4)),
        5,
        6,
      ),
    ["qAdd"],
  ],
  [
    "mul",
    (b, s) =>
      s.q(
        b.mul(s.dq(s.input("a", "uint8", [4]), 1, 2), s.dq(s.filled("uint8", [4], 9), 3, 4)),
        5,
        6,
      ),
    ["qMul"],
  ],
  [
    "averagePool2d",
    (b, s) =>
      s.q(
        b.averagePool2d(s.dq(s.input("x", "uint8", [1, 4, 4, 2]), 1, 2), { layout: "nhwc" }),
        3,
        4,
      ),
    ["qAveragePool2d"],
  ],
  [
    "maxPool2d moves no numbers",
    (b, s) =>
      s.q(b.maxPool2d(s.dq(s.input("x", "uint8", [1, 4, 4, 2]), 1, 2), { layout: "nhwc" }), 1, 2),
    ["maxPool2d"],
  ],
  [
    "reduceMean",
    (b, s) =>
      s.q(b.reduceMean(s.dq(s.input("x", "uint8", [1, 4, 4, 2]), 1, 2), { axes: [1, 2] }), 3, 4),
    ["qReduceMean"],
  ],
  [
    "softmax",
    (b, s) => s.q(b.softmax(s.dq(s.input("x", "uint8", [2, 5]), 1, 2), 1), 1 / 256, 0),
    ["qSoftmax"],
  ],
  [
    "sigmoid is a table",
    (b, s) => s.q(b.sigmoid(s.dq(s.input("x", "uint8", [5]), 1, 2)), 1 / 256, 0),
    ["lut"],
  ],
  [
    "an expression of one value is a table",
    (b, s) => {
      const x = s.dq(s.input("x", "uint8", [5]), 1, 2);
      const six = s.constant("float32", [], [6]);
      return s.q(
        b.div(
          b.mul(
            x,
            b.clamp(b.add(x, s.constant("float32", [1], [3])), { minValue: 0, maxValue: 6 }),
          ),
          six,
        ),
        1,
        2,
      );
    },
    ["lut"],
  ],
  [
    "clamp",
    (b, s) => s.q(b.clamp(s.dq(s.input("x", "uint8", [5]), 1, 2), { minValue: 0 }), 1, 2),
    ["requantize"],
  ],
  ["requantize", (_b, s) => s.q(s.dq(s.input("x", "uint8", [5]), 1, 2), 2, 2), ["requantize"]],
  [
    "requantize by more than float32 holds: a table",
    (_b, s) => s.q(s.dq(s.input("x", "uint8", [5]), 2 ** 100, 2), 2 ** -40, 2),
    ["lut"],
  ],
  [
    "gemm of scales whose product is too small to matter",
    (b, s) => {
      const a = s.dq(s.input("a", "uint8", [1, 2]), 2 ** -70, 0);
      return s.q(b.gemm(a, s.dq(s.filled("uint8", [2, 3], 9), 2 ** -70, 0)), 1, 0);
    },
    ["qGemm"],
  ],
  ["the same parameters: a copy", (_b, s) => s.q(s.dq(s.input("x", "uint8", [5]), 1, 2), 1, 2), []],
  [
    "uint8 to int8 of the same numbers: a flip",
    (_b, s) => s.q(s.dq(s.input("x", "uint8", [5]), 1, 127), 1, -1, "int8"),
    ["flip"],
  ],
  [
    "reshape between",
    (b, s) => s.q(b.reshape(s.dq(s.input("x", "uint8", [6]), 1, 2), [2, 3]), 1, 2),
    ["reshape"],
  ],
  [
    "concat of different scales",
    (b, s) => {
      const a = s.dq(s.input("a", "uint8", [1, 2]), 1, 2);
      const c = s.dq(s.input("c", "uint8", [1, 3]), 2, 3);
      return s.q(b.concat([a, c], 1), 1, 2);
    },
    ["requantize", "concat"],
  ],
  [
    "resample2d linear",
    (b, s) =>
      s.q(
        b.resample2d(s.dq(s.input("x", "uint8", [1, 4, 4, 2]), 1, 2), {
          mode: "linear",
          sizes: [8, 8],
          axes: [1, 2],
        }),
        1,
        2,
      ),
    ["qResizeLinear"],
  ],
  ["argMax of bytes", (b, s) => b.argMax(s.dq(s.input("x", "uint8", [2, 5]), 1, 2), 1), ["argMax"]],
  [
    "int8 activations pass as uint8",
    (b, s) =>
      s.q(
        b.averagePool2d(s.dq(s.input("x", "int8", [1, 4, 4, 2]), 1, 2), { layout: "nhwc" }),
        3,
        4,
        "int8",
      ),
    ["flip", "qAveragePool2d", "flip"],
  ],
];

for (const [name, make, ops] of FUSED) {
  test(name, () => assert.deepEqual(dynamicOps(optimized(make)), ops));
}

const FLOAT = [
  [
    "bias scale is not x * w",
    (b, s) =>
      s.q(
        convolution(b, s, { bias: s.dqChannels(s.filled("int32", [2], 100), 0, [0.2, 0.2]) }),
        1,
        0,
      ),
    "the bias scale is not input scale x weight scale",
  ],
  [
    "float bias",
    (b, s) => s.q(convolution(b, s, { bias: s.filled("float32", [2], 1) }), 1, 0),
    "the bias is not a dequantized int32 constant",
  ],
  [
    "bias scale of one channel is not x * w",
    (b, s) =>
      s.q(
        convolution(b, s, { bias: s.dqChannels(s.filled("int32", [2], 100), 0, [0.125, 0.2]) }),
        1,
        0,
      ),
    "the bias scale is not input scale x weight scale",
  ],
  [
    "weights that are not constant",
    (b, s) =>
      s.q(convolution(b, s, { w: s.dq(s.input("w", "uint8", [2, 3, 3, 3]), 0.25, 3) }), 1, 0),
    "the weights are not dequantized 8-bit constants, one scale for all or one for each channel",
  ],
  [
    "weights with a scale for each input channel",
    (b, s) =>
      s.q(
        convolution(b, s, {
          w: s.dqChannels(s.filled("int8", [2, 3, 3, 3], 1), 3, [1, 1, 1]),
          bias: null,
        }),
        1,
        0,
      ),
    "the weights are not dequantized 8-bit constants, one scale for all or one for each channel",
  ],
  [
    "a negative scale",
    (b, s) =>
      s.q(
        convolution(b, s, { x: s.dq(s.input("x", "uint8", [1, 4, 4, 3]), -0.5, 128), bias: null }),
        1,
        0,
      ),
    "an operand is not dequantized from 8 bits with one constant scale",
  ],
  [
    "sums that leave int32",
    (b, s) => {
      const a = s.dq(s.input("a", "uint8", [1, 40000]), 1, 0);
      const w = s.dq(s.filled("uint8", [40000, 1], 255), 1, 0);
      return s.q(b.gemm(a, w, { label: "conv" }), 1, 0);
    },
    "a sum could leave int32",
  ],
  [
    "a matrix for each of a batch",
    (b, s) => {
      const a = s.dq(s.input("a", "uint8", [2, 3, 4]), 0.5, 1);
      const w = s.dq(s.filled("int8", [2, 4, 5], 3), 0.25, 0);
      return s.q(b.matmul(a, w, { label: "conv" }), 1, 0);
    },
    "b is not one matrix",
  ],
  [
    "a mean whose sum leaves int32",
    (b, s) => {
      const x = s.dq(s.input("x", "uint8", [1, 8500000]), 1, 0);
      return s.q(b.reduceMean(x, { axes: [1], label: "conv" }), 1, 0);
    },
    "a sum could leave int32",
  ],
  ...[
    ["input x weights overflow", 2 ** 100, 2 ** 100, 1],
    ["the output's scale is too small", 1, 1, 2 ** -140],
    ["input x weights lose bits", 2 ** -70, 1.3 * 2 ** -70, 2 ** -140],
  ].map(([how, x, w, y]) => [
    `multipliers that float32 cannot hold: ${how}`,
    (b, s) => {
      const a = s.dq(s.input("a", "uint8", [1, 2]), x, 0);
      return s.q(b.gemm(a, s.dq(s.filled("uint8", [2, 3], 9), w, 0), { label: "conv" }), y, 0);
    },
    "the scales are too far apart for float32",
  ]),
  [
    "a product whose multiplier overflows",
    (b, s) => {
      const a = s.dq(s.input("a", "uint8", [2]), 2 ** 100, 0);
      return s.q(b.mul(a, s.dq(s.input("b", "uint8", [2]), 1, 0), { label: "conv" }), 2 ** -40, 0);
    },
    "the scales are too far apart for float32",
  ],
  [
    "a mean whose ratio of scales overflows",
    (b, s) => {
      const x = s.dq(s.input("x", "uint8", [1, 2]), 2 ** 100, 0);
      return s.q(b.reduceMean(x, { axes: [1], label: "conv" }), 2 ** -40, 0);
    },
    "the scales are too far apart for float32",
  ],
];

for (const [name, make, reason] of FLOAT) {
  test(`stays in float: ${name}`, () => {
    const graph = optimized(make);
    const ops = dynamicOps(graph);
    assert.ok(!ops.some((op) => op.startsWith("q") && op !== "quantize"), String(ops));
    assert.equal(graph.notes.get("conv"), reason);
  });
}

test("a result with two readers stays in float", () => {
  const graph = optimized((b, s) => {
    const conv = convolution(b, s);
    return { y: s.q(conv, 1, 0), z: b.sigmoid(conv) };
  });
  assert.deepEqual(dynamicOps(graph), ["dequantize", "conv2d", "sigmoid", "quantize"]);
});

test("bounds of a clamp are those of its quantized numbers", () => {
  const make = (b, s) => s.q(b.clamp(convolution(b, s), { minValue: -1, maxValue: 6 }), 0.5, 10);
  const graph = optimized(make);
  const { lo, hi } = graph.nodes.at(-1).attributes;
  assert.deepEqual([lo, hi], [8, 22]);
});
