// SPDX-License-Identifier: Apache-2.0
// Contexts, tensors, builders, graphs: order, errors and their kinds, destruction.

import assert from "node:assert/strict";
import test from "node:test";

import { MLGraphBuilder } from "../../polyfill/api/builder.js";
import { stateOf } from "../../polyfill/api/internals.js";
import { testContext } from "../support/engine.js";

const F4 = { dataType: "float32", shape: [4] };

/** y = relu(x) over four floats. */
async function reluGraph(context) {
  const b = new MLGraphBuilder(context);
  return b.build({ y: b.relu(b.input("x", F4)) });
}

async function tensors(context) {
  const x = await context.createTensor({ ...F4, writable: true });
  const y = await context.createTensor({ ...F4, readable: true });
  return { x, y };
}

const invalidState = { name: "InvalidStateError" };
const floats = async (context, tensor) => [...new Float32Array(await context.readTensor(tensor))];

test("write, dispatch and read in the order of the calls", async () => {
  const context = await testContext();
  const graph = await reluGraph(context);
  const { x, y } = await tensors(context);
  const data = new Float32Array([-1, 2, -3, 4]);
  context.writeTensor(x, data);
  data.fill(9);
  context.dispatch(graph, { x }, { y });
  const before = context.readTensor(y);
  context.writeTensor(x, new Float32Array([5, 6, 7, 8]));
  context.dispatch(graph, { x }, { y });
  const after = context.readTensor(y);
  assert.deepEqual(
    [...new Float32Array(await before)],
    [0, 2, 0, 4],
    "written bytes are a snapshot",
  );
  assert.deepEqual([...new Float32Array(await after)], [5, 6, 7, 8]);
});

test("a new tensor is zeros, also where another one was", async () => {
  const context = await testContext();
  const { x, y } = await tensors(context);
  context.writeTensor(x, new Float32Array([1, 2, 3, 4]));
  x.destroy();
  const fresh = await context.createTensor({ ...F4, readable: true });
  assert.deepEqual(await floats(context, fresh), [0, 0, 0, 0]);
  assert.deepEqual(await floats(context, y), [0, 0, 0, 0]);
});

test("BYOB reads fill the script's buffer and resolve to undefined", async () => {
  const context = await testContext();
  const tensor = await context.createTensor({ ...F4, readable: true, writable: true });
  context.writeTensor(tensor, new Float32Array([1, 2, 3, 4]));
  const into = new Float32Array(6);
  assert.equal(await context.readTensor(tensor, into.subarray(1, 5)), undefined);
  assert.deepEqual([...into], [0, 1, 2, 3, 4, 0]);
  await assert.rejects(context.readTensor(tensor, new Float32Array(3)), TypeError);
});

test("one build for each builder; a refused build leaves it usable", async () => {
  const context = await testContext();
  const b = new MLGraphBuilder(context);
  const x = b.input("x", F4);
  const y = b.relu(x);
  await assert.rejects(b.build({}), TypeError);
  await assert.rejects(b.build({ "": y }), TypeError);
  await assert.rejects(b.build({ y: x }), TypeError);
  await b.build({ y });
  await assert.rejects(b.build({ y }), invalidState);
  assert.throws(() => b.relu(x), invalidState);
  assert.throws(() => b.input("z", F4), invalidState);
});

test("names: empty and taken ones are refused, odd ones work", async () => {
  const context = await testContext();
  const b = new MLGraphBuilder(context);
  assert.throws(() => b.input("", F4), TypeError);
  const x = b.input("__proto__", F4);
  assert.throws(() => b.input("__proto__", F4), TypeError);
  const graph = await b.build({ constructor: b.relu(x) });
  const { x: from, y: into } = await tensors(context);
  const inputs = Object.defineProperty({}, "__proto__", { value: from, enumerable: true });
  context.writeTensor(from, new Float32Array([-1, 1, -2, 2]));
  context.dispatch(graph, inputs, { constructor: into });
  assert.deepEqual(await floats(context, into), [0, 1, 0, 2]);
});

const DISPATCH_ERRORS = [
  ["an input is missing", ({ graph, y }) => [graph, {}, { y }], TypeError],
  ["an unknown input", ({ graph, x, y, z }) => [graph, { x, z }, { y }], TypeError],
  ["an unknown output", ({ graph, x, y }) => [graph, { x }, { z: y }], TypeError],
  ["the same tensor twice", ({ graph, x }) => [graph, { x }, { y: x }], TypeError],
  ["another shape", ({ graph, x, small }) => [graph, { x }, { y: small }], TypeError],
  ["not a tensor", ({ graph, x }) => [graph, { x }, { y: {} }], TypeError],
  ["not a graph", ({ x, y }) => [{}, { x }, { y }], TypeError],
  ["a constant tensor", ({ graph, constant, y }) => [graph, { x: constant }, { y }], TypeError],
  ["a destroyed tensor", ({ graph, x, gone }) => [graph, { x }, { y: gone }], TypeError],
  [
    "a tensor of another context",
    ({ graph, x, foreign }) => [graph, { x }, { y: foreign }],
    TypeError,
  ],
];

test("dispatch refuses", async (t) => {
  const context = await testContext();
  const other = await testContext();
  const graph = await reluGraph(context);
  const { x, y } = await tensors(context);
  const gone = await context.createTensor(F4);
  gone.destroy();
  const parts = {
    graph,
    x,
    y,
    gone,
    z: await context.createTensor(F4),
    small: await context.createTensor({ dataType: "float32", shape: [2] }),
    foreign: await other.createTensor(F4),
    constant: await context.createConstantTensor(F4, new Float32Array(4)),
  };
  for (const [name, args, kind] of DISPATCH_ERRORS) {
    await t.test(name, () => assert.throws(() => context.dispatch(...args(parts)), kind));
  }
});

test("destroyed graphs and tensors", async () => {
  const context = await testContext();
  const graph = await reluGraph(context);
  const { x, y } = await tensors(context);
  context.writeTensor(x, new Float32Array([-1, 2, -3, 4]));
  context.dispatch(graph, { x }, { y });
  graph.destroy();
  graph.destroy();
  assert.deepEqual(await floats(context, y), [0, 2, 0, 4], "queued work completes");
  assert.throws(() => context.dispatch(graph, { x }, { y }), invalidState);
  const pending = context.readTensor(y);
  y.destroy();
  y.destroy();
  await assert.rejects(pending, invalidState);
  await assert.rejects(context.readTensor(y), invalidState);
  x.destroy();
  assert.throws(() => context.writeTensor(x, new Float32Array(4)), invalidState);
});

test("a destroyed context", async () => {
  const context = await testContext();
  const graph = await reluGraph(context);
  const b = new MLGraphBuilder(context);
  const operand = b.input("x", F4);
  const { x, y } = await tensors(context);
  context.destroy();
  context.destroy();
  assert.deepEqual(Object.keys(await context.lost), ["message"]);
  await assert.rejects(context.createTensor(F4), invalidState);
  await assert.rejects(context.readTensor(y), invalidState);
  await assert.rejects(b.build({ y: operand }), invalidState);
  assert.throws(() => context.writeTensor(x, new Float32Array(4)), invalidState);
  assert.throws(() => context.dispatch(graph, { x }, { y }), invalidState);
  assert.throws(() => b.relu(operand), invalidState);
  assert.throws(() => new MLGraphBuilder(context), invalidState);
});

test("a dispatch that fails loses the context", async () => {
  const context = await testContext();
  const { y } = await tensors(context);
  const NO_GRAPH = -1;
  stateOf(context, "context", "test").engine.dispatch(NO_GRAPH, []);
  await assert.rejects(context.readTensor(y), invalidState);
  assert.deepEqual(await context.lost, { message: "no graph -1" });
  await assert.rejects(context.createTensor(F4), invalidState);
});

test("tensors that may not be read or written", async () => {
  const context = await testContext();
  const plain = await context.createTensor(F4);
  await assert.rejects(context.readTensor(plain), TypeError);
  assert.throws(() => context.writeTensor(plain, new Float32Array(4)), TypeError);
});

const BUFFERS = [
  ["Float32Array", new Float32Array(4), true],
  ["Uint8Array", new Uint8Array(16), true],
  ["ArrayBuffer", new ArrayBuffer(16), true],
  ["SharedArrayBuffer", new SharedArrayBuffer(16), true],
  ["a view into the middle", new Float32Array(8).subarray(2, 6), true],
  ["Int32Array", new Int32Array(4), false],
  ["DataView", new DataView(new ArrayBuffer(16)), false],
  ["too short", new Float32Array(3), false],
  ["too long", new ArrayBuffer(20), false],
  ["an array", [1, 2, 3, 4], false],
  ["detached", detached(), false],
];

function detached() {
  const array = new Float32Array(4);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

test("buffer sources", async (t) => {
  const context = await testContext();
  const tensor = await context.createTensor({ ...F4, writable: true });
  for (const [name, source, accepted] of BUFFERS) {
    await t.test(name, () => {
      const write = () => context.writeTensor(tensor, source);
      const constant = () => new MLGraphBuilder(context).constant(F4, source);
      for (const call of [write, constant]) {
        if (accepted) call();
        else assert.throws(call, TypeError);
      }
    });
  }
});

test("inputs are not modified, views are copied", async () => {
  const context = await testContext();
  const b = new MLGraphBuilder(context);
  const x = b.input("x", F4);
  const outputs = {
    same: b.identity(x),
    turned: b.reshape(x, [2, 2]),
    y: b.relu(x),
    twice: b.relu(x),
  };
  const graph = await b.build(outputs);
  const from = await context.createTensor({ ...F4, readable: true, writable: true });
  const into = {};
  for (const [name, { dataType, shape }] of Object.entries(outputs)) {
    into[name] = await context.createTensor({ dataType, shape, readable: true });
  }
  context.writeTensor(from, new Float32Array([-1, 2, -3, 4]));
  context.dispatch(graph, { x: from }, into);
  assert.deepEqual(await floats(context, from), [-1, 2, -3, 4]);
  assert.deepEqual(await floats(context, into.same), [-1, 2, -3, 4]);
  assert.deepEqual(await floats(context, into.turned), [-1, 2, -3, 4]);
  assert.deepEqual(await floats(context, into.twice), [0, 2, 0, 4]);
});

test("a graph of constants alone", async () => {
  const context = await testContext();
  const b = new MLGraphBuilder(context);
  const c = b.constant(F4, new Float32Array([-1, 2, -3, 4]));
  const graph = await b.build({ y: b.relu(c) });
  const { y } = await tensors(context);
  for (let i = 0; i < 2; i++) {
    context.dispatch(graph, {}, { y });
    assert.deepEqual(await floats(context, y), [0, 2, 0, 4]);
  }
});

test("inputs that no output needs are not passed to dispatch", async () => {
  const context = await testContext();
  const b = new MLGraphBuilder(context);
  b.input("unused", F4);
  const graph = await b.build({ y: b.relu(b.input("x", F4)) });
  const { x, y } = await tensors(context);
  const unused = await context.createTensor(F4);
  context.dispatch(graph, { x }, { y });
  assert.throws(() => context.dispatch(graph, { x, unused }, { y }), TypeError);
});
