// SPDX-License-Identifier: Apache-2.0
// The order of a context's work, and what ends before it: destroyed graphs, tensors and contexts at every
// point, several contexts side by side.

import assert from "node:assert/strict";
import test from "node:test";

import { MLGraphBuilder } from "../../polyfill/api/builder.js";
import { attachState, stateOf } from "../../polyfill/api/internals.js";
import { testContext } from "../support/engine.js";

const F2 = { dataType: "float32", shape: [2] };
const TENSOR = { ...F2, readable: true, writable: true };
const invalidState = { name: "InvalidStateError" };

const floats = async (context, tensor) => [...new Float32Array(await context.readTensor(tensor))];
const write = (context, tensor, numbers) => context.writeTensor(tensor, new Float32Array(numbers));
const tensors = (context, count) =>
  Promise.all(Array.from({ length: count }, () => context.createTensor(TENSOR)));

/** y = x + 1 */
function increment(context) {
  const b = new MLGraphBuilder(context);
  return b.build({ y: b.add(b.input("x", F2), b.constant("float32", 1)) });
}

/** A context with the graph y = x + 1, tensors x and y, and a builder with an operand. */
async function setting() {
  const context = await testContext();
  const graph = await increment(context);
  const [x, y] = await tensors(context, 2);
  const builder = new MLGraphBuilder(context);
  const operand = builder.relu(builder.input("x", F2));
  return { context, graph, x, y, builder, operand };
}

test("dispatches run one after the other, each on what the last one left", async () => {
  const { context, graph, x, y } = await setting();
  write(context, x, [0, 10]);
  const reads = [];
  for (let i = 0; i < 50; i++) {
    const [from, to] = i % 2 ? [y, x] : [x, y];
    context.dispatch(graph, { x: from }, { y: to });
    reads.push(floats(context, to));
  }
  const expected = reads.map((_, i) => [i + 1, i + 11]);
  assert.deepEqual(await Promise.all(reads), expected);
});

test("a read gives what was there when it was asked for", async () => {
  const { context, graph, x, y } = await setting();
  const reads = [];
  for (let i = 0; i < 10; i++) {
    write(context, x, [i, 0 - i]);
    context.dispatch(graph, { x }, { y });
    reads.push(floats(context, y), floats(context, x));
  }
  write(context, x, [99, 99]);
  write(context, y, [99, 99]);
  const expected = reads.map((_, i) => {
    const turn = i >> 1;
    return i % 2 ? [turn, 0 - turn] : [turn + 1, 1 - turn];
  });
  assert.deepEqual(await Promise.all(reads), expected);
});

test("one graph on many tensors, many graphs on one tensor", async () => {
  const { context, graph } = await setting();
  const graphs = [graph, await increment(context), await increment(context)];
  const pairs = [];
  for (let i = 0; i < 8; i++) {
    const [x, y] = await tensors(context, 2);
    write(context, x, [i, i]);
    pairs.push({ x, y });
  }
  for (const { x, y } of pairs) {
    for (const each of graphs) context.dispatch(each, { x }, { y });
    context.dispatch(graphs[1], { x: y }, { y: x });
  }
  for (const [i, { x, y }] of pairs.entries()) {
    assert.deepEqual(await floats(context, y), [i + 1, i + 1]);
    assert.deepEqual(await floats(context, x), [i + 2, i + 2]);
  }
});

test("contexts do not see each other", async () => {
  const [one, two] = [await setting(), await setting()];
  for (const { context, graph, x, y } of [one, two]) {
    write(context, x, context === one.context ? [1, 1] : [5, 5]);
    context.dispatch(graph, { x }, { y });
  }
  one.context.destroy();
  assert.deepEqual(await floats(two.context, two.y), [6, 6]);
  const { context, graph, x, y } = two;
  assert.throws(() => context.dispatch(one.graph, { x }, { y }), TypeError);
  assert.throws(() => context.writeTensor(one.x, new Float32Array(2)), TypeError);
  await assert.rejects(context.readTensor(one.y), TypeError);
  const lost = await Promise.race([context.lost, Promise.resolve("alive")]);
  assert.equal(lost, "alive");
  context.dispatch(graph, { x }, { y });
  const b = new MLGraphBuilder(context);
  assert.throws(() => b.relu(one.operand), TypeError);
  await assert.rejects(b.build({ y: one.operand }), TypeError);
});

test("queued work ends though its graph and tensors are destroyed", async () => {
  const { context, graph, x, y } = await setting();
  const [z] = await tensors(context, 1);
  write(context, x, [1, 2]);
  context.dispatch(graph, { x }, { y });
  context.dispatch(graph, { x: y }, { y: z });
  for (const object of [graph, x, y]) object.destroy();
  assert.deepEqual(await floats(context, z), [3, 4]);
});

test("memory of destroyed tensors and graphs is taken again", async () => {
  const { context } = await setting();
  const { memoryUse } = await import("../../polyfill/api/extensions.js");
  let used = 0;
  for (let i = 0; i < 20; i++) {
    const graph = await increment(context);
    const tensor = await context.createTensor({ dataType: "uint8", shape: [1 << 16] });
    graph.destroy();
    tensor.destroy();
    const now = (await memoryUse(context)).used;
    if (i) assert.equal(now, used);
    used = now;
  }
});

/** What a destroyed object makes of each use; "works" where nothing is wrong. */
const USES = [
  [
    "graph",
    "dispatch",
    ({ context, graph, x, y }) => context.dispatch(graph, { x }, { y }),
    invalidState,
  ],
  ["x", "dispatch", ({ context, graph, x, y }) => context.dispatch(graph, { x }, { y }), TypeError],
  ["y", "dispatch", ({ context, graph, x, y }) => context.dispatch(graph, { x }, { y }), TypeError],
  ["x", "writeTensor", ({ context, x }) => write(context, x, [1, 2]), invalidState],
  ["x", "readTensor", ({ context, x }) => context.readTensor(x), invalidState],
  [
    "x",
    "BYOB readTensor",
    ({ context, x }) => context.readTensor(x, new Float32Array(2)),
    invalidState,
  ],
  ["x", "attributes", ({ x }) => assert.deepEqual(x.shape, [2]), "works"],
  ["graph", "destroy", ({ graph }) => graph.destroy(), "works"],
  ["x", "destroy", ({ x }) => x.destroy(), "works"],
  ["context", "destroy", ({ context }) => context.destroy(), "works"],
  ["context", "opSupportLimits", ({ context }) => context.opSupportLimits(), "works"],
  ["context", "lost", async ({ context }) => assert.ok((await context.lost).message), "works"],
  ["context", "attributes", ({ x, operand }) => assert.deepEqual(x.shape, operand.shape), "works"],
  ["context", "x.destroy", ({ x }) => x.destroy(), "works"],
  ["context", "graph.destroy", ({ graph }) => graph.destroy(), "works"],
  [
    "context",
    "dispatch",
    ({ context, graph, x, y }) => context.dispatch(graph, { x }, { y }),
    invalidState,
  ],
  ["context", "writeTensor", ({ context, x }) => write(context, x, [1, 2]), invalidState],
  ["context", "readTensor", ({ context, x }) => context.readTensor(x), invalidState],
  ["context", "createTensor", ({ context }) => context.createTensor(F2), invalidState],
  [
    "context",
    "createConstantTensor",
    ({ context }) => context.createConstantTensor(F2, new Float32Array(2)),
    invalidState,
  ],
  ["context", "new MLGraphBuilder", ({ context }) => new MLGraphBuilder(context), invalidState],
  ["context", "input", ({ builder }) => builder.input("z", F2), invalidState],
  ["context", "constant", ({ builder }) => builder.constant("int8", 1), invalidState],
  [
    "context",
    "constant of bytes",
    ({ builder }) => builder.constant(F2, new Float32Array(2)),
    invalidState,
  ],
  ["context", "an operator", ({ builder, operand }) => builder.relu(operand), invalidState],
  ["context", "build", ({ builder, operand }) => builder.build({ operand }), invalidState],
];

for (const [target, use, call, expected] of USES) {
  test(`${use} after ${target}.destroy()`, async () => {
    const objects = await setting();
    objects[target].destroy();
    const attempt = async () => call(objects);
    await (expected === "works" ? attempt() : assert.rejects(attempt(), expected));
  });
}

const PENDING = {
  createTensor: ({ context }) => context.createTensor(F2),
  readTensor: ({ context, x }) => context.readTensor(x),
  "BYOB readTensor": ({ context, x }) => context.readTensor(x, new Float32Array(2)),
  build: ({ builder, operand }) => builder.build({ operand }),
};

for (const [name, call] of Object.entries(PENDING)) {
  test(`a context that is destroyed rejects a pending ${name}`, async () => {
    const objects = await setting();
    const pending = call(objects);
    objects.context.destroy();
    await assert.rejects(pending, invalidState);
  });
}

test("a tensor that is destroyed rejects all its pending reads, and no others", async () => {
  const { context, x, y } = await setting();
  const target = new Float32Array([7, 7]);
  const doomed = [context.readTensor(x), context.readTensor(x, target)];
  const other = floats(context, y);
  x.destroy();
  for (const read of doomed) await assert.rejects(read, invalidState);
  assert.deepEqual(await other, [0, 0]);
  assert.deepEqual([...target], [7, 7]);
});

test("lost resolves once, to the same object, and says why", async () => {
  const { context } = await setting();
  const { lost } = context;
  assert.equal(lost, context.lost);
  context.destroy();
  context.destroy();
  const info = await lost;
  assert.equal(info, await context.lost);
  assert.deepEqual(info, { message: "the context was destroyed" });
});

test("an engine that fails loses the context", async () => {
  const { context, graph, x, y } = await setting();
  const state = stateOf(context, "context", "test");
  const reading = context.readTensor(y);
  state.engine.dispatch(1e9, []);
  assert.match((await context.lost).message, /no graph/);
  await reading.catch(() => {});
  assert.throws(() => context.dispatch(graph, { x }, { y }), invalidState);
  await assert.rejects(context.createTensor(F2), invalidState);
});

test("a tensor too large for the memory is an UnknownError, and the context lives", async () => {
  const { context, x } = await setting();
  const big = { dataType: "uint8", shape: [2 ** 31 - 1] };
  await assert.rejects(context.createTensor(big), { name: "UnknownError" });
  write(context, x, [1, 2]);
  assert.deepEqual(await floats(context, x), [1, 2]);
});

test("objects with a forged prototype are not instances", async () => {
  const { context, graph, x, y } = await setting();
  const forged = Object.create(Object.getPrototypeOf(x));
  assert.throws(() => context.dispatch(graph, { x: forged }, { y }), TypeError);
  assert.throws(() => forged.shape, TypeError);
  assert.throws(() => Object.create(graph).destroy(), TypeError);
  attachState(forged, stateOf(x, "tensor", "test"));
  context.dispatch(graph, { x: forged }, { y });
});
