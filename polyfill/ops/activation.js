// SPDX-License-Identifier: Apache-2.0
// Activations: elementwise operators of one float operand, some with coefficients.
// https://www.w3.org/TR/webnn/#api-mlgraphbuilder-elu-method and the like

import { UNARY_OP } from "../gen/kernels.js";
import { floatUnary, lowerUnary } from "./elementwise_unary.js";

/** @typedef {import("./operator.js").Operator} Operator */

/**
 * An activation whose options are the kernel's coefficients, in order.
 *
 * @param {string} name
 * @param {number} op
 * @param {Readonly<Record<string, number>>} defaults
 * @returns {Operator}
 */
function withCoefficients(name, op, defaults) {
  const names = Object.keys(defaults);
  return {
    ...floatUnary(name, op),
    options: Object.fromEntries(names.map((key) => [key, ["double", defaults[key]]])),
    lower(node, to) {
      const [p0, p1] = names.map((key) => node.attributes[key]);
      lowerUnary(node, to, op, p0, p1);
    },
  };
}

export const elu = withCoefficients("elu", UNARY_OP.elu, { alpha: 1 });
export const gelu = floatUnary("gelu", UNARY_OP.gelu);
export const hardSigmoid = withCoefficients("hardSigmoid", UNARY_OP.hard_sigmoid, {
  alpha: 0.2,
  beta: 0.5,
});
export const hardSwish = floatUnary("hardSwish", UNARY_OP.hard_swish);
export const leakyRelu = withCoefficients("leakyRelu", UNARY_OP.leaky_relu, { alpha: 0.01 });
export const linear = withCoefficients("linear", UNARY_OP.linear, { alpha: 1, beta: 0 });
export const sigmoid = floatUnary("sigmoid", UNARY_OP.sigmoid);
export const softplus = floatUnary("softplus", UNARY_OP.softplus);
export const softsign = floatUnary("softsign", UNARY_OP.softsign);
export const tanh = floatUnary("tanh", UNARY_OP.tanh);
