// SPDX-License-Identifier: Apache-2.0
// node corpus.js: what campaigns found, one file after the other, on octet's engine: prints
// {file: {problem, refused: the message or null, memory: bytes of the engine}}.

import { readdirSync, readFileSync } from "node:fs";
import { MLGraphBuilder } from "../../polyfill/api/builder.js";
import { memoryUse } from "../../polyfill/api/extensions.js";
import { loadModel } from "../../polyfill/tflite/loader.js";
import { testContext } from "../support/engine.js";
import { emptyReport, examine, LIMITS } from "./campaign.js";
import { random } from "./random.js";

const FOLDER = new URL("./corpus/", import.meta.url);
globalThis.MLGraphBuilder = MLGraphBuilder;
const found = {};
for (const name of readdirSync(FOLDER).sort()) {
  const context = await testContext();
  const bytes = Uint8Array.from(readFileSync(new URL(name, FOLDER)));
  const problem = await examine({ context, loadModel }, bytes, random(1), emptyReport());
  let refused = null;
  try {
    (await loadModel(bytes.buffer, { context, limits: LIMITS, fileName: name })).destroy();
  } catch (error) {
    refused = error.message;
  }
  const { used, total } = await memoryUse(context);
  found[name] = { problem, refused, used, total };
  context.destroy();
}
process.stdout.write(JSON.stringify(found));
process.exit(0);
