// SPDX-License-Identifier: Apache-2.0
// What the standard's introductions and samples do: a context, a builder, a graph, tensors, one dispatch.
// Written against navigator.ml alone; a picture of 8 x 8 through a layer of each usual kind.

import { offer, takeRecord } from "./observe.js";

/** @param {string} url @returns {Promise<Float32Array>} */
const floats = async (url) => new Float32Array(await (await fetch(url)).arrayBuffer());

/** @param {string} weights URL of the filter, its bias, and the matrix @param {string} picture URL */
async function run(weights, picture) {
  const all = await floats(weights);
  const context = await navigator.ml.createContext({
    deviceType: "cpu",
    powerPreference: "low-power",
  });
  const builder = new MLGraphBuilder(context);

  const float32 = (...shape) => ({
    dataType: "float32",
    shape,
    dimensions: shape, // What the member was called before; browsers ignore it.
  });
  const input = builder.input("input", float32(1, 1, 8, 8));
  const filter = builder.constant(float32(4, 1, 3, 3), all.subarray(0, 36));
  const bias = builder.constant(float32(4), all.subarray(36, 40));
  const matrix = builder.constant(float32(36, 10), all.subarray(40));
  const conv = builder.conv2d(input, filter, { bias });
  const pool = builder.maxPool2d(builder.relu(conv), { windowDimensions: [2, 2], strides: [2, 2] });
  const rows = builder.reshape(pool, [1, 36]);
  const output = builder.softmax(builder.matmul(rows, matrix), 1);
  const graph = await builder.build({ output });

  const [from, to] = await Promise.all([
    context.createTensor({ ...float32(1, 1, 8, 8), writable: true }),
    context.createTensor({ ...float32(1, 10), readable: true }),
  ]);
  context.writeTensor(from, await floats(picture));
  context.dispatch(graph, { input: from }, { output: to });
  const result = new Float32Array(await context.readTensor(to));
  context.destroy();
  return { outputs: [Array.from(result)], record: takeRecord() };
}

offer(run);
