// SPDX-License-Identifier: Apache-2.0
// Maps a subgraph to builder calls: the operands that stand for its tensors, and what they are made
// of.
//
// A tensor has up to two operands, made when first asked for: its raw one, of the type the file
// stores, and its float one, which for a quantized tensor is dequantizeLinear(raw, scale,
// zeroPoint). A quantized operator therefore is float views → operator → quantizeLinear → raw view,
// the form in which WebNN implementations recognise integer kernels.

import { Budget } from "./budget.js";
import { quoted, TfliteError, UnsupportedError } from "./errors.js";
import { storedData } from "./stored_data.js";
import { isQuantized } from "./tensor.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./model.js").Subgraph} Subgraph */
/** @typedef {import("./tensor.js").Tensor} Tensor */
/** @typedef {import("./errors.js").Place} Place */
/** @typedef {import("./webnn.js").DataType} DataType */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */
/** @typedef {import("./webnn.js").MLGraphBuilder} MLGraphBuilder */
/** @typedef {import("./webnn.js").MLOpSupportLimits} MLOpSupportLimits */

/**
 * Types without an entry have no counterpart in WebNN. INT4 constants are widened, and INT16, which
 * WebNN lacks, is held in int32.
 *
 * @type {Readonly<Record<string, DataType>>}
 */
const DATA_TYPES = {
  FLOAT32: "float32",
  FLOAT16: "float16",
  INT4: "int8",
  INT8: "int8",
  INT16: "int32",
  UINT8: "uint8",
  BOOL: "uint8",
  INT32: "int32",
  UINT32: "uint32",
  INT64: "int64",
  UINT64: "uint64",
};

const INT16_RANGE = [-32768, 32767];

/**
 * What stands for a tensor of COMPLEX64, which WebNN lacks.
 *
 * @typedef {{real: MLOperand, imaginary: MLOperand}} Complex
 */

/**
 * A computation behind the graph: `run` takes the stored values of the input tensors and gives
 * those of the outputs.
 *
 * @typedef {object} Postprocess
 * @property {readonly number[]} inputs tensor indices
 * @property {readonly number[]} outputs
 * @property {readonly (readonly number[])[]} shapes of the outputs, all float32
 * @property {(inputs: ArrayLike<number>[]) => Float32Array[]} run
 * @property {import("./postprocess.js").DetectionParameters} parameters of detection(), which made
 *   `run`
 */

export class Mapping {
  #model;
  #builder;
  #limits;
  /** @type {(MLOperand | undefined)[]} */
  #raw = [];
  /** @type {(MLOperand | undefined)[]} */
  #float = [];
  /** @type {Map<number, Complex>} */
  #complex = new Map();
  /** @type {Map<string, MLOperand>} scales and other small constants, by content */
  #shared = new Map();
  /** @type {Map<unknown, readonly unknown[]>} what an operand was made of, operands among it */
  #origins = new Map();
  /** @type {Map<MLOperand, string>} */
  #inputs = new Map();
  /** @type {Set<MLOperand>} inputs and constants */
  #leaves = new Set();
  #budget;
  /** @type {Map<number, Tensor>} tensors whose values turned out to be constant */
  #folded = new Map();
  /** @type {Postprocess[]} */
  postprocesses = [];

  /**
   * @param {Model} model
   * @param {Subgraph} subgraph
   * @param {MLGraphBuilder} builder
   * @param {MLOpSupportLimits} limits the context's
   * @param {{from: number, to: number} | null} [batch] the file's batch and the one in its place
   */
  constructor(model, subgraph, builder, limits, batch = null) {
    this.#model = model;
    this.batch = batch;
    this.subgraph = subgraph;
    this.#builder = builder;
    this.#limits = limits;
    this.#budget = new Budget(model.limits);
  }

  /** @returns {Place} */
  get place() {
    return { file: this.#model.file, subgraph: this.subgraph.index };
  }

  /** @param {number} index @returns {Tensor} */
  tensor(index) {
    return this.#folded.get(index) ?? this.subgraph.tensors[index];
  }

  /**
   * A shape of the file, in the batch asked for.
   *
   * @param {readonly number[]} shape
   * @returns {number[]}
   */
  rebatched(shape) {
    const [first, ...rest] = shape;
    return this.batch && first === this.batch.from ? [this.batch.to, ...rest] : [...shape];
  }

  /** @param {number} index @returns {DataType} */
  dataType(index) {
    const { type } = this.tensor(index);
    const dataType = DATA_TYPES[type];
    if (!dataType) throw new UnsupportedError(`${type}, which WebNN does not have`);
    return dataType;
  }

  /** @param {number} index @returns {boolean} whether the float view has a meaning */
  isReal(index) {
    const tensor = this.tensor(index);
    return tensor.type === "FLOAT32" || tensor.type === "FLOAT16" || isQuantized(tensor);
  }

  /**
   * Call an operator of the builder. Operands may stand anywhere in the arguments.
   *
   * @param {string} method
   * @param {unknown[]} values the arguments before the options
   * @param {Record<string, unknown>} options
   * @returns {any} an operand or an array of them
   */
  call(method, values, options) {
    const make = /** @type {any} */ (this.#builder)[method];
    if (typeof make !== "function") throw new UnsupportedError(`no ${method} in this WebNN`);
    this.#budget.spend(1);
    const result = make.call(this.#builder, ...values, options);
    const origins = [...values, ...Object.values(options)].flat();
    for (const operand of [result].flat()) {
      this.#origins.set(operand, origins);
      this.#budget.make(`${method} of ${quoted(String(options.label))}`, operand.shape, this.place);
    }
    return result;
  }

  /** @param {string} method @param {string} dataType @returns {boolean} as its first operand */
  supports(method, dataType) {
    const limits = this.#limits[method];
    return (limits?.input ?? limits?.inputs)?.dataTypes?.includes(dataType) ?? false;
  }

  /** @param {string} method @param {string} dataType @returns {boolean} as its result */
  supportsOutput(method, dataType) {
    return this.#limits[method]?.output?.dataTypes?.includes(dataType) ?? false;
  }

  /**
   * @param {string} name
   * @param {DataType} dataType
   * @param {readonly number[]} shape
   * @returns {MLOperand}
   */
  input(name, dataType, shape) {
    const operand = this.#builder.input(name, { dataType, shape });
    this.#inputs.set(operand, name);
    this.#leaves.add(operand);
    return operand;
  }

  /**
   * A constant, shared with all of the same type, shape and content.
   *
   * @param {DataType} dataType
   * @param {readonly number[]} shape
   * @param {readonly number[]} values
   * @returns {MLOperand}
   */
  constant(dataType, shape, values) {
    this.#budget.spend(values.length);
    const key = `${dataType} ${shape} ${values}`;
    let operand = this.#shared.get(key);
    if (!operand) {
      operand = this.#constant(dataType, shape, elementArray(dataType, values));
      this.#shared.set(key, operand);
    }
    return operand;
  }

  /**
   * Constants of a formula, made once for all operators that ask for them.
   *
   * @param {string} name
   * @param {DataType} dataType
   * @param {readonly number[]} shape
   * @param {() => ArrayBufferView} make
   * @returns {MLOperand}
   */
  table(name, dataType, shape, make) {
    const key = `table of ${name}`;
    let operand = this.#shared.get(key);
    if (!operand) {
      operand = this.#constant(dataType, shape, make());
      this.#shared.set(key, operand);
    }
    return operand;
  }

  /** @param {number} index @param {Complex} value of a tensor of complex numbers */
  setComplex(index, value) {
    this.#complex.set(index, value);
  }

  /** @param {number} index @returns {Complex} */
  complex(index) {
    const value = this.#complex.get(index);
    if (!value) throw new UnsupportedError("complex numbers that are no spectrum");
    return value;
  }

  /** @param {DataType} dataType @param {readonly number[]} shape @param {ArrayBufferView} data */
  #constant(dataType, shape, data) {
    const operand = this.#builder.constant({ dataType, shape }, data);
    this.#leaves.add(operand);
    return operand;
  }

  /** @param {MLOperand} operand @returns {boolean} whether it is an input or a constant itself */
  isLeaf(operand) {
    return this.#leaves.has(operand);
  }

  /** @param {Iterable<MLOperand>} operands @returns {Set<string>} graph inputs they depend on */
  inputsBehind(operands) {
    /** @type {Set<unknown>} */
    const reached = new Set(operands);
    const names = new Set();
    // A set may grow while it is walked.
    for (const operand of reached) {
      const name = this.#inputs.get(/** @type {MLOperand} */ (operand));
      if (name !== undefined) names.add(name);
      for (const origin of this.#origins.get(operand) ?? []) {
        if (typeof origin === "object") reached.add(origin);
      }
    }
    return names;
  }

  /** @param {number} index @param {MLOperand} operand */
  setRaw(index, operand) {
    this.#raw[index] = operand;
  }

  /**
   * Make a tensor a constant.
   *
   * @param {number} index
   * @param {readonly number[]} shape
   * @param {readonly number[]} values
   */
  setKnown(index, shape, values) {
    const { buffer } = elementArray(this.dataType(index), values);
    const data = new Uint8Array(buffer);
    const folded = { ...this.tensor(index), shape, elements: values.length, data };
    this.#folded.set(index, Object.freeze(folded));
  }

  /** @param {number} index @returns {MLOperand | undefined} */
  known(index) {
    return this.#raw[index];
  }

  /** @param {Postprocess} computation */
  postprocess(computation) {
    this.postprocesses.push(computation);
  }

  /** @param {number} index @returns {MLOperand} */
  raw(index) {
    let operand = this.#raw[index];
    if (!operand) {
      const tensor = this.tensor(index);
      const dataType = this.dataType(index);
      if (!tensor.data) throw new UnsupportedError(`${quoted(tensor.name)} has no static value`);
      if (tensor.elements === 0) throw new UnsupportedError(`${quoted(tensor.name)} is empty`);
      operand = this.#constant(dataType, tensor.shape, storedData(tensor, this.place));
      this.#raw[index] = operand;
    }
    return operand;
  }

  /** @param {number} index @param {string} label of the operator that asks @returns {MLOperand} */
  float(index, label) {
    let operand = this.#float[index];
    if (!operand) {
      const { type, name } = this.tensor(index);
      const raw = this.raw(index);
      if (type === "FLOAT32") operand = raw;
      else if (type === "FLOAT16") operand = this.call("cast", [raw, "float32"], { label });
      else if (this.isReal(index)) operand = this.dequantized(raw, index, label);
      else throw new UnsupportedError(`${quoted(name)} is ${type} without quantization`);
      this.#float[index] = /** @type {MLOperand} */ (operand);
    }
    return /** @type {MLOperand} */ (operand);
  }

  /** @param {number} index @param {MLOperand} operand float32 @param {string} label */
  setFloat(index, operand, label) {
    const { type, name } = this.tensor(index);
    if (type === "FLOAT32") this.#raw[index] = operand;
    else if (type === "FLOAT16")
      this.#raw[index] = this.call("cast", [operand, "float16"], { label });
    else if (this.isReal(index)) this.#raw[index] = this.quantized(operand, index, label);
    else throw new UnsupportedError(`${quoted(name)} is ${type} without quantization`);
  }

  /**
   * @param {MLOperand} operand integers of a tensor, in any shape if it has one scale
   * @param {number} index
   * @param {string} label
   * @returns {MLOperand}
   */
  dequantized(operand, index, label) {
    const [scale, zeroPoint] = this.#parameters(index, operand.shape);
    return this.call("dequantizeLinear", [operand, scale, zeroPoint], { label });
  }

  /** @param {MLOperand} operand @param {number} index @param {string} label @returns {MLOperand} */
  quantized(operand, index, label) {
    const [scale, zeroPoint] = this.#parameters(index, operand.shape);
    const real = this.#saturated(operand, index, label);
    return this.call("quantizeLinear", [real, scale, zeroPoint], { label });
  }

  /** What int32 would hold and INT16 cannot. @param {MLOperand} operand @param {number} index
   * @param {string} label @returns {MLOperand} */
  #saturated(operand, index, label) {
    const { type, quantization } = this.tensor(index);
    if (type !== "INT16" || quantization?.scale.length !== 1) return operand;
    const [minValue, maxValue] = INT16_RANGE.map((q) => Math.fround(q * quantization.scale[0]));
    return this.call("clamp", [operand], { minValue, maxValue, label });
  }

  /**
   * Scale and zero point as operands of the rank WebNN asks for: all ones, or channels on their
   * axis.
   *
   * @param {number} index
   * @param {readonly number[]} shape of the operand they go with
   * @returns {[MLOperand, MLOperand]}
   */
  #parameters(index, shape) {
    const quantization = this.tensor(index).quantization;
    if (!quantization) throw new UnsupportedError("no quantization parameters");
    const { scale, zeroPoint, axis } = quantization;
    const ones = shape.map((_, i) => (scale.length > 1 && i === axis ? scale.length : 1));
    return [
      this.constant("float32", ones, scale),
      this.constant(this.dataType(index), ones, zeroPoint),
    ];
  }

  /**
   * @param {Place} place
   * @param {string} got
   * @param {string} expected
   * @param {string} rule
   * @returns {TfliteError}
   */
  error(place, got, expected, rule) {
    return new TfliteError({ ...this.place, ...place }, got, expected, rule);
  }
}

/** @param {DataType} dataType @param {readonly number[]} values @returns {ArrayBufferView} */
function elementArray(dataType, values) {
  switch (dataType) {
    case "float32":
      return Float32Array.from(values);
    case "int32":
      return Int32Array.from(values);
    case "uint32":
      return Uint32Array.from(values);
    case "int8":
      return Int8Array.from(values);
    case "uint8":
      return Uint8Array.from(values);
    case "int64":
      return BigInt64Array.from(values, (value) => BigInt(value));
    default:
      throw new UnsupportedError(`constants of ${dataType}`);
  }
}
