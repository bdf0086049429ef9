// SPDX-License-Identifier: Apache-2.0
// Mutations of good files: each is read and mapped, or refused by a TfliteError, and none takes
// long. Seed and time can be set: OCTET_FUZZ_SEED, OCTET_FUZZ_SECONDS.

import assert from "node:assert/strict";
import { test } from "node:test";

import { TABLES } from "../../polyfill/gen/tflite_schema.js";
import { mapModel, parseModel, TfliteError } from "../../polyfill/tflite/loader.js";
import { FakeBuilder, FakeContext } from "./fake_webnn.js";
import { MODELS } from "./fuzz_models.js";
import { writeModel } from "./model_writer.js";

const SEED = Number(process.env.OCTET_FUZZ_SEED ?? Date.now() % 2 ** 31);
const SECONDS = Number(process.env.OCTET_FUZZ_SECONDS ?? 4);
/** Of one mutation; a thousand times what a good file takes. */
const SLOW_MILLISECONDS = 2000;

/** Small, fast, seeded: mulberry32. */
function random(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Values that sit on some boundary. */
const EDGES = [
  0,
  1,
  2,
  3,
  4,
  7,
  8,
  127,
  128,
  255,
  256,
  65535,
  65536,
  2 ** 24,
  2 ** 30,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];

/** Bytes: words overwritten, bits flipped, the end cut off. */
function mutateBytes(bytes, next) {
  const copy = bytes.slice(0, next(8) ? bytes.length : next(bytes.length));
  if (copy.length < 4) return copy;
  const view = new DataView(copy.buffer);
  for (let k = next(4); k >= 0; k--) {
    const at = next(copy.length - 3);
    if (next(3) === 0) copy[at] ^= 1 << next(8);
    else if (next(2)) view.setUint32(at & ~3, EDGES[next(EDGES.length)], true);
    else view.setInt32(at & ~3, view.getInt32(at & ~3, true) + next(9) - 4, true);
  }
  return copy;
}

/** Records: one number somewhere replaced, one record dropped, doubled or taken from elsewhere. */
function mutateRecords(model, next) {
  const copy = structuredClone(model);
  for (let k = next(3); k >= 0; k--) {
    const places = [];
    collect(copy, places);
    const [holder, key] = places[next(places.length)];
    const value = holder[key];
    if (Array.isArray(value)) {
      const choice = next(3);
      if (choice === 0) value.splice(next(value.length + 1), 1);
      else if (value.length)
        value.splice(next(value.length), choice - 1, value[next(value.length)]);
    } else if (typeof value === "number") holder[key] = number(value, next);
    else if (ArrayBuffer.isView(value)) holder[key] = mutateBytes(value, next);
    else if (typeof value === "boolean") holder[key] = !value;
    else if (typeof value === "string" && key === "builtinOptionsType") {
      const names = Object.keys(TABLES).filter((name) => name.endsWith("Options"));
      holder[key] = names[next(names.length)];
    }
  }
  return copy;
}

function number(value, next) {
  const choices = [value + 1, value - 1, -value, -1, EDGES[next(EDGES.length)], Number.NaN];
  return choices[next(choices.length)];
}

function collect(value, places) {
  for (const [key, inner] of Object.entries(value)) {
    places.push([value, key]);
    const nested = typeof inner === "object" && inner !== null && !ArrayBuffer.isView(inner);
    if (nested) collect(inner, places);
  }
}

function encoded(model, next) {
  try {
    return writeModel(mutateRecords(model, next));
  } catch {
    return null; // What the writer cannot write is nothing to read.
  }
}

test("the files themselves are mapped", () => {
  for (const model of MODELS) {
    const context = new FakeContext();
    mapModel(parseModel(writeModel(model)), new FakeBuilder(context), context.opSupportLimits());
  }
});

test(`mutated files are refused or mapped (seed ${SEED})`, (t) => {
  const next = random(SEED);
  const good = MODELS.map(writeModel);
  const end = Date.now() + 1000 * SECONDS;
  const counts = { mapped: 0, parsed: 0, refused: 0 };
  let slowest = 0;
  for (let round = 0; Date.now() < end; round++) {
    const which = next(MODELS.length);
    const bytes = next(2) ? mutateBytes(good[which], next) : encoded(MODELS[which], next);
    if (!bytes) continue;
    const start = performance.now();
    let stage = "refused";
    try {
      const model = parseModel(bytes);
      stage = "parsed";
      const context = new FakeContext();
      mapModel(model, new FakeBuilder(context), context.opSupportLimits());
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
  assert.ok(slowest < SLOW_MILLISECONDS, `slowest ${slowest} ms`);
  assert.ok(
    counts.mapped > 10 && counts.parsed > 10 && counts.refused > 100,
    JSON.stringify(counts),
  );
});
