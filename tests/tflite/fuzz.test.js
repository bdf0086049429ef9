// SPDX-License-Identifier: Apache-2.0
// Mutants on a WebNN with few types: each is read and mapped, or refused by a TfliteError, and none
// takes long. OCTET_FUZZ_SEED sets the seed. tests/fuzz has the campaigns on octet's own engine.

import assert from "node:assert/strict";
import { test } from "node:test";

import { mapModel, parseModel, TfliteError } from "../../polyfill/tflite/loader.js";
import { SLOW } from "../fuzz/campaign.js";
import { mutant } from "../fuzz/mutations.js";
import { CHAINS } from "../fuzz/seed_models.js";
import { FakeBuilder, FakeContext } from "./fake_webnn.js";

const SEED = Number(process.env.OCTET_FUZZ_SEED ?? Date.now() % 2 ** 31);
const ROUNDS = 8000;

function map(model) {
  const context = new FakeContext();
  mapModel(model, new FakeBuilder(context), context.opSupportLimits());
}

test("the files themselves are mapped", () => {
  for (const { bytes } of CHAINS) map(parseModel(bytes));
});

test(`mutated files are refused or mapped (seed ${SEED})`, (t) => {
  const counts = { mapped: 0, parsed: 0, refused: 0 };
  let slowest = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = mutant(CHAINS, SEED, round);
    if (!bytes) continue;
    const start = performance.now();
    let stage = "refused";
    try {
      const model = parseModel(bytes);
      stage = "parsed";
      map(model);
      stage = "mapped";
    } catch (error) {
      assert.ok(error instanceof TfliteError, `round ${round}, seed ${SEED}: ${error.stack}`);
      assert.ok(error.rule && error.message.length < 5000);
      const cause = error.cause;
      // A builder's refusal is a TypeError with a reason; anything else would be a slip of the
      // loader.
      const slip = cause && /undefined|not a function|not iterable|null/.test(cause.message);
      assert.ok(!slip, `round ${round}, seed ${SEED}: ${cause?.stack}`);
    }
    counts[stage]++;
    slowest = Math.max(slowest, performance.now() - start);
  }
  t.diagnostic(`${JSON.stringify(counts)}, slowest ${slowest.toFixed(1)} ms`);
  assert.ok(slowest < SLOW, `slowest ${slowest} ms`);
  assert.ok(counts.mapped > 10 && counts.parsed > 10 && counts.refused > 100);
});
