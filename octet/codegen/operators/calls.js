// SPDX-License-Identifier: Apache-2.0
// A valid call of every operator, with all of its operands, as data.

/** An operand to be. */
export class Operand {
  constructor(dataType, shape) {
    this.dataType = dataType;
    this.shape = shape;
  }
}

export const of = (dataType, ...shape) => new Operand(dataType, shape);
export const f32 = (...shape) => of("float32", ...shape);
export const i32 = (...shape) => of("int32", ...shape);
export const u8 = (...shape) => of("uint8", ...shape);

const call = (args, options = {}) => ({ args, options });
const all = (names, made) => Object.fromEntries(names.map((name) => [name, made]));

/** @type {Record<string, {args: any[], options: Record<string, any>}>} */
export const CALLS = {
  ...all(["add", "sub", "mul", "div", "max", "min", "pow"], call([f32(2, 3), f32(3)])),
  ...all(
    ["equal", "notEqual", "greater", "greaterOrEqual", "lesser", "lesserOrEqual"],
    call([f32(2, 3), f32(3)]),
  ),
  ...all(["logicalAnd", "logicalOr", "logicalXor"], call([u8(2, 3), u8(3)])),
  logicalNot: call([u8(2, 3)]),
  ...all(["isNaN", "isInfinite"], call([f32(2, 3)])),
  ...all(["abs", "neg", "sign", "relu", "identity"], call([f32(2, 3)])),
  ...all(["ceil", "cos", "erf", "exp", "floor", "log", "reciprocal"], call([f32(2, 3)])),
  ...all(["roundEven", "sin", "sqrt", "tan", "gelu", "hardSwish"], call([f32(2, 3)])),
  ...all(["sigmoid", "softplus", "softsign", "tanh"], call([f32(2, 3)])),
  ...all(["elu", "leakyRelu"], call([f32(2, 3)], { alpha: 0.5 })),
  ...all(["hardSigmoid", "linear"], call([f32(2, 3)], { alpha: 0.5, beta: 0.25 })),
  prelu: call([f32(2, 3), f32(3)]),
  clamp: call([f32(2, 3)], { minValue: 0, maxValue: 1 }),
  cast: call([f32(2, 3), "int32"]),
  where: call([u8(2, 1), f32(2, 3), f32(3)]),
  concat: call([[f32(2, 3), f32(2, 1)], 1]),
  split: call([f32(4, 6), [1, 3]], { axis: 0 }),
  reshape: call([f32(2, 3), [3, 2]]),
  expand: call([f32(1, 3), [2, 3]]),
  tile: call([f32(2, 3), [1, 2]]),
  slice: call([f32(4, 6), [1, 2], [2, 4]], { strides: [1, 2] }),
  transpose: call([f32(2, 3, 4)], { permutation: [2, 0, 1] }),
  reverse: call([f32(2, 3)], { axes: [1] }),
  triangular: call([f32(3, 3)], { upper: false, diagonal: -1 }),
  pad: call([f32(3, 3), [1, 2], [2, 1]], { mode: "reflection", value: 1 }),
  gather: call([f32(4, 3), i32(2)], { axis: 1 }),
  gatherElements: call([f32(4, 3), i32(4, 2)], { axis: 1 }),
  gatherND: call([f32(4, 3), i32(5, 2)]),
  scatterElements: call([f32(4, 3), i32(2, 3), f32(2, 3)], { axis: 0 }),
  scatterND: call([f32(4, 3), i32(2, 1), f32(2, 3)]),
  ...all(
    ["reduceSum", "reduceMean", "reduceMax", "reduceMin", "reduceProduct", "reduceSumSquare"],
    call([f32(2, 3, 4)], { axes: [2, 0], keepDimensions: true }),
  ),
  ...all(
    ["reduceL1", "reduceL2", "reduceLogSum", "reduceLogSumExp"],
    call([f32(2, 3, 4)], { axes: [1], keepDimensions: false }),
  ),
  ...all(
    ["argMax", "argMin"],
    call([f32(2, 3), 1], { keepDimensions: true, outputDataType: "int64" }),
  ),
  cumulativeSum: call([f32(2, 3), 1], { exclusive: true, reversed: true }),
  softmax: call([f32(2, 3), 1]),
  batchNormalization: call([f32(2, 3, 4), f32(3), f32(3)], {
    scale: f32(3),
    bias: f32(3),
    axis: 1,
    epsilon: 1e-3,
  }),
  instanceNormalization: call([f32(1, 3, 2, 2)], {
    scale: f32(3),
    bias: f32(3),
    epsilon: 1e-3,
    layout: "nchw",
  }),
  layerNormalization: call([f32(2, 3, 4)], {
    scale: f32(4, 3),
    bias: f32(4, 3),
    axes: [2, 1],
    epsilon: 1e-3,
  }),
  matmul: call([f32(2, 3, 4), f32(4, 5)]),
  gemm: call([f32(3, 2), f32(4, 3)], {
    c: f32(4),
    alpha: 0.5,
    beta: 2,
    aTranspose: true,
    bTranspose: true,
  }),
  conv2d: call([f32(1, 4, 5, 6), f32(6, 2, 3, 3)], {
    padding: [1, 0, 0, 1],
    strides: [1, 2],
    dilations: [1, 1],
    groups: 2,
    inputLayout: "nchw",
    filterLayout: "oihw",
    bias: f32(6),
  }),
  convTranspose2d: call([f32(1, 4, 3, 3), f32(4, 2, 3, 3)], {
    padding: [1, 0, 0, 1],
    strides: [2, 2],
    dilations: [1, 1],
    outputPadding: [1, 0],
    groups: 2,
    inputLayout: "nchw",
    filterLayout: "iohw",
    bias: f32(4),
  }),
  ...all(
    ["averagePool2d", "l2Pool2d", "maxPool2d"],
    call([f32(1, 2, 5, 5)], {
      windowDimensions: [2, 2],
      padding: [0, 0, 0, 0],
      strides: [2, 2],
      dilations: [1, 1],
      layout: "nchw",
      outputShapeRounding: "ceil",
      outputSizes: [3, 3],
    }),
  ),
  resample2d: call([f32(1, 2, 4, 4)], {
    mode: "linear",
    scales: [2, 2],
    sizes: [8, 6],
    axes: [2, 3],
  }),
  quantizeLinear: call([f32(4, 6), f32(2, 1), u8(2, 1)]),
  dequantizeLinear: call([u8(4, 6), f32(2, 1), u8(2, 1)]),
  gru: call([f32(2, 3, 5), f32(2, 12, 5), f32(2, 12, 4), 2, 4], {
    bias: f32(2, 12),
    recurrentBias: f32(2, 12),
    initialHiddenState: f32(2, 3, 4),
    resetAfter: true,
    returnSequence: true,
    direction: "both",
    layout: "rzn",
    activations: ["relu", "tanh"],
  }),
  lstm: call([f32(2, 3, 5), f32(1, 16, 5), f32(1, 16, 4), 2, 4], {
    bias: f32(1, 16),
    recurrentBias: f32(1, 16),
    peepholeWeight: f32(1, 12),
    initialHiddenState: f32(1, 3, 4),
    initialCellState: f32(1, 3, 4),
    returnSequence: true,
    direction: "backward",
    layout: "ifgo",
    activations: ["sigmoid", "tanh", "relu"],
  }),
  gruCell: call([f32(3, 5), f32(12, 5), f32(12, 4), f32(3, 4), 4], {
    bias: f32(12),
    recurrentBias: f32(12),
    resetAfter: false,
    layout: "zrn",
    activations: ["sigmoid", "tanh"],
  }),
  lstmCell: call([f32(3, 5), f32(16, 5), f32(16, 4), f32(3, 4), f32(3, 4), 4], {
    bias: f32(16),
    recurrentBias: f32(16),
    peepholeWeight: f32(12),
    layout: "iofg",
    activations: ["sigmoid", "tanh", "tanh"],
  }),
};
