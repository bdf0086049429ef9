// SPDX-License-Identifier: Apache-2.0
// Random numbers by seed, and numbers that sit on some boundary.

/** Small, fast, seeded: mulberry32. The result gives an integer below its argument. */
export function random(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Another seed for every round, so that each can be had alone. */
export function roundSeed(seed, round) {
  return (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(round + 1, 0xc2b2ae35)) | 0;
}

export const EDGES = [
  0,
  1,
  2,
  3,
  4,
  7,
  8,
  127,
  128,
  255,
  256,
  65535,
  65536,
  2 ** 24,
  2 ** 30,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];

/** Scales and other reals that nobody should write. */
export const REALS = [Number.NaN, Infinity, 0, -1, 2 ** -126, 2 ** -140, 3e38, 1e-30, 0.1];
