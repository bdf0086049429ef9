// SPDX-License-Identifier: Apache-2.0
// What the page may choose before it creates a context, and where the assets lie.

/** @typedef {import("./features.js").Variant} Variant */

/**
 * @typedef {object} Settings
 * @property {Variant | null} variant the wasm file; null takes the best one
 * @property {"none" | "unsigned" | "signed" | "pairs" | null} dot the dot product of bytes to use, of those
 *   the CPU has; null takes the best one
 * @property {number | null} threads null takes a default by the machine
 * @property {boolean} worker run the engine in a worker where there are workers
 * @property {string} workerUrl
 * @property {string} wasmUrl folder of octet_<variant>.wasm, with a trailing slash
 * @property {BufferSource | null} wasm the module's bytes, instead of fetching them
 * @property {boolean} debug verify graphs between compiler passes
 */

/** Set by the bundler; the sources run unbundled, with the worker beside this file. */
const bundled = typeof OCTET_BUNDLED !== "undefined" && OCTET_BUNDLED;

/** @type {Settings} */
export const settings = {
  variant: null,
  dot: null,
  threads: null,
  worker: true,
  workerUrl: String(
    bundled
      ? new URL("./octet_worker.js", import.meta.url)
      : new URL("./worker.js", import.meta.url),
  ),
  wasmUrl: String(new URL(bundled ? "./" : "../../build/dist/", import.meta.url)),
  wasm: null,
  debug: false,
};

/** @type {Readonly<Record<keyof Settings, (value: any) => boolean>>} */
const RULES = {
  variant: (value) => value === null || ["scalar", "simd", "relaxed"].includes(value),
  dot: (value) => value === null || ["none", "unsigned", "signed", "pairs"].includes(value),
  threads: (value) => value === null || (Number.isInteger(value) && value >= 1 && value <= 64),
  worker: (value) => typeof value === "boolean",
  workerUrl: (value) => typeof value === "string",
  wasmUrl: (value) => typeof value === "string",
  wasm: (value) => value === null || value instanceof ArrayBuffer || ArrayBuffer.isView(value),
  debug: (value) => typeof value === "boolean",
};

/**
 * Change settings for contexts that are created from now on.
 *
 * @param {Partial<Settings>} changes
 * @throws {TypeError} for an unknown name or a value it cannot take
 */
export function configure(changes) {
  for (const [name, value] of Object.entries(changes)) {
    const rule = Object.hasOwn(RULES, name) ? RULES[/** @type {keyof Settings} */ (name)] : null;
    if (!rule)
      throw new TypeError(
        `configure: unknown setting "${name}"; there are ${Object.keys(RULES).join(", ")}.`,
      );
    if (!rule(value)) throw new TypeError(`configure: ${name} cannot be ${String(value)}.`);
  }
  Object.assign(settings, changes);
}
