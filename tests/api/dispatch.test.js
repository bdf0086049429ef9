// SPDX-License-Identifier: Apache-2.0
// What dispatch() takes, and what it leaves alone.

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

test("a new tensor is zeros, also where another one was", async () => {
  const context = await testContext();
  const { x, y } = await tensors(context);
  context.writeTensor(x, new Float32Array([1, 2, 3, 4]));
  x.destroy();
  const fresh = await context.createTensor({ ...F4, readable: true });
  assert.deepEqual(await floats(context, fresh), [0, 0, 0, 0]);
  assert.deepEqual(await floats(context, y), [0, 0, 0, 0]);
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
