// SPDX-License-Identifier: Apache-2.0
// Builders and graphs: what build() takes, when it may be called, which error comes first.

import assert from "node:assert/strict";
import test from "node:test";

import { MLGraphBuilder } from "../../polyfill/api/builder.js";
import { testContext } from "../support/engine.js";

const F2 = { dataType: "float32", shape: [2] };
const TENSOR = { ...F2, readable: true, writable: true };
const invalidState = { name: "InvalidStateError" };

const context = await testContext();
const floats = async (tensor) => [...new Float32Array(await context.readTensor(tensor))];

/** A builder, its input, and an operand made of it. */
function parts() {
  const b = new MLGraphBuilder(context);
  const x = b.input("x", F2);
  return { b, x, y: b.relu(x) };
}

/** Run a graph on [-1, 2] for `x`. */
async function run(graph, names) {
  const x = await context.createTensor(TENSOR);
  context.writeTensor(x, new Float32Array([-1, 2]));
  const outputs = {};
  for (const name of names) outputs[name] = await context.createTensor(TENSOR);
  context.dispatch(graph, { x }, outputs);
  const results = {};
  for (const name of names) results[name] = await floats(outputs[name]);
  assert.deepEqual(await floats(x), [-1, 2], "inputs are not modified");
  return results;
}

const REFUSED = {
  "no record": () => undefined,
  "a number": () => 1,
  "no outputs": () => ({}),
  "an empty name": ({ y }) => ({ "": y }),
  "an input": ({ x }) => ({ x }),
  "an input beside an output": ({ x, y }) => ({ y, x }),
  "a constant": ({ b }) => ({ c: b.constant("float32", 1) }),
  "an operand of another builder": () => ({ y: parts().y }),
  "what is no operand": () => ({ y: {} }),
  "an operand in a list": ({ y }) => ({ y: [y] }),
};

for (const [name, outputs] of Object.entries(REFUSED)) {
  test(`build() refuses ${name}, and the builder can go on`, async () => {
    const made = parts();
    await assert.rejects(made.b.build(outputs(made)), TypeError);
    assert.deepEqual(await run(await made.b.build({ y: made.y }), ["y"]), { y: [0, 2] });
  });
}

test("one build for each builder, also while it goes on", async () => {
  const { b, x, y } = parts();
  const first = b.build({ y });
  await assert.rejects(b.build({ y }), invalidState);
  assert.throws(() => b.relu(x), invalidState);
  assert.throws(() => b.constant("float32", 1), invalidState);
  await first;
  await assert.rejects(b.build({ y }), invalidState);
});

test("the state of the builder comes before any other rule", async () => {
  const { b, x, y } = parts();
  await b.build({ y });
  const foreign = parts().x;
  for (const call of [
    () => b.relu(foreign),
    () => b.input("", F2),
    () => b.input("x", { dataType: "float32", shape: [0] }),
    () => b.constant(F2, new ArrayBuffer(1)),
    () => b.add(x, foreign),
    () => b.reshape(x, [3]),
    () => b.concat([], 0),
  ]) {
    assert.throws(call, invalidState);
  }
  await assert.rejects(b.build({}), invalidState);
  // IDL converts arguments before the method looks at anything.
  assert.throws(() => b.relu({}), TypeError);
  assert.throws(() => b.relu(), TypeError);
  assert.throws(() => b.cast(x, "float64"), TypeError);
  assert.throws(() => b.reshape(x, [-1]), TypeError);
});

test("a graph leaves the script's objects alone", async () => {
  const { b, x } = parts();
  const shape = Object.freeze([1, 2]);
  const options = Object.freeze({ alpha: 2, label: "mine" });
  const y = b.reshape(b.leakyRelu(b.reshape(x, shape), options), Object.freeze([2]));
  const outputs = Object.freeze({ y });
  assert.deepEqual(await run(await b.build(outputs), ["y"]), { y: [-2, 2] });
});

test("one operand under two names, in two tensors", async () => {
  const { b, y } = parts();
  const graph = await b.build({ one: y, two: y });
  assert.deepEqual(await run(graph, ["one", "two"]), { one: [0, 2], two: [0, 2] });
  const [x, same] = [await context.createTensor(TENSOR), await context.createTensor(TENSOR)];
  assert.throws(() => context.dispatch(graph, { x }, { one: same, two: same }), TypeError);
});

test("an operand in the middle may be an output, too, and be read twice", async () => {
  const { b, x, y } = parts();
  const z = b.mul(b.add(y, y), b.sub(y, x));
  assert.deepEqual(await run(await b.build({ y, z }), ["y", "z"]), { y: [0, 2], z: [0, 0] });
});

test("one operand for both arguments", async () => {
  const { b, x } = parts();
  const outputs = { add: b.add(x, x), sub: b.sub(x, x), mul: b.mul(x, x), max: b.max(x, x) };
  const graph = await b.build(outputs);
  const expected = { add: [-2, 4], sub: [0, 0], mul: [1, 4], max: [-1, 2] };
  assert.deepEqual(await run(graph, Object.keys(expected)), expected);
});

test("an input has a name", () => {
  assert.throws(() => new MLGraphBuilder(context).input("", F2), TypeError);
});

const NAMES = [
  "__proto__",
  "constructor",
  "toString",
  "0",
  "a b",
  "é",
  "\u0000",
  "💡",
  "x".repeat(5000),
];

for (const name of NAMES) {
  test(`the name ${JSON.stringify(name).slice(0, 20)} is one like any other`, async () => {
    const b = new MLGraphBuilder(context);
    const input = b.input(name, F2);
    assert.throws(() => b.input(name, F2), TypeError);
    const record = (value) =>
      Object.defineProperty({}, name, { value, enumerable: true, configurable: true });
    const graph = await b.build(record(b.relu(input)));
    const [x, y] = [await context.createTensor(TENSOR), await context.createTensor(TENSOR)];
    context.writeTensor(x, new Float32Array([-1, 2]));
    context.dispatch(graph, record(x), record(y));
    assert.deepEqual(await floats(y), [0, 2]);
    assert.throws(() => context.dispatch(graph, {}, record(y)), TypeError);
  });
}

test("half of a surrogate pair becomes U+FFFD", async () => {
  const b = new MLGraphBuilder(context);
  const x = b.input("\ud83d", F2);
  assert.throws(() => b.input("\udca1", F2), TypeError, "the same name");
  const graph = await b.build({ y: b.relu(x) });
  const [from, y] = [await context.createTensor(TENSOR), await context.createTensor(TENSOR)];
  context.dispatch(graph, { "\ufffd": from }, { y });
  assert.deepEqual(await floats(y), [0, 0]);
});

test("operands: the same frozen shape each time, of their own", () => {
  const shape = [2];
  const b = new MLGraphBuilder(context);
  const x = b.input("x", { dataType: "float32", shape });
  shape[0] = 5;
  assert.deepEqual(x.shape, [2]);
  assert.ok(Object.isFrozen(x.shape));
  assert.equal(x.shape, x.shape);
  assert.equal(x.dataType, "float32");
});

const CONVERTED = [
  ["1.5 is 1", (b, x) => b.softmax(x, 1.5), true],
  ['"1" is 1', (b, x) => b.softmax(x, "1"), true],
  ["null is 0", (b, x) => b.softmax(x, null), true],
  ["an object with valueOf", (b, x) => b.softmax(x, { valueOf: () => 1 }), true],
  ["-0.5 is 0", (b, x) => b.softmax(x, -0.5), true],
  ["-1", (b, x) => b.softmax(x, -1), false],
  ["NaN", (b, x) => b.softmax(x, Number.NaN), false],
  ["Infinity", (b, x) => b.softmax(x, Infinity), false],
  ["2^32", (b, x) => b.softmax(x, 2 ** 32), false],
  ["a BigInt", (b, x) => b.softmax(x, 1n), false],
  ["a symbol", (b, x) => b.softmax(x, Symbol("1")), false],
  ["nothing", (b, x) => b.softmax(x), false],
  ["an unknown option", (b, x) => b.softmax(x, 1, { axis: 7 }), true],
  ["null for options", (b, x) => b.softmax(x, 1, null), true],
  ["a number for options", (b, x) => b.softmax(x, 1, 1), false],
  ["undefined for an option", (b, x) => b.elu(x, { alpha: undefined }), true],
  ["NaN for a double", (b, x) => b.elu(x, { alpha: Number.NaN }), false],
  ["Infinity for a double", (b, x) => b.elu(x, { alpha: Infinity }), false],
  ["a string for a sequence", (b, x) => b.transpose(x, { permutation: "10" }), false],
  ["any iterable for a sequence", (b, x) => b.transpose(x, { permutation: new Set([1, 0]) }), true],
  ["repetitions modulo 2^32", (b, x) => b.tile(x, [1 - 2 ** 32, 2 ** 32 + 2]), true],
];

for (const [name, call, isAccepted] of CONVERTED) {
  test(`conversion: ${name}${isAccepted ? "" : " is refused"}`, () => {
    const b = new MLGraphBuilder(context);
    const x = b.input("x", { dataType: "float32", shape: [2, 2] });
    if (isAccepted) assert.equal(call(b, x).dataType, "float32");
    else assert.throws(() => call(b, x), TypeError);
  });
}

test("labels are in messages, without control and bidirectional characters", () => {
  const { b, x } = parts();
  const label = "stem\u202e\u0007 one";
  assert.throws(() => b.reshape(x, [3], { label }), /^TypeError: reshape "stem one": /);
  assert.throws(() => b.softmax(x, 7, { label }), /^TypeError: softmax "stem one": /);
  assert.throws(() => b.softmax(x, -1, { label }), /^TypeError: softmax "stem one": /);
});

test("opSupportLimits() has each operator, and is a new object each time", () => {
  const limits = context.opSupportLimits();
  const { preferredInputLayout, maxTensorByteLength, input, constant, output, ...operators } =
    limits;
  assert.ok(["nchw", "nhwc"].includes(preferredInputLayout));
  assert.ok(maxTensorByteLength >= 2 ** 30);
  const methods = Object.keys(MLGraphBuilder.prototype);
  const names = methods.filter((name) => !["build", "constant", "input"].includes(name));
  assert.deepEqual(Object.keys(operators).sort(), names.sort());
  assert.equal(names.length, 95);
  const tensors = [input, constant, output, ...Object.values(operators).flatMap(Object.values)];
  for (const { dataTypes, rankRange, ...rest } of tensors) {
    assert.ok(dataTypes.length > 0 && dataTypes.every((type) => typeof type === "string"));
    assert.ok(rankRange.min <= rankRange.max);
    assert.deepEqual(rest, {});
  }
  limits.add.a.dataTypes.length = 0;
  assert.notEqual(context.opSupportLimits().add.a.dataTypes.length, 0);
});
