// SPDX-License-Identifier: Apache-2.0
// octet under a client's feet, and a record of what the client asked of it: operators with the data types
// of operands and results, graphs as octet compiled them, dispatches.

import { configure, describeGraph, install } from "octet";

const DEADLINE_MS = 300_000;

install("force");
configure({ threads: 1 });

const { MLContext, MLGraphBuilder, MLOperand } = globalThis;

/** @type {Map<string, Set<string>>} */
const operators = new Map();
/** @type {ReturnType<typeof describeGraph>[]} */
const graphs = [];
let dispatches = 0;

/** @param {unknown} value @returns {string[]} */
function dataTypesOf(value) {
  if (Array.isArray(value)) return value.flatMap(dataTypesOf);
  return value instanceof MLOperand ? [value.dataType] : [];
}

/**
 * Do `record` after every call of a method.
 *
 * @param {any} prototype
 * @param {string} name
 * @param {(result: any, args: unknown[]) => void} record
 */
function observe(prototype, name, record) {
  const method = prototype[name];
  prototype[name] = function (...args) {
    const result = method.apply(this, args);
    record(result, args);
    return result;
  };
}

for (const name of Object.keys(MLGraphBuilder.prototype)) {
  if (["build", "input", "constant"].includes(name)) continue;
  observe(MLGraphBuilder.prototype, name, (result, args) => {
    const types = operators.get(name) ?? new Set();
    operators.set(name, types.add(dataTypesOf([...args, result]).join(" ")));
  });
}
observe(MLGraphBuilder.prototype, "build", (promise) => {
  promise.then((graph) => graphs.push(describeGraph(graph)));
});
observe(MLContext.prototype, "dispatch", () => dispatches++);

/** What was asked of octet since the page came or the last call. */
export function takeRecord() {
  const record = {
    operators: Object.fromEntries([...operators].map(([name, types]) => [name, [...types].sort()])),
    graphs: graphs.length,
    dispatches,
    kernels: graphs.flatMap(({ steps }) => steps.map(({ kernel }) => kernel)),
  };
  operators.clear();
  graphs.length = 0;
  dispatches = 0;
  return record;
}

/**
 * Let the test call `run`; a client that hangs becomes an error.
 *
 * @param {(...args: any[]) => Promise<unknown>} run
 */
export function offer(run) {
  const late = (reject) =>
    setTimeout(() => reject(new Error("the client did not answer")), DEADLINE_MS);
  const client = (...args) =>
    Promise.race([run(...args), new Promise((_, reject) => late(reject))]);
  Object.assign(globalThis, { client });
}
