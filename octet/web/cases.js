// SPDX-License-Identifier: Apache-2.0
// The page side of octet/web/cases.py: builds small graphs from recorded builder calls and runs them.

import { configure, describeContext, describeGraph, install } from "/dist/octet.js";

/** `times`: how often the bytes repeat. */
/** @typedef {{dataType: string, shape: number[], constant: boolean, base64: string, times: number}} TensorData */
/**
 * @typedef {object} Case
 * @property {Record<string, TensorData>} inputs
 * @property {{op: string, args: any[], outputs: string[]}[]} calls
 * @property {string[]} outputs
 * @property {number | null} limit how many elements of an output are wanted at most
 */

/** @type {any} */
let context = null;

/** Cases in flight: an engine in a worker is kept busy while the page prepares the next ones. */
const AT_ONCE = 8;

/**
 * Make a context by the settings, in place of the one before, and say what it runs on.
 *
 * @param {any} settings
 */
async function start(settings) {
  context?.destroy();
  configure(settings);
  install("force");
  context = await /** @type {any} */ (navigator).ml.createContext();
  return describeContext(context);
}

/** @param {string} text */
function fromBase64(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

/** @param {TensorData} tensor */
function bytesOf({ base64, times }) {
  const pattern = fromBase64(base64);
  if (times === 1) return pattern;
  const bytes = new Uint8Array(pattern.length * times);
  for (let at = 0; at < bytes.length; at += pattern.length) bytes.set(pattern, at);
  return bytes;
}

/** @param {Uint8Array} bytes */
function toBase64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) {
    text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  }
  return btoa(text);
}

/**
 * An argument as the builder takes it: operands by name, special numbers, and options and lists of both.
 *
 * @param {any} arg
 * @param {Map<string, any>} operands
 * @returns {any}
 */
function argument(arg, operands) {
  if (Array.isArray(arg)) return arg.map((item) => argument(item, operands));
  if (!arg || typeof arg !== "object") return arg;
  if ("$operand" in arg) return operands.get(arg.$operand);
  if ("$bigint" in arg) return BigInt(arg.$bigint);
  if ("$number" in arg) return Number(arg.$number);
  return Object.fromEntries(Object.entries(arg).map(([k, v]) => [k, argument(v, operands)]));
}

/** @param {Case} test @returns {Promise<any>} */
async function build({ inputs, calls, outputs }) {
  const builder = new /** @type {any} */ (globalThis).MLGraphBuilder(context);
  const operands = new Map();
  for (const [name, tensor] of Object.entries(inputs)) {
    const { dataType, shape, constant } = tensor;
    const operand = constant
      ? builder.constant({ dataType, shape }, bytesOf(tensor))
      : builder.input(name, { dataType, shape });
    operands.set(name, operand);
  }
  for (const { op, args, outputs: names } of calls) {
    const result = builder[op](...args.map((arg) => argument(arg, operands)));
    const list = Array.isArray(result) ? result : [result];
    for (const [i, name] of names.entries()) operands.set(name, list[i]);
  }
  const named = Object.fromEntries(outputs.map((name) => [name, operands.get(name)]));
  return builder.build(named);
}

/**
 * @param {{dataType: string, shape: readonly number[]}} tensor
 * @param {Uint8Array} bytes
 * @param {number | null} limit
 */
function encoded({ dataType, shape }, bytes, limit) {
  const elements = shape.reduce((product, d) => product * d, 1);
  if (limit === null || elements <= limit) {
    return { dataType, shape: [...shape], base64: toBase64(bytes) };
  }
  const part = bytes.subarray(0, (bytes.length / elements) * limit);
  return { dataType, shape: [limit], base64: toBase64(part) };
}

/** @param {Case} test */
async function runOne(test) {
  const graph = await build(test);
  const { inputs, outputs: descriptors, steps, text } = describeGraph(graph);
  /** @type {Record<string, any>} */
  const from = {};
  /** @type {Record<string, any>} */
  const into = {};
  await Promise.all([
    ...Object.keys(inputs).map(async (name) => {
      const { dataType, shape } = test.inputs[name];
      from[name] = await context.createTensor({ dataType, shape, writable: true });
      context.writeTensor(from[name], bytesOf(test.inputs[name]));
    }),
    ...Object.entries(descriptors).map(async ([name, descriptor]) => {
      into[name] = await context.createTensor({ ...descriptor, readable: true });
    }),
  ]);
  context.dispatch(graph, from, into);
  /** @type {Record<string, {dataType: string, shape: number[], base64: string}>} */
  const outputs = {};
  const reads = Object.entries(into).map(async ([name, tensor]) => {
    outputs[name] = encoded(tensor, new Uint8Array(await context.readTensor(tensor)), test.limit);
  });
  await Promise.all(reads);
  for (const tensor of [...Object.values(from), ...Object.values(into)]) tensor.destroy();
  graph.destroy();
  return { outputs, kernels: steps.map(({ kernel }) => kernel), text };
}

/** Run cases, a few at a time; an error is a result too. @param {Case[]} cases */
async function run(cases) {
  /** @type {any[]} */
  const results = new Array(cases.length);
  let next = 0;
  const runSome = async () => {
    while (next < cases.length) {
      const at = next++;
      try {
        results[at] = await runOne(cases[at]);
      } catch (error) {
        const { name, message } = /** @type {Error} */ (error);
        results[at] = { error: { name, message } };
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, runSome));
  return results;
}

Object.assign(globalThis, { octetCases: { start, run } });
