// SPDX-License-Identifier: Apache-2.0
// The worker's entry. Its first message says what it is: the engine, which answers requests one after the
// other, or one of the engine's threads.

import { instantiate } from "./module.js";
import { SpareBuffers } from "./spare_buffers.js";
import { startExecutor } from "./start.js";
import { WarmUp } from "./warm_up.js";
import { servePool, startThreads } from "./worker_pool.js";

/** @typedef {import("./worker_pool.js").ThreadMessage} ThreadMessage */
/** @typedef {import("./engine.js").Request} Request */
/** @typedef {import("./engine.js").EngineMessage} EngineMessage */

/** The worker's own scope: a port to whoever started it. */
const port = /** @type {{postMessage(message: any, transfer?: Transferable[]): void,
  onmessage: ((event: MessageEvent) => void) | null}} */ (/** @type {unknown} */ (globalThis));

/** The page compiles the kernels meanwhile; they are its second message. @param {EngineMessage} message */
async function serveEngine({ threads, workerUrl }) {
  const module = new Promise((resolve) => {
    port.onmessage = ({ data }) => resolve(data.module);
  });
  const workers = startThreads(threads, workerUrl);
  const executor = await startExecutor(await module, workers);
  const warmUp = new WarmUp(executor);
  port.onmessage = ({ data }) => {
    warmUp.pause();
    answer(executor, data);
    warmUp.resume(data.method, data.args[0]);
  };
  port.postMessage({ id: 0, dots: executor.dotProducts() });
}

/** What was written from; goes back with the next answer. */
const spare = new SpareBuffers();

/**
 * @param {import("./executor.js").Executor} executor
 * @param {Request} request
 */
function answer(executor, { id, method, args }) {
  try {
    const result = /** @type {any} */ (executor)[method](...args);
    if (method === "writeTensor") spare.give(args[1].buffer);
    if (id === 0) return;
    const back = spare.takeAll();
    const transfer = result instanceof ArrayBuffer ? [result, ...back] : back;
    port.postMessage({ id, result, spare: back }, transfer);
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    port.postMessage({ id, error: { name, message } });
  }
}

/** @param {ThreadMessage} message */
async function serveThread(message) {
  const { exports } = await instantiate(message.module, message.memory);
  exports.__stack_pointer.value = message.stack;
  port.postMessage({});
  servePool(exports, message);
}

port.onmessage = ({ data }) => {
  port.onmessage = null;
  if (data.role === "thread") {
    serveThread(data).catch((error) => port.postMessage({ error: error.message }));
  } else {
    serveEngine(data).catch((error) => {
      port.postMessage({ id: 0, error: { name: error.name, message: error.message } });
    });
  }
};
