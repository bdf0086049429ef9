// SPDX-License-Identifier: Apache-2.0
// All operators by name, and the internal ones that the compiler makes.

import * as activation from "./activation.js";
import * as convolution from "./convolution.js";
import * as convolutionTranspose from "./convolution_transpose.js";
import * as dataMovement from "./data_movement.js";
import * as binary from "./elementwise_binary.js";
import * as logical from "./elementwise_logical.js";
import * as unary from "./elementwise_unary.js";
import * as indexing from "./indexing.js";
import * as matrix from "./matrix.js";
import * as normalization from "./normalization.js";
import * as padding from "./padding.js";
import * as pooling from "./pooling.js";
import * as quantization from "./quantization.js";
import * as quantized from "./quantized.js";
import * as recurrent from "./recurrent.js";
import * as reduction from "./reduction.js";
import * as reinterpreting from "./reinterpret.js";
import * as replication from "./replication.js";
import * as resample from "./resample.js";

/** @typedef {import("./operator.js").Operator} Operator */

const FAMILIES = [
  activation,
  convolution,
  convolutionTranspose,
  dataMovement,
  binary,
  logical,
  unary,
  indexing,
  matrix,
  normalization,
  padding,
  pooling,
  quantization,
  quantized,
  recurrent,
  reduction,
  reinterpreting,
  replication,
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
