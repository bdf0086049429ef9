// SPDX-License-Identifier: Apache-2.0
// Tensors: what they are made of, what scripts hand over and get back, constant ones.

import assert from "node:assert/strict";
import test from "node:test";

import { MLGraphBuilder } from "../../polyfill/api/builder.js";
import { testContext } from "../support/engine.js";

const F4 = { dataType: "float32", shape: [4] };
const READ_WRITE = { ...F4, readable: true, writable: true };
const NUMBERS = [1, 2, 3, 4];

const invalidState = { name: "InvalidStateError" };
const context = await testContext();
const floats = async (tensor) => [...new Float32Array(await context.readTensor(tensor))];

/** A readable and writable tensor that holds NUMBERS. */
async function filled() {
  const tensor = await context.createTensor(READ_WRITE);
  context.writeTensor(tensor, new Float32Array(NUMBERS));
  return tensor;
}

function detach(buffer) {
  structuredClone(buffer, { transfer: [buffer] });
}

const DESCRIPTORS = [
  ["no descriptor", undefined],
  ["a number", 1],
  ["no data type", { shape: [1] }],
  ["no shape", { dataType: "float32" }],
  ["an unknown data type", { dataType: "float64", shape: [1] }],
  ["the old name of the shape", { dataType: "float32", dimensions: [1] }],
  ["a dimension of zero", { dataType: "float32", shape: [2, 0] }],
  ["a negative dimension", { dataType: "float32", shape: [-1] }],
  ["a dimension that is not finite", { dataType: "float32", shape: [Number.NaN] }],
  ["a dimension beyond 2^31 - 1", { dataType: "uint8", shape: [2 ** 31] }],
  ["a dimension beyond 2^32 - 1", { dataType: "uint8", shape: [2 ** 32] }],
  ["too many elements", { dataType: "uint8", shape: [2 ** 16, 2 ** 16] }],
  ["too many bytes", { dataType: "float32", shape: [2 ** 29] }],
  ["a BigInt for a dimension", { dataType: "float32", shape: [1n] }],
  ["a shape that is no sequence", { dataType: "float32", shape: 4 }],
  [
    "more dimensions than opSupportLimits() allows",
    { dataType: "float32", shape: new Array(9).fill(1) },
  ],
];

for (const [name, descriptor] of DESCRIPTORS) {
  test(`createTensor, createConstantTensor and input refuse ${name}`, async () => {
    const b = new MLGraphBuilder(context);
    await assert.rejects(context.createTensor(descriptor), TypeError);
    await assert.rejects(context.createConstantTensor(descriptor, new ArrayBuffer(4)), TypeError);
    assert.throws(() => b.input("x", descriptor), TypeError);
    assert.throws(() => b.constant(descriptor, new ArrayBuffer(4)), TypeError);
  });
}

test("a tensor says what it was asked to be", async () => {
  const shape = [2.9, "2"];
  const tensor = await context.createTensor({ dataType: "int8", shape, readable: 1 });
  shape.push(3);
  const { dataType, readable, writable, constant } = tensor;
  assert.deepEqual(
    { dataType, shape: tensor.shape, readable, writable, constant },
    { dataType: "int8", shape: [2, 2], readable: true, writable: false, constant: false },
  );
  assert.ok(Object.isFrozen(tensor.shape));
  const scalar = await context.createTensor({ dataType: "uint64", shape: [], readable: true });
  assert.deepEqual([...new BigUint64Array(await context.readTensor(scalar))], [0n]);
});

test("descriptors are read as IDL dictionaries: by getters, from prototypes, in order", async () => {
  const read = [];
  const descriptor = new Proxy(
    { dataType: "float32", shape: new Set([1, 2]), readable: true, writable: true },
    {
      get(target, name) {
        read.push(name);
        return target[name];
      },
    },
  );
  assert.deepEqual((await context.createTensor(descriptor)).shape, [1, 2]);
  assert.deepEqual(read, ["dataType", "shape", "readable", "writable"]);
  const inherited = await context.createTensor(Object.create(READ_WRITE));
  assert.equal(inherited.writable, true);
});

test("a failing getter's error is the answer", async () => {
  const error = new RangeError("mine");
  const descriptor = {
    get dataType() {
      throw error;
    },
  };
  await assert.rejects(context.createTensor(descriptor), error);
});

const TARGETS = {
  ArrayBuffer: () => new ArrayBuffer(16),
  SharedArrayBuffer: () => new SharedArrayBuffer(16),
  "a view of the type": () => new Float32Array(4),
  Uint8Array: () => new Uint8Array(16),
  "a view on shared memory": () => new Float32Array(new SharedArrayBuffer(16)),
  "a view on wasm memory": () =>
    new Float32Array(new WebAssembly.Memory({ initial: 1 }).buffer, 8, 4),
};

for (const [name, make] of Object.entries(TARGETS)) {
  test(`reads into ${name}`, async () => {
    const target = make();
    assert.equal(await context.readTensor(await filled(), target), undefined);
    const { buffer, byteOffset } = ArrayBuffer.isView(target)
      ? target
      : { buffer: target, byteOffset: 0 };
    assert.deepEqual([...new Float32Array(buffer, byteOffset, 4)], NUMBERS);
  });

  test(`writes from ${name}`, async () => {
    const source = make();
    const { buffer, byteOffset } = ArrayBuffer.isView(source)
      ? source
      : { buffer: source, byteOffset: 0 };
    const numbers = new Float32Array(buffer, byteOffset, 4);
    numbers.set([5, 6, 7, 8]);
    const tensor = await filled();
    context.writeTensor(tensor, source);
    numbers.fill(0);
    assert.deepEqual(await floats(tensor), [5, 6, 7, 8]);
  });
}

const REFUSED = {
  "too short": () => new ArrayBuffer(12),
  "too long": () => new Float32Array(5),
  "a view of another type": () => new Int32Array(4),
  "a DataView": () => new DataView(new ArrayBuffer(16)),
  "half of the bytes for another type": () => new Uint16Array(8),
  "a resizable buffer": () => new ArrayBuffer(16, { maxByteLength: 32 }),
  "a view on a growable buffer": () =>
    new Uint8Array(new SharedArrayBuffer(16, { maxByteLength: 32 })),
  "an array": () => [1, 2, 3, 4],
  null: () => null,
  "a detached buffer": () => {
    const buffer = new ArrayBuffer(16);
    detach(buffer);
    return buffer;
  },
};

for (const [name, make] of Object.entries(REFUSED)) {
  test(`no bytes go from or to ${name}`, async () => {
    const tensor = await filled();
    assert.throws(() => context.writeTensor(tensor, make()), TypeError);
    await assert.rejects(context.readTensor(tensor, make()), TypeError);
    await assert.rejects(context.createConstantTensor(F4, make()), TypeError);
    assert.throws(() => new MLGraphBuilder(context).constant(F4, make()), TypeError);
    assert.deepEqual(await floats(tensor), NUMBERS);
  });
}

test("a target that is detached while it is read into refuses the read", async () => {
  const target = new Float32Array(4);
  const reading = context.readTensor(await filled(), target);
  detach(target.buffer);
  await assert.rejects(reading, TypeError);
});

test("each read has a buffer of its own", async () => {
  const tensor = await filled();
  const [first, second] = await Promise.all([
    context.readTensor(tensor),
    context.readTensor(tensor),
  ]);
  new Float32Array(first).fill(0);
  assert.deepEqual([...new Float32Array(second)], NUMBERS);
  assert.deepEqual(await floats(tensor), NUMBERS);
});

test("float16 comes as raw bits in a Uint16Array, too", async () => {
  const type = { dataType: "float16", shape: [2], readable: true, writable: true };
  const tensor = await context.createTensor(type);
  context.writeTensor(tensor, new Uint16Array([0x3c00, 0xc000]));
  assert.deepEqual([...new Uint16Array(await context.readTensor(tensor))], [0x3c00, 0xc000]);
  assert.throws(() => context.writeTensor(tensor, new Int16Array(2)), TypeError);
});

/** y = x + constant, run on zeros. */
async function addTo(constant, after = () => {}) {
  const b = new MLGraphBuilder(context);
  const y = b.add(b.input("x", F4), b.constant(constant));
  const graph = await b.build({ y });
  after();
  const x = await context.createTensor(F4);
  const into = await context.createTensor(READ_WRITE);
  context.dispatch(graph, { x }, { y: into });
  return floats(into);
}

test("constant tensors", async () => {
  const source = new Float32Array(NUMBERS);
  const making = context.createConstantTensor(F4, source);
  source.fill(0);
  const constant = await making;
  const { readable, writable } = constant;
  assert.deepEqual([readable, writable, constant.constant], [false, false, true]);
  await assert.rejects(context.readTensor(constant), TypeError);
  assert.throws(() => context.writeTensor(constant, source), TypeError);
  assert.deepEqual(await addTo(constant), NUMBERS);
  assert.deepEqual(await addTo(constant), NUMBERS, "in a second graph");
  assert.deepEqual(
    await addTo(constant, () => constant.destroy()),
    NUMBERS,
    "destroyed after build",
  );
  assert.throws(() => new MLGraphBuilder(context).constant(constant), TypeError);
});

test("a constant tensor that is destroyed before build() refuses it, and the builder can go on", async () => {
  const constant = await context.createConstantTensor(F4, new Float32Array(NUMBERS));
  const b = new MLGraphBuilder(context);
  const x = b.input("x", F4);
  const y = b.add(x, b.constant(constant));
  constant.destroy();
  await assert.rejects(b.build({ y }), TypeError);
  await b.build({ z: b.relu(x) });
});

test("constant() takes no tensor that is not constant, of another context, or no tensor", async () => {
  const b = new MLGraphBuilder(context);
  const other = await testContext();
  const foreign = await other.createConstantTensor(F4, new Float32Array(4));
  assert.throws(() => b.constant(foreign), TypeError);
  const plain = await context.createTensor(F4);
  assert.throws(() => b.constant(plain), TypeError);
  assert.throws(() => b.constant({}), TypeError);
  // These three rules come before the state of the builder.
  await b.build({ y: b.relu(b.input("x", F4)) });
  assert.throws(() => b.constant(foreign), TypeError);
  const constant = await context.createConstantTensor(F4, new Float32Array(4));
  assert.throws(() => b.constant(constant), invalidState);
});

test("weights may be views on wasm memory that grows meanwhile", async () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  new Float32Array(memory.buffer, 64, 4).set(NUMBERS);
  const b = new MLGraphBuilder(context);
  const weights = b.constant(F4, new Float32Array(memory.buffer, 64, 4));
  memory.grow(1);
  const y = b.add(b.input("x", F4), weights);
  const graph = await b.build({ y });
  const [x, into] = [await context.createTensor(F4), await context.createTensor(READ_WRITE)];
  context.dispatch(graph, { x }, { y: into });
  assert.deepEqual(await floats(into), NUMBERS);
});
