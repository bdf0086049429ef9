// SPDX-License-Identifier: Apache-2.0
// The page side of octet/web/runner.py: loads one model with the built bundle and runs it on arrays that
// come and go as plain bytes over HTTP.

import { configure, describeContext, describeGraph, profile } from "/dist/octet.js";
import { loadModel, parseModel, supportedOperators } from "/dist/octet_tflite.js";

/** @type {Record<string, any>} */
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

/** @type {any} */
let model = null;

/** @param {any} tensor */
function plainInfo({ name, shape, dataType, quantization }) {
  const list = (/** @type {any} */ values) => Array.from(values, Number);
  const plain = quantization && {
    scale: list(quantization.scale),
    zeroPoint: list(quantization.zeroPoint),
    axis: quantization.axis,
  };
  return { name, shape: [...shape], dataType, quantization: plain };
}

/**
 * What a file holds, whether or not it can run.
 *
 * @param {{url: string, fileName: string}} options
 */
async function parse({ url, fileName }) {
  const { subgraphs, version, description, signatures } = parseModel(
    await (await fetch(url)).arrayBuffer(),
    { fileName },
  );
  const supported = supportedOperators();
  const [{ tensors, inputs, outputs, operators }] = subgraphs;
  return {
    version,
    description,
    subgraphs: subgraphs.length,
    signatures: signatures.map(({ key }) => key),
    inputs,
    outputs,
    tensors: tensors.map(({ name, shape, shapeSignature, type, data, quantization }) => ({
      name,
      shape,
      shapeSignature,
      type,
      bytes: data?.length ?? 0,
      scales: quantization?.scale.length ?? 0,
      scale: quantization?.scale[0] ?? null,
      zeroPoint: quantization ? Number(quantization.zeroPoint[0] ?? 0) : null,
      quantization,
    })),
    operators: operators.map(
      ({ index, name, custom, version: number, inputs: from, outputs: to }) => ({
        index,
        name,
        version: number,
        inputs: from,
        outputs: to,
        supported: supported[custom ? "custom" : "builtin"].includes(name),
      }),
    ),
  };
}

/** @param {any} options */
async function load({ url, fileName, settings, floatInputs, floatOutputs, outputs }) {
  configure(settings);
  model = await loadModel(url, {
    fileName,
    floatInputs,
    floatOutputs,
    outputs: outputs ?? undefined,
  });
  return {
    inputs: model.inputs.map(plainInfo),
    outputs: model.outputs.map(plainInfo),
    operators: model.operators,
    engine: describeContext(model.context),
    graph: describeGraph(model.graph),
  };
}

/** @param {string[]} urls of the inputs, in the model's order */
async function fetchInputs(urls) {
  /** @type {Record<string, any>} */
  const inputs = {};
  for (const [i, { name, dataType }] of model.inputs.entries()) {
    const bytes = await (await fetch(urls[i])).arrayBuffer();
    inputs[name] = new ARRAYS[dataType](bytes);
  }
  return inputs;
}

/** Run once and PUT every output to `${to}/${its index}`. @param {string[]} urls @param {string} to */
async function run(urls, to) {
  const results = await model.run(await fetchInputs(urls));
  for (const [i, { name }] of model.outputs.entries()) {
    await fetch(`${to}/${i}`, { method: "PUT", body: results[name] });
  }
}

/**
 * Milliseconds of `runs` whole runs, after `warmup` that are not counted.
 *
 * @param {string[]} urls
 * @param {number} warmup
 * @param {number} runs
 */
async function time(urls, warmup, runs) {
  const inputs = await fetchInputs(urls);
  const times = [];
  for (let i = 0; i < warmup + runs; i++) {
    const start = performance.now();
    await model.run(inputs);
    if (i >= warmup) times.push(performance.now() - start);
  }
  return times;
}

/** Milliseconds of each kernel step. @param {number} runs */
function steps(runs) {
  return profile(model.graph, { runs });
}

Object.assign(globalThis, { octetRunner: { parse, load, run, time, steps } });
