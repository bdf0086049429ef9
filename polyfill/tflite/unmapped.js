// SPDX-License-Identifier: Apache-2.0
// Why an operator has no entry in ops.js, in the words of an error.

const STATE = "it keeps a state from run to run, which a WebNN graph cannot";
const FLOW = "it chooses what runs next, and a WebNN graph has no branches";
const SHAPE = "the shape of its result depends on the data, and WebNN's are fixed";
const TABLES = "it works on strings and tables, which WebNN does not have";
const RANDOM = "it draws random numbers, which WebNN does not";

/** @type {Readonly<Record<string, string>>} */
const REASONS = {
  ASSIGN_VARIABLE: STATE,
  CALL: FLOW,
  CALL_ONCE: STATE,
  HASHTABLE: TABLES,
  HASHTABLE_FIND: TABLES,
  HASHTABLE_IMPORT: TABLES,
  HASHTABLE_LOOKUP: TABLES,
  HASHTABLE_SIZE: TABLES,
  IF: FLOW,
  LSH_PROJECTION: TABLES,
  LSTM: STATE,
  MULTINOMIAL: RANDOM,
  NON_MAX_SUPPRESSION_V4: SHAPE,
  NON_MAX_SUPPRESSION_V5: SHAPE,
  RANDOM_STANDARD_NORMAL: RANDOM,
  RANDOM_UNIFORM: RANDOM,
  READ_VARIABLE: STATE,
  SKIP_GRAM: TABLES,
  SVDF: STATE,
  UNIQUE: SHAPE,
  VAR_HANDLE: STATE,
  WHERE: SHAPE,
  WHILE: FLOW,
};

/**
 * @param {{name: string, custom: boolean}} operator that is not mapped
 * @returns {string}
 */
export function reasonAgainst({ name, custom }) {
  if (!custom) return REASONS[name] ?? "no counterpart in WebNN";
  if (name.startsWith("Flex")) return "an operator of TensorFlow itself, not of TFLite";
  return "a custom operator that octet does not know";
}
