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
 * @param {string} options a name in SESSIONS, or "tensors": input and outputs stay on octet
 */
async function run(model, input, options) {
  const bytes = new Uint8Array(await (await fetch(model)).arrayBuffer());
  const values = new Float32Array(await (await fetch(input)).arrayBuffer());
  const outputs = await (options === "tensors" ? onTensors : onArrays)(bytes, values, options);
  return { outputs, record: takeRecord() };
}

async function onArrays(bytes, values, options) {
  const session = await ort.InferenceSession.create(bytes, SESSIONS[options]);
  const [{ name, shape }] = session.inputMetadata;
  const results = await session.run({ [name]: new ort.Tensor("float32", values, shape) });
  const outputs = session.outputNames.map((output) => Array.from(results[output].data));
  await session.release();
  return outputs;
}

/** As pages do that chain networks: a context and an input tensor of their own, outputs left there. */
async function onTensors(bytes, values) {
  const context = await navigator.ml.createContext({ deviceType: "cpu" });
  const session = await ort.InferenceSession.create(bytes, {
    ...SESSIONS.webnn,
    executionProviders: [{ name: "webnn", deviceType: "cpu", context }],
    preferredOutputLocation: "ml-tensor",
  });
  const [{ name, shape }] = session.inputMetadata;
  const dataType = "float32";
  const tensor = await context.createTensor({ dataType, shape, writable: true });
  context.writeTensor(tensor, values);
  const feed = ort.Tensor.fromMLTensor(tensor, { dataType, dims: shape });
  const results = await session.run({ [name]: feed });
  const outputs = [];
  for (const output of session.outputNames) {
    if (results[output].location !== "ml-tensor") throw new Error(`${output} left octet`);
    const buffer = await context.readTensor(results[output].mlTensor);
    outputs.push(Array.from(new Float32Array(buffer)));
  }
  await session.release();
  return outputs;
}

offer(run);
