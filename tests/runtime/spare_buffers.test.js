// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { SpareBuffers } from "../../polyfill/runtime/spare_buffers.js";

const BYTES = 1 << 16;

test("a buffer that was given is taken again, once, by who wants its size", () => {
  const spare = new SpareBuffers();
  const buffer = new ArrayBuffer(BYTES);
  spare.give(buffer);
  assert.notEqual(spare.take(2 * BYTES), buffer);
  assert.equal(spare.take(BYTES), buffer);
  assert.notEqual(spare.take(BYTES), buffer);
});

test("a ready buffer is a used or a fresh one; there is none that is small", () => {
  const spare = new SpareBuffers();
  const used = new ArrayBuffer(BYTES);
  spare.give(used);
  assert.equal(spare.takeReady(BYTES), used);
  assert.equal(spare.takeReady(BYTES)?.byteLength, BYTES);
  assert.equal(spare.takeReady(3), null);
});

test("few are kept: not the small, not the huge, not the oldest", () => {
  const spare = new SpareBuffers();
  spare.give(new ArrayBuffer(100));
  spare.give(new ArrayBuffer(1 << 25));
  assert.deepEqual(spare.takeAll(), []);
  const buffers = Array.from({ length: 9 }, () => new ArrayBuffer(BYTES));
  for (const buffer of buffers) spare.give(buffer);
  const kept = spare.takeAll();
  assert.ok(kept.length < 9 && kept.length > 1, `${kept.length}`);
  assert.deepEqual(kept, buffers.slice(-kept.length));
  assert.deepEqual(spare.takeAll(), []);
});
