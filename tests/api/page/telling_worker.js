// SPDX-License-Identifier: Apache-2.0
// octet's worker, which tells of every plan that its kernels run.

import "/dist/octet_worker.js";

const runs = new BroadcastChannel("runs");
const instantiate = WebAssembly.instantiate;

WebAssembly.instantiate = async (...sources) => {
  const { exports } = await instantiate(...sources);
  /** @param {number[]} words addresses, then the first step and how many */
  const plan_run = (...words) => {
    exports.plan_run(...words);
    const [first, count] = words.slice(3);
    if (count) runs.postMessage({ first, count });
  };
  return { exports: { ...exports, plan_run } };
};
