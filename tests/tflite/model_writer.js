// SPDX-License-Identifier: Apache-2.0
// Writes .tflite files for tests, from the same schema tables that the loader reads.

import { ENUMS, FILE_IDENTIFIER, TABLES } from "../../polyfill/gen/tflite_schema.js";
import { entryOf } from "../../polyfill/tflite/ops.js";

const SCALARS = {
  bool: [1, "setUint8"],
  int8: [1, "setInt8"],
  uint8: [1, "setUint8"],
  int32: [4, "setInt32"],
  uint32: [4, "setUint32"],
  float32: [4, "setFloat32"],
  int64: [8, "setBigInt64"],
  uint64: [8, "setBigUint64"],
};

class Writer {
  bytes = new Uint8Array(1 << 16);
  view = new DataView(this.bytes.buffer);
  size = 0;

  reserve(bytes, alignment) {
    const at = Math.ceil(this.size / alignment) * alignment;
    this.size = at + bytes;
    if (this.size > this.bytes.length) {
      const grown = new Uint8Array(2 * this.size);
      grown.set(this.bytes);
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    return at;
  }

  scalar(type, at, value, names) {
    const [bytes, method] = SCALARS[type];
    const number = typeof value === "string" ? names.indexOf(value) : Number(value);
    if (bytes === 8) this.view[method](at, BigInt(number), true);
    else this.view[method](at, number, true);
  }

  /** Parents first, so that all offsets point forward. Returns the position. */
  table(name, record) {
    const fields = Object.entries(TABLES[name] ?? {}).filter(([key]) => record[key] != null);
    const slots = Math.max(0, ...fields.map(([, [slot]]) => slot + 1));
    const vtable = this.reserve(4 + 2 * slots, 4);
    const at = this.reserve(4, 8);
    this.view.setInt32(at, at - vtable, true);
    const places = fields.map(([key, [slot, type, , reference]]) => {
      const bytes = SCALARS[type]?.[0] ?? 4;
      const place = this.reserve(bytes, bytes);
      this.view.setUint16(vtable + 4 + 2 * slot, place - at, true);
      if (type in SCALARS) this.scalar(type, place, record[key], ENUMS[reference]);
      return place;
    });
    this.view.setUint16(vtable, 4 + 2 * slots, true);
    this.view.setUint16(vtable + 2, this.size - at, true);
    for (const [i, [key, [, type, , reference]]] of fields.entries()) {
      if (type in SCALARS) continue;
      const target = type === "union" ? record[reference] : type;
      const child = this.reference(target, record[key]);
      this.view.setUint32(places[i], child - places[i], true);
    }
    return at;
  }

  reference(type, value) {
    if (type === "string") return this.vector("uint8", new TextEncoder().encode(value), 4);
    if (type.startsWith("[")) return this.vector(type.slice(1, -1), value, 4);
    return this.table(type, value);
  }

  vector(type, values) {
    const bytes = SCALARS[type]?.[0] ?? 4;
    // The elements are aligned, and bytes like tensor data; their count is in front.
    const alignment = type === "uint8" ? 16 : Math.max(bytes, 4);
    const first = this.reserve(values.length * bytes + 4 + alignment, alignment) + alignment;
    this.size = first + values.length * bytes + 1;
    this.view.setUint32(first - 4, values.length, true);
    for (const [i, value] of values.entries()) {
      const at = first + i * bytes;
      if (type in SCALARS) this.scalar(type, at, value);
      else {
        const target = this.reference(type, value); // may replace the view
        this.view.setUint32(at, target - at, true);
      }
    }
    return first - 4;
  }
}

/** The bytes of a model given as the schema's records, with names for enumerations. */
export function writeModel(model) {
  const writer = new Writer();
  writer.reserve(8, 4);
  const root = writer.table("Model", model);
  writer.view.setUint32(0, root, true);
  writer.bytes.set(new TextEncoder().encode(FILE_IDENTIFIER), 4);
  return writer.bytes.slice(0, writer.size);
}

/**
 * Records of a model with one subgraph, for writeModel(); tests change them at will.
 *
 * `tensors`: name → {shape, type = "FLOAT32", data?: typed array, scale?, zeroPoint?, axis?}.
 * `operators`: [name, inputs, outputs, options?], tensors by name, null for one left out; a name
 * with a "!" in front is a custom operator, whose options are bytes.
 */
export function tinyModel({ tensors, operators, inputs, outputs, ...more }) {
  const names = Object.keys(tensors);
  const index = (name) => (name === null ? -1 : names.indexOf(name));
  const buffers = [{}];
  const records = Object.entries(tensors).map(([name, tensor]) => {
    const { shape, type = "FLOAT32", data, scale, zeroPoint, axis } = tensor;
    if (data) buffers.push({ data: bytesOf(data) });
    const scales = scale === undefined ? undefined : [scale].flat();
    return {
      name,
      shape,
      type,
      buffer: data ? buffers.length - 1 : 0,
      quantization: scales && {
        scale: scales,
        zeroPoint: [zeroPoint ?? 0].flat(),
        quantizedDimension: axis ?? 0,
      },
    };
  });
  return {
    version: 3,
    description: "made by a test",
    operatorCodes: operators.map(([name]) => operatorCode(name)),
    buffers,
    subgraphs: [
      {
        tensors: records,
        inputs: inputs.map(index),
        outputs: outputs.map(index),
        operators: operators.map(([name, from, to, options], opcodeIndex) => ({
          opcodeIndex,
          inputs: from.map(index),
          outputs: to.map(index),
          ...operatorOptions(name, options),
        })),
      },
    ],
    ...more,
  };
}

function operatorCode(name) {
  if (name.startsWith("!")) {
    return { deprecatedBuiltinCode: 32, builtinCode: 32, customCode: name.slice(1) };
  }
  const code = ENUMS.BuiltinOperator.indexOf(name);
  return { deprecatedBuiltinCode: Math.min(code, 127), builtinCode: code };
}

function operatorOptions(name, options) {
  if (options === undefined) return {};
  if (name.startsWith("!")) return { customOptions: options };
  return { builtinOptionsType: entryOf({ name, custom: false }).options, builtinOptions: options };
}

function bytesOf(data) {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** A uint8 convolution of 1×1 with RELU6, the usual example. */
export function quantizedConvolution(changes = {}) {
  return tinyModel({
    tensors: {
      x: { shape: [1, 4, 4, 2], type: "UINT8", scale: 0.5, zeroPoint: 128 },
      filter: {
        shape: [3, 1, 1, 2],
        type: "UINT8",
        scale: 0.25,
        zeroPoint: 120,
        data: Uint8Array.of(1, 2, 3, 4, 5, 6),
        ...changes.filter,
      },
      bias: {
        shape: [3],
        type: "INT32",
        scale: 0.125,
        data: Int32Array.of(10, -20, 30),
        ...changes.bias,
      },
      y: { shape: [1, 2, 2, 3], type: "UINT8", scale: 0.0235, ...changes.y },
    },
    operators: [
      [
        "CONV_2D",
        ["x", "filter", "bias"],
        ["y"],
        {
          padding: "SAME",
          strideW: 2,
          strideH: 2,
          fusedActivationFunction: "RELU6",
          ...changes.options,
        },
      ],
    ],
    inputs: ["x"],
    outputs: ["y"],
  });
}
