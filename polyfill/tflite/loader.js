// SPDX-License-Identifier: Apache-2.0
// Loads .tflite models into WebNN, whichever implementation provides it: the public API only.

import { TfliteError } from "./errors.js";
import { mapModel } from "./map_model.js";
import { DEFAULT_LIMITS, readModel } from "./model.js";
import { supportedOperators } from "./ops.js";
import { bytesOf, readSource, sourceName } from "./source.js";
import { TfliteModel } from "./tflite_model.js";

/** @typedef {import("./map_model.js").MapOptions} MapOptions */
/** @typedef {import("./model.js").Limits} Limits */
/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./model.js").Subgraph} Subgraph */
/** @typedef {import("./source.js").Source} Source */
/** @typedef {import("./tflite_model.js").OperatorInfo} OperatorInfo */
/** @typedef {import("./webnn.js").MLContext} MLContext */

/**
 * @typedef {object} LoadOnlyOptions
 * @property {MLContext | Promise<MLContext>} [context] left to the caller to destroy; without, one is created
 * @property {object} [contextOptions] for createContext()
 * @property {string} [fileName] for messages
 * @property {Partial<Limits>} [limits] what the file may ask for; can only be lowered
 * @property {AbortSignal} [signal]
 * @property {(loadedBytes: number, totalBytes: number | null) => void} [onProgress]
 */

/** @typedef {LoadOnlyOptions & MapOptions} LoadOptions */

export { mapModel, supportedOperators, TfliteError, TfliteModel };

/**
 * Read and check a model without WebNN.
 *
 * @param {ArrayBuffer | ArrayBufferView} bytes tensor data are views of them
 * @param {{fileName?: string, limits?: Partial<Limits>}} [options]
 * @returns {Model}
 * @throws {TfliteError}
 */
export function parseModel(bytes, options = {}) {
  return readModel(bytesOf(bytes), options);
}

/**
 * Read a model, map it to WebNN and build it.
 *
 * @param {Source} source
 * @param {LoadOptions} [options]
 * @returns {Promise<TfliteModel>}
 * @throws {TfliteError} for a file that is broken or that WebNN cannot express
 */
export async function loadModel(source, options = {}) {
  const { signal, onProgress, limits, contextOptions } = options;
  const fileName = options.fileName ?? sourceName(source);
  const limit = Math.min(limits?.bytes ?? Infinity, DEFAULT_LIMITS.bytes);
  const contextOwned = !options.context;
  // The engine starts while the file is under way and read.
  const starting = contextOwned ? createContext(contextOptions) : options.context;
  const reading = readSource(source, { fileName, limit, signal, onProgress }).then((bytes) =>
    readModel(bytes, { fileName, limits }),
  );
  const [started, read] = await Promise.allSettled([starting, reading]);
  if (started.status === "rejected") throw started.reason;
  const context = /** @type {MLContext} */ (started.value);
  try {
    if (read.status === "rejected") throw read.reason;
    const model = read.value;
    signal?.throwIfAborted();
    const builder = new (webnn("MLGraphBuilder"))(context);
    const mapped = mapModel(model, builder, context.opSupportLimits(), options);
    const graph = await builder.build(Object.fromEntries(mapped.graphOutputs));
    const operators = operatorInfos(model, options);
    const loaded = await TfliteModel.create({ context, contextOwned, graph, mapped, operators });
    if (signal?.aborted) {
      loaded.destroy();
      signal.throwIfAborted();
    }
    return loaded;
  } catch (error) {
    if (contextOwned) context.destroy();
    throw error;
  }
}

/** @param {object | undefined} options @returns {Promise<MLContext>} */
async function createContext(options) {
  const { ml } = webnn("navigator");
  if (!ml) throw new DOMException("WebNN is not available.", "NotSupportedError");
  return ml.createContext(options);
}

/** @param {string} name @returns {any} a global of WebNN */
function webnn(name) {
  const value = /** @type {any} */ (globalThis)[name];
  if (!value) throw new DOMException(`WebNN is not available: no ${name}.`, "NotSupportedError");
  return value;
}

/** @param {Model} model @param {MapOptions} options @returns {readonly OperatorInfo[]} */
function operatorInfos(model, { signature: key }) {
  const signature = model.signatures.find((s) => s.key === key);
  const { tensors, operators } = model.subgraphs[signature?.subgraph ?? 0];
  const names = (/** @type {readonly number[]} */ list) => list.map((i) => tensors[i]?.name ?? "");
  const types = (/** @type {readonly number[]} */ list) =>
    list.map((i) => tensors[i]?.type.toLowerCase() ?? "");
  return Object.freeze(
    operators.map(({ index, name, inputs, outputs }) =>
      Object.freeze({
        index,
        name,
        inputs: names(inputs),
        outputs: names(outputs),
        inputTypes: types(inputs),
        outputTypes: types(outputs),
      }),
    ),
  );
}
