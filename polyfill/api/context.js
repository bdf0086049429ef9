// SPDX-License-Identifier: Apache-2.0
// https://www.w3.org/TR/webnn/#api-mlcontext

import { byteLength } from "../ir/graph.js";
import { bytesOf, checkDescriptor, snapshot, toDescriptor } from "./buffers.js";
import { invalidState, typeError } from "./errors.js";
import { destroyGraph } from "./graph.js";
import { createObject, illegalConstructor, stateOf } from "./internals.js";
import { supportLimits } from "./support_limits.js";
import { createTensorObject, destroyTensor } from "./tensor.js";
import { boolean, checkArgumentCount, defineInterface, dictionary, record } from "./webidl.js";

/** @typedef {import("./internals.js").ContextState} ContextState */
/** @typedef {import("./internals.js").TensorState} TensorState */
/** @typedef {import("./internals.js").GraphState} GraphState */
/** @typedef {import("../ops/operator.js").Descriptor} Descriptor */

const toTensors = record((value, where) => stateOf(value, "tensor", where));

export class MLContext {
  constructor() {
    illegalConstructor();
  }

  get accelerated() {
    return stateOf(this, "context", "MLContext.accelerated").accelerated;
  }

  get lost() {
    try {
      return stateOf(this, "context", "MLContext.lost").lost;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * @param {import("./graph.js").MLGraph} graph
   * @param {Record<string, import("./tensor.js").MLTensor>} inputs
   * @param {Record<string, import("./tensor.js").MLTensor>} outputs
   */
  dispatch(graph, inputs, outputs) {
    const context = stateOf(this, "context", "dispatch");
    checkArgumentCount("dispatch", arguments.length, 3);
    const target = stateOf(graph, "graph", "dispatch: graph");
    const from = toTensors(inputs, "dispatch: inputs");
    const into = toTensors(outputs, "dispatch: outputs");
    if (target.context !== context) throw typeError("dispatch", "the graph is of another context.");
    checkUsable(context, "dispatch");
    if (target.destroyed) throw invalidState("dispatch", "the graph was destroyed.");
    checkDispatch(context, target, from, into);
    const bindings = [
      ...[...target.inputs.keys()].map((name) => from.get(name).id),
      ...[...target.outputs.keys()].map((name) => into.get(name).id),
    ];
    context.engine.dispatch(target.id, bindings);
  }

  /** @param {{dataType: string, shape: number[], readable?: boolean, writable?: boolean}} descriptor */
  async createTensor(descriptor) {
    const context = stateOf(this, "context", "createTensor");
    checkArgumentCount("createTensor", arguments.length, 1);
    const members = dictionary(descriptor, "createTensor");
    const plain = toDescriptor(members, "createTensor");
    const readable = boolean(members.readable, "createTensor");
    const writable = boolean(members.writable, "createTensor");
    checkUsable(context, "createTensor");
    checkDescriptor(plain, "createTensor");
    const id = await allocate(context, plain, "createTensor");
    return createTensorObject(tensorState(context, plain, { id, readable, writable }));
  }

  /**
   * @param {{dataType: string, shape: number[]}} descriptor
   * @param {BufferSource | SharedArrayBuffer} inputData
   */
  async createConstantTensor(descriptor, inputData) {
    const where = "createConstantTensor";
    const context = stateOf(this, "context", where);
    checkArgumentCount(where, arguments.length, 2);
    const plain = toDescriptor(descriptor, where);
    checkUsable(context, where);
    checkDescriptor(plain, where);
    const constant = snapshot(bytesOf(inputData, plain, where));
    return createTensorObject(tensorState(context, plain, { constant }));
  }

  /**
   * @param {import("./tensor.js").MLTensor} tensor
   * @param {BufferSource | SharedArrayBuffer} inputData
   */
  writeTensor(tensor, inputData) {
    const context = stateOf(this, "context", "writeTensor");
    checkArgumentCount("writeTensor", arguments.length, 2);
    const target = stateOf(tensor, "tensor", "writeTensor: tensor");
    if (target.context !== context)
      throw typeError("writeTensor", "the tensor is of another context.");
    checkUsable(context, "writeTensor");
    if (target.destroyed) throw invalidState("writeTensor", "the tensor was destroyed.");
    if (!target.writable) throw typeError("writeTensor", "the tensor is not writable.");
    context.engine.writeTensor(target.id, bytesOf(inputData, target.descriptor, "writeTensor"));
  }

  /**
   * @param {import("./tensor.js").MLTensor} tensor
   * @param {BufferSource | SharedArrayBuffer} [outputData]
   */
  async readTensor(tensor, outputData) {
    const context = stateOf(this, "context", "readTensor");
    checkArgumentCount("readTensor", arguments.length, 1);
    const target = stateOf(tensor, "tensor", "readTensor: tensor");
    if (target.context !== context)
      throw typeError("readTensor", "the tensor is of another context.");
    checkUsable(context, "readTensor");
    if (target.destroyed) throw invalidState("readTensor", "the tensor was destroyed.");
    if (!target.readable) throw typeError("readTensor", "the tensor is not readable.");
    if (outputData === undefined) return readBytes(target);
    bytesOf(outputData, target.descriptor, "readTensor");
    const bytes = await readBytes(target);
    // The script may have detached or resized it meanwhile.
    bytesOf(outputData, target.descriptor, "readTensor").set(new Uint8Array(bytes));
    context.engine.giveBack(bytes);
    return undefined;
  }

  opSupportLimits() {
    stateOf(this, "context", "opSupportLimits");
    return supportLimits();
  }

  destroy() {
    const context = stateOf(this, "context", "MLContext.destroy");
    loseContext(context, "the context was destroyed");
  }
}
Object.defineProperty(MLContext.prototype.readTensor, "length", { value: 1 });
defineInterface("MLContext", MLContext);

/** @param {ContextState} context @param {string} where */
export function checkUsable(context, where) {
  if (context.isLost) throw invalidState(where, "the context is lost.");
}

/**
 * Everything the spec checks before a dispatch is queued.
 *
 * @param {ContextState} context
 * @param {GraphState} graph
 * @param {Map<string, TensorState>} inputs
 * @param {Map<string, TensorState>} outputs
 */
function checkDispatch(context, graph, inputs, outputs) {
  const seen = new Set();
  for (const [kind, given, wanted] of /** @type {const} */ ([
    ["inputs", inputs, graph.inputs],
    ["outputs", outputs, graph.outputs],
  ])) {
    const where = `dispatch: ${kind}`;
    for (const [name, tensor] of given) {
      if (!wanted.has(name)) {
        const names = [...wanted.keys()].map((n) => `"${n}"`).join(", ");
        throw typeError(where, `got "${name}", expected ${names || "none"}.`);
      }
      if (seen.has(tensor)) throw typeError(`${where} "${name}"`, "the tensor is used twice.");
      seen.add(tensor);
      checkBinding(
        context,
        `${where} "${name}"`,
        tensor,
        /** @type {Descriptor} */ (wanted.get(name)),
      );
    }
    for (const name of wanted.keys()) {
      if (!given.has(name)) throw typeError(where, `"${name}" is missing.`);
    }
  }
}

/**
 * @param {ContextState} context
 * @param {string} where
 * @param {TensorState} tensor
 * @param {Descriptor} wanted
 */
function checkBinding(context, where, tensor, wanted) {
  if (tensor.context !== context) throw typeError(where, "the tensor is of another context.");
  if (tensor.destroyed) throw typeError(where, "the tensor was destroyed.");
  if (tensor.constant) throw typeError(where, "the tensor is constant.");
  const { dataType, shape } = tensor.descriptor;
  if (dataType !== wanted.dataType) {
    throw typeError(where, `data type: got ${dataType}, expected ${wanted.dataType}.`);
  }
  if (String(shape) !== String(wanted.shape)) {
    throw typeError(
      where,
      `shape: got [${shape.join(", ")}], expected [${wanted.shape.join(", ")}].`,
    );
  }
}

/**
 * @param {ContextState} context
 * @param {Descriptor} descriptor
 * @param {{id?: number, readable?: boolean, writable?: boolean, constant?: Uint8Array<ArrayBuffer> | null}} rest
 * @returns {TensorState}
 */
function tensorState(
  context,
  descriptor,
  { id = 0, readable = false, writable = false, constant = null },
) {
  const { dataType, shape } = descriptor;
  return {
    kind: "tensor",
    context,
    descriptor: { dataType, shape: Object.freeze([...shape]) },
    readable,
    writable,
    constant,
    destroyed: false,
    id,
    pendingReads: new Set(),
  };
}

/** @param {ContextState} context @param {Descriptor} descriptor @param {string} where */
async function allocate(context, { dataType, shape }, where) {
  try {
    return await context.engine.createTensor(byteLength(dataType, shape));
  } catch (error) {
    checkUsable(context, where);
    throw new DOMException(`${where}: ${/** @type {Error} */ (error).message}`, "UnknownError");
  }
}

/** @param {TensorState} tensor @returns {Promise<ArrayBuffer>} */
function readBytes(tensor) {
  const { dataType, shape } = tensor.descriptor;
  return new Promise((resolve, reject) => {
    tensor.pendingReads.add(reject);
    tensor.context.engine
      .readTensor(tensor.id, byteLength(dataType, shape))
      .then(resolve, (error) => reject(invalidState("readTensor", `${error.message}.`)))
      .finally(() => tensor.pendingReads.delete(reject));
  });
}

/** @param {ContextState} context @param {string} message */
function loseContext(context, message) {
  if (context.isLost) return;
  context.isLost = true;
  for (const graph of context.graphs) destroyGraph(graph);
  for (const tensor of context.tensors) destroyTensor(tensor);
  context.engine.close();
  context.resolveLost({ message });
}

/**
 * @param {import("../runtime/engine.js").Engine} engine
 * @param {boolean} accelerated
 * @returns {MLContext}
 */
export function createContextObject(engine, accelerated) {
  /** @type {(info: {message: string}) => void} */
  let resolveLost = () => {};
  const lost = new Promise((resolve) => {
    resolveLost = resolve;
  });
  /** @type {ContextState} */
  const state = {
    kind: "context",
    engine,
    isLost: false,
    lost: /** @type {Promise<{message: string}>} */ (lost),
    resolveLost,
    tensors: new Set(),
    graphs: new Set(),
    accelerated,
  };
  engine.onLost = (message) => loseContext(state, message);
  return createObject(MLContext, state);
}
