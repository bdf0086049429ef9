// SPDX-License-Identifier: Apache-2.0
// The executor on the built kernels: a dispatch is one call into wasm, whatever the graph.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { compile } from "../../polyfill/compile/compile.js";
import { Executor } from "../../polyfill/runtime/executor.js";
import { compileModule, createMemory, instantiate } from "../../polyfill/runtime/module.js";
import { graphOf } from "../support/graphs.js";

const WASM = readFileSync(new URL("../../build/dist/octet_simd.wasm", import.meta.url));

/** An executor, and the names of the exports it called, in order. */
async function countedExecutor() {
  const { memory, exports } = await instantiate(
    await compileModule(WASM, false),
    createMemory(false),
  );
  /** @type {string[]} */
  const calls = [];
  const counted = Object.fromEntries(
    Object.entries(exports).map(([name, value]) => [
      name,
      typeof value === "function"
        ? (...args) => {
            calls.push(name);
            return value(...args);
          }
        : value,
    ]),
  );
  return { executor: new Executor({ memory, exports: counted }), calls };
}

/** An inverted residual block and a classifier, quantized: several products, a sum, a mean, softmax. */
function network(b, s) {
  const nhwc = { inputLayout: "nhwc", filterLayout: "ohwi" };
  const step = (y) => s.dq(s.q(b.clamp(y, { minValue: 0, maxValue: 6 }), 0.05, 0), 0.05, 0);
  const w = (shape) => s.dq(s.filled("int8", shape, 3), 0.1, 0);
  const x = s.dq(s.input("x", "uint8", [1, 64, 64, 8]), 0.05, 0);
  const wide = step(b.conv2d(x, w([16, 1, 1, 8]), nhwc));
  const deep = step(
    b.conv2d(wide, w([16, 3, 3, 1]), { ...nhwc, groups: 16, padding: [1, 1, 1, 1] }),
  );
  const sum = step(b.add(x, step(b.conv2d(deep, w([8, 1, 1, 16]), nhwc))));
  const mean = step(b.reduceMean(sum, { axes: [1, 2] }));
  const scores = step(b.gemm(mean, w([8, 5])));
  return s.q(b.softmax(scores, 1), 1 / 256, 0);
}

const INPUT_BYTES = 64 * 64 * 8;
const OUTPUT_BYTES = 5;
const [GRAPH, X, Y] = [1, 2, 3];

/** The executor with the network and its tensors in place. */
async function ready() {
  const { executor, calls } = await countedExecutor();
  const plan = compile(graphOf(network));
  executor.createTensor(X, INPUT_BYTES);
  executor.createTensor(Y, OUTPUT_BYTES);
  executor.writeTensor(X, new Uint8Array(INPUT_BYTES).fill(77));
  executor.build(GRAPH, plan);
  return { executor, calls, plan };
}

test("a build packs all weights in one call, a dispatch is one call", async () => {
  const { executor, calls, plan } = await ready();
  assert.ok(plan.info.length >= 7, "the network has many steps");
  assert.deepEqual(calls.splice(0), ["plan_run"]);
  for (let run = 0; run < 3; run++) {
    executor.dispatch(GRAPH, [X, Y]);
    assert.deepEqual(calls.splice(0), ["plan_run"]);
  }
  executor.writeTensor(X, new Uint8Array(INPUT_BYTES));
  executor.readTensor(Y, null);
  assert.deepEqual(calls, [], "tensors are read and written without wasm");
});

test("with threads it is one run of the pool", async () => {
  const { executor, calls } = await ready();
  let runs = 0;
  executor.usePool({
    threads: 2,
    run: () => {
      runs += 1;
    },
  });
  calls.length = 0;
  executor.dispatch(GRAPH, [X, Y]);
  assert.deepEqual([runs, calls], [1, []]);
});

test("steps one by one give what one call gives", async () => {
  const { executor, calls, plan } = await ready();
  executor.dispatch(GRAPH, [X, Y]);
  const whole = new Uint8Array(executor.readTensor(Y, null));
  assert.equal(whole.reduce((sum, q) => sum + q) > 200, true, "probabilities sum to nearly 256");
  executor.writeTensor(Y, new Uint8Array(OUTPUT_BYTES));
  calls.length = 0;
  const times = executor.profile(GRAPH, [X, Y]);
  assert.equal(times.length, plan.info.length);
  assert.equal(calls.length, plan.info.length);
  assert.deepEqual(new Uint8Array(executor.readTensor(Y, null)), whole);
});

test("a graph that does not fit into memory leaves nothing behind", async () => {
  const { executor } = await countedExecutor();
  const plan = compile(graphOf(network));
  const before = executor.memoryUse().used;
  const huge = { ...plan, arenaBytes: 2 ** 31 };
  assert.throws(() => executor.build(GRAPH, huge), RangeError);
  assert.equal(executor.memoryUse().used, before);
  assert.throws(() => executor.dispatch(GRAPH, []), /no graph 1/);
});

test("a rehearsal runs steps of every kernel one by one and leaves nothing behind", async () => {
  const { executor, calls, plan } = await ready();
  executor.dispatch(GRAPH, [X, Y]);
  const expected = executor.readTensor(Y, null);
  const { used } = executor.memoryUse();
  calls.splice(0);
  const spent = new Map();
  const steps = [...executor.rehearse(GRAPH, spent, Infinity)].length;
  assert.equal(steps, plan.info.length);
  assert.deepEqual(calls.splice(0), Array(steps).fill("plan_run"));
  assert.equal(spent.size, new Set(plan.info.map(({ kernel }) => kernel)).size);
  assert.equal([...executor.rehearse(GRAPH, spent, 0)].length, 0, "kernels that ran enough");
  assert.equal(executor.memoryUse().used, used);
  executor.dispatch(GRAPH, [X, Y]);
  assert.deepEqual(executor.readTensor(Y, null), expected);
  const begun = executor.rehearse(GRAPH, new Map(), Infinity);
  begun.next();
  begun.return();
  assert.equal(executor.memoryUse().used, used, "left between two steps");
});
