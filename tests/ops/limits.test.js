// SPDX-License-Identifier: Apache-2.0
// The records' types and ranks against the specification's tables of tensor limits, as data.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { OPERATORS } from "../../polyfill/ops/index.js";
import { ANY_TYPE, MAX_RANK, NIBBLE_TYPES } from "../../polyfill/ops/operator.js";

const DATA = process.env.OCTET_DATA ?? fileURLToPath(new URL("../../../shared", import.meta.url));
const FILE = join(DATA, "reference/tensor_limits_2026.json");
const skip = existsSync(FILE) ? false : `no ${FILE} (set OCTET_DATA)`;

/** The table of binary operators names none. */
const BINARY = ["add", "sub", "mul", "div", "max", "min", "pow"];

/**
 * Where a record allows less than its table: the table says any type, the method's steps say "If
 * input's dataType is not one of float32, float16 then throw a TypeError".
 */
const NARROWER = { isNaN: "a", isInfinite: "a" };

/** Operands whose 4-bit types are octet's own extension. */
const NIBBLES = new Set(["quantizeLinear", "dequantizeLinear"]);

function operandName(cell) {
  const index = /outputs\[(\d)\]/.exec(cell);
  if (index) return `output${index[1]}`;
  return /\*(\w+)\*/.exec(cell)?.[1] ?? /\{\{(?:\w+\/)?(\w+)\}\}/.exec(cell)[1];
}

/** The types that a cell lists, or the operand whose type it takes. */
function typesOf(cell) {
  if (cell.includes("any data type")) return ANY_TYPE;
  if (cell.includes("same type as")) return /\{\{(?:\w+\/)?(\w+)\}\}/.exec(cell)[1];
  return [...cell.matchAll(/"(\w+)"/g)].map((match) => match[1]);
}

/** [least, most]; null for the rank of another operand. */
function ranksOf(cell) {
  if (cell.includes("same rank as")) return null;
  const numbers = [...cell.matchAll(/\d+/g)].map(Number);
  if (cell.includes("any rank")) return [numbers[0] ?? 0, MAX_RANK];
  return [numbers[0], numbers.at(-1)];
}

/** The record's types of an operand, "same as" resolved. */
function resolved(limits, name) {
  const { dataTypes } = limits[name];
  return typeof dataTypes === "string" ? resolved(limits, dataTypes) : dataTypes;
}

function checkTypes(name, operand, limits, [allowed, required]) {
  const got = resolved(limits, operand).filter((t) => !NIBBLE_TYPES.includes(t));
  if (!NIBBLES.has(name)) assert.deepEqual(got, resolved(limits, operand), "4-bit types");
  const most = typesOf(allowed);
  const wanted = typeof most === "string" ? resolved(limits, most) : most;
  const plain = wanted.filter((t) => !NIBBLE_TYPES.includes(t));
  if (NARROWER[name] === operand) assert.ok(got.every((t) => plain.includes(t)));
  else assert.deepEqual([...got].sort(), [...plain].sort());
  for (const type of typesOf(required)) assert.ok(got.includes(type), `${type} is required`);
}

function checkRanks({ minRank, maxRank }, limits, [allowed, required]) {
  const most = ranksOf(allowed);
  if (most) {
    assert.deepEqual([minRank, maxRank], most);
  } else {
    const { minRank: least, maxRank: greatest } = limits.input ?? limits.inputs ?? limits.a;
    assert.deepEqual([minRank, maxRank], [least, greatest], "the rank of another operand");
  }
  const wanted = ranksOf(required);
  if (wanted) assert.ok(minRank <= wanted[0] && maxRank >= wanted[1], "the required ranks");
}

test("types and ranks of every operator are those of the specification", { skip }, async (t) => {
  const tables = JSON.parse(readFileSync(FILE, "utf8"));
  const seen = new Set();
  for (const [, listed, [, ...rows]] of tables) {
    for (const name of listed.length ? listed : BINARY) {
      seen.add(name);
      await t.test(name, () => {
        const { limits } = OPERATORS[name];
        const operands = rows.map(([cell]) => operandName(cell));
        assert.deepEqual(Object.keys(limits).sort(), [...operands].sort());
        for (const [i, [, types, requiredTypes, ranks, requiredRanks]] of rows.entries()) {
          checkTypes(name, operands[i], limits, [types, requiredTypes]);
          checkRanks(limits[operands[i]], limits, [ranks, requiredRanks]);
        }
      });
    }
  }
  await t.test("no operator is left out", () => {
    assert.deepEqual([...seen].sort(), Object.keys(OPERATORS).sort());
    assert.equal(seen.size, 95);
  });
});
