// SPDX-License-Identifier: Apache-2.0
// tfjs-tflite by its low-level client: typed arrays straight into the interpreter, without the TensorFlow.js
// tensors on top of it.

import { fill } from "../inputs.js";
import { loadScript } from "../script.js";

const CLIENT = "/peers/@tensorflow/tfjs-tflite/wasm/tflite_web_api_client.js";

/** @type {import("../adapter.js").Load} */
export async function load(bytes, { threads }) {
  const realm = /** @type {any} */ (globalThis);
  // Without it the client takes its build without threads.
  if (threads === 1) realm.SharedArrayBuffer = undefined;
  realm.exports = {};
  const start = performance.now();
  await loadScript(CLIENT);
  const initMs = performance.now() - start;
  const data = await bytes;
  const compiling = performance.now();
  const { TFLiteWebModelRunner } = realm.exports.tfweb;
  const runner = await TFLiteWebModelRunner.create(data, { numThreads: threads });
  const compileMs = performance.now() - compiling;
  const [inputs, outputs] = [runner.getInputs(), runner.getOutputs()];
  const values = inputs.map((/** @type {any} */ { dataType, shape }) =>
    fill(dataType, shape.split(",").map(Number)),
  );
  const unread = outputs.filter((/** @type {any} */ output) => !ArrayBuffer.isView(output.data()));
  return {
    initMs,
    compileMs,
    facts: unread.length ? { note: "cannot read its int64 outputs" } : {},
    async run() {
      for (const [i, input] of inputs.entries()) input.data().set(values[i]);
      if (!runner.infer()) throw new Error("infer() failed");
      return outputs.map((/** @type {any} */ output) => copyOf(output.data()));
    },
    close: () => runner.cleanUp(),
  };
}

/** @param {unknown} values @returns {ArrayLike<unknown>} */
function copyOf(values) {
  return ArrayBuffer.isView(values) ? /** @type {Uint8Array} */ (values).slice() : [];
}
