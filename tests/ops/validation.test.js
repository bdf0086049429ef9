// SPDX-License-Identifier: Apache-2.0
// Every rule of every operator: a call that breaks it throws the right kind of exception, which names the
// operator and its label, and a neighbour does not throw. What the records say of types, ranks and
// IDL gives rules by itself; the operators' own are in rules.js.

import assert from "node:assert/strict";
import { test } from "node:test";
import { CALLS, Operand, of } from "../../octet/codegen/operators/calls.js";
import { MLGraphBuilder } from "../../polyfill/api/builder.js";
import { attachState } from "../../polyfill/api/internals.js";
import { OPERATORS } from "../../polyfill/ops/index.js";
import { ANY_TYPE, MAX_RANK } from "../../polyfill/ops/operator.js";
import { OTHER_RULES, RULES } from "./rules.js";
import { WINDOW_RULES } from "./window_rules.js";

const LABEL = "stem";

/** A builder on a context that is never dispatched. */
function newBuilder() {
  const context = {};
  const state = { kind: "context", isLost: false };
  attachState(context, state);
  return { builder: new MLGraphBuilder(context), state };
}

let count = 0;

/** A description with operands in place of what stands for them. */
function made(builder, value) {
  if (value instanceof Operand) {
    const { dataType, shape } = value;
    return builder.input(`x${count++}`, { dataType, shape });
  }
  if (Array.isArray(value)) return value.map((item) => made(builder, item));
  if (value && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, made(builder, v)]));
  }
  return value;
}

/** The valid call of an operator with changes; null takes an option out. */
function changed(name, changes) {
  const { args, options } = CALLS[name];
  const named = Object.entries({ ...options, ...changes.options }).filter(([, v]) => v !== null);
  return {
    args: args.map((arg, i) => (i in changes.args ? changes.args[i] : arg)),
    options: Object.fromEntries(named),
  };
}

const args = (changes) => ({ args: changes, options: {} });
const options = (changes) => ({ args: {}, options: changes });

function run(name, { args: list, options: named }, builder = newBuilder().builder) {
  return builder[name](...made(builder, list), made(builder, { ...named, label: LABEL }));
}

/** A TypeError that begins with the operator and its label. */
function refused(name, call) {
  assert.throws(
    () => run(name, call),
    (error) => {
      assert.ok(error instanceof TypeError, `${error?.name}: ${error?.message}`);
      assert.ok(error.message.startsWith(`${name} "${LABEL}"`), error.message);
      assert.doesNotMatch(error.message, /undefined/);
      return true;
    },
  );
}

const accepted = (name, call) => assert.doesNotThrow(() => run(name, call));

test("every operator has a valid call", async (t) => {
  assert.deepEqual(Object.keys(CALLS).sort(), Object.keys(OPERATORS).sort());
  for (const name of Object.keys(CALLS)) {
    await t.test(name, () => {
      accepted(name, CALLS[name]);
      const { parameters, options: members } = OPERATORS[name];
      assert.equal(CALLS[name].args.length, Object.keys(parameters).length);
      // outputSizes and outputPadding exclude each other: rules.js has the first.
      const wanted = Object.keys(members).filter((m) => m !== "outputSizes");
      const given = Object.keys(CALLS[name].options).filter((m) => m !== "outputSizes");
      assert.deepEqual(given.sort(), wanted.sort());
    });
  }
});

test("the operators' own rules", async (t) => {
  const all = [...RULES, ...WINDOW_RULES, ...OTHER_RULES];
  for (const [i, [name, rule, bad, good]] of all.entries()) {
    await t.test(`${name}: ${rule} (${i})`, () => {
      refused(name, changed(name, bad));
      accepted(name, changed(name, good));
    });
  }
});

// ---------------------------------------------------------------------------
// Operands: types and ranks

/** Operands of an operator with how a call changes each, singly. */
function operands(name) {
  const { parameters, options: members } = OPERATORS[name];
  const list = Object.entries(parameters).flatMap(([key, type], i) => {
    if (type === "operand") return [{ key, put: (v) => args({ [i]: v }) }];
    return type === "operand[]" ? [{ key, put: (v) => args({ [i]: [v] }) }] : [];
  });
  const optional = Object.entries(members).filter(([, [type]]) => type === "operand");
  return [...list, ...optional.map(([key]) => ({ key, put: (v) => options({ [key]: v }) }))];
}

function given(name, key) {
  const i = Object.keys(OPERATORS[name].parameters).indexOf(key);
  return [i < 0 ? CALLS[name].options[key] : CALLS[name].args[i]].flat()[0];
}

test("types of operands", async (t) => {
  for (const name of Object.keys(OPERATORS)) {
    for (const { key, put } of operands(name)) {
      const { shape, dataType } = given(name, key);
      const { dataTypes } = OPERATORS[name].limits[key];
      const good = typeof dataTypes === "string" ? [dataType] : dataTypes;
      const bad = ANY_TYPE.filter((type) => !good.includes(type));
      if (bad.length === 0) continue;
      await t.test(`${name}: ${key}`, () => {
        for (const type of bad) refused(name, changed(name, put(of(type, ...shape))));
        accepted(name, changed(name, put(of(dataType, ...shape))));
      });
    }
  }
});

test("ranks of operands", async (t) => {
  for (const name of Object.keys(OPERATORS)) {
    for (const { key, put } of operands(name)) {
      const { dataType } = given(name, key);
      const { minRank, maxRank } = OPERATORS[name].limits[key];
      const ranks = [minRank - 1, maxRank + 1].filter((rank) => rank >= 0 && rank <= MAX_RANK);
      if (ranks.length === 0) continue;
      await t.test(`${name}: ${key}`, () => {
        for (const rank of ranks) {
          refused(name, changed(name, put(of(dataType, ...new Array(rank).fill(1)))));
        }
        accepted(name, CALLS[name]);
      });
    }
  }
});

test("operands are the builder's own", async (t) => {
  for (const name of Object.keys(OPERATORS)) {
    for (const { key, put } of operands(name)) {
      await t.test(`${name}: ${key}`, () => {
        const { shape, dataType } = given(name, key);
        const foreign = newBuilder().builder.input("x", { dataType, shape });
        for (const value of [foreign, {}, 1, "x"]) refused(name, changed(name, put(value)));
        accepted(name, CALLS[name]);
      });
    }
  }
});

// ---------------------------------------------------------------------------
// IDL

const WHOLE = [-1, 2 ** 32, NaN, Infinity, 1n, "x", Symbol("x"), {}];

/** Values that a conversion refuses, by IDL type. */
const BAD = {
  u32: WHOLE,
  "u32[]": [1, true, "12x", [-1], [1n], [NaN], [2 ** 32]],
  "u32 or u32[]": [-1, NaN, 1n, [-1], [1n], {}],
  "wrapping u32": [1n, Symbol("x")],
  "wrapping u32[]": [1, [1n], {}],
  i32: [2 ** 31, -(2 ** 31) - 1, NaN, 1n],
  "float[]": [1, [NaN, 1], [Infinity, 1], [1e39, 1], [1n, 1]],
  double: [NaN, Infinity, -Infinity, 1n, "x", Symbol("x")],
  number: [Symbol("x")],
  boolean: [],
  dataType: ["float64", "bfloat16", "", 1, Symbol("x")],
  "activation[]": ["relu", ["gelu", "tanh"], 1],
};

/** What a conversion makes of other kinds of values. */
const ALIKE = {
  u32: (v) => [v + 0.9, String(v), `0x${v.toString(16)}`],
  double: (v) => [String(v)],
  boolean: (v) => (v ? [1, "no", {}] : [0, "", Number.NaN]),
  "u32[]": (v) => [
    v.map(String),
    new Set(v).size === v.length ? new Set(v) : v,
    Uint8Array.from(v),
  ],
  "wrapping u32": (v) => [v + 2 ** 32, v - 2 ** 32, String(v)],
  "wrapping u32[]": (v) => [v.map((n) => n + 2 ** 32)],
};

test("conversions of arguments and options", async (t) => {
  for (const [name, { parameters, options: members }] of Object.entries(OPERATORS)) {
    const places = [
      ...Object.entries(parameters).map(([key, type], i) => [key, type, (v) => args({ [i]: v })]),
      ...Object.entries(members).map(([key, [type]]) => [key, type, (v) => options({ [key]: v })]),
    ];
    for (const [key, type, put] of places) {
      if (type === "operand" || type === "operand[]") continue;
      const isEnumeration = Array.isArray(type);
      await t.test(`${name}: ${key}`, () => {
        const i = Object.keys(parameters).indexOf(key);
        const now = i < 0 ? CALLS[name].options[key] : CALLS[name].args[i];
        const bad = isEnumeration ? ["no such value", "", 1, Symbol("x")] : BAD[type];
        for (const value of bad) refused(name, changed(name, put(value)));
        if (now === undefined) return;
        const good = isEnumeration ? type : (ALIKE[type]?.(now) ?? [now]);
        if (isEnumeration) assert.ok(good.includes(now));
        else for (const value of good) accepted(name, changed(name, put(value)));
      });
    }
  }
});

test("arguments that are missing, options of another kind", async (t) => {
  for (const name of Object.keys(OPERATORS)) {
    await t.test(name, () => {
      const { builder } = newBuilder();
      const list = made(builder, CALLS[name].args);
      assert.throws(() => builder[name](...list.slice(0, -1)), TypeError);
      assert.throws(() => builder[name](...list, 1), TypeError);
      const unknown = { label: LABEL, nonsense: 1 };
      const { options: needed } = CALLS[name];
      const withUnknown = { ...made(builder, needed), ...unknown };
      assert.doesNotThrow(() => builder[name](...list, withUnknown));
    });
  }
});

// ---------------------------------------------------------------------------
// State

test("a builder that has built, a context that is lost", async (t) => {
  const invalidState = { name: "InvalidStateError" };
  for (const name of Object.keys(OPERATORS)) {
    await t.test(name, async () => {
      const { builder, state } = newBuilder();
      const call = made(builder, CALLS[name].args);
      const named = made(builder, { ...CALLS[name].options, label: LABEL });
      state.isLost = true;
      assert.throws(() => builder[name](...call, named), invalidState);
      state.isLost = false;
      assert.doesNotThrow(() => builder[name](...call, named));
      // Before the operands are looked at.
      const other = newBuilder();
      const foreign = made(other.builder, CALLS[name].args);
      const foreignOptions = made(other.builder, CALLS[name].options);
      state.isLost = true;
      assert.throws(() => builder[name](...foreign, foreignOptions), invalidState);
    });
  }
});
