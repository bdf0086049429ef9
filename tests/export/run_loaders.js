// SPDX-License-Identifier: Apache-2.0
// Runs generated loaders and the runtime loader side by side on octet's engine under Node:
// `node run_loaders.js folder`. cases.json there lists {name, model, inputs: files}; each loader lies in
// a folder of its name. Writes {name: what differs} to differences.json.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { MLGraphBuilder } from "../../polyfill/api/builder.js";
import { loadModel } from "../../polyfill/tflite/loader.js";
import { testML, view } from "../support/engine.js";

const folder = process.argv[2];
globalThis.MLGraphBuilder = MLGraphBuilder;
const ml = testML();

/** A copy, so that views of any element size are aligned. */
function bytesOf(...path) {
  return Uint8Array.from(readFileSync(join(folder, ...path))).buffer;
}

function text(results) {
  return JSON.stringify(
    Object.entries(results).map(([name, { buffer, byteOffset, byteLength }]) => [
      name,
      Buffer.from(buffer, byteOffset, byteLength).toString("hex"),
    ]),
  );
}

async function difference({ name, model: file, inputs }) {
  const context = await ml.createContext();
  try {
    const expected = await loadModel(bytesOf(file), { context, fileName: name });
    const loader = await import(pathToFileURL(join(folder, name, `${name}.js`)).href);
    const model = await loader.load(context, { weights: bytesOf(name, `${name}.bin`) });
    for (const side of ["inputs", "outputs"]) {
      const want = expected[side].map(({ signatureName, ...info }) => info);
      if (JSON.stringify(loader[side]) !== JSON.stringify(want)) return side;
    }
    const arrays = expected.inputs.map((info, i) => [
      info.name,
      view(info.dataType, bytesOf(inputs[i])),
    ]);
    const given = Object.fromEntries(arrays);
    const zeros = Object.fromEntries(
      arrays.map(([key, array]) => [key, new array.constructor(array.length)]),
    );
    // Runs that overlap, then one whose arrays may have served before.
    const several = async (loaded) => {
      const first = await Promise.all([loaded.run(given), loaded.run(zeros)]);
      return [...first, await loaded.run(given)].map(text);
    };
    const [a, b] = [await several(model), await several(expected)];
    const i = a.findIndex((results, k) => results !== b[k]);
    if (i >= 0) return `run ${i}: results ${a[i].slice(0, 200)} instead of ${b[i].slice(0, 200)}`;
    model.destroy();
    expected.destroy();
    return null;
  } catch (error) {
    return `${error.stack}`;
  } finally {
    context.destroy();
  }
}

const differences = {};
const cases = JSON.parse(readFileSync(join(folder, "cases.json"), "utf8"));
for (const one of cases) {
  const found = await difference(one);
  if (found !== null) differences[one.name] = found;
}
writeFileSync(join(folder, "differences.json"), JSON.stringify(differences));
process.exit(0);
