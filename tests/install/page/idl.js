// SPDX-License-Identifier: Apache-2.0
// The standard's IDL as a table: https://www.w3.org/TR/webnn/#idl-index
//
// A number is an operation's required arguments; "promise" marks what rejects instead of throwing.

/** @typedef {{attributes: Record<string, "" | "promise">, operations: Record<string, [number, ("promise")?]>}} Members */

/** @type {Readonly<Record<string, Members>>} */
export const INTERFACES = {
  ML: { attributes: {}, operations: { createContext: [0, "promise"] } },
  MLContext: {
    attributes: { accelerated: "", lost: "promise" },
    operations: {
      createConstantTensor: [2, "promise"],
      createTensor: [1, "promise"],
      destroy: [0],
      dispatch: [3],
      opSupportLimits: [0],
      readTensor: [1, "promise"],
      writeTensor: [2],
    },
  },
  MLGraph: { attributes: {}, operations: { destroy: [0] } },
  MLOperand: { attributes: { dataType: "", shape: "" }, operations: {} },
  MLTensor: {
    attributes: { constant: "", dataType: "", readable: "", shape: "", writable: "" },
    operations: { destroy: [0] },
  },
  MLGraphBuilder: {
    attributes: {},
    operations: { build: [1, "promise"], constant: [1], input: [2], ...operators() },
  },
};

/** Interfaces that scripts construct, with the constructor's required arguments. */
export const CONSTRUCTORS = { MLGraphBuilder: 1 };

/** Members beyond the standard: Chromium has them, and clients read them. */
export const EXTENSIONS = { MLGraph: { devices: "" } };

/** The operators of MLGraphBuilder by their required arguments. @returns {Record<string, [number]>} */
function operators() {
  const lists = {
    1: `abs averagePool2d ceil clamp cos elu erf exp floor gelu hardSigmoid hardSwish identity
      instanceNormalization isInfinite isNaN l2Pool2d layerNormalization leakyRelu linear log
      logicalNot maxPool2d neg reciprocal reduceL1 reduceL2 reduceLogSum reduceLogSumExp reduceMax
      reduceMean reduceMin reduceProduct reduceSum reduceSumSquare relu resample2d reverse roundEven
      sigmoid sign sin softplus softsign sqrt tan tanh transpose triangular`,
    2: `add argMax argMin cast concat conv2d convTranspose2d cumulativeSum div equal expand gather
      gatherElements gatherND gemm greater greaterOrEqual lesser lesserOrEqual logicalAnd logicalOr
      logicalXor matmul max min mul notEqual pow prelu reshape softmax split sub tile`,
    3: `batchNormalization dequantizeLinear pad quantizeLinear scatterElements scatterND slice where`,
    5: "gru gruCell lstm",
    6: "lstmCell",
  };
  return Object.fromEntries(
    Object.entries(lists).flatMap(([count, names]) =>
      names.split(/\s+/).map((name) => [name, [Number(count)]]),
    ),
  );
}
