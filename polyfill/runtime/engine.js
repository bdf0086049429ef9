// SPDX-License-Identifier: Apache-2.0
// The page's side of an executor: requests in order, answers as promises, whether it runs in a worker or
// right here.

import { bestVariant, canShareMemory, defaultThreads, supportsVariant } from "./features.js";
import { settings } from "./settings.js";
import { SpareBuffers } from "./spare_buffers.js";
import { loadKernels, startExecutor } from "./start.js";

/** @typedef {import("./plan.js").Plan} Plan */
/** @typedef {import("./features.js").Variant} Variant */
/** @typedef {import("./start.js").StartOptions} StartOptions */
/** @typedef {import("./executor.js").DotProduct} DotProduct */

/**
 * A call of an executor's method. Requests with id 0 are not answered unless they fail.
 *
 * @typedef {object} Request
 * @property {number} id
 * @property {string} method
 * @property {any[]} args
 */

/**
 * The answer to a request. Buffers that requests brought come back with it.
 *
 * @typedef {object} Answer
 * @property {number} id
 * @property {any} [result]
 * @property {{name: string, message: string}} [error]
 * @property {ArrayBuffer[]} [spare]
 */

/**
 * What the engine's worker is told first; then {module}.
 *
 * @typedef {object} EngineMessage
 * @property {"engine"} role
 * @property {number} threads
 * @property {string} workerUrl
 */

/**
 * Where requests go: a worker, or an executor in this thread. `onmessage` gets {id, result} or {id, error}.
 *
 * @typedef {object} Port
 * @property {(request: Request, transfer?: Transferable[]) => void} send
 * @property {() => void} close
 */

export class Engine {
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
  #pending = new Map();
  #nextRequest = 1;
  #nextId = 1;
  /** @type {Port | null} */
  #port = null;
  #spare = new SpareBuffers();
  /** Called once if the engine fails for good. @type {(message: string) => void} */
  onLost = () => {};

  /** @param {Variant} variant @param {number} threads */
  constructor(variant, threads) {
    this.variant = variant;
    this.threads = threads;
    /** @type {DotProduct} */
    this.dot = "none";
  }

  /**
   * Start an engine by the settings.
   *
   * @throws {Error} when the kernels cannot be loaded
   */
  static async create() {
    const variant = settings.variant ?? bestVariant();
    if (!supportsVariant(variant))
      throw new Error(`this browser cannot run the ${variant} variant`);
    const wanted = settings.threads ?? defaultThreads();
    const useWorker = settings.worker && typeof Worker === "function";
    const threads = variant !== "scalar" && useWorker && canShareMemory() ? wanted : 1;
    const engine = new Engine(variant, threads);
    const options = {
      wasm: `${settings.wasmUrl}octet_${variant}.wasm`,
      bytes: settings.wasm,
      threads,
      workerUrl: settings.workerUrl,
    };
    const receive = engine.#receive.bind(engine);
    const { port, dots } = await (useWorker ? workerPort : inlinePort)(options, receive);
    engine.#port = port;
    engine.dot = chooseDot(dots);
    return engine;
  }

  /** @param {Answer} answer */
  #receive({ id, result, error, spare = [] }) {
    for (const buffer of spare) this.#spare.give(buffer);
    const request = this.#pending.get(id);
    this.#pending.delete(id);
    if (!error) {
      request?.resolve(result);
    } else if (request) {
      request.reject(Object.assign(new Error(error.message), { name: error.name }));
    } else {
      this.#lose(error.message);
    }
  }

  /** @param {string} message */
  #lose(message) {
    this.close();
    this.onLost(message);
  }

  /**
   * @param {string} method
   * @param {any[]} args
   * @param {Transferable[]} [transfer]
   * @returns {Promise<any>}
   */
  #request(method, args, transfer) {
    const id = this.#nextRequest++;
    return new Promise((resolve, reject) => {
      if (!this.#port) return reject(new Error("the engine was closed"));
      this.#pending.set(id, { resolve, reject });
      this.#port.send({ id, method, args }, transfer);
    });
  }

  /** @param {string} method @param {any[]} args @param {Transferable[]} [transfer] */
  #notify(method, args, transfer) {
    this.#port?.send({ id: 0, method, args }, transfer);
  }

  /** A tensor of zeros; resolves to its id. @param {number} bytes @returns {Promise<number>} */
  async createTensor(bytes) {
    const id = this.#nextId++;
    await this.#request("createTensor", [id, bytes]);
    return id;
  }

  /** @param {number} tensor @param {Uint8Array} bytes as they are now */
  writeTensor(tensor, bytes) {
    const copy = new Uint8Array(this.#spare.take(bytes.length));
    copy.set(bytes);
    this.#notify("writeTensor", [tensor, copy], [copy.buffer]);
  }

  /** @param {number} tensor @param {number} bytes @returns {Promise<ArrayBuffer>} */
  readTensor(tensor, bytes) {
    const into = this.#spare.takeReady(bytes);
    return this.#request("readTensor", [tensor, into], into ? [into] : []);
  }

  /** Take back what readTensor() gave. @param {ArrayBuffer} buffer */
  giveBack(buffer) {
    this.#spare.give(buffer);
  }

  /** @param {number} tensor */
  destroyTensor(tensor) {
    this.#notify("destroyTensor", [tensor]);
  }

  /**
   * Load a plan; resolves to the graph's id. The plan's constants are given away.
   *
   * @param {Plan} plan
   * @returns {Promise<number>}
   */
  async build(plan) {
    const id = this.#nextId++;
    const buffers = new Set(plan.uploads.map(({ bytes }) => bytes.buffer));
    const message = { ...plan, info: [] };
    await this.#request("build", [id, message], /** @type {ArrayBuffer[]} */ ([...buffers]));
    return id;
  }

  /** @param {number} graph @param {number[]} tensors */
  dispatch(graph, tensors) {
    this.#notify("dispatch", [graph, tensors]);
  }

  /** Milliseconds of each step. @param {number} graph @param {number[]} tensors @returns {Promise<Float64Array>} */
  profile(graph, tensors) {
    return this.#request("profile", [graph, tensors]);
  }

  /** @param {number} graph */
  destroyGraph(graph) {
    this.#notify("destroyGraph", [graph]);
  }

  /** @returns {Promise<{used: number, total: number}>} bytes */
  memoryUse() {
    return this.#request("memoryUse", []);
  }

  /** Stop; requests that wait are rejected. */
  close() {
    this.#port?.close();
    this.#port = null;
    for (const { reject } of this.#pending.values()) reject(new Error("the engine was closed"));
    this.#pending.clear();
  }
}

/**
 * The dot product to pack weights for: the best one, or what the settings ask for.
 *
 * @param {DotProduct[]} available best first
 * @returns {DotProduct}
 */
function chooseDot(available) {
  const wanted = settings.dot ?? available[0] ?? "none";
  if (wanted === "none" || available.includes(wanted)) return wanted;
  throw new Error(
    `this CPU has no ${wanted} dot product; it has ${available.join(", ") || "none"}`,
  );
}

/** @typedef {{port: Port, dots: DotProduct[]}} Started */
/** @typedef {(answer: Answer) => void} Receive */

/**
 * @param {StartOptions} options
 * @param {Receive} receive
 * @returns {Promise<Started>}
 */
async function workerPort(options, receive) {
  const { threads, workerUrl } = options;
  const worker = new Worker(workerUrl, { type: "module", name: "octet" });
  const { dots } = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) =>
      data.error ? reject(new Error(data.error.message)) : resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(
        new Error(
          `cannot start the worker ${workerUrl}${event.message ? `: ${event.message}` : ""}`,
        ),
      );
    };
    /** @type {EngineMessage} */
    const message = { role: "engine", threads, workerUrl };
    worker.postMessage(message);
    loadKernels(options).then((module) => worker.postMessage({ module }), reject);
  }).catch((error) => {
    worker.terminate();
    throw error;
  });
  worker.onmessage = ({ data }) => receive(data);
  worker.onerror = (event) => receive({ id: 0, error: { name: "Error", message: event.message } });
  const port = {
    send: (/** @type {Request} */ request, /** @type {Transferable[]} */ transfer = []) =>
      worker.postMessage(request, transfer),
    close: () => worker.terminate(),
  };
  return { port, dots };
}

/**
 * @param {StartOptions} options
 * @param {Receive} receive
 * @returns {Promise<Started>}
 */
async function inlinePort(options, receive) {
  const executor = /** @type {any} */ (
    await startExecutor(await loadKernels({ ...options, threads: 1 }), [])
  );
  let open = true;
  let queue = Promise.resolve();
  const run = (/** @type {Request} */ { id, method, args }) => {
    if (!open) return;
    try {
      receive({ id, result: executor[method](...args) });
    } catch (error) {
      const { name, message } = /** @type {Error} */ (error);
      receive({ id, error: { name, message } });
    }
  };
  const port = {
    send(/** @type {Request} */ request) {
      queue = queue.then(() => run(request));
    },
    close() {
      open = false;
    },
  };
  return { port, dots: executor.dotProducts() };
}
