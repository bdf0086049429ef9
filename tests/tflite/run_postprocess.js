// SPDX-License-Identifier: Apache-2.0
// Detection post-processing alone: `node run_postprocess.js model heads.json` runs the model on a
// WebNN whose graph outputs are the bytes of the files that heads.json names ({tensor name: file});
// writes the results beside them as <output index>.out and prints their names.

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { loadModel } from "../../polyfill/tflite/loader.js";
import { FakeContext, installFake } from "./fake_webnn.js";

const [model, list] = process.argv.slice(2);
const heads = JSON.parse(readFileSync(list, "utf8"));
installFake();
const context = new FakeContext({ answer: (name) => Uint8Array.from(readFileSync(heads[name])) });
const loaded = await loadModel(readFileSync(model), { context });
const [{ name, shape, dataType }] = loaded.inputs;
const length = shape.reduce((count, d) => count * d, 1);
const zeros = dataType === "uint8" ? new Uint8Array(length) : new Float32Array(length);
const outputs = await loaded.run({ [name]: zeros });
for (const [i, info] of loaded.outputs.entries()) {
  writeFileSync(join(dirname(list), `${i}.out`), new Uint8Array(outputs[info.name].buffer));
}
console.log(JSON.stringify(loaded.outputs));
