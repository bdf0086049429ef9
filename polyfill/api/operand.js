// SPDX-License-Identifier: Apache-2.0
// https://www.w3.org/TR/webnn/#api-mloperand

import { createObject, illegalConstructor, stateOf } from "./internals.js";
import { defineInterface } from "./webidl.js";

export class MLOperand {
  constructor() {
    illegalConstructor();
  }

  get dataType() {
    return stateOf(this, "operand", "MLOperand.dataType").value.dataType;
  }

  get shape() {
    return stateOf(this, "operand", "MLOperand.shape").value.shape;
  }
}
defineInterface("MLOperand", MLOperand);

/**
 * @param {import("./internals.js").BuilderState} builder
 * @param {import("../ir/graph.js").Value} value
 * @returns {MLOperand}
 */
export function createOperand(builder, value) {
  return createObject(MLOperand, { kind: "operand", builder, value });
}
