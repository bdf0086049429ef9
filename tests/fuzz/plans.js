// SPDX-License-Identifier: Apache-2.0
// node plans.js OPTIONS: compiles mutants and writes their plans for plan_runner.c. OPTIONS is a JSON
// file: {seed, first, plans: how many, folder of seeds, output}. Prints {files, plans, next}.
//
// The output is little-endian 32-bit words: the number of plans, then of each its round, the sizes of
// weights, staging, arena and scratch, the number of bindings and their sizes, the uploads (region,
// offset, bytes, the data padded to words), and the programs prepare and dispatch: steps, words and
// relocations, each with its count of words in front.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { planningContext, LIMITS as SUPPORTED } from "../../octet/export/requirements.js";
import { MLGraphBuilder } from "../../polyfill/api/builder.js";
import { DOT_PRODUCT } from "../../polyfill/gen/kernels.js";
import { mapModel, parseModel } from "../../polyfill/tflite/loader.js";
import { emptyReport, LIMITS, refusal } from "./campaign.js";
import { mutant, seedOf } from "./mutations.js";
import { CHAINS } from "./seed_models.js";

/** More would only take time: a sanitizer makes kernels slow. */
const MOST_MULTIPLICATIONS = 1e7;

/** Files that are tried for each plan; two or three are enough. */
const MOST_FILES = 50;

const DOTS = Object.keys(DOT_PRODUCT);

/** The plan of a mutant; null where it has none. */
async function planOf(bytes, dot) {
  let plan = null;
  const context = planningContext(dot, (made) => {
    plan = made;
  });
  try {
    const model = parseModel(bytes, { limits: LIMITS });
    const builder = new MLGraphBuilder(context);
    const mapped = mapModel(model, builder, SUPPORTED, {});
    await builder.build(Object.fromEntries(mapped.graphOutputs));
  } catch (error) {
    if (refusal(error, emptyReport())) throw error;
    return null;
  }
  const work = plan.info.reduce((sum, { macs }) => sum + macs, 0);
  return work > MOST_MULTIPLICATIONS ? null : plan;
}

/** @type {Buffer[]} */
const parts = [];

function words(...values) {
  parts.push(Buffer.from(Int32Array.from(values).buffer));
}

function program({ steps, words: args, relocations }) {
  for (const list of [steps, args, relocations]) words(list.length, ...list);
}

function write(round, plan) {
  words(round, plan.weightsBytes, plan.stagingBytes, plan.arenaBytes, plan.scratchBytes);
  words(plan.bindingBytes.length, ...plan.bindingBytes, plan.uploads.length);
  for (const { region, offset, bytes } of plan.uploads) {
    words(region, offset, bytes.length);
    parts.push(Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]));
  }
  program(plan.prepare);
  program(plan.dispatch);
}

const options = JSON.parse(readFileSync(process.argv[2], "utf-8"));
const { seed, first = 0, plans: wanted, folder, output } = options;
const seeds = [
  ...CHAINS,
  ...readdirSync(folder)
    .filter((name) => name.endsWith(".tflite"))
    .sort()
    .map((name) => seedOf(name, Uint8Array.from(readFileSync(join(folder, name))))),
];
words(wanted);
let [files, plans, round] = [0, 0, first];
for (; plans < wanted; round++) {
  const bytes = mutant(seeds, seed, round);
  if (!bytes) continue;
  if (++files > MOST_FILES * wanted) throw new Error(`${plans} of ${files} files have a plan`);
  const plan = await planOf(bytes, DOTS[round % DOTS.length]);
  if (!plan) continue;
  write(round, plan);
  plans++;
}
writeFileSync(output, Buffer.concat(parts));
process.stdout.write(`${JSON.stringify({ files, plans, next: round })}\n`);
