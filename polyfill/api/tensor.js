// SPDX-License-Identifier: Apache-2.0
// https://www.w3.org/TR/webnn/#api-mltensor

import { invalidState } from "./errors.js";
import { createObject, illegalConstructor, stateOf } from "./internals.js";
import { defineInterface } from "./webidl.js";

/** @typedef {import("./internals.js").TensorState} TensorState */

export class MLTensor {
  constructor() {
    illegalConstructor();
  }

  get dataType() {
    return stateOf(this, "tensor", "MLTensor.dataType").descriptor.dataType;
  }

  get shape() {
    return stateOf(this, "tensor", "MLTensor.shape").descriptor.shape;
  }

  get readable() {
    return stateOf(this, "tensor", "MLTensor.readable").readable;
  }

  get writable() {
    return stateOf(this, "tensor", "MLTensor.writable").writable;
  }

  get constant() {
    return stateOf(this, "tensor", "MLTensor.constant").constant !== null;
  }

  /** Release the tensor's memory once the work queued on it is done. */
  destroy() {
    destroyTensor(stateOf(this, "tensor", "MLTensor.destroy"));
  }
}
defineInterface("MLTensor", MLTensor);

/** @param {TensorState} tensor */
export function destroyTensor(tensor) {
  if (tensor.destroyed) return;
  tensor.destroyed = true;
  tensor.context.tensors.delete(tensor);
  for (const reject of tensor.pendingReads)
    reject(invalidState("readTensor", "the tensor was destroyed."));
  tensor.pendingReads.clear();
  if (tensor.id) tensor.context.engine.destroyTensor(tensor.id);
}

/** @param {TensorState} state @returns {MLTensor} */
export function createTensorObject(state) {
  state.context.tensors.add(state);
  return createObject(MLTensor, state);
}
