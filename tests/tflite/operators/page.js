// SPDX-License-Identifier: Apache-2.0
// The page side of browser.py: loads many small models with the built bundle, one after the other.

import { configure, describeGraph, install } from "/dist/octet.js";
import { loadModel } from "/dist/octet_tflite.js";

const ARRAYS = {
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

let context = null;
let calls = [];

async function start() {
  configure({ threads: 1, debug: true });
  install("force");
  context = await navigator.ml.createContext();
  const { prototype } = globalThis.MLGraphBuilder;
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const method = prototype[name];
    if (["constructor", "input", "constant", "build"].includes(name)) continue;
    prototype[name] = function (...args) {
      calls.push(name);
      return method.apply(this, args);
    };
  }
}

/** What was made of one model: its outputs, builder calls and kernel steps; or why nothing was. */
async function runOne({ name, model: file, url, inputs, options }) {
  calls = [];
  let model = null;
  try {
    const source = url ?? fromBase64(file);
    model = await loadModel(source, { context, fileName: name, ...options });
    const given = {};
    for (const [i, info] of model.inputs.entries()) {
      given[info.name] = new ARRAYS[info.dataType](fromBase64(inputs[i]).buffer);
    }
    const made = calls;
    const values = await model.run(given);
    const { steps, notes } = describeGraph(model.graph);
    const outputs = model.outputs.map((info) => ({
      dataType: info.dataType,
      shape: info.shape,
      base64: toBase64(values[info.name]),
    }));
    return { outputs, calls: made, steps, notes };
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  } finally {
    model?.destroy();
  }
}

async function run(cases) {
  const results = [];
  for (const one of cases) results.push(await runOne(one));
  return results;
}

function fromBase64(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

function toBase64({ buffer, byteOffset, byteLength }) {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) {
    text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  }
  return btoa(text);
}

Object.assign(globalThis, { octetOperators: { start, run } });
