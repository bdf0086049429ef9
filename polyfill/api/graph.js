// SPDX-License-Identifier: Apache-2.0
// https://www.w3.org/TR/webnn/#api-mlgraph

import { createObject, illegalConstructor, stateOf } from "./internals.js";
import { defineInterface } from "./webidl.js";

/** @typedef {import("./internals.js").GraphState} GraphState */

/** @type {readonly string[]} */
const DEVICES = Object.freeze(["cpu"]);

export class MLGraph {
  constructor() {
    illegalConstructor();
  }

  /** Where the graph runs. Not in the standard, but in Chromium, and LiteRT.js reads it. */
  get devices() {
    stateOf(this, "graph", "MLGraph.devices");
    return DEVICES;
  }

  /** Release the graph once the dispatches queued on it are done. */
  destroy() {
    destroyGraph(stateOf(this, "graph", "MLGraph.destroy"));
  }
}
defineInterface("MLGraph", MLGraph);

/** @param {GraphState} graph */
export function destroyGraph(graph) {
  if (graph.destroyed) return;
  graph.destroyed = true;
  graph.context.graphs.delete(graph);
  graph.context.engine.destroyGraph(graph.id);
}

/** @param {GraphState} state @returns {MLGraph} */
export function createGraphObject(state) {
  state.context.graphs.add(state);
  return createObject(MLGraph, state);
}
