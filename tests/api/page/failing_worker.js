// SPDX-License-Identifier: Apache-2.0
// The engine's worker, with an accident after the first dispatch.

import "/dist/octet_worker.js";

addEventListener("message", ({ data }) => {
  if (data.method !== "dispatch") return;
  setTimeout(() => {
    throw new Error("an accident");
  });
});
