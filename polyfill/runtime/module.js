// SPDX-License-Identifier: Apache-2.0
// Loading and instantiating a kernel module. One file serves shared and unshared memory: they differ in
// one flag of the memory import, which is set here.

/** Pages of 64 KiB that the kernels' memory import allows: 2 GiB. */
const MAX_PAGES = 32768;
const INITIAL_PAGES = 16;

/**
 * @typedef {object} KernelModule
 * @property {WebAssembly.Memory} memory
 * @property {KernelExports} exports
 */

/**
 * What plan.h exports, and the linker's symbols.
 *
 * @typedef {object} KernelExports
 * @property {(steps: number, words: number, scratch: number, first: number, count: number) => void} plan_run
 * @property {(pool: number) => void} [pool_run] absent in the scalar variant
 * @property {(pool: number, thread: number) => void} [pool_serve]
 * @property {(operands: number, count: number) => number} [dot_classes] only with relaxed SIMD
 * @property {WebAssembly.Global} __stack_pointer
 * @property {WebAssembly.Global} __heap_base
 */

/**
 * @param {string} url
 * @param {boolean} shared whether the memory import shall be shared
 * @returns {Promise<WebAssembly.Module>}
 */
export async function loadModule(url, shared) {
  const response = await fetch(url, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`cannot load ${url}: HTTP status ${response.status}`);
  const isWasm = response.headers.get("Content-Type")?.startsWith("application/wasm");
  if (!shared && isWasm && WebAssembly.compileStreaming)
    return WebAssembly.compileStreaming(response);
  return compileModule(await response.arrayBuffer(), shared);
}

/**
 * @param {BufferSource} source
 * @param {boolean} shared
 * @returns {Promise<WebAssembly.Module>}
 */
export function compileModule(source, shared) {
  if (!shared) return WebAssembly.compile(source);
  const bytes = ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice()
    : new Uint8Array(source).slice();
  bytes[memoryFlagsAt(bytes)] |= 2;
  return WebAssembly.compile(bytes);
}

/**
 * Where the limits flag of the memory import stands: 1 has a maximum, 3 is shared as well.
 *
 * @param {Uint8Array} bytes
 */
export function memoryFlagsAt(bytes) {
  let at = 8;
  const leb = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 0x7f) << shift;
      if (!(byte & 0x80)) return value >>> 0;
    }
  };
  const skipName = () => {
    const length = leb();
    at += length;
  };
  while (at < bytes.length) {
    const section = bytes[at++];
    const end = leb() + at;
    if (section !== 2) {
      at = end;
      continue;
    }
    for (let count = leb(); count > 0; count--) {
      skipName();
      skipName();
      const kind = bytes[at++];
      if (kind === 2) return at;
      if (kind === 0) leb();
      else throw new Error("kernel module: an import that is neither memory nor function");
    }
  }
  throw new Error("kernel module: no memory import");
}

/** @param {boolean} shared */
export function createMemory(shared) {
  return new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAX_PAGES, shared });
}

/**
 * @param {WebAssembly.Module} module
 * @param {WebAssembly.Memory} memory
 * @returns {Promise<KernelModule>}
 */
export async function instantiate(module, memory) {
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  return { memory, exports: /** @type {any} */ (instance.exports) };
}
