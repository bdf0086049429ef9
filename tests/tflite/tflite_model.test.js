// SPDX-License-Identifier: Apache-2.0
// A built model's runs: which arrays serve again, and which are the caller's.

import assert from "node:assert/strict";
import test from "node:test";

import { TfliteModel } from "../../polyfill/tflite/tflite_model.js";

const FLOATS = { dataType: "float32", shape: [2] };

/** A context whose graph copies its input into all outputs; answers come in later tasks. */
function copyingContext() {
  return {
    async createTensor() {
      return { values: null, destroy() {} };
    },
    writeTensor(tensor, array) {
      tensor.values = Float32Array.from(array);
    },
    dispatch(_graph, { x }, outputs) {
      for (const tensor of Object.values(outputs)) tensor.values = x.values;
    },
    async readTensor({ values }, outputData) {
      await new Promise((resolve) => setTimeout(resolve));
      if (!outputData) return values.slice().buffer;
      outputData.set(values);
      return undefined;
    },
  };
}

/** A model of outputs "sum", which a postprocess computes of `feeds`, and "y"; `seen` gets what it reads. */
function summing(feeds, seen) {
  const postprocess = {
    run(stored) {
      seen.push(...stored);
      return [Float32Array.of(stored.flatMap((list) => [...list]).reduce((a, b) => a + b, 0))];
    },
  };
  return TfliteModel.create({
    context: copyingContext(),
    contextOwned: false,
    graph: { destroy() {} },
    operators: [],
    mapped: {
      inputs: [{ info: { name: "x", ...FLOATS, quantization: null }, used: true }],
      outputs: [
        { info: { name: "sum", dataType: "float32", shape: [1], quantization: null }, postprocess },
        { info: { name: "y", ...FLOATS, quantization: null } },
      ],
      graphOutputs: new Map([...feeds, "y"].map((name) => [name, FLOATS])),
      postprocesses: [{ postprocess, feeds }],
    },
  });
}

const run = (model, a, b) => model.run(Float32Array.of(a, b));

test("what only a postprocess reads serves run after run, the caller's outputs do not", async () => {
  const seen = [];
  const model = await summing(["codes", "scores"], seen);
  const first = await run(model, 1, 2);
  const second = await run(model, 3, 4);
  assert.deepEqual([first.sum[0], second.sum[0]], [6, 14]);
  assert.deepEqual(
    [[...first.y], [...second.y]],
    [
      [1, 2],
      [3, 4],
    ],
  );
  assert.equal(new Set(seen.map(({ buffer }) => buffer)).size, 2, "one array for each output");
});

test("runs that overlap do not share arrays", async () => {
  const seen = [];
  const model = await summing(["codes"], seen);
  const results = await Promise.all([run(model, 1, 1), run(model, 2, 2), run(model, 3, 3)]);
  assert.deepEqual(
    results.map(({ sum }) => sum[0]),
    [2, 4, 6],
  );
  assert.equal(new Set(seen.map(({ buffer }) => buffer)).size, 3);
  await run(model, 4, 4);
  assert.equal(new Set(seen.map(({ buffer }) => buffer)).size, 3, "and are kept for the next one");
});
