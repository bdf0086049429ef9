// SPDX-License-Identifier: Apache-2.0
// Matrix products. https://www.w3.org/TR/webnn/#api-mlgraphbuilder-gemm

import { lowerFloatGemm } from "./convolution.js";
import { check, FLOAT_TYPES, limit } from "./operator.js";
import { broadcastOrFail, broadcastStrides, elementIndex, isBroadcastableTo } from "./shape.js";

/** @typedef {import("./operator.js").Operator} Operator */
/** @typedef {import("./operator.js").Node} Node */
/** @typedef {import("./operator.js").Graph} Graph */
/** @typedef {import("./operator.js").Value} Value */

/**
 * The filter_shape of a matrix b[k, n], or b[n, k] when transposed.
 *
 * @param {number} k
 * @param {number} n
 * @param {boolean} transposed
 */
export function matrixShape(k, n, transposed) {
  return {
    groups: 1,
    out_channels: n,
    in_channels: k,
    taps: 1,
    group_stride: k * n,
    out_stride: transposed ? k : 1,
    tap_stride: 0,
    in_stride: transposed ? 1 : n,
  };
}

/** Whether c is a bias that the packed weights can hold: one number per column. @param {Value} c @param {number} n */
export function isColumnBias(c, n) {
  return c.elements === n && c.shape[c.shape.length - 1] === n;
}

/** @type {Operator} */
export const gemm = {
  name: "gemm",
  parameters: { a: "operand", b: "operand" },
  options: {
    c: ["operand"],
    alpha: ["double", 1],
    beta: ["double", 1],
    aTranspose: ["boolean", false],
    bTranspose: ["boolean", false],
  },
  limits: {
    a: limit(FLOAT_TYPES, 2, 2),
    b: limit("a", 2, 2),
    c: limit("a", 0, 2),
    output: limit("a", 2, 2),
  },
  infer({ a, b, c, aTranspose, bTranspose }) {
    const [m, k] = aTranspose ? [a.shape[1], a.shape[0]] : a.shape;
    const [kb, n] = bTranspose ? [b.shape[1], b.shape[0]] : b.shape;
    check(k === kb, "b rows", kb, `a's columns (${k})`);
    if (c) {
      check(
        isBroadcastableTo(c.shape, [m, n]),
        "c shape",
        c.shape,
        `a shape that broadcasts to [${m}, ${n}]`,
      );
    }
    return { outputs: [{ dataType: a.dataType, shape: [m, n] }] };
  },
  decompose: decomposeGemm,
  lower(node, to) {
    to.requireType(node, "float32");
    const { a, b, c = null } = node.inputs;
    const { minValue: lo = -Infinity, maxValue: hi = Infinity, bTranspose } = node.attributes;
    const [m, n] = node.output.shape;
    const k = a.shape[1];
    const blocks = Math.ceil(n / 8);
    const w = to.shared([b, c], `f32_pack ${k} ${n} ${bTranspose}`, () => {
      const packed = to.buffer(blocks * 32 * (1 + k));
      const shape = matrixShape(k, n, bTranspose);
      to.step("f32_pack", { packed, filter: b, bias: c, shape }, blocks);
      return packed;
    });
    lowerFloatGemm(to, { y: node.output, x: a, w, lo, hi, m, n, k });
  },
};

/**
 * gemm(a, b) with everything else taken out: aᵀ by transpose, alpha and beta by mul, c by add, unless c
 * is a plain bias.
 *
 * @param {Node} node
 * @param {Graph} graph
 */
function decomposeGemm(node, graph) {
  const { a, b, c } = node.inputs;
  const { alpha, beta, aTranspose, bTranspose } = node.attributes;
  const { dataType, shape } = node.output;
  const foldable = c && beta === 1 && alpha === 1 && isColumnBias(c, shape[1]);
  if (!aTranspose && alpha === 1 && (!c || foldable)) return node.outputs;
  const constant = (/** @type {number} */ v) => graph.scalar(dataType, v);
  let rows = a;
  if (aTranspose) {
    rows = graph.insert(
      "transpose",
      { input: a },
      { permutation: [1, 0] },
      dataType,
      [a.shape[1], a.shape[0]],
      node,
    );
  }
  const attributes = { alpha: 1, beta: 1, aTranspose: false, bTranspose };
  /** @type {Record<string, Value>} */
  const operands = { a: rows, b };
  if (c && foldable) operands.c = c;
  let result = graph.insert("gemm", operands, attributes, dataType, shape, node);
  if (alpha !== 1) {
    result = graph.insert("mul", { a: result, b: constant(alpha) }, {}, dataType, shape, node);
  }
  if (c && !foldable && beta !== 0) {
    const scaled =
      beta === 1
        ? c
        : graph.insert("mul", { a: c, b: constant(beta) }, {}, dataType, c.shape, node);
    result = graph.insert("add", { a: result, b: scaled }, {}, dataType, shape, node);
  }
  return [result];
}

/** @type {Operator} */
export const matmul = {
  name: "matmul",
  parameters: { a: "operand", b: "operand" },
  options: {},
  limits: { a: limit(FLOAT_TYPES, 2), b: limit("a", 2), output: limit("a", 2) },
  infer({ a, b }) {
    const [m, k] = a.shape.slice(-2);
    const [kb, n] = b.shape.slice(-2);
    check(k === kb, "b rows", kb, `a's columns (${k})`);
    const batch = broadcastOrFail(
      "a's batch",
      a.shape.slice(0, -2),
      "b's batch",
      b.shape.slice(0, -2),
    );
    return { outputs: [{ dataType: a.dataType, shape: [...batch, m, n] }] };
  },
  lower(node, to) {
    to.requireType(node, "float32");
    const { a, b } = node.inputs;
    const { minValue: lo = -Infinity, maxValue: hi = Infinity } = node.attributes;
    const shape = node.output.shape;
    const batch = shape.slice(0, -2);
    const [m, n] = shape.slice(-2);
    const k = a.shape[a.shape.length - 1];
    const blocks = Math.ceil(n / 8);
    const matrices = b.elements / (k * n);
    const packedBytes = blocks * 32 * (1 + k);
    const w = to.buffer(matrices * packedBytes);
    for (let i = 0; i < matrices; i++) {
      const packed = to.at(w, i * packedBytes);
      const filter = to.at(b, i * k * n * 4);
      to.step("f32_pack", { packed, filter, bias: null, shape: matrixShape(k, n, false) }, blocks);
    }
    const strides = {
      a: broadcastStrides(a.shape.slice(0, -2), batch),
      b: broadcastStrides(b.shape.slice(0, -2), batch),
    };
    const count = batch.reduce(
      (/** @type {number} */ product, /** @type {number} */ d) => product * d,
      1,
    );
    // One matrix for all: the rows of the batch are simply more rows.
    if (matrices === 1 && a.elements === count * m * k) {
      lowerFloatGemm(to, { y: node.output, x: a, w, lo, hi, m: count * m, n, k });
      return;
    }
    for (let i = 0; i < count; i++) {
      const y = to.at(node.output, i * m * n * 4);
      const x = to.at(a, elementIndex(i, batch, strides.a) * m * k * 4);
      const matrix = to.at(w, elementIndex(i, batch, strides.b) * packedBytes);
      lowerFloatGemm(to, { y, x, w: matrix, lo, hi, m, n, k });
    }
  },
};
