// SPDX-License-Identifier: Apache-2.0
// The part of the WebNN API that the loader uses, as types: it runs on any implementation.
// https://www.w3.org/TR/webnn/#api

/**
 * @typedef {"float32" | "float16" | "int32" | "uint32" | "int64" | "uint64" | "int8" | "uint8"
 * } DataType
 */

/** @typedef {{dataType: DataType, shape: readonly number[]}} Descriptor */

/** @typedef {{readonly dataType: DataType, readonly shape: readonly number[]}} MLOperand */

/** @typedef {{destroy(): void}} MLTensor */

/** @typedef {{destroy(): void}} MLGraph */

/** @typedef {Readonly<Record<string, any>>} MLOpSupportLimits */

/**
 * @typedef {object} MLContext
 * @property {(graph: MLGraph, inputs: Record<string, MLTensor>, outputs: Record<string, MLTensor>)
 *   => void} dispatch
 * @property {(descriptor: Descriptor & {readable?: boolean, writable?: boolean})
 *   => Promise<MLTensor>} createTensor
 * @property {((tensor: MLTensor) => Promise<ArrayBuffer>) & ((tensor: MLTensor, outputData: ArrayBufferView) => Promise<undefined>)} readTensor
 * @property {(tensor: MLTensor, data: ArrayBufferView) => void} writeTensor
 * @property {() => MLOpSupportLimits} opSupportLimits
 * @property {() => void} destroy
 */

/**
 * Besides these, one method per operator.
 *
 * @typedef {object} MLGraphBuilder
 * @property {(name: string, descriptor: Descriptor) => MLOperand} input
 * @property {(descriptor: Descriptor, data: ArrayBufferView) => MLOperand} constant
 * @property {(outputs: Record<string, MLOperand>) => Promise<MLGraph>} build
 */

export {};
