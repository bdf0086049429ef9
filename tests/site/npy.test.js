// SPDX-License-Identifier: Apache-2.0
// .npy read and written; tests/browser reads the .npz with NumPy.

import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, readNpy, writeNpy } from "../../site/scripts/compute/npy.js";

for (const [dataType, values] of [
  ["float32", Float32Array.of(1.5, -2, 3, 4, 5, 6)],
  ["uint8", Uint8Array.of(1, 2, 3, 4, 5, 6)],
  ["int8", Int8Array.of(-1, 2, 3, 4, 5, 6)],
  ["int64", BigInt64Array.of(-1n, 2n, 3n, 4n, 5n, 6n)],
]) {
  for (const shape of [[6], [2, 3], [1, 2, 3, 1]]) {
    test(`${dataType} [${shape}] comes back`, () => {
      const bytes = writeNpy({ shape, dataType, values });
      assert.deepEqual(readNpy(bytes.buffer), { shape, dataType, values });
      assert.equal((bytes.length - values.byteLength) % 64, 0);
    });
  }
}

/** An .npy with a header of one's own. */
function npy(header, data = 8) {
  const text = `${header.padEnd(117)}\n`;
  const bytes = [0x93, ..."NUMPY".split("").map((c) => c.charCodeAt(0)), 1, 0, text.length, 0];
  return Uint8Array.from([...bytes, ...Buffer.from(text), ...new Uint8Array(data)]).buffer;
}

for (const [name, buffer, message] of [
  ["another file", new ArrayBuffer(100), /not an .npy file/],
  ["nothing", new ArrayBuffer(0), /not an .npy file/],
  ["doubles", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}"), /got <f8/],
  ["Fortran", npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1,)}"), /Fortran order/],
  ["records", npy("{'descr': [('a', '<f4')], 'shape': (1,)}"), /got a structure/],
  ["too short", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9,)}"), /expected 164/],
]) {
  test(`refused: ${name}`, () => assert.throws(() => readNpy(buffer), { message }));
}

test("CRC-32 of the usual check string", () => {
  assert.equal(crc32(Buffer.from("123456789")), 0xcbf43926);
});
