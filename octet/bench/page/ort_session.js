// SPDX-License-Identifier: Apache-2.0
// A session of ONNX Runtime Web, on whatever it executes.

import { fill } from "./inputs.js";

/**
 * Create a session and the tensors that it is fed with.
 *
 * @param {any} ort
 * @param {ArrayBuffer} bytes of the model
 * @param {object} options for the session
 */
export async function loadSession(ort, bytes, options) {
  const start = performance.now();
  const session = await ort.InferenceSession.create(new Uint8Array(bytes), options);
  const compileMs = performance.now() - start;
  const inputs = session.inputMetadata.map((/** @type {any} */ { name, type, shape }) => ({
    name,
    type,
    shape,
    values: channelsFirst(fill(type, lastOf(shape)), shape),
  }));
  const run = async () => {
    const feeds = Object.fromEntries(
      inputs.map((/** @type {any} */ i) => [i.name, new ort.Tensor(i.type, i.values, i.shape)]),
    );
    const results = await session.run(feeds);
    return session.outputNames.map((/** @type {string} */ name) => results[name].data);
  };
  return { session: { run, close: () => session.release() }, compileMs };
}

/** @param {number[]} shape channels first @returns {number[]} channels last */
function lastOf(shape) {
  const [batch, channels, ...pixels] = shape;
  return shape.length === 4 ? [batch, ...pixels, channels] : shape;
}

/**
 * @param {any} values channels last
 * @param {number[]} shape channels first
 */
function channelsFirst(values, shape) {
  if (shape.length !== 4) return values;
  const [, channels, height, width] = shape;
  const area = height * width;
  return values.map((/** @type {any} */ _, /** @type {number} */ i) => {
    const image = Math.floor(i / (area * channels));
    const [channel, pixel] = [Math.floor(i / area) % channels, i % area];
    return values[(image * area + pixel) * channels + channel];
  });
}
