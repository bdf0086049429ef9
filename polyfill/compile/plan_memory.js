// SPDX-License-Identifier: Apache-2.0
// Lifetimes to offsets in one arena: greedy by size, each block at the lowest place that is free for its
// whole life.

export const ALIGNMENT = 64;

/** @param {number} bytes */
export function aligned(bytes) {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/**
 * @typedef {object} Lifetime
 * @property {number} bytes
 * @property {number} first index of the first step that touches it
 * @property {number} last index of the last one, inclusive
 */

/**
 * @param {readonly Lifetime[]} items
 * @returns {{offsets: number[], bytes: number}} an offset for each item, and the arena's size
 */
export function planMemory(items) {
  const order = [...items.keys()].sort((a, b) => items[b].bytes - items[a].bytes || a - b);
  /** @type {number[]} */
  const offsets = new Array(items.length).fill(0);
  /** Items that have a place, by offset. @type {number[]} */
  const placed = [];
  let bytes = 0;
  for (const i of order) {
    const { first, last } = items[i];
    const size = aligned(items[i].bytes);
    let at = 0;
    for (const j of placed) {
      const other = items[j];
      if (other.last < first || other.first > last) continue;
      if (offsets[j] >= at + size) break;
      at = Math.max(at, offsets[j] + aligned(other.bytes));
    }
    offsets[i] = at;
    bytes = Math.max(bytes, at + size);
    const position = placed.findIndex((j) => offsets[j] > at);
    placed.splice(position < 0 ? placed.length : position, 0, i);
  }
  return { offsets, bytes };
}
