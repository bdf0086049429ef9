// SPDX-License-Identifier: Apache-2.0
// Integer execution is recognised here: dequantize → operator → quantize becomes one operator on bytes.
// Each rule is a comment "Q(op(DQ(x))) → qOp(x)" and a function. It returns the new value; null where it
// is not about this operator; or, where a guard does not hold, the reason as text: then the graph runs in
// float, is still right, and the reason is kept for whoever asks.

import { Value } from "../ir/graph.js";
import { constantNumbers } from "../ir/numbers.js";
import { filterDimensions } from "../ops/convolution.js";
import { multiplier, ratio } from "../ops/quantized.js";
import { fuseTable } from "./fuse_table.js";
import {
  byteRange,
  dequantized,
  dequantizedWeights,
  largestMagnitude,
  ofChannel,
  quantizeNumber,
  tensorParams,
} from "./quantization.js";

/** @typedef {import("../ir/graph.js").Graph} Graph */
/** @typedef {import("../ir/graph.js").Node} Node */
/** @typedef {import("./quantization.js").Params} Params */

/**
 * A quantizeLinear node seen from its end: what it quantizes, once clamps in between are taken into the
 * bounds lo and hi.
 *
 * @typedef {object} Tail
 * @property {Graph} graph
 * @property {Node} quantize
 * @property {Node} op what is quantized
 * @property {Params} y
 * @property {number} lo
 * @property {number} hi
 */

const NOT_BYTES = "an operand is not dequantized from 8 bits with one constant scale";
const NOT_WEIGHTS =
  "the weights are not dequantized 8-bit constants, one scale for all or one for each channel";
const OVERFLOW = "a sum could leave int32";
const TOO_FAR = "the scales are too far apart for float32";

/** Scales of summands over the sum's that 21-bit multipliers can express well. */
const MIN_SUM_RATIO = 2 ** -10;
const MAX_SUM_RATIO = 2 ** 8;

/** int32 accumulators must hold every sum. */
const MAX_ACCUMULATOR = 2 ** 31 - 1;

/** The smallest float32 of full precision. */
const MIN_NORMAL = 2 ** -126;

/** An output's scale, from which on a product of scales below MIN_NORMAL moves no sum by 2^-18 steps. */
const MIN_SAFE_SCALE = 2 ** -100;

/**
 * Largest error, in steps of the output, that a bias scale which is not quite x * w may bring.
 */
const MAX_BIAS_ERROR = 2 ** -10;

/** @param {Node} node @returns {readonly [number, number] | null} */
function clampBounds(node) {
  if (node.op === "relu") return [0, Infinity];
  if (node.op === "clamp")
    return [Number(node.attributes.minValue), Number(node.attributes.maxValue)];
  return null;
}

/**
 * Q(clamp(x, a, b)) = clamp(Q(x), Q(a), Q(b)), because Q keeps order.
 *
 * @param {Graph} graph
 * @param {Node} quantize
 * @returns {Tail | null}
 */
function tailOf(graph, quantize) {
  const y = tensorParams(quantize);
  const range = byteRange(quantize.output.dataType);
  if (!y || !range) return null;
  let [lo, hi] = range;
  let value = quantize.inputs.input;
  for (;;) {
    const op = value.producer;
    if (!op || !graph.hasSingleUse(value)) return null;
    const bounds = clampBounds(op);
    // A clamp straight after a dequantizeLinear is that rule's business.
    if (!bounds || dequantized(op.inputs.input)) return { graph, quantize, op, y, lo, hi };
    hi = Math.max(lo, Math.min(hi, quantizeNumber(bounds[1], y, range)));
    lo = Math.min(hi, Math.max(lo, quantizeNumber(bounds[0], y, range)));
    value = op.inputs.input;
  }
}

/**
 * The fused node in front of the quantizeLinear.
 *
 * @param {Tail} tail
 * @param {string} op
 * @param {Record<string, Value>} inputs
 * @param {import("../ir/graph.js").Attributes} attributes
 */
function fused({ graph, quantize, op: old, y, lo, hi }, op, inputs, attributes) {
  const { dataType, shape } = quantize.output;
  const output = new Value(dataType, shape);
  graph.add(
    op,
    inputs,
    { ...attributes, y, lo, hi },
    [output],
    old.label || quantize.label,
    quantize,
  );
  return output;
}

// ---------------------------------------------------------------------------
// Products of activations with constant weights

/**
 * The int32 bias of a product, or undefined where it has none; text where it does not fit.
 *
 * @param {Value | undefined} bias
 * @param {Params} x
 * @param {ArrayLike<number>} scales of the weights
 * @param {Params} y
 * @param {number} count of channels
 */
function integerBias(bias, x, scales, y, count) {
  if (!bias) return undefined;
  const node = bias.producer;
  if (node?.op !== "dequantizeLinear" || node.inputs.input.dataType !== "int32") {
    return "the bias is not a dequantized int32 constant";
  }
  const axis = bias.shape.length - 1;
  const weights = dequantizedWeights(bias, axis, count);
  const numbers = weights && constantNumbers(weights.source);
  if (!weights || !numbers || largestMagnitude(weights.zeroPoints) !== 0) {
    return "the bias is not an int32 constant with zero point 0";
  }
  const isOne = scales.length === 1 && weights.scales.length === 1;
  const largest = isOne ? largestMagnitude(numbers) : 0;
  for (let i = 0; i < (isOne ? 1 : count); i++) {
    const wanted = Math.fround(x.scale * ofChannel(scales, i));
    const magnitude = isOne ? largest : Math.abs(numbers[i]);
    const error = (magnitude * Math.abs(ofChannel(weights.scales, i) - wanted)) / y.scale;
    if (!(error <= MAX_BIAS_ERROR)) return "the bias scale is not input scale x weight scale";
  }
  return weights.source;
}

/**
 * Whether no sum of `k` products and the bias leaves int32.
 *
 * @param {number} k
 * @param {Value} weights
 * @param {ArrayLike<number>} zeroPoints
 * @param {Value | undefined} bias
 */
function accumulatorFits(k, weights, zeroPoints, bias) {
  const [lo, hi] = byteRange(weights.dataType) ?? [0, 255];
  let largest = 0;
  for (let i = 0; i < zeroPoints.length; i++)
    largest = Math.max(largest, zeroPoints[i] - lo, hi - zeroPoints[i]);
  const most = largestMagnitude((bias && constantNumbers(bias)) ?? []);
  return k * 255 * largest + most <= MAX_ACCUMULATOR;
}

/**
 * Whether float32 holds x * w / y, with x * w on the way.
 *
 * @param {Params} x
 * @param {ArrayLike<number>} scales
 * @param {Params} y
 */
function multipliersFit(x, scales, y) {
  for (let i = 0; i < scales.length; i++) {
    const isPrecise = x.scale * scales[i] >= MIN_NORMAL || y.scale >= MIN_SAFE_SCALE;
    if (!isPrecise || !Number.isFinite(multiplier(x.scale, scales[i], y.scale))) return false;
  }
  return true;
}

/**
 * Q(conv2d(DQ(x), DQ(w), DQ(b))) → qConv2d(x, w, b)
 *
 * @param {Tail} tail
 */
function fuseConv2d(tail) {
  const { op, y } = tail;
  if (op.op !== "conv2d") return null;
  const { input, filter, bias } = op.inputs;
  const outputAxis = op.attributes.filterLayout.indexOf("o");
  const dims = filterDimensions(filter.shape, /** @type {any} */ (op.attributes));
  const x = dequantized(input);
  const w = dequantizedWeights(filter, outputAxis, dims.o);
  if (!x) return NOT_BYTES;
  if (!w || !byteRange(w.source.dataType)) return NOT_WEIGHTS;
  if (!multipliersFit(x.params, w.scales, y)) return TOO_FAR;
  const b = integerBias(bias, x.params, w.scales, y, dims.o);
  if (typeof b === "string") return b;
  const k = dims.i * dims.h * dims.w;
  if (!accumulatorFits(k, w.source, w.zeroPoints, b)) return OVERFLOW;
  /** @type {Record<string, Value>} */
  const inputs = { input: x.source, filter: w.source };
  if (b) inputs.bias = b;
  const params = { x: x.params, w: { scales: w.scales, zeroPoints: w.zeroPoints } };
  return fused(tail, "qConv2d", inputs, { ...op.attributes, ...params });
}

/**
 * Q(gemm(DQ(a), DQ(b), DQ(c))) → qGemm(a, b, c); matmul by one matrix likewise, all rows of a together
 *
 * @param {Tail} tail
 */
function fuseGemm(tail) {
  const { op, y } = tail;
  if (op.op !== "gemm" && op.op !== "matmul") return null;
  const { a, b, c } = op.inputs;
  if (b.shape.length !== 2) return "b is not one matrix";
  const { bTranspose = false } = op.attributes;
  const n = b.shape[bTranspose ? 0 : 1];
  const x = dequantized(a);
  const w = dequantizedWeights(b, bTranspose ? 0 : 1, n);
  if (!x) return NOT_BYTES;
  if (!w || !byteRange(w.source.dataType)) return NOT_WEIGHTS;
  if (!multipliersFit(x.params, w.scales, y)) return TOO_FAR;
  const bias = integerBias(c, x.params, w.scales, y, n);
  if (typeof bias === "string") return bias;
  if (!accumulatorFits(a.shape[a.shape.length - 1], w.source, w.zeroPoints, bias)) return OVERFLOW;
  /** @type {Record<string, Value>} */
  const inputs = { a: x.source, b: w.source };
  if (bias) inputs.c = bias;
  const params = { x: x.params, w: { scales: w.scales, zeroPoints: w.zeroPoints } };
  return fused(tail, "qGemm", inputs, { bTranspose, ...params });
}

// ---------------------------------------------------------------------------
// Two activations

/**
 * Q(add(DQ(a), DQ(b))) → qAdd(a, b); Q(sub(...)) likewise
 *
 * @param {Tail} tail
 */
function fuseAdd(tail) {
  const { op, y } = tail;
  if (op.op !== "add" && op.op !== "sub") return null;
  const a = dequantized(op.inputs.a);
  const b = dequantized(op.inputs.b);
  if (!a || !b) return NOT_BYTES;
  const ratios = [a.params.scale / y.scale, b.params.scale / y.scale];
  if (ratios.some((r) => r < MIN_SUM_RATIO || r >= MAX_SUM_RATIO))
    return "a scale is too far from the sum's";
  const attributes = { a: a.params, b: b.params, subtract: op.op === "sub" };
  return fused(tail, "qAdd", { a: a.source, b: b.source }, attributes);
}

/**
 * Q(mul(DQ(a), DQ(b))) → qMul(a, b)
 *
 * @param {Tail} tail
 */
function fuseMul(tail) {
  const { op, y } = tail;
  if (op.op !== "mul") return null;
  const a = dequantized(op.inputs.a);
  const b = dequantized(op.inputs.b);
  if (!a || !b) return NOT_BYTES;
  if (!multipliersFit(a.params, [b.params.scale], y)) return TOO_FAR;
  return fused(tail, "qMul", { a: a.source, b: b.source }, { a: a.params, b: b.params });
}

// ---------------------------------------------------------------------------
// One activation

/** Operators whose quantized form takes the same attributes. @type {Readonly<Record<string, string>>} */
const QUANTIZED_FORM = {
  averagePool2d: "qAveragePool2d",
  reduceMean: "qReduceMean",
  resizeLinear: "qResizeLinear",
  softmax: "qSoftmax",
};

/** How many elements of its input an element of the output sums. @param {Node} op */
function summands(op) {
  if (op.op === "reduceMean") return op.inputs.input.elements / op.output.elements;
  if (op.op !== "averagePool2d") return 1;
  const [height, width] = op.attributes.windowDimensions;
  return height * width;
}

/**
 * Q(op(DQ(x))) → qOp(x) for averagePool2d, reduceMean, resizeLinear, softmax
 *
 * @param {Tail} tail
 */
function fuseOne(tail) {
  const { op, y } = tail;
  const form = QUANTIZED_FORM[op.op];
  if (!form) return null;
  const x = dequantized(op.inputs.input);
  if (!x) return NOT_BYTES;
  if (op.op !== "softmax" && !Number.isFinite(ratio(x.params, y))) return TOO_FAR;
  if (summands(op) * 255 > MAX_ACCUMULATOR) return OVERFLOW;
  return fused(tail, form, { input: x.source }, { ...op.attributes, x: x.params });
}

/**
 * Q(DQ(x)) → requantize(x); a clamp in between bounds it
 *
 * @param {Graph} graph
 * @param {Node} quantize
 */
function fuseRequantize(graph, quantize) {
  const y = tensorParams(quantize);
  const range = byteRange(quantize.output.dataType);
  if (!y || !range) return null;
  let { input } = quantize.inputs;
  let [lo, hi] = range;
  const clamp = input.producer;
  const bounds = clamp && clampBounds(clamp);
  if (clamp && bounds) {
    [lo, hi] = [quantizeNumber(bounds[0], y, range), quantizeNumber(bounds[1], y, range)];
    input = clamp.inputs.input;
  }
  const x = dequantized(input);
  if (!x || !Number.isFinite(ratio(x.params, y))) return null;
  const { dataType, shape } = quantize.output;
  const attributes = { x: x.params, y, lo, hi };
  return graph.insert("requantize", { input: x.source }, attributes, dataType, shape, quantize);
}

const RULES = [fuseConv2d, fuseGemm, fuseAdd, fuseMul, fuseOne];

/**
 * @param {Graph} graph
 * @param {Node} quantize
 * @returns {Value | null}
 */
function fuse(graph, quantize) {
  const tail = tailOf(graph, quantize);
  let reason = "";
  for (const rule of tail ? RULES : []) {
    const result = rule(/** @type {Tail} */ (tail));
    if (result instanceof Value) return result;
    if (result) reason = result;
  }
  const other = fuseRequantize(graph, quantize) ?? fuseTable(graph, quantize);
  const label = tail?.op.label || quantize.label;
  if (!other && label) graph.notes.set(label, reason || noRule(quantize, tail));
  return other;
}

/** @param {Node} quantize @param {Tail | null} tail */
function noRule(quantize, tail) {
  if (quantize.output.dataType === "int32") return "integer kernels are for 8 bits";
  return tail
    ? `${tail.op.op} has no integer form here`
    : "what is quantized has other readers, or its scale is not one constant";
}

/** @param {Graph} graph */
export function fuseQuantized(graph) {
  for (const node of [...graph.nodes]) {
    if (node.op !== "quantizeLinear") continue;
    const value = fuse(graph, node);
    if (value) graph.replace(node.output, value);
  }
  graph.prune();
  for (const node of [...graph.nodes]) convertRest(graph, node);
}

/**
 * Q and DQ that are left, with one constant scale: quantize(x), dequantize(x), with parameters as
 * attributes.
 *
 * @param {Graph} graph
 * @param {Node} node
 */
function convertRest(graph, node) {
  const isQuantize = node.op === "quantizeLinear";
  if (!isQuantize && node.op !== "dequantizeLinear") return;
  const { input } = node.inputs;
  const { dataType, shape } = node.output;
  const params = tensorParams(node);
  if (!params || !byteRange(isQuantize ? dataType : input.dataType)) return;
  const attributes = isQuantize ? { y: params } : { x: params };
  const op = isQuantize ? "quantize" : "dequantize";
  graph.replace(node.output, graph.insert(op, { input }, attributes, dataType, shape, node));
}
