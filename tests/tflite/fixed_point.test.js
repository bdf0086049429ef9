// SPDX-License-Identifier: Apache-2.0
// The 16-bit functions of quantized LSTMs beside the real ones. That they equal TFLite's own is
// tested by models (operators/recurrent.py).

import assert from "node:assert/strict";
import { test } from "node:test";
import { quantizedMultiplier, sigmoid, table16, tanh } from "../../polyfill/tflite/fixed_point.js";

const ONE = 32768;
/** Of 2^-15: what TFLite's polynomials and Newton's steps in 16 bits cost. */
const SIGMOID_STEPS = 7;
const TANH_STEPS = 13;

function farthest(table, real) {
  return table.reduce(
    (most, y, i) => Math.max(most, Math.abs(y - real(i < ONE ? i : i - 65536))),
    0,
  );
}

test("sigmoid of Q3.12", () => {
  const table = table16(sigmoid);
  assert(farthest(table, (x) => ONE / (1 + Math.exp(-x / 4096))) <= SIGMOID_STEPS);
  assert.equal(table[0], ONE / 2);
  for (const x of [1, 77, 4096, 32767]) assert.equal(sigmoid(x) + sigmoid(-x), ONE - 1);
});

for (let bits = 0; bits <= 6; bits++) {
  test(`tanh of Q${bits}.${15 - bits}`, () => {
    const real = (x) => ONE * Math.tanh(x / 2 ** (15 - bits));
    assert(
      farthest(
        table16((x) => tanh(x, bits)),
        real,
      ) <= TANH_STEPS,
    );
    assert.equal(tanh(0, bits), 0);
    for (const x of [1, 77, 4096, 32767]) assert.equal(tanh(-x, bits), -tanh(x, bits));
  });
}

for (const scale of [0.5, 1, 0.75, 2 ** -30 / 0.0078, 1 - 2 ** -40, 3.7, 2 ** -20]) {
  test(`a multiplier for ${scale}`, () => {
    const { multiplier, shift } = quantizedMultiplier(scale);
    assert(Number.isInteger(multiplier) && multiplier >= 2 ** 30 && multiplier < 2 ** 31);
    assert(Math.abs(multiplier * 2 ** (shift - 31) - scale) <= scale * 2 ** -31);
  });
}
