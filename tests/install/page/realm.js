// SPDX-License-Identifier: Apache-2.0
// A realm with octet in it, as a module of a window or of a worker of any kind: what its interfaces look
// like, and a computation there. A worker answers any message with that.

import { describeContext } from "/dist/octet.js";
import { violations } from "./shape.js";

async function compute() {
  const context = await navigator.ml.createContext();
  const builder = new MLGraphBuilder(context);
  const type = { dataType: "float32", shape: [3] };
  const graph = await builder.build({ y: builder.relu(builder.input("x", type)) });
  const x = await context.createTensor({ ...type, writable: true });
  const y = await context.createTensor({ ...type, readable: true });
  context.writeTensor(x, new Float32Array([-1, 2, 3]));
  context.dispatch(graph, { x }, { y });
  const result = [...new Float32Array(await context.readTensor(y))];
  const { threads } = describeContext(context);
  context.destroy();
  return { result, threads };
}

export async function report() {
  const scope = Object.prototype.toString.call(globalThis);
  return { scope, violations: await violations(), ...(await compute()) };
}

async function answer(port) {
  port.postMessage(await report().catch((error) => ({ error: String(error) })));
}

if (typeof document === "undefined") {
  addEventListener("connect", ({ ports }) => answer(ports[0]));
  addEventListener("message", ({ ports }) => answer(ports[0] ?? globalThis));
}
