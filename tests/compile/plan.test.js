// SPDX-License-Identifier: Apache-2.0
// Plans of small graphs as text: what runs when, and where each byte lies.

import assert from "node:assert/strict";
import test from "node:test";

import { ALIGNMENT, planMemory } from "../../polyfill/compile/plan_memory.js";
import { planText } from "../support/passes.js";

const PLANS = [
  [
    "a step writes the graph's output in place",
    (b, s) => b.relu(s.input("x", "float32", [4])),
    `
weights 0, staging 0, arena 0, scratch 0
prepare:
dispatch:
f32_unary(y=y+0, x=x+0, op=0, p0=0, p1=Infinity) x 4
`,
  ],
  [
    "an output that is an input is copied; reshape is another name for the same bytes",
    (b, s) => ({
      same: b.identity(s.input("x", "float32", [4])),
      y: b.relu(b.reshape(s.input("y", "float32", [2, 2]), [4])),
    }),
    `
weights 128, staging 0, arena 0, scratch 0
upload weights+0: 104 bytes
prepare:
dispatch:
f32_unary(y=y+0, x=y+0, op=0, p0=0, p1=Infinity) x 4
copy_nd(y=same+0, x=x+0, shape=weights+0) x 1
`,
  ],
  [
    "one value under two names is computed once",
    (b, s) => {
      const y = b.abs(s.input("x", "float32", [4]));
      return { y, z: y };
    },
    `
weights 128, staging 0, arena 0, scratch 0
upload weights+0: 104 bytes
prepare:
dispatch:
f32_unary(y=y+0, x=x+0, op=4, p0=0, p1=0) x 4
copy_nd(y=z+0, x=y+0, shape=weights+0) x 1
`,
  ],
  [
    "what constants alone decide runs once; a table that dispatch reads stays, the rest is staging",
    (b, s) => {
      const w = b.mul(s.constant("float32", [2], [1, 2]), s.constant("float32", [2], [3, 4]));
      return b.sub(s.input("x", "float32", [2]), b.neg(w));
    },
    `
weights 192, staging 320, arena 0, scratch 0
upload staging+64: 8 bytes
upload staging+128: 8 bytes
upload staging+192: 100 bytes
upload weights+64: 100 bytes
prepare:
f32_binary(y=staging+0, a=staging+64, b=staging+128, op=2, shape=staging+192) x 1
f32_unary(y=weights+0, x=staging+0, op=5, p0=0, p1=0) x 2
dispatch:
f32_binary(y=y+0, a=x+0, b=weights+0, op=1, shape=weights+64) x 1
`,
  ],
  [
    "an output of constants alone is computed by each dispatch",
    (b, s) => ({
      y: b.relu(s.input("x", "float32", [2])),
      z: b.neg(s.constant("float32", [2], [1, 2])),
    }),
    `
weights 64, staging 0, arena 0, scratch 0
upload weights+0: 8 bytes
prepare:
dispatch:
f32_unary(y=z+0, x=weights+0, op=5, p0=0, p1=0) x 2
f32_unary(y=y+0, x=x+0, op=0, p0=0, p1=Infinity) x 2
`,
  ],
  [
    "values that do not live together share their place",
    (b, s) => {
      const x = s.input("x", "float32", [32]);
      return b.neg(b.abs(b.sqrt(b.sin(x))));
    },
    `
weights 0, staging 0, arena 256, scratch 0
prepare:
dispatch:
f32_unary(y=arena+0, x=x+0, op=13, p0=0, p1=0) x 32
f32_unary(y=arena+128, x=arena+0, op=10, p0=0, p1=0) x 32
f32_unary(y=arena+0, x=arena+128, op=4, p0=0, p1=0) x 32
f32_unary(y=y+0, x=arena+0, op=5, p0=0, p1=0) x 32
`,
  ],
  [
    "a value that is read later keeps its place",
    (b, s) => {
      const x = b.abs(s.input("x", "float32", [32]));
      return b.add(x, b.sqrt(b.sin(x)));
    },
    `
weights 128, staging 0, arena 384, scratch 0
upload weights+0: 100 bytes
prepare:
dispatch:
f32_unary(y=arena+0, x=x+0, op=4, p0=0, p1=0) x 32
f32_unary(y=arena+128, x=arena+0, op=13, p0=0, p1=0) x 32
f32_unary(y=arena+256, x=arena+128, op=10, p0=0, p1=0) x 32
f32_binary(y=y+0, a=arena+0, b=arena+256, op=0, shape=weights+0) x 1
`,
  ],
  [
    "weights are packed once",
    (b, s) => b.relu(b.gemm(s.input("x", "float32", [2, 3]), s.filled("float32", [3, 5], 1))),
    `
weights 128, staging 128, arena 0, scratch 0
upload staging+0: 60 bytes
upload staging+64: 32 bytes
prepare:
f32_pack(packed=weights+0, filter=staging+0, bias=0, shape=staging+64) x 1
dispatch:
f32_gemm(y=y+0, a=x+0, w=weights+0, lo=0, hi=Infinity, m=2, n=5, k=3, splits=1, a_stride=3, y_stride=5) x 1
`,
  ],
  [
    "a quantized product",
    (b, s) => {
      const x = s.dq(s.input("x", "uint8", [1, 4]), 0.5, 128);
      return s.q(b.gemm(x, s.dq(s.filled("int8", [4, 2], 1), 0.25, 0)), 1, 3);
    },
    `
weights 320, staging 256, arena 0, scratch 768
upload staging+0: 8 bytes
upload staging+64: 8 bytes
upload staging+128: 8 bytes
upload staging+192: 32 bytes
prepare:
qu8_pack(packed=weights+0, filter=staging+0, bias=0, scale=staging+64, w_zero_point=staging+128, x_zero_point=128, filter_signed=1, dot_class=0, shape=staging+192) x 1
dispatch:
qu8_gemm(y=y+0, a=x+0, w=weights+0, y_zero_point=3, lo=0, hi=255, m=1, n=2, k=4, splits=1, a_stride=4, y_stride=2) x 1
`,
  ],
];

for (const [what, make, text] of PLANS) {
  test(what, () => assert.equal(planText(make), text.trim()));
}

// ---------------------------------------------------------------------------
// Memory: values as bytes@first-last step; their offsets, and the bytes of all

const ARENAS = [
  ["nothing", "", [], 0],
  ["one after the other", "64@0-1 64@2-3", [0, 0], 64],
  ["together", "64@0-1 64@1-2", [0, 64], 128],
  ["a byte takes a whole unit", "1@0-0 65@0-0", [128, 0], 192],
  ["the largest goes first", "64@0-1 256@0-1", [256, 0], 320],
  ["a gap is filled", "128@0-4 128@0-1 128@1-4 64@2-2", [0, 128, 256, 128], 384],
  ["a gap that is too small is not", "256@0-1 192@1-4 192@3-3 128@2-4", [0, 256, 0, 448], 576],
];

for (const [name, items, offsets, bytes] of ARENAS) {
  test(`arena: ${name}`, () => {
    const lifetimes = Array.from(items.matchAll(/(\d+)@(\d+)-(\d+)/g), ([, ...numbers]) => {
      const [size, first, last] = numbers.map(Number);
      return { bytes: size, first, last };
    });
    assert.deepEqual(planMemory(lifetimes), { offsets, bytes });
  });
}

/** Numbers that look random, and are the same each time. @param {number} seed */
function numbersFrom(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
}

test("arena: no two values that live together overlap", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = numbersFrom(seed);
    const items = Array.from({ length: 1 + random(30) }, () => {
      const first = random(20);
      return { bytes: 1 + random(1000), first, last: first + random(6) };
    });
    const { offsets, bytes } = planMemory(items);
    for (const [i, a] of items.entries()) {
      assert.equal(offsets[i] % ALIGNMENT, 0);
      assert.ok(offsets[i] + a.bytes <= bytes);
      for (const [j, b] of items.slice(0, i).entries()) {
        const together = a.first <= b.last && b.first <= a.last;
        const apart = offsets[i] >= offsets[j] + b.bytes || offsets[j] >= offsets[i] + a.bytes;
        assert.ok(!together || apart, `seed ${seed}: values ${i} and ${j}`);
      }
    }
  }
});
