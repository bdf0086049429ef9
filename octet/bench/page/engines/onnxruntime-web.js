// SPDX-License-Identifier: Apache-2.0
// ONNX Runtime Web on its own wasm kernels.

import * as ort from "onnxruntime-web/wasm";
import { loadSession } from "../ort_session.js";

/** @type {import("../adapter.js").Load} */
export async function load(bytes, { threads }) {
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = "/peers/onnxruntime-web/dist/";
  const { session, compileMs } = await loadSession(ort, await bytes, {
    executionProviders: ["wasm"],
  });
  // Creating the first session also starts the engine.
  return { ...session, initMs: 0, compileMs };
}
