// SPDX-License-Identifier: Apache-2.0
// The heap in wasm memory: blocks for tensors, weights, arenas and plans. First fit over a list of free
// blocks that merge with their neighbours.

const PAGE_BYTES = 65536;
const ALIGNMENT = 64;

/** @param {number} bytes */
function aligned(bytes) {
  return Math.ceil(Math.max(bytes, 1) / ALIGNMENT) * ALIGNMENT;
}

export class Heap {
  /** Free blocks by address. @type {{address: number, bytes: number}[]} */
  #free = [];
  /** Sizes of the blocks in use. @type {Map<number, number>} */
  #used = new Map();
  /** End of the memory the heap has taken so far. */
  #end;

  /**
   * @param {WebAssembly.Memory} memory
   * @param {number} base first address that is free
   */
  constructor(memory, base) {
    this.memory = memory;
    this.#end = aligned(base);
  }

  /** Bytes in use. */
  get usedBytes() {
    let sum = 0;
    for (const bytes of this.#used.values()) sum += bytes;
    return sum;
  }

  /**
   * The address of a fresh block, 64-byte aligned. Its content is whatever was there.
   *
   * @param {number} bytes
   * @throws {RangeError} when memory cannot grow that far
   */
  allocate(bytes) {
    const size = aligned(bytes);
    const index = this.#free.findIndex((block) => block.bytes >= size);
    if (index >= 0) {
      const block = this.#free[index];
      const { address } = block;
      block.address += size;
      block.bytes -= size;
      if (block.bytes === 0) this.#free.splice(index, 1);
      this.#used.set(address, size);
      return address;
    }
    return this.#extend(size);
  }

  /** @param {number} size */
  #extend(size) {
    // A free block that touches the end grows instead of staying behind.
    const last = this.#free.at(-1);
    const address = last && last.address + last.bytes === this.#end ? last.address : this.#end;
    const missing = address + size - this.memory.buffer.byteLength;
    if (missing > 0) this.#grow(missing);
    if (last && address === last.address) this.#free.pop();
    this.#end = address + size;
    this.#used.set(address, size);
    return address;
  }

  /** @param {number} bytes */
  #grow(bytes) {
    try {
      this.memory.grow(Math.ceil(bytes / PAGE_BYTES));
    } catch {
      const megabytes = Math.ceil((this.memory.buffer.byteLength + bytes) / 2 ** 20);
      throw new RangeError(`out of memory: ${megabytes} MiB are more than this page may use`);
    }
  }

  /** @param {number} address of a block in use */
  free(address) {
    const bytes = this.#used.get(address);
    if (bytes === undefined) throw new Error(`free: no block at ${address}`);
    this.#used.delete(address);
    const index = this.#free.findIndex((block) => block.address > address);
    const at = index < 0 ? this.#free.length : index;
    this.#free.splice(at, 0, { address, bytes });
    this.#merge(at);
    this.#merge(at - 1);
  }

  /** Join free block `at` with the next one where they touch. @param {number} at */
  #merge(at) {
    const block = this.#free[at];
    const next = this.#free[at + 1];
    if (!block || !next || block.address + block.bytes !== next.address) return;
    block.bytes += next.bytes;
    this.#free.splice(at + 1, 1);
  }
}
