// SPDX-License-Identifier: Apache-2.0
// Runs models on octet's engine under Node: `node run_models.js folder`. cases.json there lists
// {name, model, inputs: files in the order of the model's inputs, options?}; results.json gets
// {name: {error} or {outputs: [{name, dataType, shape, file}]}}.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { MLGraphBuilder } from "../../polyfill/api/builder.js";
import { loadModel } from "../../polyfill/tflite/loader.js";
import { testML, view } from "../support/engine.js";

const folder = process.argv[2];
globalThis.MLGraphBuilder = MLGraphBuilder;
const ml = testML();

/** A copy, so that views of any element size are aligned. */
function bytesOf(file) {
  return Uint8Array.from(readFileSync(join(folder, file))).buffer;
}

async function run({ name, model: file, inputs, options }) {
  const context = await ml.createContext();
  try {
    const model = await loadModel(bytesOf(file), { context, fileName: name, ...options });
    const arrays = model.inputs.map((info, i) => [
      info.name,
      view(info.dataType, bytesOf(inputs[i])),
    ]);
    const values = await model.run(Object.fromEntries(arrays));
    const outputs = model.outputs.map(({ name: output, dataType, shape }, i) => {
      const target = `${name}.out${i}`;
      const { buffer, byteOffset, byteLength } = values[output];
      writeFileSync(join(folder, target), new Uint8Array(buffer, byteOffset, byteLength));
      return { name: output, dataType, shape, file: target };
    });
    model.destroy();
    return { outputs };
  } catch (error) {
    return { error: `${error.message}\n${error.cause?.stack ?? error.stack}` };
  } finally {
    context.destroy();
  }
}

const results = {};
for (const one of JSON.parse(readFileSync(join(folder, "cases.json"), "utf8"))) {
  results[one.name] = await run(one);
}
writeFileSync(join(folder, "results.json"), JSON.stringify(results));
process.exit(0);
