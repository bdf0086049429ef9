// SPDX-License-Identifier: Apache-2.0
// The compiler: an ordered list of passes over the graph, then lowering and scheduling. Read this first.

import { verifyGraph } from "../ir/verify.js";
import { decompose } from "./decompose.js";
import { foldConstants } from "./fold_constants.js";
import { fuseFloat } from "./fuse_float.js";
import { fuseQuantized } from "./fuse_quantized.js";
import { channelsLast, sinkTransposes } from "./layout.js";
import { BASELINE, lowerGraph } from "./lower.js";
import { moveQuantization } from "./move_quantization.js";
import { recogniseResize } from "./recognise_resize.js";
import { schedule } from "./schedule.js";
import { simplify } from "./simplify.js";
import { unpackNibbles } from "./unpack_nibbles.js";
import { makeUnsigned } from "./unsigned.js";
import { widenHalf } from "./widen_half.js";

/** @typedef {import("../ir/graph.js").Graph} Graph */
/** @typedef {import("../runtime/plan.js").Plan} Plan */

/** @type {ReadonlyArray<readonly [string, (graph: Graph) => void]>} */
export const PASSES = [
  ["unpack nibbles", unpackNibbles],
  ["widen half", widenHalf],
  ["decompose", decompose],
  ["fold constants", foldConstants],
  ["channels last", channelsLast],
  ["recognise resize", recogniseResize],
  ["sink transposes", sinkTransposes],
  ["move quantization", moveQuantization],
  ["sink transposes", sinkTransposes],
  ["simplify", simplify],
  ["fuse quantized", fuseQuantized],
  ["fuse float", fuseFloat],
  ["make unsigned", makeUnsigned],
  ["simplify", simplify],
];

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
