// SPDX-License-Identifier: Apache-2.0
// Graphs for tests, made by builder calls without an engine behind them.

import { MLGraphBuilder } from "../../polyfill/api/builder.js";
import { attachState, stateOf } from "../../polyfill/api/internals.js";
import { reachableGraph } from "../../polyfill/api/reachable.js";
import { optimize } from "../../polyfill/compile/compile.js";
import { PASSES } from "../../polyfill/compile/passes.js";
import { printGraph } from "../../polyfill/ir/print.js";
import { verifyGraph } from "../../polyfill/ir/verify.js";

const ARRAYS = {
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  int8: Int8Array,
  uint8: Uint8Array,
};

/** A builder on a context that is never dispatched. */
export function testBuilder() {
  const context = {};
  attachState(context, { kind: "context", isLost: false });
  return new MLGraphBuilder(context);
}

/**
 * Shorthands on a builder: constants by plain numbers, quantization with one scale or one per channel.
 */
export function shorthands(b) {
  const constant = (dataType, shape, numbers) =>
    b.constant({ dataType, shape }, ARRAYS[dataType].from(numbers));
  const filled = (dataType, shape, number = 0) =>
    constant(dataType, shape, new Array(shape.reduce((n, d) => n * d, 1)).fill(number));
  const ones = (operand) => operand.shape.map(() => 1);
  const q = (x, scale, zeroPoint, dataType = "uint8") =>
    b.quantizeLinear(
      x,
      constant("float32", ones(x), [scale]),
      constant(dataType, ones(x), [zeroPoint]),
    );
  const dq = (x, scale, zeroPoint, label = "") =>
    b.dequantizeLinear(
      x,
      constant("float32", ones(x), [scale]),
      constant(x.dataType, ones(x), [zeroPoint]),
      { label },
    );
  const dqChannels = (x, axis, scales, zeroPoints = scales.map(() => 0)) => {
    const shape = x.shape.map((_, i) => (i === axis ? scales.length : 1));
    return b.dequantizeLinear(
      x,
      constant("float32", shape, scales),
      constant(x.dataType, shape, zeroPoints),
    );
  };
  const input = (name, dataType, shape) => b.input(name, { dataType, shape });
  return { constant, filled, q, dq, dqChannels, input };
}

/**
 * The graph of what `make` returns: a record of operands by output name, or one operand called y.
 *
 * @param {(b: MLGraphBuilder, s: ReturnType<typeof shorthands>) => any} make
 */
export function graphOf(make) {
  const b = testBuilder();
  const made = make(b, shorthands(b));
  const outputs = made.dataType ? { y: made } : made;
  const values = new Map(
    Object.entries(outputs).map(([name, operand]) => [
      name,
      stateOf(operand, "operand", name).value,
    ]),
  );
  return reachableGraph(values, stateOf(b, "builder", "test").inputs).graph;
}

/** The graph after the passes up to and including the last one called `until`; verified after each. */
export function optimized(make, until = null) {
  const graph = graphOf(make);
  if (!until) {
    optimize(graph, { debug: true });
    return graph;
  }
  const last = PASSES.findLastIndex(([name]) => name === until);
  if (last < 0) throw new Error(`no pass "${until}"`);
  for (const [name, pass] of PASSES.slice(0, last + 1)) {
    pass(graph);
    graph.prune();
    verifyGraph(graph, name);
  }
  return graph;
}

/** The lines of the optimized graph that are nodes, each reduced to its operator and operands. */
export function outline(graph) {
  return printGraph(graph)
    .split("\n")
    .map((line) => line.replace(/, \w+=(\[[^\]]*\]|\{[^}]*\}|[^,)\s]+)/g, ""));
}

/** Operators in order, static ones left out. */
export function dynamicOps(graph) {
  const fromInputs = new Set(graph.inputs.values());
  const ops = [];
  for (const node of graph.nodes) {
    if (!Object.values(node.inputs).some((value) => fromInputs.has(value))) continue;
    for (const output of node.outputs) fromInputs.add(output);
    ops.push(node.op);
  }
  return ops;
}
