// SPDX-License-Identifier: Apache-2.0
// A network in LiteRT.js: on its WebNN accelerator, which computes on octet, or on its own wasm kernels.

import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";
import { offer, takeRecord } from "./observe.js";

const ready = loadLiteRt("/node_modules/@litertjs/core/wasm/", { jspi: true });

/** @type {Readonly<Record<string, any>>} */
const ARRAYS = { float32: Float32Array, uint8: Uint8Array };

/**
 * @param {string} url of the model
 * @param {string} input URL of the bytes of its one input
 * @param {"webnn" | "wasm"} accelerator
 */
async function run(url, input, accelerator) {
  await ready;
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
  const values = await (await fetch(input)).arrayBuffer();
  const model = await loadAndCompile(bytes, { accelerator });
  const [{ dtype, shape }] = model.getInputDetails();
  const results = await model.run([new Tensor(new ARRAYS[dtype](values), Array.from(shape))]);
  const outputs = [];
  for (const result of results) {
    const onCpu = await result.moveTo("wasm");
    outputs.push(Array.from(onCpu.toTypedArray()));
  }
  const { isFullyAccelerated } = model;
  model.delete();
  return { outputs, isFullyAccelerated, record: takeRecord() };
}

offer(run);
