// SPDX-License-Identifier: Apache-2.0
// Operators that become others before they are mapped: shapes computed of shapes, convolutions
// between batches of blocks, sparse constants, another batch.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { mapModel, parseModel } from "../../polyfill/tflite/loader.js";
import { densified } from "../../polyfill/tflite/sparse.js";
import { FakeBuilder, FakeContext, limitsOf, print } from "./fake_webnn.js";
import { tinyModel, writeModel } from "./model_writer.js";

const I32 = (...values) => ({
  shape: [values.length],
  type: "INT32",
  data: Int32Array.from(values),
});
const SCALAR = (value) => ({ shape: [], type: "INT32", data: Int32Array.of(value) });
const COMPUTED = (...shape) => ({ shape, type: "INT32" });

/** The builder's operators, with their outputs' shapes. */
function calls(model, options) {
  const parsed = parseModel(writeModel(tinyModel(model)), { fileName: "tiny.tflite" });
  const builder = new FakeBuilder(new FakeContext());
  mapModel(parsed, builder, limitsOf(), options);
  return print(builder)
    .filter((line) => !/ = (input|constant)/.test(line))
    .map((line) => line.replace(/^%\d+: | {2}#.*$/g, "").replace(/%\d+/g, "%"));
}

describe("shapes of shapes", () => {
  const cut = (from, to) => ["STRIDED_SLICE", ["shape", from, to, "one"]];
  const tensors = {
    x: { shape: [2, 3, 4] },
    shape: COMPUTED(3),
    zero: I32(0),
    one: I32(1),
    three: I32(3),
    first: COMPUTED(),
    rest: COMPUTED(2),
    axis: I32(0),
    product: COMPUTED(),
    target: COMPUTED(2),
    y: { shape: [2, 12] },
  };
  const operators = [
    ["SHAPE", ["x"], ["shape"]],
    [...cut("zero", "one"), ["first"], { shrinkAxisMask: 1 }],
    [...cut("one", "three"), ["rest"], {}],
    ["REDUCE_PROD", ["rest", "axis"], ["product"], { keepDims: false }],
    ["PACK", ["first", "product"], ["target"], { valuesCount: 2 }],
    ["RESHAPE", ["x", "target"], ["y"]],
  ];

  test("are constants", () => {
    const model = { tensors, operators, inputs: ["x"], outputs: ["y"] };
    assert.deepEqual(calls(model), ["float32[2, 12] = reshape(%, [2, 12])"]);
  });

  test("come out as constants where they are asked for", () => {
    const model = { tensors, operators: operators.slice(0, 5), inputs: ["x"], outputs: ["target"] };
    assert.deepEqual(calls(model), ["int32[2] = identity(%)"]);
  });

  const two = (name, a, b, y, options) => ({
    tensors: { x: { shape: [1] }, a, b, y, z: { shape: [1] } },
    operators: [
      [name, ["a", "b"], ["y"], options],
      ["ABS", ["x"], ["z"]],
    ],
    inputs: ["x"],
    outputs: ["y", "z"],
  });
  for (const [name, a, b, expected] of [
    ["ADD", I32(5, 7), SCALAR(2), [7, 9]],
    ["SUB", SCALAR(5), I32(7, 1), [-2, 4]],
    ["MUL", I32(5, 7), I32(2, 3), [10, 21]],
    ["DIV", I32(-7, 7), SCALAR(2), [-3, 3]],
    ["FLOOR_DIV", I32(-7, 7), SCALAR(2), [-4, 3]],
    ["FLOOR_MOD", I32(-7, 7), SCALAR(4), [1, 3]],
    ["MAXIMUM", I32(5, 7), SCALAR(6), [6, 7]],
    ["BROADCAST_ARGS", I32(4, 1), I32(3), [4, 3]],
    ["GATHER", I32(5, 7, 9), I32(2, 0), [9, 5]],
    ["CONCATENATION", I32(5), I32(7), [5, 7]],
    ["FILL", I32(2), SCALAR(6), [6, 6]],
  ]) {
    test(`${name} gives ${expected}`, () => {
      const parsed = parseModel(writeModel(tinyModel(two(name, a, b, COMPUTED(2)))));
      const builder = new FakeBuilder(new FakeContext());
      mapModel(parsed, builder, limitsOf());
      assert.ok(
        print(builder).some((line) => line.endsWith(`int32[2] = constant ${expected.join(" ")}`)),
      );
    });
  }

  test("numbers that int32 cannot hold are left to WebNN", () => {
    const model = two("MUL", I32(65536), I32(65536), COMPUTED(1));
    assert.equal(calls(model)[0], "int32[1] = mul(%, %)");
  });
});

describe("a convolution between batches of blocks", () => {
  const convolution = ({ pads, crops, padding = "VALID", strideW = 1, outputs = ["y"] }) => ({
    tensors: {
      x: { shape: [1, 8, 8, 1] },
      blocks: I32(2, 2),
      pads: { shape: [2, 2], type: "INT32", data: Int32Array.from(pads) },
      crops: { shape: [2, 2], type: "INT32", data: Int32Array.from(crops) },
      w: { shape: [1, 3, 3, 1], data: new Float32Array(9) },
      apart: { shape: [] },
      z: { shape: [] },
      y: { shape: [] },
    },
    operators: [
      ["SPACE_TO_BATCH_ND", ["x", "blocks", "pads"], ["apart"]],
      ["CONV_2D", ["apart", "w"], ["z"], { padding, strideH: 1, strideW }],
      ["BATCH_TO_SPACE_ND", ["z", "blocks", "crops"], ["y"]],
    ],
    inputs: ["x"],
    outputs,
  });
  const methods = (model, options) => calls(model, options).map((line) => / = (\w+)/.exec(line)[1]);

  for (const [name, part, expected] of [
    ["with padding", { pads: [2, 2, 2, 2], crops: [0, 0, 0, 0] }, "[2, 2, 2, 2]"],
    ["with crops", { pads: [2, 4, 1, 3], crops: [0, 2, 1, 1] }, "[2, 2, 0, 2]"],
    ["inside SAME", { pads: [0, 0, 0, 0], crops: [0, 0, 0, 0], padding: "SAME" }, "[2, 2, 2, 2]"],
  ]) {
    test(`is dilated, ${name}`, () => {
      const [line, ...more] = calls(convolution(part));
      assert.deepEqual(more, []);
      assert.ok(
        line.includes(`conv2d(%, %, strides: [1, 1], dilations: [2, 2], padding: ${expected}`),
      );
    });
  }

  test("without its last input it is refused, not folded", () => {
    const model = convolution({ pads: [2, 2, 2, 2], crops: [0, 0, 0, 0] });
    model.operators[2][1] = ["z", "blocks"];
    assert.throws(() => calls(model), /op 2 BATCH_TO_SPACE_ND.*got 2 inputs, expected 3/);
  });

  const plain = { pads: [2, 2, 2, 2], crops: [0, 0, 0, 0] };
  for (const [name, part, options] of [
    ["with strides", { ...plain, strideW: 2 }],
    ["cropped more than padded", { pads: [0, 0, 0, 0], crops: [1, 1, 0, 0] }],
    ["of which a part is an output", { ...plain, outputs: ["y", "z"] }],
    ["of which a part is asked for", plain, { outputs: ["apart"] }],
  ]) {
    test(`stays, ${name}`, () => {
      assert.ok(methods(convolution(part), options).includes("transpose"));
    });
  }
});

describe("another batch", () => {
  const model = {
    tensors: {
      x: { shape: [1, 2, 3] },
      flat: I32(1, 6),
      begin: I32(0, 0),
      size: I32(1, 2),
      r: { shape: [1, 6] },
      y: { shape: [1, 2] },
    },
    operators: [
      ["RESHAPE", ["x", "flat"], ["r"]],
      ["SLICE", ["r", "begin", "size"], ["y"]],
    ],
    inputs: ["x"],
    outputs: ["y"],
  };

  test("replaces the first dimension, in constant shapes too", () => {
    assert.deepEqual(calls(model, { batch: 4 }), [
      "float32[4, 6] = reshape(%, [4, 6])",
      "float32[4, 2] = slice(%, [0, 0], [4, 2])",
    ]);
  });

  test("the file's own changes nothing", () => {
    assert.deepEqual(calls(model, { batch: 1 }), calls(model));
  });

  for (const batch of [0, -1, 1.5, "2"]) {
    test(`${JSON.stringify(batch)} is refused`, () => {
      assert.throws(() => calls(model, { batch }), /batch: got .*, expected an integer from 1/);
    });
  }
});

describe("sparse constants", () => {
  const dense = (denseSize) => ({
    format: "DENSE",
    denseSize,
    arraySegments: null,
    arrayIndices: null,
  });
  const rows = (segments, indices) => ({
    format: "SPARSE_CSR",
    denseSize: 0,
    arraySegments: { values: segments },
    arrayIndices: { values: indices },
  });
  const tensor = (shape, data, dimMetadata, more = {}) => ({
    name: "w",
    shape,
    elements: shape.reduce((product, d) => product * d, 1),
    data: Uint8Array.from(data),
    sparsity: { traversalOrder: dimMetadata.map((_, i) => i), blockMap: [], dimMetadata, ...more },
  });
  const written = (...parts) => [...densified(tensor(...parts), 1, { file: "f" })];

  test("by rows", () => {
    const levels = [dense(2), rows([0, 1, 3], [2, 0, 1])];
    assert.deepEqual(written([2, 3], [7, 8, 9], levels), [0, 0, 7, 8, 9, 0]);
  });

  test("by columns", () => {
    const levels = [dense(3), rows([0, 1, 1, 2], [1, 0])];
    const order = { traversalOrder: [1, 0] };
    assert.deepEqual(written([2, 3], [7, 8], levels, order), [0, 0, 8, 7, 0, 0]);
  });

  test("in blocks of 2 × 2", () => {
    const levels = [dense(1), rows([0, 1], [1]), dense(2), dense(2)];
    const blocks = { traversalOrder: [0, 1, 2, 3], blockMap: [0, 1] };
    assert.deepEqual(written([2, 4], [1, 2, 3, 4], levels, blocks), [0, 0, 1, 2, 0, 0, 3, 4]);
  });

  for (const [name, parts, message] of [
    ["a level too few", [[2, 3], [7], [dense(2)]], /an order of 2 dimensions/],
    ["no order", [[2], [7], [dense(2)], { traversalOrder: [1] }], /an order of 1 dimensions/],
    ["blocks of no dimension", [[2], [7], [dense(2), dense(1)], { blockMap: [4] }], /an order of/],
    ["an index outside", [[2, 3], [7], [dense(2), rows([0, 1, 1], [3])]], /element at \[0, 3\]/],
    [
      "segments missing",
      [[2, 3], [7], [dense(2), rows([0], [0])]],
      /got 1 segments, expected at least 2/,
    ],
    ["segments backwards", [[2, 3], [7], [dense(2), rows([1, 0, 0], [0])]], /segment 1 to 0/],
    ["more entries than data", [[2], [7], [dense(2)]], /more entries than data/],
    ["a loop over nothing", [[2, 3], [], [dense(2 ** 31), rows([0, 0], [])]], /sparse tensor/],
  ]) {
    test(`refused: ${name}`, () => {
      assert.throws(() => written(...parts), {
        name: "TfliteError",
        rule: "sparse tensor",
        message,
      });
    });
  }

  test("too large once dense", () => {
    const levels = [dense(2 ** 15), rows([0], []), dense(1)];
    const parts = [[2 ** 15, 2 ** 15], [], levels.slice(0, 2)];
    assert.throws(() => written(...parts), /1073741824 elements, once dense/);
  });
});
