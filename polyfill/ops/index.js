// SPDX-License-Identifier: Apache-2.0
// All operators by name, and the internal ones that the compiler makes.

import { FAMILIES } from "./families.js";

/** @typedef {import("./operator.js").Operator} Operator */

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
