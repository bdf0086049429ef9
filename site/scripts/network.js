// SPDX-License-Identifier: Apache-2.0
// A network that a page uses: the page's end of network_worker.js.

/** @typedef {import("./worker/network_worker.js").EngineSettings} EngineSettings */
/** @typedef {import("./worker/network_worker.js").Facts} Facts */
/** @typedef {import("./worker/network_worker.js").Preparation} Preparation */
/** @typedef {import("./worker/network_worker.js").Progress} Progress */
/** @typedef {import("./worker/network_worker.js").RunResult} RunResult */
/** @typedef {import("./worker/inspect.js").FileFacts} FileFacts */
/** @typedef {import("./worker/model_store.js").ModelFile} ModelFile */
/** @typedef {import("./compute/inputs.js").OutputSummary} OutputSummary */
/** @typedef {import("./compute/layers.js").TimedStep} TimedStep */
/** @typedef {import("./compute/tensors.js").TypedArray} TypedArray */

/**
 * @typedef {object} Pending
 * @property {(value: any) => void} resolve
 * @property {(error: Error) => void} reject
 * @property {(progress: Progress) => void} onProgress
 */

/** @typedef {{signal?: AbortSignal, onProgress?: (progress: Progress) => void}} CallOptions */

export class Network {
  /** @type {Worker} */
  #worker;
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  #nextId = 1;
  /** @type {Facts | null} */
  #facts = null;

  constructor() {
    const url = new URL("network_worker.js", import.meta.url);
    this.#worker = new Worker(url, { type: "module", name: "network" });
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new Error(event.message || "the network's worker could not be started."));
    };
  }

  /**
   * Load a network into a worker of its own.
   *
   * @param {{file: ModelFile | Blob, name: string, settings: EngineSettings}} request
   * @param {CallOptions} [options]
   * @returns {Promise<Network>}
   */
  static async load(request, options) {
    const network = new Network();
    try {
      network.#facts = await network.#call("load", request, options);
      return network;
    } catch (error) {
      network.close();
      throw error;
    }
  }

  /**
   * What a file holds, whether or not it can run.
   *
   * @param {{file: ModelFile | Blob, name: string}} request
   * @param {CallOptions} [options]
   * @returns {Promise<FileFacts>}
   */
  static async inspect(request, options) {
    const network = new Network();
    try {
      return await network.#call("inspectFile", request, options);
    } finally {
      network.close();
    }
  }

  get facts() {
    return /** @type {Facts} */ (this.#facts);
  }

  /**
   * @param {{picture: ImageBitmap, task: string, preparation: Preparation}} request the picture is copied
   * @param {CallOptions} [options]
   * @returns {Promise<RunResult>}
   */
  run(request, options) {
    return this.#call("run", request, options);
  }

  /**
   * @param {{warmup: number, runs: number, seconds: number}} request
   * @param {CallOptions} [options]
   * @returns {Promise<number[]>}
   */
  time(request, options) {
    return this.#call("time", request, options);
  }

  /**
   * How it runs; with `runs` above 0 every kernel is timed, on one thread.
   *
   * @param {{runs: number}} request
   * @param {CallOptions} [options]
   * @returns {Promise<{steps: readonly TimedStep[], notes: Record<string, string>}>}
   */
  steps(request, options) {
    return this.#call("steps", request, options);
  }

  /**
   * Take inputs by name, and random numbers for the others.
   *
   * @param {{arrays: Record<string, TypedArray>, seed: number}} request
   * @returns {Promise<void>}
   */
  feed(request) {
    return this.#call("feed", request);
  }

  /** Run on what feed() took. @returns {Promise<OutputSummary[]>} */
  runFed() {
    return this.#call("runFed", null);
  }

  /** @param {"inputs" | "outputs"} which @returns {Promise<Blob>} an .npz of the last run's */
  tensors(which) {
    return this.#call("tensors", which);
  }

  /** End it, at once and whatever it does. */
  close() {
    this.#fail(new DOMException("The network was closed.", "AbortError"));
    this.#worker.terminate();
  }

  /**
   * @param {string} method
   * @param {unknown} request
   * @param {CallOptions} [options] aborting rejects at once; a run under way ends unheard
   * @returns {Promise<any>}
   */
  #call(method, request, { signal, onProgress = () => {} } = {}) {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => {
        this.#pending.delete(id);
        this.#worker.postMessage({ id, method: "stop" });
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
      const settle = (/** @type {(value: any) => void} */ then) => (/** @type {any} */ value) => {
        signal?.removeEventListener("abort", abort);
        then(value);
      };
      this.#pending.set(id, { resolve: settle(resolve), reject: settle(reject), onProgress });
      this.#worker.postMessage({ id, method, request });
    });
  }

  /** @param {{id: number, result?: any, error?: {name: string, message: string}, progress?: Progress}} answer */
  #receive({ id, result, error, progress }) {
    const pending = this.#pending.get(id);
    if (!pending) return;
    if (progress) return pending.onProgress(progress);
    this.#pending.delete(id);
    if (error) pending.reject(Object.assign(new Error(error.message), { name: error.name }));
    else pending.resolve(result);
  }

  /** @param {Error} error */
  #fail(error) {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}
