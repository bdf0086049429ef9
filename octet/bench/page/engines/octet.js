// SPDX-License-Identifier: Apache-2.0
// octet through its loader.

import { configure, describeContext, install } from "octet";
import { loadModel } from "octet/tflite";
import { choiceOf, variantOf } from "../choice.js";
import { fill } from "../inputs.js";

/** @type {import("../adapter.js").Load} */
export async function load(bytes, { threads, variant }) {
  install("force");
  configure({ threads, ...choiceOf(variant) });
  const start = performance.now();
  const starting = /** @type {any} */ (navigator).ml.createContext();
  // The file is read while the engine starts.
  const loading = bytes.then((data) => loadModel(data, { context: starting }));
  const [context] = await Promise.all([starting, bytes]);
  const initMs = performance.now() - start;
  const compiling = performance.now();
  const model = await loading;
  const compileMs = performance.now() - compiling;
  /** @type {{name: string, dataType: string, shape: number[]}[]} */
  const infos = model.inputs;
  const inputs = Object.fromEntries(infos.map((i) => [i.name, fill(i.dataType, i.shape)]));
  return {
    initMs,
    compileMs,
    facts: { variant: variantOf(describeContext(context)) },
    async run() {
      const results = await model.run(inputs);
      return model.outputs.map((/** @type {{name: string}} */ { name }) => results[name]);
    },
    close() {
      model.destroy();
      context.destroy();
    },
  };
}
