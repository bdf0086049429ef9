// SPDX-License-Identifier: Apache-2.0
// Small graphs in plain numbers, on one context for a test file.

import { halfFromNumber, numberFromHalf } from "../../polyfill/ir/numbers.js";
import { runGraph, testContext } from "./engine.js";

const ARRAYS = {
  float32: Float32Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  int8: Int8Array,
  uint8: Uint8Array,
};

/** Numbers (or BigInts, or numbers for 64-bit types) as the bytes of a type. */
export function encode(dataType, numbers) {
  if (dataType === "float16") return Uint16Array.from(numbers, halfFromNumber);
  const wide = dataType.endsWith("64");
  return ARRAYS[dataType].from(numbers, wide ? BigInt : Number);
}

/** @returns {(number | bigint)[]} */
export function decode(dataType, array) {
  return Array.from(array, dataType === "float16" ? numberFromHalf : (value) => value);
}

/** @type {Promise<import("../../polyfill/api/context.js").MLContext> | null} */
let context = null;

export function sharedContext() {
  context ??= testContext();
  return context;
}

/**
 * Run a graph once.
 *
 * @param {(b: any, x: Record<string, any>, constant: (dataType: string, shape: number[], numbers: any) => any) => any} make
 *   from a builder and its inputs to an operand, or a record of them
 * @param {Record<string, [string, number[], any]>} [inputs] data type, shape and numbers by name
 * @returns the numbers of the operand, or those of each by name
 */
export async function evaluate(make, inputs = {}) {
  const plain = Object.fromEntries(
    Object.entries(inputs).map(([name, [dataType, shape, numbers]]) => [
      name,
      { dataType, shape, data: encode(dataType, numbers) },
    ]),
  );
  /** @type {Record<string, any>} */
  let outputs = {};
  let single = false;
  const arrays = await runGraph(await sharedContext(), plain, (builder, operands) => {
    const constant = (dataType, shape, numbers) =>
      builder.constant({ dataType, shape }, encode(dataType, numbers));
    const made = make(builder, operands, constant);
    single = typeof made.dataType === "string";
    outputs = single ? { y: made } : { ...made };
    return outputs;
  });
  const decoded = Object.fromEntries(
    Object.entries(arrays).map(([name, array]) => [name, decode(outputs[name].dataType, array)]),
  );
  return single ? decoded.y : decoded;
}
