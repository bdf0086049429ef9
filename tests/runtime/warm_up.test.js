// SPDX-License-Identifier: Apache-2.0
// Graphs that nobody has used are run on zeros in idle time: what is run, what stops it, what it leaves.

import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { IDLE_MS, WarmUp } from "../../polyfill/runtime/warm_up.js";

/** An executor whose graphs have three steps; it logs what is done. */
function fakeExecutor(log, failing = false) {
  return {
    *rehearse(id) {
      try {
        for (let step = 0; step < 3; step++) {
          log.push(`${id}:${step}`);
          if (failing) throw new RangeError("out of memory");
          yield;
        }
      } finally {
        log.push(`${id} left`);
      }
    },
  };
}

/** Wait until `log` has been the same for several times the idle time. */
async function settled(log) {
  for (let length = -1; length !== log.length; ) {
    length = log.length;
    await sleep(10 * IDLE_MS);
  }
  return log.splice(0);
}

const WHOLE = (id) => [`${id}:0`, `${id}:1`, `${id}:2`, `${id} left`];

test("a graph is run once after its build, unless it is used or destroyed before", async () => {
  const log = [];
  const warmUp = new WarmUp(fakeExecutor(log));
  warmUp.resume("build", 1);
  warmUp.pause();
  warmUp.resume("createTensor", 9);
  assert.deepEqual(log, [], "not before the requests end");
  assert.deepEqual(await settled(log), WHOLE(1));
  warmUp.pause();
  warmUp.resume("createTensor", 10);
  assert.deepEqual(await settled(log), [], "once");
  for (const method of ["dispatch", "profile", "destroyGraph"]) {
    warmUp.resume("build", 2);
    warmUp.pause();
    warmUp.resume(method, 2);
    assert.deepEqual(await settled(log), [], method);
  }
});

test("several graphs are run one after the other", async () => {
  const log = [];
  const warmUp = new WarmUp(fakeExecutor(log));
  warmUp.resume("build", 1);
  warmUp.pause();
  warmUp.resume("build", 2);
  assert.deepEqual(await settled(log), [...WHOLE(1), ...WHOLE(2)]);
});

test("a request interrupts it between two steps, and it begins anew", async () => {
  const log = [];
  const warmUp = new WarmUp(fakeExecutor(log));
  warmUp.resume("build", 1);
  while (log.length === 0) await sleep(1);
  warmUp.pause();
  const begun = log.splice(0);
  assert.equal(begun.at(-1), "1 left");
  warmUp.resume("writeTensor", 9);
  assert.deepEqual(await settled(log), WHOLE(1));
});

test("a graph that cannot be run is left to who dispatches it", async () => {
  const log = [];
  const warmUp = new WarmUp(fakeExecutor(log, true));
  warmUp.resume("build", 1);
  assert.deepEqual(await settled(log), ["1:0", "1 left"]);
});
