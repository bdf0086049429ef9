// SPDX-License-Identifier: Apache-2.0
// What this engine and CPU can do at most: loops of nothing but the instructions that multiply and add, on
// enough accumulators to hide their latency.

const ACCUMULATORS = 12;
const UNROLL = 4;
const CALLS = 40;

/** Iterations of a call: some milliseconds. */
const ITERATIONS = 200_000;

/** @param {number} code @returns {number[]} */
const simd = (code) => [0xfd, ...(code < 0x80 ? [code] : [(code & 0x7f) | 0x80, code >> 7])];

// Locals: 0 is the count, 1 and 2 are constants, the accumulators follow.
const [FACTOR, OTHER] = [1, 2];
/** @param {number} local */
const get = (local) => [0x20, local];

const I32_ADD = simd(0xae);
const I16_DOT = simd(0xba);
const F32_ADD = simd(0xe4);
const F32_MUL = simd(0xe6);
const F32_RELAXED_MADD = simd(0x105);
const I8_RELAXED_DOT = simd(0x112);
const I8_RELAXED_DOT_ADD = simd(0x113);

/**
 * Multiply-adds of an instruction sequence, and the sequence on accumulator `a`: an operand that changes
 * keeps compilers from moving anything out of the loop.
 *
 * @type {Readonly<Record<string, {macs: number, code: (a: number) => number[]}>>}
 */
const SCHEMES = {
  "f32 mul, add": {
    macs: 4,
    code: (a) => [...get(a), ...get(FACTOR), ...F32_MUL, ...get(OTHER), ...F32_ADD],
  },
  "f32 madd": {
    macs: 4,
    code: (a) => [...get(a), ...get(FACTOR), ...get(OTHER), ...F32_RELAXED_MADD],
  },
  "i16 dot, add": {
    macs: 8,
    code: (a) => [...get(a), ...get(FACTOR), ...I16_DOT, ...get(a), ...I32_ADD],
  },
  "i8 dot, i16 dot, add": {
    macs: 16,
    code: (a) => [
      ...[...get(FACTOR), ...get(a), ...I8_RELAXED_DOT],
      ...[...get(OTHER), ...I16_DOT, ...get(a), ...I32_ADD],
    ],
  },
  "i8 dot-add": {
    macs: 16,
    code: (a) => [...get(FACTOR), ...get(OTHER), ...get(a), ...I8_RELAXED_DOT_ADD],
  },
};

/** @param {number[]} bytes @returns {number[]} with their count before them */
const sized = (bytes) => [...leb(bytes.length), ...bytes];

/** @param {number} value @returns {number[]} */
function leb(value) {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >> 7)];
}

/** @param {(a: number) => number[]} code */
function moduleOf(code) {
  const accumulators = Array.from({ length: ACCUMULATORS }, (_, i) => OTHER + 1 + i);
  // Every local starts as other bytes of the memory, which no compiler can know.
  const loads = [FACTOR, OTHER, ...accumulators].flatMap((local, i) => [
    ...[0x41, 0, ...simd(0), 4, ...leb(16 * i), 0x21, local],
  ]);
  const updates = accumulators.flatMap((a) => [...code(a), 0x21, a]);
  const body = [
    ...[1, ...leb(ACCUMULATORS + 2), 0x7b],
    ...loads,
    ...[0x03, 0x40, ...Array(UNROLL).fill(updates).flat()],
    ...[...get(0), 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b],
    ...accumulators.flatMap((a, i) => [...get(a), ...(i ? I32_ADD : [])]),
    ...[...simd(0x1b), 0, 0x0b],
  ];
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, ...sized([1, 0x60, 1, 0x7f, 1, 0x7f])],
    ...[3, ...sized([1, 0])],
    ...[5, ...sized([1, 0, 1])],
    ...[7, ...sized([1, ...sized([0x66]), 0, 0])],
    ...[10, ...sized([1, ...sized(body)])],
  ]);
}

/** @param {{macs: number, code: (a: number) => number[]}} scheme */
async function measure({ macs, code }) {
  const { instance } = await WebAssembly.instantiate(moduleOf(code));
  const run = /** @type {(count: number) => number} */ (instance.exports.f);
  let best = Infinity;
  for (let call = 0; call < CALLS; call++) {
    const start = performance.now();
    run(ITERATIONS);
    best = Math.min(best, performance.now() - start);
  }
  return (macs * ACCUMULATORS * UNROLL * ITERATIONS) / best / 1e6;
}

/** @returns {Promise<Record<string, number>>} GMAC/s on one thread by instructions, where they exist */
export async function ceilings() {
  /** @type {Record<string, number>} */
  const found = {};
  for (const [name, scheme] of Object.entries(SCHEMES)) {
    if (WebAssembly.validate(moduleOf(scheme.code))) found[name] = await measure(scheme);
  }
  return found;
}
