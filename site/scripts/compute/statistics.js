// SPDX-License-Identifier: Apache-2.0
// Statistics of times.

/**
 * The value below which a part of the values lies, interpolated between neighbours.
 *
 * @param {readonly number[]} values at least one
 * @param {number} part 0 to 1
 */
export function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = part * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

/** @param {readonly number[]} values at least one */
export function median(values) {
  return quantile(values, 0.5);
}

/** @param {readonly number[]} values at least one */
export function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of a sample: 0 for a single value. @param {readonly number[]} values at least one */
export function standardDeviation(values) {
  if (values.length < 2) return 0;
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/**
 * How many values fall into each of equal ranges. The slowest hundredth does not stretch the ranges: what
 * lies beyond counts in the last one.
 *
 * @param {readonly (readonly number[])[]} lists at least one value in all
 * @param {number} count of ranges
 * @returns {{starts: number[], width: number, counts: number[][]}} where each range starts, and a count for
 *   each list and range
 */
export function histogram(lists, count) {
  const all = lists.flat();
  const start = Math.min(...all);
  const width = (quantile(all, 0.99) - start) / count || Math.max(start, 1e-9) * 1e-3;
  const counts = lists.map((list) => {
    const found = new Array(count).fill(0);
    for (const value of list) found[Math.min(count - 1, Math.floor((value - start) / width))]++;
    return found;
  });
  return { starts: Array.from({ length: count }, (_, i) => start + i * width), width, counts };
}
