// SPDX-License-Identifier: Apache-2.0
// ONNX Runtime Web on octet: an .onnx file on noise, float or quantized; what it answers and how long it took.
// Served by `python3 build.py serve` as /examples/onnxruntime-web/; with a bundler the import map of
// index.html is not needed.

import "octet-webnn"; // The first of two lines that are not usual: navigator.ml is there.
import * as ort from "onnxruntime-web/all";

const element = (/** @type {string} */ id) =>
  /** @type {HTMLInputElement} */ (document.getElementById(id));

/** A tensor of noise, dimensions without a size being 1. @param {any} input */
function noise({ name, type, shape }) {
  if (type !== "float32") throw new TypeError(`input "${name}" is ${type}, not float32.`);
  const sizes = shape.map((/** @type {unknown} */ size) => (typeof size === "number" ? size : 1));
  const count = sizes.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
  return new ort.Tensor("float32", Float32Array.from({ length: count }, Math.random), sizes);
}

/** @param {File} file */
async function answer(file) {
  const session = await ort.InferenceSession.create(new Uint8Array(await file.arrayBuffer()), {
    executionProviders: [{ name: "webnn", deviceType: "cpu" }], // The second.
  });
  const feeds = Object.fromEntries(session.inputMetadata.map((i) => [i.name, noise(i)]));
  const start = performance.now();
  const results = await session.run(feeds);
  const ms = performance.now() - start;
  const lines = session.outputNames.map((name) => {
    const { dims, data } = results[name];
    const numbers = Array.from(data.slice(0, 4), (value) => Number(value).toPrecision(4));
    return `${name} [${dims.join(", ")}]: ${numbers.join(", ")}, …`;
  });
  await session.release();
  return [`${ms.toFixed(1)} ms`, ...lines].join("\n");
}

element("file").addEventListener("change", async () => {
  const [file] = element("file").files ?? [];
  if (!file) return;
  element("answers").value = await answer(file).catch((error) => `${error.name}: ${error.message}`);
});
