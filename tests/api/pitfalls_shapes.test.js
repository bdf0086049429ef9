// SPDX-License-Identifier: Apache-2.0
// What implementations of WebNN have got wrong: shapes, axes, indices.

import assert from "node:assert/strict";
import test from "node:test";

import { MLGraphBuilder } from "../../polyfill/api/builder.js";
import { encode, evaluate, sharedContext } from "../support/evaluate.js";

const count = (shape) => shape.reduce((n, size) => n * size, 1);
const numbers = (shape) => Array.from({ length: count(shape) }, (_, i) => i);
const input = (dataType, shape) => ({ x: [dataType, shape, numbers(shape)] });

/** A builder on the shared context, and an input of a shape. */
async function builderAndInput(shape, dataType = "float32") {
  const builder = new MLGraphBuilder(await sharedContext());
  return [builder, builder.input("x", { dataType, shape })];
}

test("transpose reverses by default, and the shape goes along", async () => {
  const made = {};
  const got = await evaluate(
    (b, { x }) => {
      made.shape = b.transpose(x).shape;
      return b.transpose(x);
    },
    input("int32", [2, 3, 1]),
  );
  assert.deepEqual(made.shape, [1, 3, 2]);
  assert.deepEqual(got, [0, 3, 1, 4, 2, 5]);
});

test("gatherElements has the shape of its indices", async () => {
  const gather = (b, { x }, c) => {
    const made = b.gatherElements(x, c("int32", [1, 3], [1, 0, 1]), { axis: 0 });
    assert.deepEqual(made.shape, [1, 3]);
    return made;
  };
  assert.deepEqual(await evaluate(gather, input("float32", [2, 3])), [3, 1, 5]);
});

const GATHERED = [
  ["int32", [-1, -4, 0], [3, 0, 0]],
  ["int64", [-2, 3, 1], [2, 3, 1]],
  ["uint32", [3, 0, 2], [3, 0, 2]],
];

for (const [dataType, indices, expected] of GATHERED) {
  test(`${dataType} indices count from the end where they are negative`, async () => {
    const gather = (b, { x }, c) => b.gather(x, c(dataType, [3], indices));
    assert.deepEqual(await evaluate(gather, input("float32", [4])), expected);
    const atRunTime = (b, { x, i }) => b.gather(x, i);
    const inputs = { ...input("float32", [4]), i: [dataType, [3], indices] };
    assert.deepEqual(await evaluate(atRunTime, inputs), expected);
  });
}

const INDEXING = {
  gather: (b, x, i) => b.gather(x, i),
  gatherElements: (b, x, i) => b.gatherElements(x, i),
  gatherND: (b, x, i) => b.gatherND(x, b.reshape(i, [3, 1])),
  scatterElements: (b, x, i, u) => b.scatterElements(x, i, u),
  scatterND: (b, x, i, u) => b.scatterND(x, b.reshape(i, [3, 1]), u),
};

for (const [name, make] of Object.entries(INDEXING)) {
  for (const [dataType, indices] of [
    ["int32", [1e9, -1e9, 2 ** 31 - 1]],
    ["uint32", [2 ** 32 - 1, 4, 1e9]],
    ["int64", [2n ** 62n, -(2n ** 62n), 4n]],
  ]) {
    test(`${name} with ${dataType} indices far outside reads and writes nothing else`, async () => {
      const made = (b, { x, i }, c) => ({
        y: make(b, x, i, c("float32", [3], [7, 7, 7])),
        bystander: b.mul(x, c("float32", [], [2])),
      });
      const inputs = { ...input("float32", [4]), i: [dataType, [3], indices] };
      const { y, bystander } = await evaluate(made, inputs);
      assert.ok(
        y.every((value) => [0, 1, 2, 3, 7].includes(value)),
        String(y),
      );
      assert.deepEqual(bystander, [0, 2, 4, 6]);
    });
  }
}

test("layerNormalization: scale and bias follow the order of the axes; no axes leave the bias", async () => {
  const x = input("float32", [1, 2, 3]);
  const normalize =
    (axes, shape) =>
    (b, { x }, c) =>
      b.layerNormalization(x, { axes, scale: c("float32", shape, numbers(shape)), epsilon: 0 });
  const rows = await evaluate(normalize([1, 2], [2, 3]), x);
  const columns = await evaluate(normalize([2, 1], [3, 2]), x);
  const deviation = Math.sqrt(35 / 12);
  for (const [i, value] of rows.entries()) {
    const normal = (i - 2.5) / deviation;
    assert.ok(Math.abs(value - normal * i) < 1e-5);
    const turned = (i % 3) * 2 + Math.floor(i / 3);
    assert.ok(Math.abs(columns[i] - normal * turned) < 1e-5);
  }
  const none =
    (options) =>
    (b, { x }, c) =>
      b.layerNormalization(x, { axes: [], bias: c("float32", [], [4]), ...options });
  assert.deepEqual(await evaluate(none({}), x), new Array(6).fill(4));
  const plain = (b, { x }) => b.layerNormalization(x, { axes: [] });
  assert.deepEqual(await evaluate(plain, x), new Array(6).fill(0));
});

test("reductions: no axes is each element alone, absent axes are all of them", async () => {
  const x = { x: ["float32", [2, 2], [1, -2, 3, -4]] };
  const reduce =
    (name, options) =>
    (b, { x }) =>
      b[name](x, options);
  const close = (got, expected) => {
    const off = got.map((value, i) => Math.abs(value - expected[i]));
    assert.ok(Math.max(...off) < 1e-5, `${got}`);
  };
  close(await evaluate(reduce("reduceL1", { axes: [] }), x), [1, 2, 3, 4]);
  close(await evaluate(reduce("reduceL2", { axes: [] }), x), [1, 2, 3, 4]);
  close(await evaluate(reduce("reduceSumSquare", { axes: [] }), x), [1, 4, 9, 16]);
  close(await evaluate(reduce("reduceMean", { axes: [] }), x), [1, -2, 3, -4]);
  close(await evaluate(reduce("reduceLogSumExp", { axes: [] }), x), [1, -2, 3, -4]);
  close(await evaluate(reduce("reduceSum", {}), x), [-2]);
  close(await evaluate(reduce("reduceSum", undefined), x), [-2]);
  const [b, y] = await builderAndInput([2, 2]);
  assert.deepEqual(b.reduceSum(y).shape, []);
  assert.deepEqual(b.reduceSum(y, { keepDimensions: true }).shape, [1, 1]);
  assert.deepEqual(b.reduceSum(y, { axes: [], keepDimensions: true }).shape, [2, 2]);
});

test("prelu and where broadcast in both directions", async () => {
  const prelu = (b, { x }, c) => {
    const made = b.prelu(x, c("float32", [2, 3], [1, 2, 3, 4, 5, 6]));
    assert.deepEqual(made.shape, [2, 3]);
    return made;
  };
  const row = { x: ["float32", [3], [-1, 2, -3]] };
  assert.deepEqual(await evaluate(prelu, row), [-1, 2, -9, -4, 2, -18]);
  const where = (b, { x }, c) => b.where(c("uint8", [2, 1], [0, 9]), x, c("float32", [1], [7]));
  assert.deepEqual(await evaluate(where, row), [7, 7, 7, -1, 2, -3]);
});

for (const shape of [[], [1], [2], [1, 2], [3, 1], [1, 1], [3, 2]]) {
  test(`gemm adds c of shape [${shape}]`, async () => {
    const c = numbers(shape).map((i) => 10 * (i + 1));
    const gemm = (b, { x }, constant) =>
      b.gemm(x, constant("float32", [2, 2], [1, 0, 0, 1]), {
        c: constant("float32", shape, c),
        beta: 0.5,
      });
    const expected = numbers([3, 2]).map((value, i) => {
      const [rows = 1, columns = 1] = shape.length === 1 ? [1, shape[0]] : shape;
      const row = rows === 1 ? 0 : Math.floor(i / 2);
      const column = columns === 1 ? 0 : i % 2;
      return value + 0.5 * c[row * columns + column];
    });
    assert.deepEqual(await evaluate(gemm, input("float32", [3, 2])), expected);
  });
}

test("concat and split take 8192 parts, not one more; split divides without rest", async () => {
  const [b, x] = await builderAndInput([1]);
  assert.deepEqual(b.concat(new Array(8192).fill(x), 0).shape, [8192]);
  assert.throws(() => b.concat(new Array(8193).fill(x), 0), TypeError);
  const y = b.input("y", { dataType: "float32", shape: [8192] });
  assert.equal(b.split(y, 8192).length, 8192);
  assert.throws(
    () => b.split(b.input("z", { dataType: "float32", shape: [8193] }), 8193),
    TypeError,
  );
  assert.throws(() => b.split(y, 3), TypeError);
  assert.throws(() => b.split(y, [8190, 3]), TypeError);
  assert.throws(() => b.split(y, 0), TypeError);
});

test("slice: sizes count before the strides, and what is left is rounded up", async () => {
  const slice = (b, { x }) => {
    const made = b.slice(x, [1], [5], { strides: [2] });
    assert.deepEqual(made.shape, [3]);
    return made;
  };
  assert.deepEqual(await evaluate(slice, input("float32", [7])), [1, 3, 5]);
});

test("scales and zero points have the input's rank and divide its shape", async () => {
  const [b, x] = await builderAndInput([4, 6], "int8");
  const constant = (dataType, shape) =>
    b.constant({ dataType, shape }, encode(dataType, numbers(shape)));
  const dequantize = (shape) =>
    b.dequantizeLinear(x, constant("float32", shape), constant("int8", shape));
  for (const shape of [
    [1, 1],
    [4, 6],
    [2, 3],
    [1, 6],
    [4, 1],
    [2, 2],
  ]) {
    assert.deepEqual(dequantize(shape).shape, [4, 6], String(shape));
  }
  for (const shape of [[], [1], [6], [3, 1], [1, 4], [8, 1], [1, 1, 1]]) {
    assert.throws(() => dequantize(shape), TypeError, String(shape));
  }
});

test("arguments of the least and greatest: int32 by default, the first of equals", async () => {
  const [b, x] = await builderAndInput([3]);
  assert.equal(b.argMax(x, 0).dataType, "int32");
  assert.equal(b.argMin(x, 0, { outputDataType: "int64" }).dataType, "int64");
  const ties = { x: ["float32", [4], [2, 5, 5, 2]] };
  assert.deepEqual(await evaluate((b, { x }) => b.argMax(x, 0), ties), [1]);
  assert.deepEqual(await evaluate((b, { x }) => b.argMin(x, 0), ties), [0]);
});

test("scalars go through operators of every kind", async () => {
  const x = { x: ["float32", [], [-3]] };
  const scalars = {
    relu: (b, { x }) => b.relu(x),
    add: (b, { x }) => b.add(x, x),
    reshape: (b, { x }) => b.reshape(x, []),
    transpose: (b, { x }) => b.transpose(x),
    reduce: (b, { x }) => b.reduceSum(x),
    expand: (b, { x }) => b.expand(x, [2]),
    cast: (b, { x }) => b.cast(x, "int32"),
    pad: (b, { x }) => b.pad(x, [], []),
    slice: (b, { x }) => b.slice(x, [], []),
    tile: (b, { x }) => b.tile(x, []),
    reverse: (b, { x }) => b.reverse(x),
    where: (b, { x }, c) => b.where(c("uint8", [], [1]), x, x),
    quantize: (b, { x }, c) => b.quantizeLinear(x, c("float32", [], [1]), c("int8", [], [0])),
  };
  const expected = { relu: [0], add: [-6], expand: [-3, -3] };
  for (const [name, make] of Object.entries(scalars)) {
    assert.deepEqual(await evaluate(make, x), expected[name] ?? [-3], name);
  }
});
