// SPDX-License-Identifier: Apache-2.0
// What a model file holds, whether or not it can run.

/** @typedef {import("../compute/layers.js").OperatorFacts} OperatorFacts */
/** @typedef {typeof import("../../../polyfill/tflite/loader.js")} Loader */

/**
 * @typedef {object} TensorFacts
 * @property {string} name
 * @property {readonly number[]} shape
 * @property {string} type
 * @property {number} bytes of constant data
 * @property {number} scales how many
 * @property {number | null} scale the first
 * @property {number | null} zeroPoint the first
 */

/**
 * @typedef {object} FileFacts
 * @property {number} bytes
 * @property {string} description
 * @property {number} subgraphs
 * @property {string[]} signatures
 * @property {TensorFacts[]} inputs
 * @property {TensorFacts[]} outputs
 * @property {TensorFacts[]} tensors
 * @property {OperatorFacts[]} operators
 */

/**
 * @param {Loader} loader
 * @param {ArrayBuffer | Uint8Array} bytes
 * @param {string} fileName
 * @returns {FileFacts}
 */
export function inspect(loader, bytes, fileName) {
  const model = loader.parseModel(bytes, { fileName });
  const { tensors: all, inputs, outputs, operators } = model.subgraphs[0];
  const supported = loader.supportedOperators();
  const tensors = all.map(({ name, shape, type, data, quantization }) => ({
    name,
    shape: [...shape],
    type: type.toLowerCase(),
    bytes: data?.length ?? 0,
    scales: quantization?.scale.length ?? 0,
    scale: quantization ? Number(quantization.scale[0]) : null,
    zeroPoint: quantization ? Number(quantization.zeroPoint[0] ?? 0) : null,
  }));
  return {
    bytes: bytes.byteLength,
    description: model.description ?? "",
    subgraphs: model.subgraphs.length,
    signatures: model.signatures.map(({ key }) => key),
    inputs: inputs.map((index) => tensors[index]),
    outputs: outputs.map((index) => tensors[index]),
    tensors,
    operators: operators.map(({ index, name, custom, outputs: to }) => {
      const first = tensors[to[0]];
      return {
        index,
        name,
        supported: supported[custom ? "custom" : "builtin"].includes(name),
        output: first?.name ?? "",
        type: first?.type ?? "",
        shape: first?.shape ?? [],
      };
    }),
  };
}
