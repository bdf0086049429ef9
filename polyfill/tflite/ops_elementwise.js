// SPDX-License-Identifier: Apache-2.0
// Arithmetic, comparisons and logic, with NumPy's broadcasting, which is WebNN's.

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */
/** @typedef {(op: OperatorCall) => void} MapOperator */

/**
 * a ∘ b, then the fused activation if the operator has one.
 *
 * @param {string} method
 * @returns {MapOperator}
 */
export function binary(method) {
  return (op) =>
    op.compute([0, 1], (a, b) =>
      op.activate(op.build(method, [a, b]), op.options.fusedActivationFunction ?? "NONE"),
    );
}

/** @param {string} method @param {Record<string, unknown>} [options] @returns {MapOperator} */
export function unary(method, options) {
  return (op) => op.compute([0], (x) => op.build(method, [x], options));
}

/** An activation as an operator of its own. @param {string} name @returns {MapOperator} */
export function activation(name) {
  return (op) => op.compute([0], (x) => op.activate(x, name));
}

/** RELU_0_TO_1, which is no fused activation. @type {MapOperator} */
export const relu0To1 = unary("clamp", { minValue: 0, maxValue: 1 });

/** @param {OperatorCall} op */
export function leakyRelu(op) {
  op.compute([0], (x) => op.build("leakyRelu", [x], { alpha: op.options.alpha }));
}

/** @param {OperatorCall} op */
export function rsqrt(op) {
  op.compute([0], (x) => op.build("reciprocal", [op.build("sqrt", [x])]));
}

/** @param {OperatorCall} op */
export function square(op) {
  op.compute([0], (x) => op.build("mul", [x, x]));
}

/** @param {OperatorCall} op */
export function squaredDifference(op) {
  op.compute([0, 1], (a, b) => {
    const difference = op.build("sub", [a, b]);
    return op.build("mul", [difference, difference]);
  });
}

/** Rounds towards minus infinity. @param {OperatorCall} op */
export function floorDiv(op) {
  op.compute([0, 1], (a, b) => {
    if (a.dataType === "float32") return op.build("floor", [op.build("div", [a, b])]);
    const { quotient, below } = truncated(op, a, b);
    return op.build("sub", [quotient, op.build("cast", [below, a.dataType])]);
  });
}

/** a − floor(a / b)·b @param {OperatorCall} op */
export function floorMod(op) {
  op.compute([0, 1], (a, b) => {
    if (a.dataType !== "float32") {
      const { remainder, below } = truncated(op, a, b);
      return op.build("where", [below, op.build("add", [remainder, b]), remainder]);
    }
    const quotient = op.build("floor", [op.build("div", [a, b])]);
    return op.build("sub", [a, op.build("mul", [quotient, b])]);
  });
}

/**
 * Integers divided towards zero, and where the floor is one less: the remainder is not 0 and has
 * not the divisor's sign.
 *
 * @param {OperatorCall} op
 * @param {MLOperand} a
 * @param {MLOperand} b
 */
function truncated(op, a, b) {
  const quotient = op.build("div", [a, b]);
  const remainder = op.build("sub", [a, op.build("mul", [quotient, b])]);
  const zero = op.constant(a.dataType, [], [0]);
  const negative = (/** @type {MLOperand} */ x) => op.build("lesser", [x, zero]);
  const apart = op.build("notEqual", [negative(remainder), negative(b)]);
  const below = op.build("logicalAnd", [op.build("notEqual", [remainder, zero]), apart]);
  return { quotient, remainder, below };
}

/**
 * LOCAL_RESPONSE_NORMALIZATION: x · (bias + alpha · Σ x²)^−beta, the sum over the channels at most
 * radius away, as a convolution with ones.
 *
 * @param {OperatorCall} op
 */
export function localResponseNormalization(op) {
  const shape = op.requireRank(0, 4);
  const { radius, bias, alpha, beta } = op.options;
  const channels = shape[3];
  // A wider window holds nothing more.
  const reach = Math.min(radius, channels - 1);
  if (!(reach >= 0)) throw op.malformed(`radius ${radius}`, "at least 0", "radius");
  op.compute([0], (x) => {
    const number = (/** @type {number} */ value) => op.constant("float32", [], [value]);
    const row = op.reshape(op.build("mul", [x, x]), [
      1,
      shape[0] * shape[1] * shape[2],
      channels,
      1,
    ]);
    const window = op.build("expand", [number(1), [1, 1, 2 * reach + 1, 1]]);
    const options = {
      padding: [0, 0, reach, reach],
      inputLayout: "nhwc",
      filterLayout: "ohwi",
    };
    const sums = op.reshape(op.build("conv2d", [row, window], options), shape);
    const scale = op.build("linear", [sums], { alpha, beta: bias });
    return op.build("div", [x, op.build("pow", [scale, number(beta)])]);
  });
}

/**
 * x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))), or WebNN's gelu, which uses erf.
 *
 * @param {OperatorCall} op
 */
export function gelu(op) {
  if (!op.options.approximate) return unary("gelu")(op);
  op.compute([0], (x) => {
    const number = (/** @type {number} */ value) => op.constant("float32", [], [value]);
    const cube = op.build("mul", [op.build("mul", [x, x]), x]);
    const inner = op.build("add", [x, op.build("mul", [cube, number(0.044715)])]);
    const tanh = op.build("tanh", [op.build("mul", [inner, number(Math.sqrt(2 / Math.PI))])]);
    const half = op.build("mul", [x, number(0.5)]);
    return op.build("mul", [half, op.build("add", [tanh, number(1)])]);
  });
}

/** Sums any number of equal shapes. @param {OperatorCall} op */
export function addN(op) {
  const positions = Array.from({ length: op.inputCount }, (_, k) => k);
  op.compute(positions, (first, ...rest) =>
    rest.reduce((sum, x) => op.build("add", [sum, x]), first),
  );
}

/** @param {string} method @returns {MapOperator} */
export function comparison(method) {
  return (op) => {
    const real = [0, 1].every((k) => op.mapping.isReal(op.input(k)));
    const operands = [0, 1].map((k) => (real ? op.float(k) : op.raw(k)));
    op.setRaw(op.build(method, operands));
  };
}

/** @param {string} method @param {number} inputs @returns {MapOperator} */
export function logical(method, inputs) {
  return (op) => {
    const operands = Array.from({ length: inputs }, (_, k) => op.raw(k));
    op.setRaw(op.build(method, operands));
  };
}

/**
 * SELECT and SELECT_V2; the older one may choose whole rows by a vector.
 *
 * @param {OperatorCall} op
 */
export function select(op) {
  const [condition, value] = [op.shape(0), op.shape(1)];
  const rows = condition.length === 1 && value.length > 1 && op.name === "SELECT";
  const chooser = rows
    ? op.reshape(op.raw(0), [condition[0], ...value.slice(1).fill(1)])
    : op.raw(0);
  op.compute([1, 2], (a, b) => op.build("where", [chooser, a, b]));
}

/**
 * Normal form of probabilities: softmax(beta · x) over the last dimension.
 *
 * @param {OperatorCall} op
 */
export function softmax(op) {
  const { beta } = op.options;
  op.compute([0], (x) => {
    const scaled = beta === 1 ? x : op.build("linear", [x], { alpha: beta });
    return op.build("softmax", [scaled, op.axis(-1, x.shape.length)]);
  });
}

/** x − log Σ exp(x) over the last dimension. @param {OperatorCall} op */
export function logSoftmax(op) {
  op.compute([0], (x) => {
    const options = { axes: [op.axis(-1, x.shape.length)], keepDimensions: true };
    return op.build("sub", [x, op.build("reduceLogSumExp", [x], options)]);
  });
}

/** x / max(‖x‖, 10⁻⁶) over the last dimension. @param {OperatorCall} op */
export function l2Normalization(op) {
  op.compute([0], (x) => {
    const options = { axes: [op.axis(-1, x.shape.length)], keepDimensions: true };
    const least = op.constant("float32", [], [1e-6]);
    const norm = op.build("max", [op.build("reduceL2", [x], options), least]);
    return op.activate(op.build("div", [x, norm]), op.options.fusedActivationFunction);
  });
}

/** @param {OperatorCall} op */
export function batchMatMul(op) {
  const { adjX, adjY } = op.options;
  op.compute([0, 1], (a, b) =>
    op.build("matmul", [adjX ? transposed(op, a) : a, adjY ? transposed(op, b) : b]),
  );
}

/**
 * The last two dimensions exchanged.
 *
 * @param {OperatorCall} op
 * @param {MLOperand} x
 * @returns {MLOperand}
 */
function transposed(op, x) {
  const permutation = x.shape.map((_, i) => i);
  permutation.push(...permutation.splice(-2).reverse());
  return op.build("transpose", [x], { permutation });
}
