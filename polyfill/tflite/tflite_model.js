// SPDX-License-Identifier: Apache-2.0
// A model that is built and can run: its tensors, made once, and the calls that fill and read them.

/** @typedef {import("./map_model.js").MappedModel} MappedModel */
/** @typedef {import("./map_model.js").TensorInfo} TensorInfo */
/** @typedef {import("./webnn.js").DataType} DataType */
/** @typedef {import("./webnn.js").MLContext} MLContext */
/** @typedef {import("./webnn.js").MLGraph} MLGraph */
/** @typedef {import("./webnn.js").MLTensor} MLTensor */

/**
 * @typedef {object} OperatorInfo
 * @property {number} index
 * @property {string} name
 * @property {readonly string[]} inputs tensor names; "" for one that is left out
 * @property {readonly string[]} outputs
 * @property {readonly string[]} inputTypes
 * @property {readonly string[]} outputTypes
 */

/** @typedef {Float32Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array | Int8Array
 *   | Uint8Array | Uint16Array | Int16Array} TypedArray */

/** The arrays that hold WebNN's types. */
export const ARRAYS = {
  float32: Float32Array,
  float16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  int8: Int8Array,
  uint8: Uint8Array,
};

/**
 * @typedef {object} Parts
 * @property {MLContext} context
 * @property {boolean} contextOwned
 * @property {MLGraph} graph
 * @property {MappedModel} mapped
 * @property {readonly OperatorInfo[]} operators
 */

export class TfliteModel {
  #mapped;
  #destroyed = false;
  /** @type {Map<string, MLTensor>} */
  #inputTensors = new Map();
  /** @type {Map<string, MLTensor>} */
  #outputTensors = new Map();
  /** Arrays for what postprocesses read, of which nobody needs the values now; by output. @type {Map<string, TypedArray[]>} */
  #kept = new Map();

  /**
   * Make the tensors of a built graph; use loadModel().
   *
   * @param {Parts} parts
   * @returns {Promise<TfliteModel>}
   */
  static async create(parts) {
    const model = new TfliteModel(parts);
    try {
      await model.#createTensors();
    } catch (error) {
      model.destroy();
      throw error;
    }
    return model;
  }

  /** @param {Parts} parts */
  constructor({ context, contextOwned, graph, mapped, operators }) {
    this.#mapped = mapped;
    this.context = context;
    this.contextOwned = contextOwned;
    this.graph = graph;
    /** @type {readonly TensorInfo[]} */
    this.inputs = Object.freeze(mapped.inputs.map(({ info }) => info));
    /** @type {readonly TensorInfo[]} */
    this.outputs = Object.freeze(mapped.outputs.map(({ info }) => info));
    this.operators = operators;
    for (const name of mapped.postprocesses.flatMap(({ feeds }) => feeds)) {
      this.#kept.set(name, []);
    }
  }

  async #createTensors() {
    const { context } = this;
    await Promise.all([
      ...this.#mapped.inputs
        .filter(({ used }) => used)
        .map(async ({ info: { name, dataType, shape } }) => {
          const descriptor = { dataType: held(dataType), shape, writable: true };
          const tensor = await context.createTensor(descriptor);
          this.#inputTensors.set(name, tensor);
        }),
      ...[...this.#mapped.graphOutputs].map(async ([name, { dataType, shape }]) => {
        const tensor = await context.createTensor({ dataType, shape: [...shape], readable: true });
        this.#outputTensors.set(name, tensor);
      }),
    ]);
  }

  /**
   * Run the model. May be called again before the last run has finished: writes, dispatches and
   * reads of a context happen in the order of their calls.
   *
   * @param {Readonly<Record<string, ArrayBufferView>> | ArrayBufferView} inputs by name; the array
   *   alone where there is one input
   * @returns {Promise<Record<string, TypedArray>>} by name, in an object without prototype
   */
  async run(inputs) {
    if (this.#destroyed) throw new DOMException("The model is destroyed.", "InvalidStateError");
    const arrays = this.#checkInputs(inputs);
    for (const [name, tensor] of this.#inputTensors) {
      this.context.writeTensor(tensor, /** @type {ArrayBufferView} */ (arrays.get(name)));
    }
    this.context.dispatch(this.graph, record(this.#inputTensors), record(this.#outputTensors));
    const values = new Map(
      await Promise.all(
        [...this.#outputTensors].map(async ([name, tensor]) => {
          return /** @type {const} */ ([name, await this.#read(name, tensor)]);
        }),
      ),
    );
    const results = this.#results(values);
    for (const [name, kept] of this.#kept) kept.push(/** @type {TypedArray} */ (values.get(name)));
    return results;
  }

  /** @param {string} name of a graph output @param {MLTensor} tensor @returns {Promise<TypedArray>} */
  async #read(name, tensor) {
    const { dataType, shape } = /** @type {import("./webnn.js").MLOperand} */ (
      this.#mapped.graphOutputs.get(name)
    );
    const kept = this.#kept.get(name);
    if (!kept) return new ARRAYS[dataType](await this.context.readTensor(tensor));
    const length = shape.reduce((count, d) => count * d, 1);
    const array = kept.pop() ?? new ARRAYS[dataType](length);
    await this.context.readTensor(tensor, array);
    return array;
  }

  /** @param {Map<string, TypedArray>} values @returns {Record<string, TypedArray>} */
  #results(values) {
    const computed = new Map(
      this.#mapped.postprocesses.map(({ postprocess, feeds }) => {
        const stored = feeds.map((name) => /** @type {ArrayLike<number>} */ (values.get(name)));
        return [postprocess, postprocess.run(stored)];
      }),
    );
    const results = this.#mapped.outputs.map(({ info, postprocess, result = 0 }) => {
      const value = postprocess ? computed.get(postprocess)?.[result] : values.get(info.name);
      const array = /** @type {TypedArray} */ (value);
      const own = info.dataType === "int16" ? Int16Array.from(/** @type {any} */ (array)) : array;
      return /** @type {const} */ ([info.name, own]);
    });
    return record(new Map(results));
  }

  /**
   * @param {Readonly<Record<string, ArrayBufferView>> | ArrayBufferView} inputs
   * @returns {Map<string, ArrayBufferView>}
   */
  #checkInputs(inputs) {
    const names = this.inputs.map(({ name }) => name);
    if (ArrayBuffer.isView(inputs)) {
      if (names.length !== 1) {
        throw new TypeError(`run: got one array, expected inputs named ${names.join(", ")}.`);
      }
      return new Map([[names[0], checkArray(this.inputs[0], inputs)]]);
    }
    const given = new Map(Object.entries(inputs ?? {}));
    for (const name of given.keys()) {
      if (!names.includes(name)) {
        throw new TypeError(`run: got input "${name}", expected only ${names.join(", ")}.`);
      }
    }
    return new Map(this.inputs.map((info) => [info.name, checkArray(info, given.get(info.name))]));
  }

  /** Free the graph, its tensors, and the context if the loader made it. Idempotent. */
  destroy() {
    if (this.#destroyed) return;
    this.#destroyed = true;
    for (const tensors of [this.#inputTensors, this.#outputTensors]) {
      for (const tensor of tensors.values()) tensor.destroy();
      tensors.clear();
    }
    this.graph.destroy();
    if (this.contextOwned) this.context.destroy();
  }
}

/**
 * @param {TensorInfo} info
 * @param {ArrayBufferView | undefined} array
 * @returns {ArrayBufferView}
 */
function checkArray({ name, shape, dataType }, array) {
  const length = shape.reduce((count, d) => count * d, 1);
  const Expected = ARRAYS[dataType];
  const expected = `a ${Expected.name} of ${length} elements ([${shape.join(", ")}])`;
  if (array === undefined || !ArrayBuffer.isView(array)) {
    const got = array === undefined ? "nothing" : typeof array;
    throw new TypeError(`run: input "${name}": got ${got}, expected ${expected}.`);
  }
  const given = /** @type {TypedArray} */ (array);
  if (!fits(given, dataType) || given.length !== length) {
    const got = `${given.constructor.name} of ${given.length ?? given.byteLength} elements`;
    throw new TypeError(`run: input "${name}": got ${got}, expected ${expected}.`);
  }
  if (dataType === "int16") return Int32Array.from(/** @type {Int16Array} */ (array));
  // Image data come clamped; WebNN wants the plain array.
  return array instanceof Uint8ClampedArray
    ? new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
    : array;
}

/** @param {DataType | "int16"} dataType @returns {DataType} of the graph's tensor */
function held(dataType) {
  return dataType === "int16" ? "int32" : dataType;
}

/** @param {ArrayBufferView} array @param {DataType | "int16"} dataType @returns {boolean} */
function fits(array, dataType) {
  if (array instanceof ARRAYS[dataType]) return true;
  if (dataType === "float16") return array.constructor.name === "Float16Array";
  return dataType === "uint8" && array instanceof Uint8ClampedArray;
}

/**
 * @template T
 * @param {Map<string, T>} map
 * @returns {Record<string, T>} without prototype, so that any name is just a name
 */
function record(map) {
  const plain = Object.create(null);
  for (const [name, value] of map) plain[name] = value;
  return plain;
}
