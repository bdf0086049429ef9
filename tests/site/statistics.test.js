// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  histogram,
  mean,
  median,
  quantile,
  standardDeviation,
} from "../../site/scripts/compute/statistics.js";
import { formatBytes, formatFactor, formatMacs, formatMs } from "../../site/scripts/format.js";

test("statistics of times", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(quantile([0, 10], 0.9), 9);
  assert.equal(quantile([5], 0.1), 5);
  assert.equal(mean([1, 2, 6]), 3);
  assert.equal(standardDeviation([7]), 0);
  assert.equal(standardDeviation([1, 3]), Math.SQRT2);
});

test("a histogram that one slow run does not stretch", () => {
  const even = Array.from({ length: 200 }, (_, i) => 10 + (i % 4));
  const { starts, width, counts } = histogram([[...even, 1000], [11.1]], 4);
  assert.equal(starts[0], 10);
  assert.equal(width, 0.75);
  assert.deepEqual(counts, [
    [50, 50, 50, 51],
    [0, 1, 0, 0],
  ]);
});

test("a histogram of equal times", () => {
  const { counts } = histogram([[2, 2, 2]], 3);
  assert.deepEqual(counts, [[3, 0, 0]]);
});

for (const [format, value, text] of [
  [formatMs, 0.123, "0.12 ms"],
  [formatMs, 9.996, "10.0 ms"],
  [formatMs, 123.4, "123 ms"],
  [formatBytes, 20, "0.1 kB"],
  [formatBytes, 1234, "1.2 kB"],
  [formatBytes, 999_999, "1000 kB"],
  [formatBytes, 3_610_798, "3.6 MB"],
  [formatFactor, 3.876, "3.88×"],
  [formatFactor, 12.34, "12.3×"],
  [formatMacs, 300_775_552, "301 MMAC"],
  [formatMacs, 8_825_853_632, "8.83 GMAC"],
]) {
  test(`${format.name}(${value})`, () => {
    assert.equal(format(value).replaceAll("\u202f", " "), text);
  });
}
