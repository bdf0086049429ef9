// SPDX-License-Identifier: Apache-2.0
// node record.js REQUESTS: the builder calls that polyfill/tflite makes for models, and what of octet
// they need. REQUESTS is a JSON file, a list; what was recorded goes to `record` and `weights` of each.

import { readFileSync, writeFileSync } from "node:fs";

import { MLGraphBuilder } from "../../polyfill/api/builder.js";
import { mapModel, parseModel, TfliteError } from "../../polyfill/tflite/loader.js";
import { literal, propertyName, Recorder } from "./recorder.js";
import { LIMITS, planningContext, requirements } from "./requirements.js";
import { Weights } from "./weights.js";

/**
 * @typedef {object} Request
 * @property {string} model path of the file
 * @property {string} fileName for messages
 * @property {import("../../polyfill/tflite/map_model.js").MapOptions} options
 * @property {string} record where the record goes, as JSON
 * @property {string} weights where the constants go
 * @property {boolean} minimal whether to find out what the model needs
 */

/** What tensor information becomes in the loader. @param {any} info */
function infoText({ name, shape, dataType, quantization }) {
  const plain = quantization && {
    scale: [...quantization.scale],
    zeroPoint: [...quantization.zeroPoint].map(Number),
    axis: quantization.axis,
  };
  return literal({ name, shape: [...shape], dataType, quantization: plain });
}

/** @param {Request} request */
async function record(request) {
  const { model: path, fileName, options, minimal } = request;
  const model = parseModel(readFileSync(path), { fileName });
  const weights = new Weights();
  const recorder = new Recorder(weights);
  const builder = recorder.record(new MLGraphBuilder(planningContext("none", () => {})));
  const mapped = mapModel(model, builder, LIMITS, options);
  const outputs = [...mapped.graphOutputs].map(([name, operand]) => ({
    name: propertyName(name),
    dataType: literal(operand.dataType),
    shape: literal([...operand.shape]),
    variable: recorder.nameOf(operand),
  }));
  const postprocesses = mapped.postprocesses.map(({ postprocess, feeds }) => {
    const { anchors, ...parameters } = postprocess.parameters;
    return {
      feeds: literal(feeds),
      parameters: literal(parameters),
      anchors: weights.add(new Uint8Array(anchors.buffer, anchors.byteOffset, anchors.byteLength)),
      anchorCount: anchors.length,
    };
  });
  const subgraph =
    model.subgraphs[model.signatures.find(({ key }) => key === options.signature)?.subgraph ?? 0];
  const { bytes, sha256 } = weights.finish();
  const recorded = {
    operators: subgraph.operators.map(({ index, name, outputs: made }) => ({
      index,
      name,
      output: subgraph.tensors[made[0]]?.name ?? "",
    })),
    calls: recorder.calls,
    inputs: mapped.inputs.map(({ info, used }) => ({
      text: infoText(info),
      key: propertyName(info.name),
      shape: [...info.shape],
      dataType: info.dataType,
      scale: [...(info.quantization?.scale ?? [])],
      zeroPoint: [...(info.quantization?.zeroPoint ?? [])].map(Number),
      unused: used ? null : literal(info.name),
    })),
    outputs: mapped.outputs.map(({ info, postprocess, result }) => ({
      text: infoText(info),
      key: propertyName(info.name),
      shape: [...info.shape],
      dataType: info.dataType,
      postprocess: mapped.postprocesses.findIndex((entry) => entry.postprocess === postprocess),
      result: result ?? 0,
    })),
    graphOutputs: outputs,
    postprocesses,
    requirements: minimal ? await requirements(model, options) : null,
    weights: { bytes: bytes.length, sha256 },
  };
  writeFileSync(request.weights, bytes);
  writeFileSync(request.record, JSON.stringify(recorded));
}

try {
  for (const request of JSON.parse(readFileSync(process.argv[2], "utf-8"))) await record(request);
} catch (error) {
  if (!(error instanceof TfliteError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 3;
}
