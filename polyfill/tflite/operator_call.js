// SPDX-License-Identifier: Apache-2.0
// One operator while it is mapped: its inputs as operands or numbers, its outputs to be set, its
// label. Positions count the operator's inputs or outputs, indices the subgraph's tensors.

import { ENUMS, TABLES } from "../gen/tflite_schema.js";
import { listed, UnsupportedError } from "./errors.js";
import { paramValues } from "./parameters.js";
import { codedAlike, isQuantized } from "./tensor.js";

/** @typedef {import("./mapping.js").Mapping} Mapping */
/** @typedef {import("./model.js").Operator} Operator */
/** @typedef {import("./tensor.js").Tensor} Tensor */
/** @typedef {import("./webnn.js").DataType} DataType */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */

export class OperatorCall {
  #mapping;
  #operator;

  /**
   * @param {Mapping} mapping
   * @param {Operator} operator
   * @param {string | undefined} optionsTable the table its options must be
   */
  constructor(mapping, operator, optionsTable) {
    this.#mapping = mapping;
    this.#operator = operator;
    this.label = `${operator.index} ${operator.name} ${mapping.tensor(operator.outputs[0]).name}`;
    this.options = this.#options(optionsTable);
  }

  /** @param {string | undefined} table @returns {Readonly<Record<string, any>>} */
  #options(table) {
    const { options, optionsType } = this.#operator;
    if (table && options && optionsType !== table) {
      throw this.malformed(optionsType, table, "operator options");
    }
    return options ?? defaults(table);
  }

  get mapping() {
    return this.#mapping;
  }

  get name() {
    return this.#operator.name;
  }

  get custom() {
    return this.#operator.custom;
  }

  get inputCount() {
    return this.#operator.inputs.length;
  }

  get outputCount() {
    return this.#operator.outputs.length;
  }

  get customOptions() {
    return this.#operator.customOptions;
  }

  // Inputs.

  /** @param {number} position @returns {boolean} whether this optional input is given */
  has(position) {
    return (this.#operator.inputs[position] ?? -1) >= 0;
  }

  /** @param {number} position @returns {number} */
  input(position) {
    if (!this.has(position)) {
      throw this.malformed(`no input ${position}`, "a tensor", "operator inputs");
    }
    return this.#operator.inputs[position];
  }

  /** @param {number} position @returns {Tensor} */
  tensor(position) {
    return this.#mapping.tensor(this.input(position));
  }

  /** @param {number} position @returns {boolean} whether the file notes this inner tensor */
  hasIntermediate(position) {
    return (this.#operator.intermediates[position] ?? -1) >= 0;
  }

  /** @param {number} position @returns {Tensor} that holds nothing but the scale of inner numbers */
  intermediate(position) {
    return this.#mapping.tensor(this.#operator.intermediates[position]);
  }

  /** @param {number} position @returns {readonly number[]} */
  shape(position) {
    const index = this.input(position);
    return (this.#mapping.known(index) ?? this.#mapping.tensor(index)).shape;
  }

  /** @param {number} position @returns {MLOperand} of the type that the file stores */
  raw(position) {
    return this.#mapping.raw(this.input(position));
  }

  /** @param {number} position @returns {MLOperand} float32, dequantized where needed */
  float(position) {
    return this.#mapping.float(this.input(position), this.label);
  }

  /** @param {number} position @param {number} rank @returns {readonly number[]} the shape */
  requireRank(position, rank) {
    const shape = this.shape(position);
    if (shape.length !== rank) {
      const { name } = this.tensor(position);
      throw this.malformed(`shape ${listed(shape)}`, `rank ${rank}`, "rank", name);
    }
    return shape;
  }

  /**
   * The elements of a constant input as stored, or null if it is computed.
   *
   * @param {number} position
   * @returns {number[] | null}
   */
  numbers(position) {
    return paramValues(this.tensor(position));
  }

  /** @param {number} position @param {string} what @returns {number[]} */
  requireNumbers(position, what) {
    const numbers = this.numbers(position);
    if (!numbers) throw new UnsupportedError(`${what} computed at run time`);
    return numbers;
  }

  /** @param {number} position @param {string} what @returns {number} */
  requireNumber(position, what) {
    const numbers = this.requireNumbers(position, what);
    if (numbers.length !== 1) {
      const { name } = this.tensor(position);
      throw this.malformed(`${numbers.length} elements`, `one ${what}`, "operator inputs", name);
    }
    return numbers[0];
  }

  /**
   * A shape given by a constant, or, where the file computes it, the shape it declares for the
   * output.
   *
   * @param {number} position
   * @returns {number[]}
   */
  targetShape(position) {
    const numbers = this.numbers(position);
    if (numbers) return numbers;
    const { shape } = this.#mapping.tensor(this.#operator.outputs[0]);
    if (shape.length === 0) throw new UnsupportedError("a shape computed at run time");
    return this.#mapping.rebatched(shape);
  }

  /** @param {number} axis from the end if negative @param {number} rank @returns {number} */
  axis(axis, rank) {
    const used = axis < 0 ? axis + rank : axis;
    if (!(used >= 0 && used < rank)) {
      throw this.malformed(`axis ${axis}`, `${-rank} to ${rank - 1}`, "axis");
    }
    return used;
  }

  // Outputs.

  /** @param {number} [position] @returns {number} */
  output(position = 0) {
    return this.#operator.outputs[position];
  }

  /** @param {number} [position] @returns {Tensor} */
  outputTensor(position = 0) {
    return this.#mapping.tensor(this.output(position));
  }

  /** @param {MLOperand} operand @param {number} [position] */
  setRaw(operand, position = 0) {
    this.#mapping.setRaw(this.output(position), operand);
  }

  /** @param {MLOperand} operand float32, quantized here if needed @param {number} [position] */
  setFloat(operand, position = 0) {
    this.#mapping.setFloat(this.output(position), operand, this.label);
  }

  // Builder calls.

  /**
   * @param {string} method
   * @param {unknown[]} values the arguments before the options
   * @param {Record<string, unknown>} [options]
   * @returns {any}
   */
  build(method, values, options = {}) {
    return this.#mapping.call(method, values, { ...options, label: this.label });
  }

  /**
   * @param {DataType} dataType
   * @param {readonly number[]} shape
   * @param {readonly number[]} values
   */
  constant(dataType, shape, values) {
    return this.#mapping.constant(dataType, shape, values);
  }

  /** @param {MLOperand} operand @param {readonly number[]} shape @returns {MLOperand} */
  reshape(operand, shape) {
    return this.build("reshape", [operand, shape]);
  }

  /**
   * @param {MLOperand} operand
   * @param {string} name of the fused activation
   * @returns {MLOperand}
   */
  activate(operand, name) {
    if (name === "NONE") return operand;
    const clamp = CLAMPS[name];
    if (clamp) return this.build("clamp", [operand], { minValue: clamp[0], maxValue: clamp[1] });
    if (name === "RELU") return this.build("relu", [operand]);
    if (name === "TANH") return this.build("tanh", [operand]);
    throw new UnsupportedError(`fused activation ${name}`);
  }

  /**
   * Compute with real numbers where all tensors stand for such, and with the stored integers
   * otherwise.
   *
   * @param {readonly number[]} positions
   * @param {(...operands: MLOperand[]) => MLOperand} make
   */
  compute(positions, make) {
    const indices = [...positions.map((position) => this.input(position)), this.output()];
    if (indices.every((index) => this.#mapping.isReal(index))) {
      this.setFloat(make(...positions.map((position) => this.float(position))));
    } else {
      this.setRaw(make(...positions.map((position) => this.raw(position))));
    }
  }

  /**
   * Move elements without looking at them: the stored ones where inputs and outputs are coded alike
   * and WebNN's `method` takes their type, else real numbers.
   *
   * @param {string} method
   * @param {readonly number[]} positions
   * @param {(...operands: MLOperand[]) => MLOperand | MLOperand[]} make one result per output
   */
  move(method, positions, make) {
    const first = this.outputTensor();
    const tensors = [
      ...positions.map((position) => this.tensor(position)),
      ...this.#operator.outputs.map((index) => this.#mapping.tensor(index)),
    ];
    const alike = tensors.every((tensor) => codedAlike(tensor, first));
    const dataType = alike ? this.#mapping.dataType(this.output()) : "float32";
    const direct = alike && this.#mapping.supports(method, dataType);
    if (!direct && (!alike || isQuantized(first))) {
      const results = [make(...positions.map((position) => this.float(position)))].flat();
      for (const [k, result] of results.entries()) this.setFloat(result, k);
      return;
    }
    const carrier = direct ? dataType : stand(dataType);
    /** @param {MLOperand} x @param {DataType} to */
    const cast = (x, to) => (x.dataType === to ? x : this.build("cast", [x, to]));
    const operands = positions.map((position) => cast(this.raw(position), carrier));
    for (const [k, result] of [make(...operands)].flat().entries()) {
      this.setRaw(cast(result, dataType), k);
    }
  }

  // Refusals.

  /**
   * @param {string} got
   * @param {string} expected
   * @param {string} rule
   * @param {string} [tensor]
   */
  malformed(got, expected, rule, tensor) {
    const { index: operator, name: operatorName } = this.#operator;
    return this.#mapping.error({ operator, operatorName, tensor }, got, expected, rule);
  }
}

/** @type {Readonly<Record<string, readonly [number, number]>>} */
const CLAMPS = { RELU6: [0, 6], RELU_N1_TO_1: [-1, 1] };

/**
 * @param {DataType} dataType
 * @returns {DataType} one that can carry it and is supported everywhere
 */
function stand(dataType) {
  return dataType === "uint8" || dataType === "int8" ? "int32" : dataType;
}

/** @param {string | undefined} table @returns {Record<string, any>} what a writer leaves out */
function defaults(table) {
  /** @type {Record<string, any>} */
  const options = {};
  for (const [key, [, , value = null, names]] of Object.entries(TABLES[table ?? ""] ?? {})) {
    options[key] = names ? ENUMS[names][Number(value)] : value;
  }
  return options;
}
