// SPDX-License-Identifier: Apache-2.0
// The kernels of a model in octet, one by one on one thread.

import { configure, describeContext, install, profile } from "octet";
import { loadModel } from "octet/tflite";
import { choiceOf } from "./choice.js";

/**
 * Time every kernel step of a model.
 *
 * @param {string} url of the model
 * @param {string | null} variant
 * @param {number} runs
 */
export async function layers(url, variant, runs) {
  install("force");
  configure({ threads: 1, ...choiceOf(variant) });
  const model = await loadModel(url);
  await profile(model.graph, { runs }); // lets the browser compile what is hot
  const steps = await profile(model.graph, { runs });
  const facts = describeContext(model.context);
  model.destroy();
  return { steps, facts };
}
