// SPDX-License-Identifier: Apache-2.0
// Elementwise operators of one operand, and cast.
// https://www.w3.org/TR/webnn/#api-mlgraphbuilder-unary

import { UNARY_OP } from "../gen/kernels.js";
import { castNumber, integerRange } from "../ir/numbers.js";
import { Composer } from "./compose.js";
import { ANY_TYPE, check, ELEMENT_WORK, FLOAT_TYPES, limit, SIGNED_TYPES } from "./operator.js";

/** @typedef {import("./operator.js").Operator} Operator */
/** @typedef {import("./operator.js").DataType} DataType */
/** @typedef {import("./operator.js").Node} Node */
/** @typedef {import("./operator.js").Value} Value */
/** @typedef {import("./operator.js").Lowering} Lowering */

/**
 * @param {Node} node
 * @param {Lowering} to
 * @param {number} op
 * @param {number} [p0]
 * @param {number} [p1]
 */
export function lowerUnary(node, to, op, p0 = 0, p1 = 0) {
  to.requireType(node, "float32");
  const work = WORK[op] ?? 1;
  const args = { y: node.output, x: node.inputs.input, op, p0, p1 };
  to.step("f32_unary", args, node.output.elements, ELEMENT_WORK * work);
}

/** Elementary operations per element, where that is more than one or two. @type {Record<number, number>} */
const WORK = {
  [UNARY_OP.sigmoid]: 8,
  [UNARY_OP.exp]: 6,
  [UNARY_OP.tanh]: 10,
  [UNARY_OP.log]: 16,
  [UNARY_OP.softplus]: 32,
  [UNARY_OP.elu]: 16,
  [UNARY_OP.erf]: 32,
  [UNARY_OP.gelu]: 32,
  [UNARY_OP.sin]: 32,
  [UNARY_OP.cos]: 32,
  [UNARY_OP.tan]: 32,
};

/**
 * An operator without options over `types`.
 *
 * @param {string} name
 * @param {readonly DataType[]} types
 * @param {Pick<Operator, "lower" | "decompose" | "elementwise" | "movement">} body
 * @returns {Operator}
 */
function unary(name, types, body) {
  return {
    name,
    parameters: { input: "operand" },
    options: {},
    limits: { input: limit(types), output: limit("input") },
    infer: ({ input }) => ({ outputs: [{ dataType: input.dataType, shape: input.shape }] }),
    ...body,
  };
}

/**
 * A float operator that is one operation of the kernel.
 *
 * @param {string} name
 * @param {number} op
 */
export function floatUnary(name, op) {
  return unary(name, FLOAT_TYPES, {
    lower: (node, to) => lowerUnary(node, to, op),
    elementwise: true,
  });
}

/**
 * The same with signed integer types, which are composed of integer arithmetic.
 *
 * @param {string} name
 * @param {(node: Node, to: Lowering) => void} lower
 * @param {(c: Composer, x: Value) => Value} compose
 */
function signedUnary(name, lower, compose) {
  return unary(name, SIGNED_TYPES, {
    lower,
    decompose(node, graph) {
      const { input } = node.inputs;
      return integerRange(input.dataType)
        ? [compose(new Composer(graph, node), input)]
        : node.outputs;
    },
    elementwise: true,
  });
}

export const ceil = floatUnary("ceil", UNARY_OP.ceil);
export const cos = floatUnary("cos", UNARY_OP.cos);
export const erf = floatUnary("erf", UNARY_OP.erf);
export const exp = floatUnary("exp", UNARY_OP.exp);
export const floor = floatUnary("floor", UNARY_OP.floor);
export const log = floatUnary("log", UNARY_OP.log);
export const reciprocal = floatUnary("reciprocal", UNARY_OP.reciprocal);
export const roundEven = floatUnary("roundEven", UNARY_OP.round_even);
export const sin = floatUnary("sin", UNARY_OP.sin);
export const sqrt = floatUnary("sqrt", UNARY_OP.sqrt);
export const tan = floatUnary("tan", UNARY_OP.tan);

const zeroOf = (/** @type {Composer} */ c, /** @type {Value} */ x) => c.scalar(x.dataType, 0);

export const neg = signedUnary(
  "neg",
  (node, to) => lowerUnary(node, to, UNARY_OP.neg),
  (c, x) => c.sub(zeroOf(c, x), x),
);
export const abs = signedUnary(
  "abs",
  (node, to) => lowerUnary(node, to, UNARY_OP.abs),
  (c, x) => c.binary("max", x, c.sub(zeroOf(c, x), x)),
);
export const sign = signedUnary(
  "sign",
  (node, to) => lowerUnary(node, to, UNARY_OP.sign),
  (c, x) => {
    const one = c.scalar(x.dataType, 1);
    return c.binary("min", c.binary("max", x, c.scalar(x.dataType, -1)), one);
  },
);
export const relu = signedUnary(
  "relu",
  (node, to) => lowerUnary(node, to, UNARY_OP.clamp, 0, Infinity),
  (c, x) => c.binary("max", x, zeroOf(c, x)),
);

export const identity = unary("identity", ANY_TYPE, {
  lower: (node, to) => to.alias(node.output, node.inputs.input),
  movement: true,
});

/**
 * A bound of clamp: absent and NaN mean no bound.
 *
 * @param {number | bigint | undefined} value
 * @param {number} otherwise
 */
function bound(value, otherwise) {
  return value === undefined || Number.isNaN(value) ? otherwise : value;
}

/** @type {Operator} */
export const clamp = {
  name: "clamp",
  parameters: { input: "operand" },
  options: { minValue: ["number"], maxValue: ["number"] },
  limits: { input: limit(ANY_TYPE), output: limit("input") },
  infer({ input, minValue, maxValue }) {
    const low = bound(minValue, -Infinity);
    const high = bound(maxValue, Infinity);
    check(low <= high, "minValue", low, `at most maxValue (${high})`);
    return {
      outputs: [{ dataType: input.dataType, shape: input.shape }],
      attributes: {
        minValue: castNumber(input.dataType, low),
        maxValue: castNumber(input.dataType, high),
      },
    };
  },
  decompose(node, graph) {
    const { input } = node.inputs;
    const range = integerRange(input.dataType);
    if (!range) return node.outputs;
    const { minValue, maxValue } = node.attributes;
    const c = new Composer(graph, node);
    let value = input;
    if (BigInt(minValue) > range[0]) {
      value = c.binary("max", value, c.scalar(input.dataType, minValue));
    }
    if (BigInt(maxValue) < range[1]) {
      value = c.binary("min", value, c.scalar(input.dataType, maxValue));
    }
    return [value];
  },
  lower(node, to) {
    const { minValue, maxValue } = node.attributes;
    lowerUnary(node, to, UNARY_OP.clamp, minValue, maxValue);
  },
  elementwise: true,
};

/** @type {Operator} */
export const cast = {
  name: "cast",
  parameters: { input: "operand", dataType: "dataType" },
  options: {},
  limits: { input: limit(ANY_TYPE), output: limit(ANY_TYPE) },
  infer: ({ input, dataType }) => ({ outputs: [{ dataType, shape: input.shape }] }),
  lower(node, to) {
    const x = node.inputs.input;
    const y = node.output;
    if (x.dataType === y.dataType) {
      to.alias(y, x);
      return;
    }
    const y_type = to.elementType(y);
    to.step("cast", { y, x, y_type, x_type: to.elementType(x) }, x.elements, ELEMENT_WORK);
  },
  elementwise: true,
};
