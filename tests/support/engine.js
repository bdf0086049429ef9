// SPDX-License-Identifier: Apache-2.0
// A context on the real engine under Node: the built kernels, inline, no worker.

import { readFileSync } from "node:fs";

import { MLGraphBuilder } from "../../polyfill/api/builder.js";
import { createML } from "../../polyfill/api/ml.js";
import { configure } from "../../polyfill/runtime/settings.js";

const WASM = new URL("../../build/dist/octet_simd.wasm", import.meta.url);

/** navigator.ml as octet makes it. */
export function testML(settings = {}) {
  const wasm = readFileSync(WASM);
  configure({ variant: "simd", wasm, worker: false, debug: true, ...settings });
  return createML();
}

export async function testContext(settings = {}) {
  return testML(settings).createContext();
}

/**
 * Build and run a graph once: `make(builder)` returns operands by output name.
 *
 * @returns outputs as typed arrays
 */
export async function runGraph(context, inputs, make) {
  const builder = new MLGraphBuilder(context);
  const operands = {};
  const tensors = {};
  for (const [name, { dataType, shape, data }] of Object.entries(inputs)) {
    operands[name] = builder.input(name, { dataType, shape });
    tensors[name] = await context.createTensor({ dataType, shape, writable: true });
    context.writeTensor(tensors[name], data);
  }
  const results = make(builder, operands);
  const graph = await builder.build(results);
  const outputs = {};
  for (const [name, { dataType, shape }] of Object.entries(results)) {
    outputs[name] = await context.createTensor({ dataType, shape, readable: true });
  }
  context.dispatch(graph, tensors, outputs);
  const arrays = {};
  for (const [name, tensor] of Object.entries(outputs)) {
    arrays[name] = view(tensor.dataType, await context.readTensor(tensor));
  }
  return arrays;
}

const VIEWS = {
  float32: Float32Array,
  float16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  int8: Int8Array,
  uint8: Uint8Array,
};

export function view(dataType, buffer) {
  return new VIEWS[dataType](buffer);
}
