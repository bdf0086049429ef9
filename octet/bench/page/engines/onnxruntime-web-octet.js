// SPDX-License-Identifier: Apache-2.0
// ONNX Runtime Web on WebNN, which is octet.

import { configure, describeContext, install } from "octet";
import * as ort from "onnxruntime-web/all";
import { choiceOf, variantOf } from "../choice.js";
import { loadSession } from "../ort_session.js";

/** @type {import("../adapter.js").Load} */
export async function load(bytes, { threads, variant }) {
  install("force");
  configure({ threads, ...choiceOf(variant) });
  const realm = /** @type {any} */ (globalThis);
  let graphs = 0;
  const { build } = realm.MLGraphBuilder.prototype;
  realm.MLGraphBuilder.prototype.build = function (/** @type {any[]} */ ...args) {
    graphs++;
    return build.apply(this, args);
  };
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = "/peers/onnxruntime-web/dist/";
  const start = performance.now();
  const context = await realm.navigator.ml.createContext({ deviceType: "cpu" });
  const initMs = performance.now() - start;
  const { session, compileMs } = await loadSession(ort, await bytes, {
    executionProviders: [{ name: "webnn", deviceType: "cpu", context }],
  });
  const note = graphs === 1 ? undefined : `${graphs} graphs for WebNN`;
  const facts = { variant: variantOf(describeContext(context)), note };
  return { ...session, initMs, compileMs, facts };
}
