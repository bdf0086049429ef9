// SPDX-License-Identifier: Apache-2.0
// All operators by name, in the spec's order of sections, and the internal ones that the compiler makes.

import * as convolution from "./convolution.js";
import * as dataMovement from "./data_movement.js";
import * as binary from "./elementwise_binary.js";
import * as unary from "./elementwise_unary.js";
import * as indexing from "./indexing.js";
import * as matrix from "./matrix.js";
import * as pooling from "./pooling.js";
import * as quantization from "./quantization.js";
import * as quantized from "./quantized.js";
import * as reduction from "./reduction.js";
import * as resample from "./resample.js";

/** @typedef {import("./operator.js").Operator} Operator */

const FAMILIES = [
  indexing,
  unary,
  dataMovement,
  convolution,
  binary,
  matrix,
  pooling,
  quantization,
  quantized,
  reduction,
  resample,
];

/** @type {Readonly<Record<string, Operator>>} */
export const OPERATORS = Object.freeze(collect((record) => "infer" in record));

/** @type {Readonly<Record<string, Pick<Operator, "name" | "lower" | "movement">>>} */
export const INTERNAL_OPERATORS = Object.freeze(collect((record) => !("infer" in record)));

/** @param {(record: object) => boolean} wanted @returns {Record<string, any>} */
function collect(wanted) {
  /** @type {Record<string, any>} */
  const records = Object.create(null);
  for (const family of FAMILIES) {
    for (const record of Object.values(family)) {
      if (record && typeof record === "object" && "name" in record && wanted(record)) {
        records[record.name] = record;
      }
    }
  }
  return records;
}
