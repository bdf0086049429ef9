// SPDX-License-Identifier: Apache-2.0
// Operators without a kernel of their own, in terms of others: each record's `decompose`.

import { OPERATORS } from "../ops/index.js";

/** @param {import("../ir/graph.js").Graph} graph */
export function decompose(graph) {
  // What a decomposition inserts may itself decompose: it stands in front of the node and is visited by
  // the next round.
  for (let changed = true; changed; ) {
    changed = false;
    for (const node of [...graph.nodes]) {
      const outputs = OPERATORS[node.op]?.decompose?.(node, graph) ?? node.outputs;
      if (outputs === node.outputs) continue;
      changed = true;
      for (const [i, output] of node.outputs.entries()) graph.replace(output, outputs[i]);
    }
    graph.prune();
  }
}
