// SPDX-License-Identifier: Apache-2.0
// octet through its loader.

import { configure, describeContext, install } from "octet";
import { choiceOf, variantOf } from "../choice.js";
import { fill } from "../inputs.js";

/** @type {import("../adapter.js").Load} */
export async function load(bytes, { threads, variant }) {
  install("force");
  configure({ threads, ...choiceOf(variant) });
  const start = performance.now();
  // The engine starts while the loader and the file are under way.
  const starting = /** @type {any} */ (navigator).ml.createContext();
  const { loadModel } = await import("octet/tflite");
  const data = await bytes;
  const loading = loadModel(data, { context: starting });
  const context = await starting;
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
