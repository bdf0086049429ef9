// SPDX-License-Identifier: Apache-2.0
// The context's timeline over an engine in a worker, as pages have it. Every check returns plain data.

import { configure, describeContext, install } from "/dist/octet.js";

install("force");

const TYPE = { dataType: "float32", shape: [64, 64] };
const TENSOR = { ...TYPE, readable: true, writable: true };
const nameOf = (promise) => promise.then(String, ({ name }) => name);

/** y = x · x + 1 with x all ones: 65, over rows that threads can share. */
async function setting() {
  const context = await navigator.ml.createContext();
  const b = new MLGraphBuilder(context);
  const x = b.input("x", TYPE);
  const one = b.constant("float32", 1);
  const graph = await b.build({ y: b.add(b.matmul(x, b.div(x, x)), one) });
  const tensors = await Promise.all([0, 1, 2].map(() => context.createTensor(TENSOR)));
  return { context, graph, tensors };
}

export const checks = {
  /** Reads, writes and dispatches in flight together; the reads' first numbers. */
  async order() {
    const { context, graph, tensors } = await setting();
    const [x, y, z] = tensors;
    const reads = [];
    for (let i = 1; i <= 40; i++) {
      context.writeTensor(x, new Float32Array(64 * 64).fill(i));
      context.dispatch(graph, { x }, { y });
      context.dispatch(graph, { x: y }, { y: z });
      reads.push(context.readTensor(z));
      context.writeTensor(y, new Float32Array(64 * 64));
    }
    const numbers = (await Promise.all(reads)).map((buffer) => new Float32Array(buffer)[77]);
    const { threads } = describeContext(context);
    context.destroy();
    return { threads, numbers };
  },

  /** SharedArrayBuffers go in and come out by copy. */
  async shared() {
    const { context, tensors } = await setting();
    const memory = new Float32Array(new SharedArrayBuffer(4 * 64 * 64)).fill(3);
    context.writeTensor(tensors[0], memory);
    memory.fill(0);
    await context.readTensor(tensors[0], memory);
    context.destroy();
    return memory.every((value) => value === 3);
  },

  /** What waits when a context is destroyed. */
  async pending() {
    const { context, graph, tensors } = await setting();
    const b = new MLGraphBuilder(context);
    const build = b.build({ y: b.relu(b.input("x", TYPE)) });
    context.dispatch(graph, { x: tensors[0] }, { y: tensors[1] });
    const waiting = [build, context.createTensor(TENSOR), context.readTensor(tensors[1])].map(
      nameOf,
    );
    context.destroy();
    return { names: await Promise.all(waiting), ...(await context.lost) };
  },

  /** A worker that fails while it works. */
  async failing() {
    configure({ workerUrl: "/page/failing_worker.js" });
    const { context, graph, tensors } = await setting();
    context.dispatch(graph, { x: tensors[0] }, { y: tensors[1] });
    const { message } = await context.lost;
    return { message, after: await nameOf(context.createTensor(TENSOR)) };
  },

  /** What the worker does with a graph that nobody dispatches: the kernel steps of its first run. */
  async idle() {
    configure({ workerUrl: "/page/telling_worker.js" });
    const runs = new BroadcastChannel("runs");
    const first = new Promise((resolve) => {
      runs.onmessage = ({ data }) => resolve(data);
    });
    const { context } = await setting();
    const found = await first;
    context.destroy();
    return found;
  },

  /** An engine whose files are not where they should be. */
  async missing() {
    const create = () =>
      navigator.ml.createContext().then(
        () => "made",
        ({ name, message }) => `${name}: ${message}`,
      );
    configure({ wasmUrl: "/nowhere/" });
    const wasm = await create();
    configure({ wasmUrl: "/dist/", workerUrl: "/nowhere/worker.js" });
    const worker = await create();
    configure({ workerUrl: "/dist/octet_worker.js" });
    return [wasm, worker, await create()];
  },

  /** Contexts side by side, then destroyed. */
  async several() {
    const settings = await Promise.all([setting(), setting(), setting()]);
    const results = settings.map(async ({ context, graph, tensors: [x, y] }, i) => {
      context.writeTensor(x, new Float32Array(64 * 64).fill(i + 1));
      context.dispatch(graph, { x }, { y });
      return new Float32Array(await context.readTensor(y))[5];
    });
    const numbers = await Promise.all(results);
    for (const { context } of settings) context.destroy();
    return numbers;
  },
};

globalThis.run = (name, settings) => {
  configure(settings);
  return checks[name]();
};
