// SPDX-License-Identifier: Apache-2.0
// opSupportLimits(), derived from the operator records.
// https://www.w3.org/TR/webnn/#api-mlcontext-opsupportlimits

import { OPERATORS } from "../ops/index.js";
import { MAX_RANK } from "../ops/operator.js";
import { MAX_TENSOR_BYTES, TENSOR_TYPES } from "./buffers.js";

/** @typedef {import("../ops/operator.js").Limit} Limit */

/** @param {readonly string[]} dataTypes @param {number} min @param {number} max */
function tensorLimits(dataTypes, min, max) {
  return { dataTypes: [...dataTypes], rankRange: { min, max } };
}

/** The types of an operand, "same as" resolved. @param {Readonly<Record<string, Limit>>} limits @param {string} name @returns {readonly string[]} */
function typesOf(limits, name) {
  const { dataTypes } = limits[name];
  return typeof dataTypes === "string" ? typesOf(limits, dataTypes) : dataTypes;
}

export function supportLimits() {
  const all = tensorLimits(TENSOR_TYPES, 0, MAX_RANK);
  /** @type {Record<string, any>} */
  const limits = {
    preferredInputLayout: "nhwc",
    maxTensorByteLength: MAX_TENSOR_BYTES,
    input: all,
    constant: structuredClone(all),
    output: structuredClone(all),
  };
  for (const { name, limits: operands } of Object.values(OPERATORS)) {
    limits[name] = {};
    for (const [operand, { minRank, maxRank }] of Object.entries(operands)) {
      limits[name][operand] = tensorLimits(typesOf(operands, operand), minRank, maxRank);
    }
  }
  return limits;
}
