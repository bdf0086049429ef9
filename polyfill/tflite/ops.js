// SPDX-License-Identifier: Apache-2.0
// The one mapping from TFLite operators to WebNN: a function per operator, which makes builder
// calls.

import { batchToSpace, depthToSpace, spaceToBatch, spaceToDepth } from "./ops_blocks.js";
import {
  conv2d,
  depthwiseConv2d,
  fullyConnected,
  transposeConv,
  transposeConvBias,
} from "./ops_convolution.js";
import { detectionPostprocess } from "./ops_detection.js";
import * as elementwise from "./ops_elementwise.js";
import { activation, binary, comparison, logical, unary } from "./ops_elementwise.js";
import * as indexing from "./ops_indexing.js";
import { bidirectionalSequenceLstm, unidirectionalSequenceLstm } from "./ops_lstm.js";
import * as movement from "./ops_movement.js";
import { averagePool2d, l2Pool2d, maxPool2d } from "./ops_pooling.js";
import { cast, densify, fakeQuant, requantize } from "./ops_quantization.js";
import {
  bidirectionalSequenceRnn,
  recurrentStep,
  unidirectionalSequenceRnn,
} from "./ops_recurrent.js";
import { argument, cumulativeSum, mean, reduction, reverse } from "./ops_reduction.js";
import { resizeBilinear, resizeNearestNeighbor } from "./ops_resize.js";
import { slice, stridedSlice } from "./ops_slicing.js";
import * as spectrum from "./ops_spectrum.js";
import { convolution3d } from "./ops_volume.js";

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */

/**
 * @typedef {object} Entry
 * @property {(op: OperatorCall) => void} map sets the operator's outputs
 * @property {readonly [number, number]} inputs fewest and most
 * @property {string | undefined} options the table of its options
 * @property {readonly [number, number]} outputs
 */

const MANY = Number.MAX_SAFE_INTEGER;

/**
 * @param {(op: OperatorCall) => void} map
 * @param {number | readonly [number, number]} inputs
 * @param {string} [options]
 * @param {number | readonly [number, number]} [outputs]
 * @returns {Entry}
 */
function entry(map, inputs, options, outputs = 1) {
  const range = (/** @type {any} */ count) => (typeof count === "number" ? [count, count] : count);
  return { map, inputs: range(inputs), options, outputs: range(outputs) };
}

/** @type {Readonly<Record<string, Entry>>} */
const BUILTINS = {
  ABS: entry(unary("abs"), 1),
  ADD: entry(binary("add"), 2, "AddOptions"),
  ADD_N: entry(elementwise.addN, [1, MANY]),
  ARG_MAX: entry(argument("argMax"), 2, "ArgMaxOptions"),
  ARG_MIN: entry(argument("argMin"), 2, "ArgMinOptions"),
  AVERAGE_POOL_2D: entry(averagePool2d, 1, "Pool2DOptions"),
  BATCH_MATMUL: entry(elementwise.batchMatMul, 2, "BatchMatMulOptions"),
  BATCH_TO_SPACE_ND: entry(batchToSpace, 3),
  BIDIRECTIONAL_SEQUENCE_LSTM: entry(
    bidirectionalSequenceLstm,
    48,
    "BidirectionalSequenceLSTMOptions",
    [1, 2],
  ),
  BIDIRECTIONAL_SEQUENCE_RNN: entry(
    bidirectionalSequenceRnn,
    12,
    "BidirectionalSequenceRNNOptions",
    [1, 2],
  ),
  BROADCAST_ARGS: entry(movement.broadcastArgs, 2),
  BROADCAST_TO: entry(movement.broadcastTo, 2),
  CAST: entry(cast, 1, "CastOptions"),
  CEIL: entry(unary("ceil"), 1),
  COMPLEX_ABS: entry(spectrum.magnitude, 1),
  CONCATENATION: entry(movement.concatenation, [1, MANY], "ConcatenationOptions"),
  CONV_2D: entry(conv2d, [2, 3], "Conv2DOptions"),
  CONV_3D: entry(convolution3d, [2, 3], "Conv3DOptions"),
  COS: entry(unary("cos"), 1),
  CUMSUM: entry(cumulativeSum, 2, "CumsumOptions"),
  DENSIFY: entry(densify, 1),
  DEPTH_TO_SPACE: entry(depthToSpace, 1, "DepthToSpaceOptions"),
  DEPTHWISE_CONV_2D: entry(depthwiseConv2d, [2, 3], "DepthwiseConv2DOptions"),
  DEQUANTIZE: entry(requantize, 1),
  DIV: entry(binary("div"), 2, "DivOptions"),
  DYNAMIC_UPDATE_SLICE: entry(indexing.dynamicUpdateSlice, 3),
  ELU: entry(unary("elu"), 1),
  EMBEDDING_LOOKUP: entry(indexing.embeddingLookup, 2),
  EQUAL: entry(comparison("equal"), 2),
  EXP: entry(unary("exp"), 1),
  EXPAND_DIMS: entry(movement.expandDims, 2),
  FAKE_QUANT: entry(fakeQuant, 1, "FakeQuantOptions"),
  FILL: entry(movement.fill, 2),
  FLOOR: entry(unary("floor"), 1),
  FLOOR_DIV: entry(elementwise.floorDiv, 2),
  FLOOR_MOD: entry(elementwise.floorMod, 2),
  FULLY_CONNECTED: entry(fullyConnected, [2, 3], "FullyConnectedOptions"),
  GATHER: entry(indexing.gather, 2, "GatherOptions"),
  GATHER_ND: entry(indexing.gatherNd, 2),
  GELU: entry(elementwise.gelu, 1, "GeluOptions"),
  GREATER: entry(comparison("greater"), 2),
  GREATER_EQUAL: entry(comparison("greaterOrEqual"), 2),
  HARD_SWISH: entry(unary("hardSwish"), 1),
  IMAG: entry(spectrum.imaginaryPart, 1),
  L2_NORMALIZATION: entry(elementwise.l2Normalization, 1, "L2NormOptions"),
  L2_POOL_2D: entry(l2Pool2d, 1, "Pool2DOptions"),
  LEAKY_RELU: entry(elementwise.leakyRelu, 1, "LeakyReluOptions"),
  LESS: entry(comparison("lesser"), 2),
  LESS_EQUAL: entry(comparison("lesserOrEqual"), 2),
  LOCAL_RESPONSE_NORMALIZATION: entry(
    elementwise.localResponseNormalization,
    1,
    "LocalResponseNormalizationOptions",
  ),
  LOG: entry(unary("log"), 1),
  LOG_SOFTMAX: entry(elementwise.logSoftmax, 1),
  LOGICAL_AND: entry(logical("logicalAnd", 2), 2),
  LOGICAL_NOT: entry(logical("logicalNot", 1), 1),
  LOGICAL_OR: entry(logical("logicalOr", 2), 2),
  LOGISTIC: entry(unary("sigmoid"), 1),
  MAX_POOL_2D: entry(maxPool2d, 1, "Pool2DOptions"),
  MAXIMUM: entry(binary("max"), 2),
  MEAN: entry(mean, 2, "ReducerOptions"),
  MINIMUM: entry(binary("min"), 2),
  MIRROR_PAD: entry(movement.mirrorPad, 2, "MirrorPadOptions"),
  MUL: entry(binary("mul"), 2, "MulOptions"),
  NEG: entry(unary("neg"), 1),
  NOT_EQUAL: entry(comparison("notEqual"), 2),
  ONE_HOT: entry(indexing.oneHot, 4, "OneHotOptions"),
  PACK: entry(movement.pack, [1, MANY], "PackOptions"),
  PAD: entry(movement.pad, 2),
  PADV2: entry(movement.pad, 3),
  POW: entry(binary("pow"), 2),
  PRELU: entry(binary("prelu"), 2),
  QUANTIZE: entry(requantize, 1),
  RANGE: entry(movement.range, 3),
  RANK: entry(movement.rankOf, 1),
  REAL: entry(spectrum.realPart, 1),
  REDUCE_ALL: entry(reduction("reduceMin"), 2, "ReducerOptions"),
  REDUCE_ANY: entry(reduction("reduceMax"), 2, "ReducerOptions"),
  REDUCE_MAX: entry(reduction("reduceMax"), 2, "ReducerOptions"),
  REDUCE_MIN: entry(reduction("reduceMin"), 2, "ReducerOptions"),
  REDUCE_PROD: entry(reduction("reduceProduct"), 2, "ReducerOptions"),
  RELU: entry(activation("RELU"), 1),
  RELU_0_TO_1: entry(elementwise.relu0To1, 1),
  RELU_N1_TO_1: entry(activation("RELU_N1_TO_1"), 1),
  RELU6: entry(activation("RELU6"), 1),
  RESHAPE: entry(movement.reshape, [1, 2], "ReshapeOptions"),
  RESIZE_BILINEAR: entry(resizeBilinear, 2, "ResizeBilinearOptions"),
  RESIZE_NEAREST_NEIGHBOR: entry(resizeNearestNeighbor, 2, "ResizeNearestNeighborOptions"),
  REVERSE_SEQUENCE: entry(indexing.reverseSequence, 2, "ReverseSequenceOptions"),
  REVERSE_V2: entry(reverse, 2),
  RFFT2D: entry(spectrum.rfft2d, 2),
  RNN: entry(recurrentStep, 5, "RNNOptions"),
  ROUND: entry(unary("roundEven"), 1),
  RSQRT: entry(elementwise.rsqrt, 1),
  SCATTER_ND: entry(indexing.scatterNd, 3),
  SELECT: entry(elementwise.select, 3),
  SELECT_V2: entry(elementwise.select, 3),
  SHAPE: entry(movement.shapeOf, 1, "ShapeOptions"),
  SIGN: entry(unary("sign"), 1),
  SIN: entry(unary("sin"), 1),
  SLICE: entry(slice, 3),
  SOFTMAX: entry(elementwise.softmax, 1, "SoftmaxOptions"),
  SPACE_TO_BATCH_ND: entry(spaceToBatch, 3),
  SPACE_TO_DEPTH: entry(spaceToDepth, 1, "SpaceToDepthOptions"),
  SPLIT: entry(movement.split, 2, "SplitOptions", [1, MANY]),
  SPLIT_V: entry(movement.splitV, 3, "SplitVOptions", [1, MANY]),
  SQRT: entry(unary("sqrt"), 1),
  SQUARE: entry(elementwise.square, 1),
  SQUARED_DIFFERENCE: entry(elementwise.squaredDifference, 2),
  SQUEEZE: entry(movement.squeeze, 1, "SqueezeOptions"),
  STRIDED_SLICE: entry(stridedSlice, 4, "StridedSliceOptions"),
  SUB: entry(binary("sub"), 2, "SubOptions"),
  SUM: entry(reduction("reduceSum"), 2, "ReducerOptions"),
  TANH: entry(unary("tanh"), 1),
  TILE: entry(movement.tile, 2),
  TOPK_V2: entry(indexing.topK, 2, undefined, 2),
  TRANSPOSE: entry(movement.transpose, 2),
  TRANSPOSE_CONV: entry(transposeConv, [3, 4], "TransposeConvOptions"),
  UNIDIRECTIONAL_SEQUENCE_LSTM: entry(
    unidirectionalSequenceLstm,
    [20, 24],
    "UnidirectionalSequenceLSTMOptions",
  ),
  UNIDIRECTIONAL_SEQUENCE_RNN: entry(unidirectionalSequenceRnn, 5, "SequenceRNNOptions"),
  UNPACK: entry(movement.unpack, 1, "UnpackOptions", [1, MANY]),
  ZEROS_LIKE: entry(movement.zerosLike, 1),
};

/** @type {Readonly<Record<string, Entry>>} */
const CUSTOM = {
  Convolution2DTransposeBias: entry(transposeConvBias, 3),
  TFLite_Detection_PostProcess: entry(detectionPostprocess, 3, undefined, 4),
};

/**
 * @param {{name: string, custom: boolean}} operator
 * @returns {Entry | undefined}
 */
export function entryOf({ name, custom }) {
  const table = custom ? CUSTOM : BUILTINS;
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/**
 * @returns {{builtin: string[], custom: string[]}} the names of all operators that can be mapped
 */
export function supportedOperators() {
  return { builtin: Object.keys(BUILTINS), custom: Object.keys(CUSTOM) };
}
