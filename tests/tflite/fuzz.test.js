// SPDX-License-Identifier: Apache-2.0
// Mutations of good files: each is read and mapped, or refused by a TfliteError, and none takes long.
// Seed and time can be set: OCTET_FUZZ_SEED, OCTET_FUZZ_SECONDS.

import assert from "node:assert/strict";
import { test } from "node:test";

import { TABLES } from "../../polyfill/gen/tflite_schema.js";
import { mapModel, parseModel, TfliteError } from "../../polyfill/tflite/loader.js";
import { FakeBuilder, FakeContext } from "./fake_webnn.js";
import { quantizedConvolution, tinyModel, writeModel } from "./model_writer.js";

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

const I32 = (shape, ...values) => ({ shape, type: "INT32", data: Int32Array.from(values) });
const F32 = (...shape) => ({ shape });

/** Models whose operators read parameters from constants. */
const MODELS = [
  quantizedConvolution(),
  tinyModel({
    tensors: {
      x: F32(1, 4, 4, 2),
      size: I32([2], 8, 3),
      r: F32(1, 8, 3, 2),
      pads: I32([4, 2], 0, 0, 1, 2, 0, 1, 0, 0),
      p: F32(1, 11, 4, 2),
      begin: I32([4], 0, 1, 0, 0),
      end: I32([4], 1, -1, 4, 1),
      stride: I32([4], 1, 3, 2, 1),
      s: F32(1, 3, 2),
      axes: I32([1], -1),
      m: F32(1, 3),
      shape: I32([2], 3, -1),
      y: F32(3, 1),
    },
    operators: [
      ["RESIZE_BILINEAR", ["x", "size"], ["r"], { alignCorners: true }],
      ["MIRROR_PAD", ["r", "pads"], ["p"], { mode: "SYMMETRIC" }],
      ["STRIDED_SLICE", ["p", "begin", "end", "stride"], ["s"], { shrinkAxisMask: 8 }],
      ["MEAN", ["s", "axes"], ["m"], {}],
      ["RESHAPE", ["m", "shape"], ["y"], {}],
    ],
    inputs: ["x"],
    outputs: ["y"],
  }),
  tinyModel({
    tensors: {
      x: { shape: [2, 3], type: "INT8", scale: 0.5, zeroPoint: 1 },
      w: {
        shape: [4, 3],
        type: "INT8",
        scale: [1, 2, 3, 4],
        zeroPoint: [0, 0, 0, 0],
        axis: 0,
        data: new Int8Array(12),
      },
      b: {
        shape: [4],
        type: "INT32",
        scale: [1, 2, 3, 4],
        zeroPoint: [0, 0, 0, 0],
        axis: 0,
        data: new Int32Array(4),
      },
      f: { shape: [2, 4], type: "INT8", scale: 0.25, zeroPoint: 1 },
      axis: I32([], 1),
      g: { shape: [2, 2], type: "INT8", scale: 0.25, zeroPoint: 1 },
      h: { shape: [2, 2], type: "INT8", scale: 0.25, zeroPoint: 1 },
      y: { shape: [2, 4], type: "INT8", scale: 0.5, zeroPoint: 1 },
    },
    operators: [
      ["FULLY_CONNECTED", ["x", "w", "b"], ["f"], { fusedActivationFunction: "RELU" }],
      ["SPLIT", ["axis", "f"], ["g", "h"], { numSplits: 2 }],
      ["CONCATENATION", ["h", "g"], ["y"], { axis: 1 }],
    ],
    inputs: ["x"],
    outputs: ["y"],
  }),
];

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
      // A builder's refusal is a TypeError with a reason; anything else would be a slip of the loader.
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
