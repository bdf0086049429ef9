// SPDX-License-Identifier: Apache-2.0
// What implementations of WebNN have got wrong: numbers.

import assert from "node:assert/strict";
import test from "node:test";

import { evaluate } from "../support/evaluate.js";

const near = (got, expected, relative = 1e-5) => {
  assert.equal(got.length, expected.length);
  for (const [i, value] of got.entries()) {
    const close = Math.abs(value - expected[i]) <= relative * Math.max(1, Math.abs(expected[i]));
    assert.ok(close || Object.is(value, expected[i]), `[${i}]: ${value}, not ${expected[i]}`);
  }
};

const INTEGERS = { int8: 8, uint8: 8, int32: 32, uint32: 32, int64: 64, uint64: 64 };

for (const [dataType, bits] of Object.entries(INTEGERS)) {
  test(`${dataType} divided by zero, and its least by -1, end no engine`, async () => {
    const signed = dataType.startsWith("int");
    const least = signed ? -(2n ** BigInt(bits - 1)) : 0n;
    const minusOne = signed ? -1n : 1n;
    const result = await evaluate((b, { x, y }) => b.div(x, y), {
      x: [dataType, [4], [5, least, 7, signed ? -7 : 9]],
      y: [dataType, [4], [0, minusOne, 2, 2]],
    });
    assert.deepEqual(result.slice(2).map(Number), [3, signed ? -3 : 4], "towards zero");
    assert.deepEqual(
      await evaluate((b, { x }) => b.add(x, x), { x: [dataType, [1], [21]] }),
      await evaluate((b, { x }) => b.identity(x), { x: [dataType, [1], [42]] }),
    );
  });

  test(`no float number traps on its way to ${dataType}`, async () => {
    const odd = [Number.NaN, Infinity, -Infinity, 1e30, -1e30, -0.5, 43.5];
    const result = await evaluate((b, { x }) => b.cast(x, dataType), { x: ["float32", [7], odd] });
    assert.deepEqual(result.slice(5).map(Number), [0, 43]);
  });
}

test("cast cuts fractions off, and keeps the low bits of integers", async () => {
  const casts = [
    ["float32", "int32", [-43.5, 43.9], [-43, 43]],
    ["float16", "int8", [-1.5, 2.75], [-1, 2]],
    ["int32", "uint8", [-1, 300], [255, 44]],
    ["int32", "int8", [200, -129], [-56, 127]],
    ["int8", "uint8", [-1, -128], [255, 128]],
    ["int8", "uint32", [-1, 5], [4294967295, 5]],
    ["uint32", "float32", [4294967295, 2147483648], [4294967296, 2147483648]],
    ["int64", "int32", [4294967297n, -1n], [1, -1]],
    ["int32", "int64", [-1, 7], [-1n, 7n]],
    ["uint64", "float32", [2n ** 63n, 3n], [2 ** 63, 3]],
    ["float32", "float16", [65520, 1.00048828125], [Infinity, 1]],
  ];
  for (const [from, to, numbers, expected] of casts) {
    const got = await evaluate((b, { x }) => b.cast(x, to), { x: [from, [2], numbers] });
    assert.deepEqual(got, expected, `${from} to ${to}`);
  }
});

test("a number for constant() goes into the type's range", async () => {
  const constants = [
    ["uint8", 300, 255],
    ["uint8", -1, 0],
    ["int8", -1000, -128],
    ["int32", 1e20, 2147483647],
    ["int64", 2n ** 53n + 1n, 2n ** 53n + 1n],
    ["uint64", 2n ** 64n, 2n ** 64n - 1n],
    ["float32", Infinity, Infinity],
    ["float16", 1e9, Infinity],
  ];
  for (const [dataType, number, expected] of constants) {
    const got = await evaluate((b) => b.identity(b.constant(dataType, number)));
    assert.deepEqual(got, [expected], `${dataType} ${number}`);
  }
});

test("clamp: bounds that are absent, NaN, infinite, or beyond 2^53", async () => {
  const big = 2n ** 60n;
  const clamps = [
    ["float32", [-5, 5], {}, [-5, 5]],
    ["float32", [-5, 5], { minValue: Number.NaN, maxValue: 1 }, [-5, 1]],
    ["float32", [-5, 5], { minValue: 0, maxValue: Number.NaN }, [0, 5]],
    ["float32", [-5, 5], { minValue: Infinity }, [Infinity, Infinity]],
    ["float32", [-5, 5], { minValue: 2, maxValue: 2 }, [2, 2]],
    [
      "int64",
      [big - 1n, big + 9n],
      { minValue: big + 1n, maxValue: big + 2n },
      [big + 1n, big + 2n],
    ],
    ["uint64", [0n, 2n ** 64n - 1n], { maxValue: 2n ** 63n + 1n }, [0n, 2n ** 63n + 1n]],
  ];
  for (const [dataType, numbers, options, expected] of clamps) {
    const got = await evaluate((b, { x }) => b.clamp(x, options), { x: [dataType, [2], numbers] });
    assert.deepEqual(got, expected, `${dataType} ${Object.keys(options)}`);
  }
  const crossed = evaluate((b, { x }) => b.clamp(x, { minValue: 2, maxValue: 1 }), {
    x: ["float32", [1], [0]],
  });
  await assert.rejects(crossed, TypeError);
});

test("padding: no part of an average, no winner of a maximum", async () => {
  const x = { x: ["float32", [1, 1, 2, 2], [-1, -2, -3, -4]] };
  const options = { windowDimensions: [3, 3], padding: [1, 1, 1, 1], strides: [2, 2] };
  near(await evaluate((b, { x }) => b.averagePool2d(x, options), x), [-2.5]);
  near(await evaluate((b, { x }) => b.l2Pool2d(x, options), x), [Math.sqrt(30)]);
  near(await evaluate((b, { x }) => b.maxPool2d(x, options), x), [-1]);
  const bytes = { x: ["int8", [1, 1, 2, 2], [-128, -5, -7, -9]] };
  assert.deepEqual(await evaluate((b, { x }) => b.maxPool2d(x, options), bytes), [-5]);
});

test("resampling: half-pixel centres, ties down, the scale of the floored size", async () => {
  const row = { x: ["float32", [1, 1, 1, 3], [0, 3, 6]] };
  const wide =
    (mode, scale) =>
    (b, { x }) =>
      b.resample2d(x, { mode, scales: [1, scale] });
  near(await evaluate(wide("linear", 2), row), [0, 0.75, 2.25, 3.75, 5.25, 6]);
  // 3 × 1.5 is 4 pixels: centres at (i + 0.5) × 3 / 4 - 0.5, not at (i + 0.5) / 1.5 - 0.5.
  near(await evaluate(wide("linear", 1.5), row), [0, 1.875, 4.125, 6]);
  near(await evaluate(wide("nearest-neighbor", 2), row), [0, 0, 3, 3, 6, 6]);
  // 4 pixels to 2: centres at 0.5 and 2.5, between two pixels.
  const four = { x: ["float32", [1, 1, 1, 4], [1, 2, 3, 4]] };
  near(await evaluate(wide("nearest-neighbor", 0.5), four), [1, 3]);
});

test("sums of exponentials do not overflow", async () => {
  const x = { x: ["float32", [1, 3], [1000, 1000, -1000]] };
  near(await evaluate((b, { x }) => b.softmax(x, 1), x), [0.5, 0.5, 0]);
  near(await evaluate((b, { x }) => b.reduceLogSumExp(x), x), [1000 + Math.log(2)]);
  near(await evaluate((b, { x }) => b.softplus(x), x), [1000, 1000, 0]);
  near(await evaluate((b, { x }) => b.sigmoid(x), x), [1, 1, 0]);
  near(await evaluate((b, { x }) => b.tanh(x), x), [1, 1, -1]);
  near(await evaluate((b, { x }) => b.softsign(x), x), [1000 / 1001, 1000 / 1001, -1000 / 1001]);
});

test("quantization divides, rounds half to even, then adds the zero point and saturates", async () => {
  const quantize =
    (scale, zeroPoint, dataType) =>
    (b, { x }, c) =>
      b.quantizeLinear(x, c("float32", [1], [scale]), c(dataType, [1], [zeroPoint]));
  const at = (numbers) => ({ x: ["float32", [numbers.length], numbers] });
  const halves = at([0.5, 1.5, 2.5, -0.5, -1.5, 1e9, -1e9]);
  assert.deepEqual(await evaluate(quantize(1, 1, "int8"), halves), [1, 3, 3, 1, -1, 127, -128]);
  assert.deepEqual(await evaluate(quantize(1, 1, "uint8"), halves), [1, 3, 3, 1, 0, 255, 0]);
  assert.deepEqual(await evaluate(quantize(-2, 0, "int8"), at([4, -6])), [-2, 3], "negative scale");
  // Quotients near a half: a product with the reciprocal rounds some of them to the other side.
  const scale = Math.fround(0.1);
  const numbers = Array.from({ length: 240 }, (_, i) => Math.fround((i - 119.5) * 0.1));
  const rounded = (/** @type {number} */ quotient) => {
    const low = Math.floor(quotient);
    return quotient - low === 0.5 ? low + (low & 1) : Math.round(quotient);
  };
  const divided = numbers.map((x) => rounded(Math.fround(x / scale)));
  const multiplied = numbers.map((x) => rounded(Math.fround(x * Math.fround(1 / scale))));
  assert.notDeepEqual(divided, multiplied);
  const saturated = divided.map((q) => Math.max(-128, Math.min(127, q)) + 0);
  assert.deepEqual(await evaluate(quantize(0.1, 0, "int8"), at(numbers)), saturated);
  const dequantized = await evaluate(
    (b, { x }, c) =>
      b.dequantizeLinear(x, c("float32", [2, 2], [1, 2, 3, 4]), c("uint8", [2, 2], [0, 1, 2, 3])),
    { x: ["uint8", [4, 2], [10, 10, 10, 10, 10, 10, 10, 10]] },
  );
  assert.deepEqual(dequantized, [10, 18, 10, 18, 24, 28, 24, 28], "blocks of two rows");
});

test("64-bit integers are exact", async () => {
  const big = 2n ** 62n;
  const x = { x: ["int64", [2], [big + 1n, -big - 3n]], y: ["int64", [2], [2n, -2n]] };
  assert.deepEqual(await evaluate((b, { x, y }) => b.add(x, y), x), [big + 3n, -big - 5n]);
  assert.deepEqual(await evaluate((b, { x, y }) => b.max(x, y), x), [big + 1n, -2n]);
  const one = { x: x.x };
  assert.deepEqual(await evaluate((b, { x }) => b.reduceSum(x), one), [-2n]);
  const argMax = (b, { x }) => b.argMax(x, 0, { outputDataType: "int64" });
  assert.deepEqual(await evaluate(argMax, one), [0n]);
});

test("float16: one rounding to nearest even, overflow to infinity, subnormals", async () => {
  const x = {
    x: ["float16", [4], [60000, 2 ** -24, 2048, 1]],
    y: ["float16", [4], [60000, 2 ** -24, 1, 3]],
  };
  assert.deepEqual(await evaluate((b, { x, y }) => b.add(x, y), x), [Infinity, 2 ** -23, 2048, 4]);
  near(await evaluate((b, { x, y }) => b.div(x, y), x), [1, 1, 2048, Math.fround(1365 / 4096)]);
  // Sums are not taken in half precision, where 2048 + 1 is 2048.
  const ones = new Array(4096).fill(1);
  const product = await evaluate((b, { x, y }) => b.matmul(x, y), {
    x: ["float16", [1, 4096], ones],
    y: ["float16", [4096, 1], ones],
  });
  assert.deepEqual(product, [4096]);
});

test("zeros, signs and not-a-numbers", async () => {
  const x = { x: ["float32", [4], [-0.5, 0, -0, 2.5]] };
  assert.deepEqual(await evaluate((b, { x }) => b.roundEven(x), x), [-0, 0, -0, 2]);
  assert.deepEqual(
    (await evaluate((b, { x }) => b.sign(x), x)).map((v) => v + 0),
    [-1, 0, 0, 1],
  );
  const y = { x: ["float32", [3], [Number.NaN, Infinity, 1]] };
  assert.deepEqual(await evaluate((b, { x }) => b.isNaN(x), y), [1, 0, 0]);
  assert.deepEqual(await evaluate((b, { x }) => b.isInfinite(x), y), [0, 1, 0]);
});

test("logic takes any number but zero for true, and gives 0 and 1", async () => {
  const x = { x: ["uint8", [3], [0, 2, 255]], y: ["uint8", [3], [1, 4, 0]] };
  assert.deepEqual(await evaluate((b, { x }) => b.logicalNot(x), { x: x.x }), [1, 0, 0]);
  assert.deepEqual(await evaluate((b, { x, y }) => b.logicalAnd(x, y), x), [0, 1, 0]);
  assert.deepEqual(await evaluate((b, { x, y }) => b.logicalXor(x, y), x), [1, 0, 1]);
});

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

test("recurrent cells: biases, reset after the product, peepholes, a batch of one", async () => {
  const gru =
    (options) =>
    (b, { x }, c) =>
      b.gruCell(
        x,
        c("float32", [3, 1], [0.5, -0.25, 0.75]),
        c("float32", [3, 1], [0.3, 0.6, -0.9]),
        c("float32", [1, 1], [0.4]),
        1,
        {
          bias: c("float32", [3], [0.1, 0.2, 0.3]),
          recurrentBias: c("float32", [3], [-0.2, 0.15, 0.45]),
          ...options,
        },
      );
  const [x, h] = [0.8, 0.4];
  const z = sigmoid(0.5 * x + 0.1 + 0.3 * h - 0.2);
  const r = sigmoid(-0.25 * x + 0.2 + 0.6 * h + 0.15);
  const after = Math.tanh(0.75 * x + 0.3 + r * (-0.9 * h + 0.45));
  const before = Math.tanh(0.75 * x + 0.3 + -0.9 * (r * h) + 0.45);
  const input = { x: ["float32", [1, 1], [x]] };
  near(await evaluate(gru({}), input), [(1 - z) * after + z * h]);
  near(await evaluate(gru({ resetAfter: false }), input), [(1 - z) * before + z * h]);

  const w = [0.2, 0.4, 0.6, 0.8];
  const u = [-0.1, 0.3, 0.5, -0.7];
  const peepholes = [0.9, -0.8, 0.7];
  const c = 0.35;
  const lstm = (b, { x }, k) =>
    b.lstmCell(
      x,
      k("float32", [4, 1], w),
      k("float32", [4, 1], u),
      k("float32", [1, 1], [h]),
      k("float32", [1, 1], [c]),
      1,
      { peepholeWeight: k("float32", [3], peepholes) },
    );
  const gate = (row) => w[row] * x + u[row] * h;
  const i = sigmoid(gate(0) + peepholes[0] * c);
  const f = sigmoid(gate(2) + peepholes[2] * c);
  const cell = f * c + i * Math.tanh(gate(3));
  const o = sigmoid(gate(1) + peepholes[1] * cell);
  const outputs = await evaluate((b, operands, k) => {
    const [hidden, state] = lstm(b, operands, k);
    assert.deepEqual(
      [hidden.shape, state.shape],
      [
        [1, 1],
        [1, 1],
      ],
    );
    return { hidden, state };
  }, input);
  near(outputs.hidden, [o * Math.tanh(cell)]);
  near(outputs.state, [cell]);
});
