// SPDX-License-Identifier: Apache-2.0
// What this realm can run: which wasm file, how many threads.

/** @typedef {"scalar" | "simd" | "relaxed"} Variant */

/** Variants from the most capable to the one that runs everywhere. @type {readonly Variant[]} */
export const VARIANTS = ["relaxed", "simd", "scalar"];

/** Threads beyond this do not help networks of the size that runs in a page. */
const MAX_THREADS = 8;

// Two modules of one function each, as bytes: i8x16.splat, and i16x8.relaxed_dot_i8x16_i7x16_s.
const HEADER = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10];
const SIMD_MODULE = [...HEADER, 8, 1, 6, 0, 65, 0, 253, 15, 11];
const RELAXED_MODULE = [...HEADER, 15, 1, 13, 0, 65, 0, 253, 15, 65, 0, 253, 15, 253, 146, 2, 11];

/** @param {Variant} variant */
export function supportsVariant(variant) {
  if (variant === "scalar") return true;
  const bytes = variant === "simd" ? SIMD_MODULE : RELAXED_MODULE;
  return WebAssembly.validate(new Uint8Array(bytes));
}

/** The best variant this engine compiles. @returns {Variant} */
export function bestVariant() {
  return VARIANTS.find(supportsVariant) ?? "scalar";
}

/** Whether threads can share memory with this realm. */
export function canShareMemory() {
  return globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === "function";
}

/** What this realm has of the wasm features that octet uses, under clang's names. @returns {string[]} */
export function wasmFeatures() {
  const has = {
    simd128: supportsVariant("simd"),
    "relaxed-simd": supportsVariant("relaxed"),
    atomics: canShareMemory(),
  };
  return Object.entries(has).flatMap(([name, there]) => (there ? [name] : []));
}

/** Threads to use when nobody says otherwise. */
export function defaultThreads() {
  const cores = globalThis.navigator?.hardwareConcurrency ?? 1;
  return canShareMemory() ? Math.min(cores, MAX_THREADS) : 1;
}
