// SPDX-License-Identifier: Apache-2.0
// One network in a worker of its own: octet and its TFLite loader, preparing pictures, running, reading
// answers off the outputs. The page only draws. Ending the worker frees everything.

import { ANSWERS } from "../compute/answers.js";
import { place } from "../compute/geometry.js";
import { randomInput, summarize } from "../compute/inputs.js";
import { writeNpz } from "../compute/npy.js";
import { imageSize, toInput } from "../compute/tensors.js";
import { inspect } from "./inspect.js";
import { readModel } from "./model_store.js";

/** @typedef {import("../compute/answers.js").Answer} Answer */
/** @typedef {import("../compute/geometry.js").Fit} Fit */
/** @typedef {import("../compute/inputs.js").OutputSummary} OutputSummary */
/** @typedef {import("../compute/layers.js").TimedStep} TimedStep */
/** @typedef {import("../compute/npy.js").NamedArray} NamedArray */
/** @typedef {import("../compute/tensors.js").TensorInfo} TensorInfo */
/** @typedef {import("../../../polyfill/tflite/tflite_model.js").TfliteModel} TfliteModel */
/** @typedef {import("../../../polyfill/tflite/tflite_model.js").TypedArray} TypedArray */
/** @typedef {import("./inspect.js").FileFacts} FileFacts */
/** @typedef {import("./model_store.js").ModelFile} ModelFile */

/** @typedef {{variant: "scalar" | "simd" | "relaxed" | null, threads: number | null}} EngineSettings */

/**
 * @typedef {object} Preparation
 * @property {Fit} fit
 * @property {number} mean
 * @property {number} deviation
 */

/**
 * What is known of a loaded network.
 *
 * @typedef {object} Facts
 * @property {TensorInfo[]} inputs
 * @property {TensorInfo[]} outputs
 * @property {string} variant
 * @property {number} threads
 * @property {string} dot the CPU's dot product of bytes
 * @property {string[]} features of wasm, which the browser has
 * @property {number} macs multiply-adds of a run
 * @property {number} memory bytes of wasm memory in use
 * @property {number} downloadMs
 * @property {number} buildMs
 */

/** @typedef {{phase: "download", loaded: number, total: number} | {phase: "build"} | {phase: "run", done: number}} Progress */
/** @typedef {{answer: Answer, ms: number}} RunResult */

/**
 * The page's interest in a call that takes long.
 *
 * @typedef {object} Call
 * @property {(progress: Progress) => void} report
 * @property {() => boolean} isStopped
 */

/** Between reports of runs: the page that shows them takes a processor from the threads that run. */
const REPORT_MS = 250;

/** Cores that were idle, while another network ran or none, come up to speed in this time. */
const AWAKE_MS = 60;

/** The worker's own scope. */
const port = /** @type {{postMessage(message: any, transfer?: Transferable[]): void,
  onmessage: ((event: MessageEvent) => void) | null}} */ (/** @type {unknown} */ (globalThis));

/** @typedef {typeof import("../../../polyfill/index.js")} Engine */
/** @typedef {typeof import("../../../polyfill/tflite/loader.js")} Loader */

/** @type {Engine} */
let octet;
/** @type {TfliteModel} */
let model;
/** @type {Facts} */
let facts;
/** What the last run took and gave. @type {Record<string, TypedArray>} */
let input = {};
/** @type {Record<string, TypedArray>} */
let outputs = {};

/**
 * @param {{file: ModelFile | Blob, name: string, settings: EngineSettings}} request
 * @param {Call} call
 * @returns {Promise<Facts>}
 */
async function load({ file, name, settings }, { report }) {
  const start = performance.now();
  const [engine, loader, bytes] = await Promise.all([
    importEngine("octet.js"),
    importEngine("octet_tflite.js"),
    readBytes(file, report),
  ]);
  octet = /** @type {Engine} */ (engine);
  const downloaded = performance.now();
  report({ phase: "build" });
  octet.install("force");
  octet.configure(settings);
  model = await /** @type {Loader} */ (loader).loadModel(bytes, { fileName: name });
  const { variant, threads, dot, features } = octet.describeContext(model.context);
  const { steps } = octet.describeGraph(model.graph);
  const memory = await octet.memoryUse(model.context);
  facts = {
    inputs: model.inputs.map(plainInfo),
    outputs: model.outputs.map(plainInfo),
    variant,
    threads,
    dot,
    features,
    macs: steps.reduce((sum, { macs }) => sum + macs, 0),
    memory: memory.used,
    downloadMs: downloaded - start,
    buildMs: performance.now() - downloaded,
  };
  return facts;
}

/** @param {ModelFile | Blob} file @param {Call["report"]} report */
function readBytes(file, report) {
  if (file instanceof Blob) return file.arrayBuffer();
  return readModel(file, (loaded, total) => report({ phase: "download", loaded, total }));
}

/**
 * What the file holds, whether or not it can run.
 *
 * @param {{file: ModelFile | Blob, name: string}} request
 * @param {Call} call
 * @returns {Promise<FileFacts>}
 */
async function inspectFile({ file, name }, { report }) {
  const [loader, bytes] = await Promise.all([
    importEngine("octet_tflite.js"),
    readBytes(file, report),
  ]);
  return inspect(/** @type {Loader} */ (loader), bytes, name);
}

/**
 * How the loaded network runs, each kernel timed if `runs` is more than 0.
 *
 * @param {{runs: number}} request
 * @returns {Promise<{steps: readonly TimedStep[], notes: Record<string, string>}>}
 */
async function steps({ runs }) {
  const { steps: plain, notes } = octet.describeGraph(model.graph);
  return { steps: runs > 0 ? await octet.profile(model.graph, { runs }) : plain, notes };
}

/**
 * Take inputs that are no pictures: given ones, and random numbers for the rest.
 *
 * @param {{arrays: Record<string, TypedArray>, seed: number}} request
 */
function feed({ arrays, seed }) {
  input = Object.fromEntries(
    facts.inputs.map((info) => [info.name, arrays[info.name] ?? randomInput(info, seed)]),
  );
}

/** Run on what feed() took. @returns {Promise<OutputSummary[]>} */
async function runFed() {
  outputs = await model.run(input);
  return facts.outputs.map((info) => summarize(outputs[info.name], info));
}

/** @param {string} file @returns {Promise<unknown>} */
function importEngine(file) {
  return import(String(new URL(`../engine/${file}`, import.meta.url)));
}

/** @param {import("../../../polyfill/tflite/map_model.js").TensorInfo} info @returns {TensorInfo} */
function plainInfo({ name, shape, dataType, quantization }) {
  const plain = quantization && {
    scale: Array.from(quantization.scale, Number),
    zeroPoint: Array.from(quantization.zeroPoint, Number),
  };
  return { name, shape: [...shape], dataType, quantization: plain };
}

/**
 * Run on a picture and say what it shows.
 *
 * @param {{picture: ImageBitmap, task: string, preparation: Preparation}} request
 * @returns {Promise<RunResult>}
 */
async function run({ picture, task, preparation }) {
  const [info] = facts.inputs;
  const size = imageSize(info);
  const placement = place(preparation.fit, picture, size);
  input = { [info.name]: toInput(drawn(picture, placement, size), info, preparation) };
  const original = { width: picture.width, height: picture.height };
  picture.close();
  const start = performance.now();
  outputs = await model.run(input);
  const ms = performance.now() - start;
  const infos = facts.outputs;
  const answer = ANSWERS[task]({
    infos,
    values: outputs,
    placement,
    picture: original,
    input: size,
  });
  return { answer, ms };
}

/**
 * @param {ImageBitmap} picture
 * @param {import("../compute/geometry.js").Placement} placement
 * @param {import("../compute/geometry.js").Size} size
 */
function drawn(picture, { from, to }, { width, height }) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser gives workers no 2D canvas.");
  context.fillStyle = "rgb(127 127 127)";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  const source = /** @type {const} */ ([from.x, from.y, from.width, from.height]);
  context.drawImage(picture, ...source, to.x, to.y, to.width, to.height);
  return context.getImageData(0, 0, width, height).data;
}

/**
 * Repeat the last run and time it.
 *
 * @param {{warmup: number, runs: number, seconds: number}} request as many runs as fit into `seconds`, from 1 to
 *   `runs`, after `warmup` or more that are not counted
 * @param {Call} call
 * @returns {Promise<number[]>} milliseconds
 */
async function time({ warmup, runs, seconds }, { report, isStopped }) {
  await warm(warmup, seconds, isStopped);
  const times = [];
  let reported = performance.now();
  const end = reported + 1000 * seconds;
  const wanted = () => times.length < runs && (times.length < 1 || performance.now() < end);
  while (wanted() && !isStopped()) {
    const start = performance.now();
    await model.run(input);
    const now = performance.now();
    times.push(now - start);
    if (now - reported < REPORT_MS) continue;
    reported = now;
    report({ phase: "run", done: times.length });
  }
  return times;
}

/**
 * Run without counting: at least `runs` times and for AWAKE_MS, but no longer than `seconds`.
 *
 * @param {number} runs 0 for none at all
 * @param {number} seconds
 * @param {() => boolean} isStopped
 */
async function warm(runs, seconds, isStopped) {
  const start = performance.now();
  for (let done = 0; runs > 0 && !isStopped(); ) {
    await model.run(input);
    done++;
    const ms = performance.now() - start;
    if (ms > 1000 * seconds || (done >= runs && ms > AWAKE_MS)) return;
  }
}

/** The last run's inputs or outputs as an .npz. @param {"inputs" | "outputs"} which */
function tensors(which) {
  const values = which === "inputs" ? input : outputs;
  /** @type {[string, NamedArray][]} */
  const entries = facts[which].map(({ name, shape, dataType }) => [
    name,
    { shape, dataType, values: values[name] },
  ]);
  return writeNpz(Object.fromEntries(entries));
}

/** @type {Record<string, (request: any, call: Call) => any>} */
const METHODS = { load, inspectFile, steps, run, feed, runFed, time, tensors };

/** Calls that the page no longer waits for. @type {Set<number>} */
const stopped = new Set();

port.onmessage = async ({ data: { id, method, request } }) => {
  if (method === "stop") {
    stopped.add(id);
    return;
  }
  try {
    const result = await METHODS[method](request, {
      report: (progress) => port.postMessage({ id, progress }),
      isStopped: () => stopped.has(id),
    });
    port.postMessage({ id, result });
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    port.postMessage({ id, error: { name, message } });
  }
  stopped.delete(id);
};
