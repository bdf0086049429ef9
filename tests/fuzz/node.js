// SPDX-License-Identifier: Apache-2.0
// node --expose-gc node.js OPTIONS: a campaign on octet's engine under Node. OPTIONS is a JSON file:
// {seed, first, seconds, rounds, folder of seeds, position: a file that always has the current round}.
// Writes a line of JSON now and then, at last one with `done`.

import { openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { MLGraphBuilder } from "../../polyfill/api/builder.js";
import { memoryUse } from "../../polyfill/api/extensions.js";
import { loadModel } from "../../polyfill/tflite/loader.js";
import { testContext } from "../support/engine.js";
import { campaign, emptyReport } from "./campaign.js";
import { seedOf } from "./mutations.js";
import { CHAINS } from "./seed_models.js";

const SLICE = 200;

const options = JSON.parse(readFileSync(process.argv[2], "utf-8"));
const { seed, first = 0, seconds = Infinity, rounds = Infinity, folder } = options;
globalThis.MLGraphBuilder = MLGraphBuilder;
const files = readdirSync(folder).filter((name) => name.endsWith(".tflite"));
const seeds = [
  ...CHAINS,
  ...files.sort().map((name) => seedOf(name, Uint8Array.from(readFileSync(join(folder, name))))),
];
const position = openSync(options.position, "w");
const note = (/** @type {number} */ round) => writeSync(position, `${round}`.padEnd(12), 0);

/** Bytes: of the engine's memory, of the script's objects. */
async function memory(context) {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const { used, total } = await memoryUse(context);
  return { engine: used, memory: total, objects: heapUsed + arrayBuffers };
}

const context = await testContext({ debug: false });
const report = emptyReport();
// What is compiled and cached once is there when memory is first measured.
await campaign({ context, loadModel }, { seeds, seed: ~seed, first: 0, end: 500 }, emptyReport());
const before = await memory(context);
const stop = performance.now() + 1000 * seconds;
let round = first;
while (performance.now() < stop && round < first + rounds) {
  const end = Math.min(round + SLICE, first + rounds);
  await campaign({ context, loadModel }, { seeds, seed, first: round, end }, report, note);
  round = end;
  process.stdout.write(`${JSON.stringify({ ...report, findings: report.findings.length })}\n`);
}
const after = await memory(context);
process.stdout.write(`${JSON.stringify({ done: true, ...report, next: round, before, after })}\n`);
process.exit(0);
