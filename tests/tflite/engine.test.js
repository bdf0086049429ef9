// SPDX-License-Identifier: Apache-2.0
// The loader on octet's engine: the four modes of inputs and outputs agree, intermediate tensors
// are the same numbers, tensors and contexts go when they should.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { MLGraphBuilder } from "../../polyfill/api/builder.js";
import { loadModel } from "../../polyfill/tflite/loader.js";
import { testML } from "../support/engine.js";
import { quantizedConvolution, tinyModel, writeModel } from "./model_writer.js";

const FILTER = Uint8Array.of(119, 121, 122, 118, 120, 123);
const MODEL = writeModel(quantizedConvolution({ filter: { data: FILTER } }));
const STORED = Uint8Array.from({ length: 32 }, (_, i) => 120 + ((i * 7) % 17));
/** What the stored inputs stand for. */
const REAL = Float32Array.from(STORED, (q) => (q - 128) * 0.5);

before(() => {
  globalThis.MLGraphBuilder = MLGraphBuilder;
  Object.defineProperty(globalThis, "navigator", { value: { ml: testML() }, configurable: true });
});

/** By hand: 1×1 convolution with stride 2, RELU6, in double precision. */
function expected() {
  const filter = Array.from(FILTER, (q) => (q - 120) * 0.25);
  const bias = [10, -20, 30].map((q) => q * 0.125);
  const result = [];
  for (const pixel of [0, 2, 8, 10]) {
    for (const channel of [0, 1, 2]) {
      const products = [0, 1].map((i) => REAL[2 * pixel + i] * filter[2 * channel + i]);
      const sum = bias[channel] + products[0] + products[1];
      result.push(Math.round(Math.min(Math.max(sum, 0), 6) / Math.fround(0.0235)));
    }
  }
  return Uint8Array.from(result, (q) => Math.min(q, 255));
}

describe("inputs and outputs", () => {
  for (const floatInputs of [false, true]) {
    for (const floatOutputs of [false, true]) {
      const words = (float) => (float ? "float" : "stored");
      test(`${words(floatInputs)} in, ${words(floatOutputs)} out`, async () => {
        const model = await loadModel(MODEL, { floatInputs, floatOutputs });
        const { y } = await model.run({ x: floatInputs ? REAL : STORED });
        const wanted = expected();
        const scale = Math.fround(0.0235);
        assert.deepEqual(y, floatOutputs ? Float32Array.from(wanted, (q) => q * scale) : wanted);
        assert.ok(wanted.some((q) => q > 0 && q < 255));
        model.destroy();
      });
    }
  }
});

test("intermediate tensors, an unused input, a 64-bit output", async () => {
  const model = tinyModel({
    tensors: {
      x: { shape: [1, 4] },
      unused: { shape: [1] },
      r: { shape: [1, 4] },
      axis: { shape: [], type: "INT32", data: Int32Array.of(1) },
      y: { shape: [1], type: "INT64" },
    },
    operators: [
      ["RELU", ["x"], ["r"]],
      ["ARG_MAX", ["r", "axis"], ["y"], { outputType: "INT64" }],
    ],
    inputs: ["x", "unused"],
    outputs: ["y"],
  });
  const loaded = await loadModel(writeModel(model), { outputs: "all" });
  const inputs = { x: Float32Array.of(-3, 1, 5, 2), unused: new Float32Array(1) };
  const runs = await Promise.all([loaded.run(inputs), loaded.run(inputs)]);
  for (const { y, r } of runs) {
    assert.deepEqual(y, BigInt64Array.of(2n));
    assert.deepEqual(r, Float32Array.of(0, 1, 5, 2));
  }
  loaded.destroy();
  await assert.rejects(loaded.run(inputs), { name: "InvalidStateError" });
});

test("what the file feeds through comes out", async () => {
  const model = tinyModel({
    tensors: { x: { shape: [2] }, c: { shape: [2], data: Float32Array.of(7, 8) } },
    operators: [],
    inputs: ["x"],
    outputs: ["x", "c"],
  });
  const loaded = await loadModel(writeModel(model));
  const { x, c } = await loaded.run(Float32Array.of(1, 2));
  assert.deepEqual([...x, ...c], [1, 2, 7, 8]);
  loaded.destroy();
});
