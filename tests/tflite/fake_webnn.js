// SPDX-License-Identifier: Apache-2.0
// A WebNN that records: builder calls are checked for shape and type as far as that is cheap,
// numbered and kept; nothing is computed. Contexts, tensors and graphs note what happens to them.

const ANY = ["float32", "float16", "int32", "uint32", "int64", "uint64", "int8", "uint8"];
const FLOAT = ["float32", "float16"];
const INTEGER = ["uint8", "int8", "uint32", "int32"];
const SIGNED = ["float32", "float16", "int64", "int32", "int8"];
const SUMS = ["float32", "float16", "int32", "uint32", "int64", "uint64"];

const check = (holds, message) => {
  if (!holds) throw new TypeError(message);
};
const count = (shape) => shape.reduce((product, d) => product * d, 1);
const same = (x) => [x.dataType, x.shape];

function broadcast(a, b) {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [p, q] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    check(p === q || p === 1 || q === 1, `broadcast [${a}] with [${b}]`);
    return Math.max(p, q);
  });
}

function binary(a, b) {
  check(a.dataType === b.dataType, `types ${a.dataType} and ${b.dataType}`);
  return [a.dataType, broadcast(a.shape, b.shape)];
}

function reduced(x, { axes = x.shape.map((_, i) => i), keepDimensions = false }) {
  check(new Set(axes).size === axes.length && axes.every((a) => a < x.shape.length), "axes");
  const shape = x.shape.map((d, i) => (axes.includes(i) ? 1 : d));
  return [x.dataType, keepDimensions ? shape : shape.filter((_, i) => !axes.includes(i))];
}

function window(size, extent, before, after, stride, dilation) {
  const span = (extent - 1) * dilation + 1;
  const result = Math.floor((size + before + after - span) / stride) + 1;
  check(result >= 1, `window ${span} in ${size}`);
  return result;
}

function conv2d(x, filter, options) {
  const { padding: p, strides: s, dilations: d = [1, 1], groups = 1, filterLayout } = options;
  check(options.inputLayout === "nhwc", "inputLayout");
  const at = (role) => filter.shape[filterLayout.indexOf(role)];
  check(at("i") * groups === x.shape[3], `filter channels ${at("i")} × ${groups}, ${x.shape[3]}`);
  check(at("o") % groups === 0, "groups");
  if (options.bias) check(String(options.bias.shape) === String([at("o")]), "bias shape");
  const height = window(x.shape[1], at("h"), p[0], p[1], s[0], d[0]);
  const width = window(x.shape[2], at("w"), p[2], p[3], s[1], d[1]);
  return ["float32", [x.shape[0], height, width, at("o")]];
}

function convTranspose2d(x, filter, { padding: p, strides: s, outputSizes, bias }) {
  const [o, h, w, i] = filter.shape;
  check(i === x.shape[3], "filter channels");
  if (bias) check(bias.shape[0] === o, "bias");
  const sizes = [h, w].map((size, k) => {
    const least = (x.shape[1 + k] - 1) * s[k] + size - p[2 * k] - p[2 * k + 1];
    const wanted = outputSizes?.[k] ?? least;
    check(wanted >= least && wanted < least + s[k], `output size ${wanted}, calculated ${least}`);
    return wanted;
  });
  return ["float32", [x.shape[0], ...sizes, o]];
}

function pool(x, { windowDimensions: k, padding: p, strides: s, layout }) {
  check(layout === "nhwc", "layout");
  const height = window(x.shape[1], k[0], p[0], p[1], s[0], 1);
  const width = window(x.shape[2], k[1], p[2], p[3], s[1], 1);
  return [x.dataType, [x.shape[0], height, width, x.shape[3]]];
}

function blocks(x, scale, zeroPoint) {
  check(scale.shape.length === x.shape.length, `scale rank ${scale.shape} for [${x.shape}]`);
  check(String(scale.shape) === String(zeroPoint.shape), "zero point shape");
  check(
    x.shape.every((d, i) => d % scale.shape[i] === 0),
    `scale [${scale.shape}] of [${x.shape}]`,
  );
}

function dequantize(x, scale, zeroPoint) {
  blocks(x, scale, zeroPoint);
  check(zeroPoint.dataType === x.dataType, "zero point type");
  return [scale.dataType, x.shape];
}

function quantize(x, scale, zeroPoint) {
  blocks(x, scale, zeroPoint);
  return [zeroPoint.dataType, x.shape];
}

function reshape(x, shape) {
  check(count(shape) === count(x.shape), `reshape [${x.shape}] to [${shape}]`);
  return [x.dataType, shape];
}

function concat(parts, axis) {
  const shape = [...parts[0].shape];
  for (const part of parts.slice(1)) {
    check(part.dataType === parts[0].dataType, "concat types");
    check(
      part.shape.every((d, i) => i === axis || d === shape[i]),
      "concat shapes",
    );
    shape[axis] += part.shape[axis];
  }
  return [parts[0].dataType, shape];
}

function split(x, splits, { axis = 0 }) {
  const sizes = typeof splits === "number" ? Array(splits).fill(x.shape[axis] / splits) : splits;
  check(sizes.every(Number.isInteger) && sizes.reduce((a, b) => a + b) === x.shape[axis], "split");
  return sizes.map((size) => [x.dataType, x.shape.map((d, i) => (i === axis ? size : d))]);
}

/** [allowed types of the first operand, inference]. */
const OPERATORS = {
  concat: [ANY, concat],
  split: [ANY, split],
  conv2d: [FLOAT, conv2d],
  convTranspose2d: [FLOAT, convTranspose2d],
  averagePool2d: [FLOAT, pool],
  maxPool2d: [ANY, pool],
  gemm: [
    FLOAT,
    (a, b, { c, bTranspose }) => {
      const [n, k] = bTranspose ? b.shape : [...b.shape].reverse();
      check(a.shape.length === 2 && a.shape[1] === k, `gemm [${a.shape}] [${b.shape}]`);
      if (c) broadcast(c.shape, [a.shape[0], n]);
      return [a.dataType, [a.shape[0], n]];
    },
  ],
  matmul: [
    FLOAT,
    (a, b) => {
      check(a.shape.at(-1) === b.shape.at(-2), `matmul [${a.shape}] [${b.shape}]`);
      const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
      return [a.dataType, [...batch, a.shape.at(-2), b.shape.at(-1)]];
    },
  ],
  dequantizeLinear: [INTEGER, dequantize],
  quantizeLinear: [FLOAT, quantize],
  cast: [ANY, (x, dataType) => [dataType, x.shape]],
  reshape: [ANY, reshape],
  transpose: [
    ANY,
    (x, { permutation }) => {
      check(String([...permutation].sort()) === String(x.shape.map((_, i) => i)), "permutation");
      return [x.dataType, permutation.map((p) => x.shape[p])];
    },
  ],
  slice: [
    ANY,
    (x, starts, sizes, { strides = sizes.map(() => 1) }) => {
      check(
        sizes.every((n, i) => n >= 1 && starts[i] >= 0 && starts[i] + n <= x.shape[i]),
        "slice",
      );
      return [x.dataType, sizes.map((n, i) => Math.ceil(n / strides[i]))];
    },
  ],
  reverse: [ANY, same],
  pad: [
    ANY,
    (x, before, after, { mode }) => {
      if (mode === "reflection") {
        check(
          x.shape.every((d, i) => before[i] < d && after[i] < d),
          "reflection",
        );
      }
      return [x.dataType, x.shape.map((d, i) => d + before[i] + after[i])];
    },
  ],
  gather: [
    ANY,
    (x, indices, { axis = 0 }) => {
      check(["int32", "uint32", "int64"].includes(indices.dataType), "indices");
      return [
        x.dataType,
        [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)],
      ];
    },
  ],
  gatherND: [
    ANY,
    (x, indices) => [
      x.dataType,
      [...indices.shape.slice(0, -1), ...x.shape.slice(indices.shape.at(-1))],
    ],
  ],
  tile: [ANY, (x, repetitions) => [x.dataType, x.shape.map((d, i) => d * repetitions[i])]],
  expand: [ANY, (x, shape) => [x.dataType, broadcast(x.shape, shape)]],
  resample2d: [
    ["float32", "float16", "uint8", "int8"],
    (x, { sizes, axes }) => [
      x.dataType,
      x.shape.map((d, i) => (axes.includes(i) ? sizes[axes.indexOf(i)] : d)),
    ],
  ],
  where: [
    ["uint8"],
    (condition, a, b) => [a.dataType, broadcast(condition.shape, binary(a, b)[1])],
  ],
  softmax: [FLOAT, same],
  cumulativeSum: [SUMS, same],
  lstmCell: [
    FLOAT,
    (x, w, r, h, c, hidden, { bias }) => {
      check(String(w.shape) === String([4 * hidden, x.shape[1]]), "weight");
      check(String(r.shape) === String([4 * hidden, hidden]), "recurrent weight");
      check(String(bias.shape) === String([4 * hidden]), "bias");
      check(String(h.shape) === String(c.shape), "state");
      return [same(h), same(c)];
    },
  ],
  lstm: [
    FLOAT,
    (x, w, r, steps, hidden, { bias }) => {
      check(x.shape[0] === steps, "steps");
      check(String(w.shape) === String([1, 4 * hidden, x.shape[2]]), "weight");
      check(String(r.shape) === String([1, 4 * hidden, hidden]), "recurrent weight");
      check(String(bias.shape) === String([1, 4 * hidden]), "bias");
      const state = [x.dataType, [1, x.shape[1], hidden]];
      return [state, state, [x.dataType, [steps, 1, x.shape[1], hidden]]];
    },
  ],
};
for (const name of ["add", "sub", "mul", "div", "max", "min", "pow"])
  OPERATORS[name] = [ANY, binary];
OPERATORS.prelu = [SIGNED, binary];
for (const name of ["equal", "notEqual", "greater", "greaterOrEqual", "lesser", "lesserOrEqual"]) {
  OPERATORS[name] = [ANY, (a, b) => ["uint8", binary(a, b)[1]]];
}
for (const name of ["logicalAnd", "logicalOr"]) {
  OPERATORS[name] = [["uint8"], (a, b) => ["uint8", binary(a, b)[1]]];
}
OPERATORS.logicalNot = [["uint8"], same];
for (const name of ["abs", "neg", "sign", "relu"]) OPERATORS[name] = [SIGNED, same];
for (const name of ["identity", "clamp"]) OPERATORS[name] = [ANY, same];
const FLOAT_UNARY =
  "ceil cos elu exp floor gelu hardSwish leakyRelu linear log reciprocal roundEven sigmoid sin " +
  "sqrt tanh";
for (const name of FLOAT_UNARY.split(" ")) {
  OPERATORS[name] = [FLOAT, same];
}
for (const name of ["reduceSum", "reduceProduct"]) OPERATORS[name] = [SUMS, reduced];
for (const name of ["reduceMax", "reduceMin"]) OPERATORS[name] = [ANY, reduced];
for (const name of ["reduceMean", "reduceL2", "reduceLogSumExp"])
  OPERATORS[name] = [FLOAT, reduced];
for (const name of ["argMax", "argMin"]) {
  OPERATORS[name] = [
    ANY,
    (x, axis, { outputDataType, keepDimensions }) => [
      outputDataType,
      reduced(x, { axes: [axis], keepDimensions })[1],
    ],
  ];
}

const INPUT_NAMES = { concat: "inputs" };

/** opSupportLimits() with some operators' input types replaced. */
export function limitsOf(replaced = {}) {
  const limits = {
    input: { dataTypes: ANY },
    constant: { dataTypes: ANY },
    output: { dataTypes: ANY },
  };
  for (const [name, [types]] of Object.entries(OPERATORS)) {
    const input = { dataTypes: replaced[name] ?? types };
    limits[name] = { [INPUT_NAMES[name] ?? "input"]: input, output: { dataTypes: ANY } };
  }
  limits.argMax.output = limits.argMin.output = {
    dataTypes: replaced.argOutput ?? ["int32", "int64"],
  };
  return limits;
}

const ELEMENT_BYTES = {
  float32: 4,
  float16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  int8: 1,
  uint8: 1,
};

class FakeOperand {
  constructor(id, dataType, shape) {
    this.id = id;
    this.dataType = dataType;
    this.shape = Object.freeze([...shape]);
  }
}

/**
 * Records calls in `nodes`: {kind, ids, name or method, values, options, dataType, shape, data}.
 */
export class FakeBuilder {
  constructor(context) {
    this.context = context;
    this.nodes = [];
    this.operands = 0;
    for (const [name, [types, infer]] of Object.entries(OPERATORS)) {
      this[name] = (...values) => this.#call(name, types, infer, values);
    }
  }

  #operand(dataType, shape) {
    const valid = (d) => Number.isInteger(d) && d >= 1 && d < 2 ** 31;
    check(ANY.includes(dataType), `data type ${dataType}`);
    check(shape.every(valid) && count(shape) < 2 ** 31, `shape [${shape}]`);
    return new FakeOperand(this.operands++, dataType, shape);
  }

  input(name, { dataType, shape }) {
    check(name !== "" && !this.nodes.some((n) => n.kind === "input" && n.name === name), "name");
    const operand = this.#operand(dataType, shape);
    this.nodes.push({ kind: "input", name, results: [operand] });
    return operand;
  }

  constant({ dataType, shape }, data) {
    const operand = this.#operand(dataType, shape);
    check(
      ArrayBuffer.isView(data) && data.byteLength === count(shape) * ELEMENT_BYTES[dataType],
      `constant of ${data.byteLength} bytes for ${dataType}[${shape}]`,
    );
    this.nodes.push({ kind: "constant", data, results: [operand] });
    return operand;
  }

  #call(method, types, infer, values) {
    const options = values.at(-1);
    check(options && typeof options.label === "string", `${method}: no label`);
    const all = [...values.slice(0, -1), ...Object.values(options)].flat();
    const first = all.find((value) => value instanceof FakeOperand);
    const allowed = this.context.limits[method]?.input?.dataTypes ?? types;
    check(allowed.includes(first.dataType), `${method}: input type ${first.dataType}`);
    const inferred = infer(...values);
    const results = Array.isArray(inferred[0]) ? inferred : [inferred];
    const operands = results.map(([dataType, shape]) => this.#operand(dataType, shape));
    this.nodes.push({
      kind: "op",
      method,
      values: values.slice(0, -1),
      options,
      results: operands,
    });
    return Array.isArray(inferred[0]) ? operands : operands[0];
  }

  async build(outputs) {
    for (const operand of Object.values(outputs)) {
      const node = this.nodes.find((n) => n.results.includes(operand));
      check(node?.kind === "op", "an output that is an input or a constant");
    }
    this.outputs = outputs;
    return new FakeGraph(this);
  }
}

class FakeGraph {
  constructor(builder) {
    this.builder = builder;
    this.destroyed = 0;
  }

  /** Names of the inputs that the outputs depend on. */
  get inputs() {
    const needed = new Set(Object.values(this.builder.outputs));
    for (const node of [...this.builder.nodes].reverse()) {
      if (node.kind !== "op" || !node.results.some((r) => needed.has(r))) continue;
      for (const value of [...node.values, ...Object.values(node.options)].flat())
        needed.add(value);
    }
    return this.builder.nodes
      .filter((n) => n.kind === "input" && needed.has(n.results[0]))
      .map((n) => n.name);
  }

  destroy() {
    this.destroyed++;
  }
}

/** `answer(name, inputs)` gives an output's bytes; by default zeros. */
export class FakeContext {
  constructor({ limits = limitsOf(), answer } = {}) {
    this.limits = limits;
    this.answer = answer;
    this.tensors = [];
    this.dispatches = 0;
    this.destroyed = 0;
  }

  opSupportLimits() {
    return this.limits;
  }

  async createTensor(descriptor) {
    const bytes = count(descriptor.shape) * ELEMENT_BYTES[descriptor.dataType];
    const tensor = {
      ...descriptor,
      bytes: new Uint8Array(bytes),
      destroyed: 0,
      destroy: () => tensor.destroyed++,
    };
    this.tensors.push(tensor);
    return tensor;
  }

  writeTensor(tensor, data) {
    check(tensor.writable && data.byteLength === tensor.bytes.length, "writeTensor");
    tensor.bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  }

  dispatch(graph, inputs, outputs) {
    check(
      String(Object.keys(inputs).sort()) === String(graph.inputs.sort()),
      `inputs ${Object.keys(inputs)}`,
    );
    check(String(Object.keys(outputs)) === String(Object.keys(graph.builder.outputs)), "outputs");
    this.dispatches++;
    for (const [name, tensor] of Object.entries(outputs)) {
      if (this.answer) tensor.bytes = this.answer(name, inputs, tensor);
    }
  }

  async readTensor(tensor, outputData) {
    check(tensor.readable && !tensor.destroyed, "readTensor");
    if (!outputData) return tensor.bytes.slice().buffer;
    check(outputData.byteLength === tensor.bytes.length, "readTensor: outputData");
    new Uint8Array(outputData.buffer, outputData.byteOffset).set(tensor.bytes);
    return undefined;
  }

  destroy() {
    this.destroyed++;
  }
}

/** Install the fake as the global WebNN; returns the contexts it has made. */
export function installFake(options) {
  const contexts = [];
  globalThis.MLGraphBuilder = FakeBuilder;
  const ml = {
    async createContext() {
      contexts.push(new FakeContext(options));
      return contexts.at(-1);
    },
  };
  Object.defineProperty(globalThis, "navigator", { value: { ml }, configurable: true });
  return contexts;
}

/** One line per call, for golden texts: constants with up to four values in full. */
export function print(builder) {
  return builder.nodes.map((node) => {
    const type = ({ id, dataType, shape }) => `%${id}: ${dataType}[${shape.join(", ")}]`;
    const left = node.results.map(type).join(", ");
    if (node.kind === "input") return `${left} = input "${node.name}"`;
    if (node.kind === "constant") return `${left} = constant ${valuesText(node)}`;
    const { label, ...options } = node.options;
    const values = node.values.map(valueText);
    const extra = Object.entries(options)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key}: ${valueText(value)}`);
    return `${left} = ${node.method}(${[...values, ...extra].join(", ")})  # ${label}`;
  });
}

function valueText(value) {
  if (value instanceof FakeOperand) return `%${value.id}`;
  if (Array.isArray(value)) return `[${value.map(valueText).join(", ")}]`;
  return String(value);
}

const ARRAYS = {
  float32: Float32Array,
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int64: BigInt64Array,
  float16: Uint16Array,
};

function valuesText({ data, results: [{ dataType }] }) {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  const values = new ARRAYS[dataType](bytes.buffer);
  const shown = Array.from(values.subarray(0, 4), (v) => String(+Number(v).toPrecision(6)));
  return values.length > 4 ? `${shown.join(" ")} … (${values.length})` : shown.join(" ");
}
