// SPDX-License-Identifier: Apache-2.0
// A campaign in a page, on the built bundle: octet's engine in its worker, with threads.

import { memoryUse } from "/dist/octet.js";
import { loadModel } from "/dist/octet_tflite.js";
import { campaign, emptyReport } from "./campaign.js";
import { seedOf } from "./mutations.js";
import { CHAINS } from "./seed_models.js";

/** @type {any[]} */
const seeds = [...CHAINS];
/** @type {any} */
let context;
const report = emptyReport();

/** @param {Record<string, string>} files to mutate, besides the tests' own, in base64 */
async function start(files) {
  for (const [name, text] of Object.entries(files)) {
    seeds.push(
      seedOf(
        name,
        Uint8Array.from(atob(text), (c) => c.charCodeAt(0)),
      ),
    );
  }
  context = await navigator.ml.createContext();
  return (await memoryUse(context)).used;
}

/** @param {number} seed @param {number} first @param {number} end */
async function rounds(seed, first, end) {
  await campaign({ context, loadModel }, { seeds, seed, first, end }, report);
  return report;
}

/** @returns {Promise<number>} bytes of the engine's memory in use */
async function used() {
  return (await memoryUse(context)).used;
}

Object.assign(globalThis, { octetFuzz: { start, rounds, used } });
