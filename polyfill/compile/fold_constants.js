// SPDX-License-Identifier: Apache-2.0
// Constants seen through reshape: the same bytes under another shape, so that later passes can read
// scales, zero points and filters directly. Everything else that is computed from constants runs once,
// when the graph is built (schedule.js).

import { Value } from "../ir/graph.js";

/** @param {import("../ir/graph.js").Graph} graph */
export function foldConstants(graph) {
  for (const node of graph.nodes) {
    const { input } = node.inputs;
    if ((node.op !== "reshape" && node.op !== "identity") || !input.constant) continue;
    const { dataType, shape } = node.output;
    graph.replace(node.output, new Value(dataType, shape, input.constant));
  }
}
