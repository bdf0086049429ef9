// SPDX-License-Identifier: Apache-2.0
// loadModel() and run() on a WebNN that records.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";

import { loadModel, TfliteError } from "../../polyfill/tflite/loader.js";
import { FakeContext, installFake } from "./fake_webnn.js";
import { quantizedConvolution, tinyModel, writeModel } from "./model_writer.js";

const MODEL = writeModel(quantizedConvolution());
let contexts = installFake();

const TWO = writeModel(
  tinyModel({
    tensors: {
      a: { shape: [2] },
      b: { shape: [2], type: "INT64" },
      unused: { shape: [1] },
      y: { shape: [2] },
      z: { shape: [2], type: "INT64" },
    },
    operators: [
      ["RELU", ["a"], ["y"]],
      ["ADD", ["b", "b"], ["z"], {}],
    ],
    inputs: ["a", "b", "unused"],
    outputs: ["y", "z"],
  }),
);

const INPUTS = {
  a: Float32Array.of(1, 2),
  b: BigInt64Array.of(1n, 2n),
  unused: Float32Array.of(0),
};

describe("loadModel", () => {
  test("from memory, with a context of its own", async () => {
    contexts = installFake();
    const model = await loadModel(MODEL, { fileName: "tiny.tflite" });
    assert.ok(model.contextOwned);
    assert.deepEqual(model.inputs, [
      {
        name: "x",
        shape: [1, 4, 4, 2],
        dataType: "uint8",
        quantization: { scale: [0.5], zeroPoint: [128], axis: 0 },
      },
    ]);
    assert.deepEqual(
      model.outputs.map(({ name, dataType }) => [name, dataType]),
      [["y", "uint8"]],
    );
    assert.deepEqual(model.operators, [
      {
        index: 0,
        name: "CONV_2D",
        inputs: ["x", "filter", "bias"],
        outputs: ["y"],
        inputTypes: ["uint8", "uint8", "int32"],
        outputTypes: ["uint8"],
      },
    ]);
    model.destroy();
    model.destroy();
    assert.equal(contexts[0].destroyed, 1);
    assert.equal(model.graph.destroyed, 1);
    assert.ok(contexts[0].tensors.every((tensor) => tensor.destroyed === 1));
  });

  test("a context that was given stays", async () => {
    const context = new FakeContext();
    const model = await loadModel(MODEL.buffer, { context });
    assert.ok(!model.contextOwned);
    model.destroy();
    assert.equal(context.destroyed, 0);
  });

  test("a context that was made goes with a failure", async () => {
    contexts = installFake();
    const model = quantizedConvolution();
    model.subgraphs[0].operators[0].builtinOptions.strideH = 0;
    await assert.rejects(loadModel(writeModel(model)), { rule: "strides" });
    assert.equal(contexts[0].destroyed, 1);
  });

  test("from a Blob, a Response, views", async () => {
    const progress = [];
    const onProgress = (...numbers) => progress.push(numbers);
    await loadModel(new Blob([MODEL]), { onProgress });
    assert.deepEqual(progress.at(-1), [MODEL.length, MODEL.length]);
    await loadModel(new Response(MODEL), { onProgress });
    assert.deepEqual(progress.at(-1), [MODEL.length, null]);
    await loadModel(new DataView(MODEL.buffer));
    const shared = new SharedArrayBuffer(MODEL.length);
    new Uint8Array(shared).set(MODEL);
    await loadModel(new Uint8Array(shared));
    await assert.rejects(loadModel(5), TypeError);
  });

  // Node 18 has no File.
  test("names the file in errors", { skip: typeof File === "undefined" }, async () => {
    const file = new File([new Uint8Array(9)], "my.tflite");
    await assert.rejects(loadModel(file), { message: /^my\.tflite: / });
    await assert.rejects(loadModel(file, { fileName: "other" }), { message: /^other: / });
  });

  test("aborts", async () => {
    const signal = AbortSignal.abort();
    await assert.rejects(loadModel(MODEL, { signal }), { name: "AbortError" });
    const late = new AbortController();
    contexts = installFake();
    const loading = loadModel(MODEL, { signal: late.signal });
    late.abort();
    await assert.rejects(loading, { name: "AbortError" });
    assert.ok(contexts.every((context) => context.destroyed === 1));
  });

  test("a context that is still being made is the caller's as well", async () => {
    const context = new FakeContext();
    const model = await loadModel(MODEL, { context: Promise.resolve(context) });
    assert.equal(model.context, context);
    model.destroy();
    assert.equal(context.destroyed, 0);
    const failing = Promise.reject(new DOMException("no engine", "NotSupportedError"));
    await assert.rejects(loadModel(MODEL, { context: failing }), { message: "no engine" });
  });

  test("without WebNN", async () => {
    const { navigator } = globalThis;
    Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
    await assert.rejects(loadModel(MODEL), { name: "NotSupportedError" });
    Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  });
});

describe("from a server", () => {
  let server;
  let base;
  const PATHS = {
    "/a/model.tflite": (response) => response.end(MODEL),
    "/short.tflite": (response) => response.end(MODEL.slice(0, 100)),
    "/long.tflite": (response) => {
      response.setHeader("content-length", 1e6);
      response.write(MODEL);
    },
  };
  before(async () => {
    server = createServer((request, response) => {
      const path = request.url.split("?")[0];
      if (PATHS[path]) return PATHS[path](response);
      response.statusCode = 404;
      response.end();
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${server.address().port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  test("a URL, with progress", async () => {
    const seen = [];
    const url = new URL(`${base}/a/model.tflite?v=1`);
    const model = await loadModel(url, { onProgress: (...numbers) => seen.push(numbers) });
    assert.equal(model.inputs.length, 1);
    assert.equal(seen.at(-1)[0], MODEL.length);
  });

  test("errors name the file", async () => {
    await assert.rejects(loadModel(`${base}/short.tflite#x`), { message: /^short\.tflite: / });
    await assert.rejects(loadModel(`${base}/none.tflite`), {
      name: "TfliteError",
      message: "none.tflite: got HTTP status 404, expected 200 (download).",
    });
  });

  test("stops at the limit", async () => {
    const limits = { bytes: 100 };
    await assert.rejects(loadModel(`${base}/a/model.tflite`, { limits }), { rule: "limit bytes" });
    await assert.rejects(loadModel(`${base}/long.tflite`, { limits }), { rule: "limit bytes" });
  });

  test("stops when aborted", async () => {
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    const loading = loadModel(`${base}/long.tflite`, { signal: controller.signal, onProgress });
    await assert.rejects(loading, { name: "AbortError" });
  });
});

describe("run", () => {
  const load = (options) => loadModel(TWO, { context: new FakeContext(options) });

  test("writes, dispatches and reads by name", async () => {
    const model = await load({
      answer: (name, inputs, tensor) =>
        name === "y" ? inputs.a.bytes.slice() : tensor.bytes.fill(1, 0, 1),
    });
    const outputs = await model.run(INPUTS);
    assert.equal(Object.getPrototypeOf(outputs), null);
    assert.deepEqual({ ...outputs }, { y: INPUTS.a, z: BigInt64Array.of(1n, 0n) });
  });

  test("tensors are made once", async () => {
    const model = await load();
    const { length } = model.context.tensors;
    await model.run(INPUTS);
    await model.run(INPUTS);
    assert.equal(model.context.tensors.length, length);
    assert.equal(model.context.dispatches, 2);
  });

  test("may be called again before it has finished", async () => {
    const model = await load({ answer: (name, { a, b }) => (name === "y" ? a : b).bytes.slice() });
    const runs = [1, 2, 3].map((v) => model.run({ ...INPUTS, a: Float32Array.of(v, v) }));
    assert.deepEqual(
      (await Promise.all(runs)).map(({ y }) => y[0]),
      [1, 2, 3],
    );
  });

  test("one array where there is one input", async () => {
    const model = await loadModel(MODEL, { context: new FakeContext() });
    const { y } = await model.run(new Uint8ClampedArray(32));
    assert.deepEqual(y, new Uint8Array(12));
  });

  const refusals = {
    "a missing input": [{ a: INPUTS.a }, /input "b": got nothing, expected a BigInt64Array of 2/],
    "an unknown input": [{ ...INPUTS, c: INPUTS.a }, /got input "c", expected only a, b, unused\./],
    "another type": [
      { ...INPUTS, a: new Int32Array(2) },
      /^run: input "a": got Int32Array of 2 elements, expected a Float32Array of 2 elements \(\[2\]\)\.$/,
    ],
    "another length": [{ ...INPUTS, a: new Float32Array(3) }, /got Float32Array of 3 elements/],
    "no array": [{ ...INPUTS, a: [1, 2] }, /input "a": got object, expected a Float32Array/],
    "one array for many": [INPUTS.a, /got one array, expected inputs named a, b, unused\./],
    nothing: [undefined, /input "a": got nothing/],
  };
  for (const [name, [inputs, message]] of Object.entries(refusals)) {
    test(`refuses ${name}`, async () => {
      const model = await load();
      await assert.rejects(model.run(inputs), (error) => {
        assert.ok(error instanceof TypeError);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  test("refuses after destroy()", async () => {
    const model = await load();
    model.destroy();
    await assert.rejects(model.run(INPUTS), { name: "InvalidStateError" });
  });
});

test("TfliteError is an Error with a name", () => {
  const error = new TfliteError({ file: "f" }, "a", "b", "c");
  assert.ok(error instanceof Error);
  assert.equal(String(error), "TfliteError: f: got a, expected b (c).");
});
