// SPDX-License-Identifier: Apache-2.0
// LiteRT.js on its CPU accelerator.

import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";
import { fill } from "../inputs.js";

const WASM = "/peers/@litertjs/core/wasm/";

/** @type {import("../adapter.js").Load} */
export async function load(bytes, { threads }) {
  const start = performance.now();
  await loadLiteRt(WASM, { threads: threads > 1 });
  const initMs = performance.now() - start;
  const data = new Uint8Array(await bytes);
  const compiling = performance.now();
  const options = { accelerator: "wasm", cpuOptions: { numThreads: threads } };
  const model = await loadAndCompile(data, options);
  const compileMs = performance.now() - compiling;
  const inputs = model.getInputDetails().map((/** @type {any} */ { dtype, shape }) => ({
    shape: Array.from(shape),
    values: fill(dtype, shape),
  }));
  return {
    initMs,
    compileMs,
    async run() {
      const tensors = inputs.map((/** @type {any} */ i) => new Tensor(i.values, i.shape));
      const outputs = await model.run(tensors);
      const arrays = outputs.map((/** @type {any} */ output) => output.toTypedArray());
      for (const tensor of [...tensors, ...outputs]) tensor.delete();
      return arrays;
    },
    close: () => model.delete(),
  };
}
