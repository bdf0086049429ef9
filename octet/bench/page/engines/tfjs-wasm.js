// SPDX-License-Identifier: Apache-2.0
// TensorFlow.js on its wasm backend.

import { fill } from "../inputs.js";
import { loadScript } from "../script.js";

const PACKAGES = "/peers/@tensorflow";

/** @type {import("../adapter.js").Load} */
export async function load(bytes, { threads }) {
  const realm = /** @type {any} */ (globalThis);
  // Without it the backend takes its build without threads.
  if (threads === 1) realm.SharedArrayBuffer = undefined;
  const start = performance.now();
  await loadScript(`${PACKAGES}/tfjs-core/dist/tf-core.min.js`);
  await loadScript(`${PACKAGES}/tfjs-converter/dist/tf-converter.min.js`);
  await loadScript(`${PACKAGES}/tfjs-backend-wasm/dist/tf-backend-wasm.min.js`);
  const { tf } = realm;
  tf.wasm.setWasmPaths(`${PACKAGES}/tfjs-backend-wasm/dist/`);
  tf.wasm.setThreadsCount(threads);
  await tf.setBackend("wasm");
  await tf.ready();
  const initMs = performance.now() - start;
  const data = await bytes;
  const compiling = performance.now();
  const model = await tf.loadGraphModel(tf.io.fromMemory(artifactsOf(data)));
  const compileMs = performance.now() - compiling;
  const used = threads > 1 ? tf.wasm.getThreadsCount() : 1;
  const note = used === threads ? undefined : `takes ${used} of ${threads} threads`;
  const [{ shape, dtype }] = model.inputs;
  const values = fill(dtype, shape);
  return {
    initMs,
    compileMs,
    facts: { note },
    async run() {
      const input = tf.tensor(values, shape, dtype);
      const output = model.execute(input);
      const result = output.dataSync();
      input.dispose();
      output.dispose();
      return [result];
    },
    close: () => model.dispose(),
  };
}

/** @param {ArrayBuffer} file as octet/bench/tfjs_twin.py writes it */
function artifactsOf(file) {
  const length = new DataView(file).getUint32(0, true);
  const text = new TextDecoder().decode(new Uint8Array(file, 4, length));
  return { ...JSON.parse(text), weightData: file.slice(4 + length) };
}
