// SPDX-License-Identifier: Apache-2.0
// Grey levels in inputs of every kind.

import assert from "node:assert/strict";
import { test } from "node:test";
import { imageSize, inputLevels, realValues, toInput } from "../../site/scripts/compute/tensors.js";

const HALF = { mean: 127.5, deviation: 127.5 };
const UNIT = { mean: 0, deviation: 255 };

const info = (dataType, scale, zeroPoint, shape = [1, 2, 1, 3]) => ({
  name: "image",
  shape,
  dataType,
  quantization: scale ? { scale: [scale], zeroPoint: [zeroPoint] } : null,
});

for (const [name, tensor, range, levels] of [
  ["float32", info("float32"), HALF, [-1, (100 - 127.5) / 127.5, 1]],
  ["float32 from 0 to 1", info("float32"), UNIT, [0, 100 / 255, 1]],
  ["uint8, 1/128 around 128: the bytes", info("uint8", 1 / 128, 128), HALF, [0, 100, 255]],
  ["uint8, 1/127.5 around 127", info("uint8", 1 / 127.5, 127), HALF, [0, 100, 255]],
  ["int8, 1/127.5 around -1", info("int8", 1 / 127.5, -1), HALF, [-128, -28, 127]],
  ["int8, 1/255 around -128", info("int8", 1 / 255, -128), UNIT, [-128, -28, 127]],
  ["uint8 in coarser steps", info("uint8", 1 / 32, 100), HALF, [68, 93, 132]],
  ["int8, clamped", info("int8", 1 / 200, 0), HALF, [-128, -43, 127]],
]) {
  test(name, () => {
    const all = inputLevels(tensor, range);
    const expected = levels.map((level) =>
      tensor.dataType === "float32" ? Math.fround(level) : level,
    );
    assert.deepEqual([all[0], all[100], all[255]], expected);
  });
}

test("three channels, and one", () => {
  const rgba = Uint8ClampedArray.of(10, 20, 30, 255, 200, 100, 0, 255);
  const colour = toInput(rgba, info("uint8", 1 / 128, 128), HALF);
  assert.deepEqual([...colour], [10, 20, 30, 200, 100, 0]);
  const grey = toInput(rgba, info("uint8", 1 / 128, 128, [1, 2, 1, 1]), HALF);
  assert.deepEqual([...grey], [18, 119]);
});

for (const [shape, dataType, message] of [
  [[1, 224, 224], "uint8", /expected a picture's/],
  [[2, 8, 8, 3], "uint8", /expected a picture's/],
  [[1, 8, 8, 4], "uint8", /expected a picture's/],
  [[1, 8, 8, 3], "int64", /int64 cannot hold a picture/],
]) {
  test(`no picture: ${dataType} [${shape}]`, () => {
    assert.throws(() => imageSize({ name: "x", shape, dataType, quantization: null }), { message });
  });
}

test("quantized outputs as real numbers", () => {
  const values = Uint8Array.of(0, 128, 255);
  assert.deepEqual([...realValues(values, info("uint8", 0.5, 128))], [-64, 0, 63.5]);
  assert.deepEqual([...realValues(BigInt64Array.of(1n, -2n), info("int64"))], [1, -2]);
});
