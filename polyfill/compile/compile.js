// SPDX-License-Identifier: Apache-2.0
// The compiler: an ordered list of passes over the graph (passes.js), then lowering and
// scheduling. Read this first.

import { verifyGraph } from "../ir/verify.js";
import { BASELINE, lowerGraph } from "./lower.js";
import { PASSES } from "./passes.js";
import { schedule } from "./schedule.js";

/** @typedef {import("../ir/graph.js").Graph} Graph */
/** @typedef {import("../runtime/plan.js").Plan} Plan */

/**
 * Run all passes on the graph, in place.
 *
 * @param {Graph} graph
 * @param {{debug?: boolean, onPass?: (name: string, graph: Graph) => void}} [options] debug verifies the
 *   graph after each pass
 */
export function optimize(graph, { debug = false, onPass } = {}) {
  if (debug) verifyGraph(graph, "building");
  for (const [name, pass] of PASSES) {
    pass(graph);
    graph.prune();
    if (debug) verifyGraph(graph, name);
    onPass?.(name, graph);
  }
}

/**
 * @param {Graph} graph changed in place
 * @param {{debug?: boolean, target?: import("./lower.js").Target}} [options]
 * @returns {Plan}
 */
export function compile(graph, { debug, target = BASELINE } = {}) {
  optimize(graph, { debug });
  return schedule(graph, lowerGraph(graph, target));
}
