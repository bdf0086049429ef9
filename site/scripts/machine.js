// SPDX-License-Identifier: Apache-2.0
// What a measurement was made on.

/** @typedef {import("./worker/network_worker.js").Facts} Facts */

/** @type {Readonly<Record<string, string>>} */
const VARIANTS = { relaxed: "relaxed SIMD", simd: "SIMD", scalar: "plain wasm" };

/** Kernels and threads in words. @param {{variant: string, threads: number}} facts */
export function engineText({ variant, threads }) {
  return `${VARIANTS[variant] ?? variant}, ${threads === 1 ? "1 thread" : `${threads} threads`}`;
}

/**
 * @typedef {object} Machine
 * @property {string} browser the user agent
 * @property {number} cores as the browser tells
 * @property {boolean} isolated whether threads can be had
 * @property {boolean} nativeWebNN whether the browser has a WebNN of its own, which octet's pages do not use
 */

/** @returns {Machine} */
export function describeMachine() {
  return {
    browser: navigator.userAgent,
    cores: navigator.hardwareConcurrency ?? 1,
    isolated: globalThis.crossOriginIsolated === true,
    nativeWebNN: "ml" in navigator,
  };
}
