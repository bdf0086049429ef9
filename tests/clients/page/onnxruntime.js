// SPDX-License-Identifier: Apache-2.0
// A network in ONNX Runtime Web: on WebNN, which is octet, or on its own wasm kernels.

import * as ort from "onnxruntime-web/all";
import { offer, takeRecord } from "./observe.js";

ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = "/node_modules/onnxruntime-web/dist/";

/** Options of sessions by their name in the tests. @type {Readonly<Record<string, object>>} */
const SESSIONS = {
  webnn: {
    executionProviders: [{ name: "webnn", deviceType: "cpu" }],
    // The session is refused if it leaves a node to the wasm kernels.
    extra: { session: { disable_cpu_ep_fallback: "1" } },
  },
  wasm: { executionProviders: ["wasm"] },
};

/**
 * @param {string} model URL
 * @param {string} input URL of the bytes of its one input, float32
 * @param {string} options a name in SESSIONS
 */
async function run(model, input, options) {
  const bytes = new Uint8Array(await (await fetch(model)).arrayBuffer());
  const values = new Float32Array(await (await fetch(input)).arrayBuffer());
  const session = await ort.InferenceSession.create(bytes, SESSIONS[options]);
  const [{ name, shape }] = session.inputMetadata;
  const results = await session.run({ [name]: new ort.Tensor("float32", values, shape) });
  const outputs = session.outputNames.map((output) => Array.from(results[output].data));
  await session.release();
  return { outputs, record: takeRecord() };
}

offer(run);
