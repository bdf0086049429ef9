// SPDX-License-Identifier: Apache-2.0
// Mutants of model files: bytes changed, or the records that the bytes decode to.

import { ENUMS, FILE_IDENTIFIER, TABLES } from "../../polyfill/gen/tflite_schema.js";
import { FlatBuffer } from "../../polyfill/tflite/flatbuffer.js";
import { writeModel } from "../tflite/model_writer.js";
import { EDGES, REALS, random, roundSeed } from "./random.js";

/** @typedef {{name: string, bytes: Uint8Array, records: any}} Seed */

/** A file to mutate. @param {string} name @param {Uint8Array} bytes @returns {Seed} */
export function seedOf(name, bytes) {
  const refuse = (...words) => {
    throw new Error(`${name}: ${words.join(" | ")}`);
  };
  const records = new FlatBuffer(bytes, TABLES, ENUMS, refuse).root(FILE_IDENTIFIER, "Model", "m");
  return { name, bytes, records };
}

/**
 * The mutant of a round, the same whenever it is asked for; null where the writer cannot write it.
 *
 * @param {readonly Seed[]} seeds
 * @param {number} seed
 * @param {number} round
 * @returns {Uint8Array | null}
 */
export function mutant(seeds, seed, round) {
  const next = random(roundSeed(seed, round));
  const source = seeds[next(seeds.length)];
  const kind = next(8);
  if (kind < 3) return mutateBytes(source.bytes, next);
  const bytes = encoded(mutateRecords(source.records, next));
  return bytes && kind === 7 ? mutateBytes(bytes, next) : bytes;
}

/** Bytes: words overwritten, bits flipped, a piece copied elsewhere, the end cut off. */
export function mutateBytes(bytes, next) {
  const copy = bytes.slice(0, next(8) ? bytes.length : next(bytes.length));
  if (copy.length < 4) return copy;
  const view = new DataView(copy.buffer);
  for (let k = next(4); k >= 0; k--) {
    const at = next(copy.length - 3);
    const choice = next(6);
    if (choice < 2) copy[at] ^= 1 << next(8);
    else if (choice < 4) view.setUint32(at & ~3, EDGES[next(EDGES.length)], true);
    else if (choice < 5) view.setInt32(at & ~3, view.getInt32(at & ~3, true) + next(9) - 4, true);
    else copy.copyWithin(at & ~3, next(copy.length) & ~3, (next(copy.length) & ~3) + 4 * next(16));
  }
  return copy;
}

/** Records: some numbers replaced, elements dropped, doubled or taken from elsewhere. */
export function mutateRecords(model, next) {
  const copy = structuredClone(model);
  for (let k = next(3); k >= 0; k--) {
    const places = [];
    collect(copy, places);
    const [holder, key] = places[next(places.length)];
    holder[key] = mutated(holder[key], key, next);
    if (holder[key] === undefined) delete holder[key];
  }
  return copy;
}

function mutated(value, key, next) {
  if (Array.isArray(value)) return mutatedList(value, next);
  if (ArrayBuffer.isView(value)) return mutateBytes(value, next);
  if (typeof value === "number") return mutatedNumber(value, key, next);
  if (typeof value === "boolean") return !value;
  if (typeof value !== "string") return next(2) ? null : value;
  if (key === "builtinOptionsType") return pick(OPTIONS, next);
  if (key === "type") return pick(ENUMS.TensorType, next);
  const names = Object.values(ENUMS).find((list) => list.includes(value));
  return names ? pick(names, next) : value + value;
}

const OPTIONS = Object.keys(TABLES).filter((name) => name.endsWith("Options"));

/** @template T @param {readonly T[]} list @returns {T} */
function pick(list, next) {
  return list[next(list.length)];
}

function mutatedList(list, next) {
  const copy = [...list];
  const choice = next(4);
  const [at, from] = [next(copy.length + 1), next(copy.length + 1)];
  if (choice === 0) copy.splice(at, 1);
  else if (choice === 1 && copy.length) copy.splice(at, 0, copy[from % copy.length]);
  else if (choice === 2 && copy.length) copy.splice(at, 1, copy[from % copy.length]);
  else if (typeof copy[0] === "number") copy[at] = mutatedNumber(copy[0], "", next);
  return copy;
}

function mutatedNumber(value, key, next) {
  if (!Number.isInteger(value) || key === "scale") return next(3) ? pick(REALS, next) : value * 2;
  const choices = [value + 1, value - 1, -value, -1, value * 2, pick(EDGES, next), Number.NaN];
  return pick(choices, next);
}

function collect(value, places) {
  for (const [key, inner] of Object.entries(value)) {
    places.push([value, key]);
    const nested = typeof inner === "object" && inner !== null && !ArrayBuffer.isView(inner);
    if (nested) collect(inner, places);
  }
}

function encoded(records) {
  try {
    return writeModel(records);
  } catch {
    return null; // What the writer cannot write is nothing to read.
  }
}
