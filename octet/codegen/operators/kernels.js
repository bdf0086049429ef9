// SPDX-License-Identifier: Apache-2.0
// Prints, as JSON, the kernels that each operator becomes: in each type of its first operand, and between
// dequantizeLinear and quantizeLinear. Run from octet/codegen/operator_table.py.

import { MLGraphBuilder } from "../../../polyfill/api/builder.js";
import { attachState, stateOf } from "../../../polyfill/api/internals.js";
import { reachableGraph } from "../../../polyfill/api/reachable.js";
import { compile } from "../../../polyfill/compile/compile.js";
import { OPERATORS } from "../../../polyfill/ops/index.js";
import { CALLS, Operand } from "./calls.js";

/** Options with which an operator is more than what is fused. */
const NOT_FUSED = new Set(["alpha", "beta"]);

/** Operands that quantized networks have as constants. */
const WEIGHTS = new Set(["filter", "bias", "b", "c", "slope"]);

/** Operators that take a and b alike. */
const SYMMETRIC = new Set(["add", "sub", "mul", "max", "min"]);

function newBuilder() {
  const context = {};
  attachState(context, { kind: "context", isLost: false });
  return new MLGraphBuilder(context);
}

/** The operand whose type decides about another's. */
function typeSource(limits, name) {
  const { dataTypes } = limits[name];
  return typeof dataTypes === "string" ? typeSource(limits, dataTypes) : name;
}

/** Operands in place of their descriptions; `make` gets the operand's name and its description. */
function made(value, name, make) {
  if (value instanceof Operand) return make(name, value);
  return Array.isArray(value) ? value.map((item) => made(item, name, make)) : value;
}

function callOf(name, make) {
  const { args, options } = CALLS[name];
  const keys = Object.keys(OPERATORS[name].parameters);
  return {
    args: args.map((arg, i) => made(arg, keys[i], make)),
    options: Object.fromEntries(Object.entries(options).map(([k, v]) => [k, made(v, k, make)])),
  };
}

/** The kernels of a dispatch that computes these operands. */
function kernelsOf(builder, results) {
  const values = new Map(
    results.map((operand, i) => [`y${i}`, stateOf(operand, "operand", "").value]),
  );
  const { graph } = reachableGraph(values, stateOf(builder, "builder", "").inputs);
  return [...new Set(compile(graph).info.map(({ kernel }) => kernel))];
}

function inType(name, dataType) {
  const builder = newBuilder();
  const { limits } = OPERATORS[name];
  const [first] = Object.keys(limits);
  const leading = typeSource(limits, name === "where" ? "trueValue" : first);
  let count = 0;
  const { args, options } = callOf(name, (key, { dataType: own, shape }) => {
    const type = typeSource(limits, key) === leading ? dataType : own;
    return builder.input(`x${count++}`, { dataType: type, shape });
  });
  return kernelsOf(builder, [builder[name](...args, options)].flat());
}

const SCALE = 0.5;

function quantized(name) {
  const builder = newBuilder();
  let count = 0;
  const ones = (shape) => shape.map(() => 1);
  const scale = (shape, number) =>
    builder.constant({ dataType: "float32", shape: ones(shape) }, new Float32Array([number]));
  const zero = (dataType, shape) =>
    builder.constant(
      { dataType, shape: ones(shape) },
      new Uint8Array(dataType === "int32" ? 4 : 1),
    );
  const make = (key, { shape, dataType }) => {
    if (dataType !== "float32") return builder.input(`x${count++}`, { dataType, shape });
    const isWeight = WEIGHTS.has(key) && !SYMMETRIC.has(name);
    const isBias = key === "bias" || key === "c";
    const stored = isBias ? "int32" : "uint8";
    const bytes = shape.reduce((n, d) => n * d, isBias ? 4 : 1);
    const source = isWeight
      ? builder.constant({ dataType: stored, shape }, new Uint8Array(bytes))
      : builder.input(`x${count++}`, { dataType: stored, shape });
    const factor = isBias ? SCALE * SCALE : SCALE;
    return builder.dequantizeLinear(source, scale(shape, factor), zero(stored, shape));
  };
  const { args, options } = callOf(name, make);
  const plain = Object.entries(options).filter(([key]) => !NOT_FUSED.has(key));
  const results = [builder[name](...args, Object.fromEntries(plain))].flat();
  const outputs = results.map((y) =>
    y.dataType === "float32"
      ? builder.quantizeLinear(y, scale(y.shape, SCALE), zero("uint8", y.shape))
      : y,
  );
  return kernelsOf(builder, outputs);
}

const QUANTIZED = /^(qu8|u8|x8)_|^(copy_nd|gather|gather_nd|gather_elements|fill|arg_reduce)$/;

/** The kernels between quantizations where none of them computes floats, else none. */
function integerKernels(name) {
  const { limits } = OPERATORS[name];
  if (!Object.values(limits)[0].dataTypes.includes("float32") || limits.zeroPoint) return [];
  if (name === "cast" || limits.output?.dataTypes.includes?.("uint8")) return [];
  const kernels = quantized(name);
  return kernels.every((kernel) => QUANTIZED.test(kernel)) ? kernels : [];
}

const rows = Object.keys(OPERATORS).map((name) => {
  const { limits } = OPERATORS[name];
  const key = name === "where" ? "trueValue" : Object.keys(limits)[0];
  const dataTypes = limits[key].dataTypes;
  const types = Object.fromEntries(dataTypes.map((type) => [type, inType(name, type)]));
  return { name, types, quantized: integerKernels(name) };
});
console.log(JSON.stringify(rows));
