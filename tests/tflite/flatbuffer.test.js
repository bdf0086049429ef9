// SPDX-License-Identifier: Apache-2.0
// The FlatBuffer reader on buffers that lie: cut, bent, shared over and over.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { ENUMS, FILE_IDENTIFIER, TABLES } from "../../polyfill/gen/tflite_schema.js";
import { FlatBuffer } from "../../polyfill/tflite/flatbuffer.js";
import { quantizedConvolution, writeModel } from "./model_writer.js";

class Refused extends Error {}

function decode(bytes) {
  const refuse = (...words) => {
    throw new Refused(words.join(" | "));
  };
  return new FlatBuffer(bytes, TABLES, ENUMS, refuse).root(FILE_IDENTIFIER, "Model", "model");
}

const MODEL = writeModel(quantizedConvolution());

/** A copy with 32-bit words replaced: {position: value}. */
function bent(words, bytes = MODEL) {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (const [at, value] of Object.entries(words)) view.setUint32(Number(at), value, true);
  return copy;
}

const view = new DataView(MODEL.buffer);
const ROOT = view.getUint32(0, true);
const VTABLE = ROOT - view.getInt32(ROOT, true);
/** Position of a field of the root. */
const fieldAt = (name) => ROOT + view.getUint16(VTABLE + 4 + 2 * TABLES.Model[name][0], true);

describe("a good buffer", () => {
  test("gives every field", () => {
    const model = decode(MODEL);
    assert.equal(model.version, 3);
    assert.equal(model.description, "made by a test");
    const [subgraph] = model.subgraphs;
    assert.deepEqual(subgraph.inputs, [0]);
    assert.equal(subgraph.name, null);
    assert.deepEqual(subgraph.tensors[0].shape, [1, 4, 4, 2]);
    assert.equal(subgraph.tensors[0].type, "UINT8");
    assert.deepEqual(subgraph.tensors[1].quantization.zeroPoint, [120]);
    assert.equal(subgraph.operators[0].builtinOptionsType, "Conv2DOptions");
    assert.equal(subgraph.operators[0].builtinOptions.padding, "SAME");
  });
});

describe("a bad one", () => {
  const cases = {
    empty: [new Uint8Array(0), /^model . 0 bytes . "TFL3" in bytes 4 to 7/],
    "too short": [MODEL.slice(0, 7), /^model . 7 bytes . "TFL3"/],
    identifier: [bent({ 4: 0 }), /file identifier/],
    "root outside": [bent({ 0: MODEL.length }), /^model \| offset of 4 bytes/],
    "root in the header": [bent({ 0: 2 }), /^model \| offset 2 \| at least 4/],
    "vtable before the file": [bent({ [ROOT]: ROOT + 1 }), /^model \| vtable/],
    "vtable behind the file": [bent({ [ROOT]: 2 ** 31 }), /^model \| vtable/],
    "vtable of odd size": [bent({ [VTABLE]: 0x00100005 }), /vtable of 5 bytes/],
    "vtable of size 0": [bent({ [VTABLE]: 0x00100000 }), /vtable of 0 bytes/],
    "vtable that does not end": [bent({ [VTABLE]: 0x0010fffe }), /^model \| vtable/],
    "table that does not end": [bent({ [VTABLE]: 0xffff0014 }), /^model \| table of 65535 bytes/],
    "field outside its table": [
      bent({ [VTABLE + 4]: 0x7fff7fff }),
      /^model\.version .*field inside/,
    ],
    "string outside": [
      bent({ [fieldAt("description")]: 2 ** 31 }),
      /^model\.description \| offset of 4 bytes/,
    ],
    "root unaligned": [
      bent({ 0: ROOT + 2 }),
      /^model \| offset at \d+ \| a multiple of 4 \| align/,
    ],
    "vtable unaligned": [
      bent({ [ROOT]: view.getUint32(ROOT, true) + 1 }),
      /^model \| vtable at \d+ \| a multiple of 2 \| alignment/,
    ],
    "field unaligned": [
      bent({ [VTABLE + 4]: view.getUint32(VTABLE + 4, true) + 1 }),
      /^model\.version \| field at \d+ \| a multiple of 4 \| alignment/,
    ],
    "string unaligned": [
      bent({ [fieldAt("description")]: view.getUint32(fieldAt("description"), true) + 1 }),
      /^model\.description \| offset at \d+ \| a multiple of 4 \| alignment/,
    ],
    "vector outside": [bent({ [fieldAt("buffers")]: 2 ** 31 }), /^model\.buffers \| offset/],
  };
  for (const [name, [bytes, message]] of Object.entries(cases)) {
    test(name, () => {
      assert.throws(
        () => decode(bytes),
        (error) => {
          assert.ok(error instanceof Refused, error.stack);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  test("a vector longer than the file", () => {
    const at = fieldAt("subgraphs");
    const vector = at + view.getUint32(at, true);
    assert.throws(() => decode(bent({ [vector]: 0x40000000 })), /1073741824 elements/);
  });

  test("paths reach the innermost field", () => {
    const at = fieldAt("subgraphs");
    const vector = at + view.getUint32(at, true);
    assert.throws(
      () => decode(bent({ [vector + 4]: 2 ** 31 })),
      /^Error: model\.subgraphs\[0\] \|/,
    );
  });

  test("objects shared over and over", () => {
    // A vector of many offsets to the subgraphs' one vector: a few kilobytes that would decode to
    // gigabytes.
    const model = quantizedConvolution();
    const count = 20000;
    model.subgraphs = Array.from({ length: count }, () => ({ name: "n".repeat(8) }));
    const bytes = writeModel(model);
    const words = new DataView(bytes.buffer);
    const root = words.getUint32(0, true);
    const slots = root - words.getInt32(root, true) + 4;
    const at = root + words.getUint16(slots + 2 * TABLES.Model.subgraphs[0], true);
    const vector = at + words.getUint32(at, true);
    const first = vector + 4 + words.getUint32(vector + 4, true);
    // Every element becomes the first subgraph, whose name becomes everything behind it.
    for (let i = 0; i < count; i++) {
      const element = vector + 4 + 4 * i;
      words.setUint32(element, first - element, true);
    }
    const nameSlot = first - words.getInt32(first, true) + 4 + 2 * TABLES.SubGraph.name[0];
    const nameAt = first + words.getUint16(nameSlot, true);
    const text = nameAt + words.getUint32(nameAt, true);
    words.setUint32(text, bytes.length - text - 4, true);
    assert.throws(() => decode(bytes), /shared over and over/);
  });
});
