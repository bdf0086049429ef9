// SPDX-License-Identifier: Apache-2.0
// The operators' own rules: for each a call that breaks it and a neighbour that does not. Arguments and
// options that are not named are those of calls.js; `null` takes an option out.

import { f32, i32, of, u8 } from "../../octet/codegen/operators/calls.js";

const BINARY = ["add", "sub", "mul", "div", "max", "min", "pow", "equal", "notEqual", "greater"];
const MORE_BINARY = ["greaterOrEqual", "lesser", "lesserOrEqual", "prelu"];
const REDUCTIONS = ["Sum", "Mean", "Max", "Min", "Product", "SumSquare", "L1", "L2", "LogSum"];
const LARGE = 2 ** 31 - 1;
const MANY = 8192;

/** Change arguments by position. */
export const args = (changes) => ({ args: changes, options: {} });
/** Change options. */
export const options = (changes) => ({ args: {}, options: changes });
/** Change both. */
export const both = (first, second) => ({ args: first, options: second });

export const each = (names, rows) => names.flatMap((name) => rows.map((row) => [name, ...row]));
const repeat = (n, operand) => new Array(n).fill(operand);

/** [operator, rule, what breaks it, what does not] */
export const RULES = [
  ...each(
    [...BINARY, ...MORE_BINARY],
    [
      ["shapes broadcast", args({ 1: f32(2) }), args({ 1: f32(1) })],
      ["shapes broadcast", args({ 1: f32(3, 3) }), args({ 1: f32(4, 2, 3) })],
    ],
  ),
  ...each(
    ["logicalAnd", "logicalOr", "logicalXor"],
    [["shapes broadcast", args({ 1: u8(2) }), args({ 1: u8(2, 1) })]],
  ),
  ["where", "values broadcast", args({ 2: f32(2) }), args({ 2: f32(1) })],
  ["where", "the condition broadcasts", args({ 0: u8(3, 3) }), args({ 0: u8(4, 1, 3) })],
  ["where", "values have one type", args({ 2: i32(3) }), args({ 1: i32(2, 3), 2: i32(3) })],
  ["clamp", "minValue ≤ maxValue", options({ minValue: 2 }), options({ minValue: 1 })],
  ["clamp", "minValue ≤ maxValue", options({ maxValue: -1 }), options({ maxValue: 0 })],

  ["concat", "at least one input", args({ 0: [] }), args({ 0: [f32(2, 3)] })],
  ["concat", "axis < rank", args({ 1: 2 }), args({ 0: [f32(2, 3), f32(1, 3)], 1: 0 })],
  ["concat", "equal ranks", args({ 0: [f32(2, 3), f32(2)] }), args({ 0: [f32(2, 3), f32(2, 9)] })],
  ["concat", "equal dimensions", args({ 0: [f32(2, 3), f32(3, 3)] }), args({ 0: [f32(2, 3)] })],
  ["concat", "one type", args({ 0: [f32(2, 3), i32(2, 3)] }), args({ 0: [i32(2, 3), i32(2, 3)] })],
  [
    "concat",
    "8192 inputs at most",
    args({ 0: repeat(MANY + 1, f32(1)), 1: 0 }),
    args({ 0: repeat(MANY, f32(1)), 1: 0 }),
  ],
  [
    "concat",
    "a valid dimension",
    args({ 0: [of("int8", LARGE), of("int8", 1)], 1: 0 }),
    args({ 0: [of("int8", LARGE - 1), of("int8", 1)], 1: 0 }),
  ],
  ["split", "axis < rank", options({ axis: 2 }), both({ 1: [2, 4] }, { axis: 1 })],
  ["split", "sizes sum up to the dimension", args({ 1: [1, 2] }), args({ 1: [2, 2] })],
  ["split", "sizes above 0", args({ 1: [0, 4] }), args({ 1: [4] })],
  ["split", "at least one part", args({ 1: [] }), args({ 1: [1, 1, 2] })],
  ["split", "the dimension is a multiple", args({ 1: 3 }), args({ 1: 2 })],
  ["split", "parts above 0", args({ 1: 0 }), args({ 1: 1 })],
  [
    "split",
    "8192 parts at most",
    args({ 0: f32(2 * MANY), 1: 2 * MANY }),
    args({ 0: f32(2 * MANY), 1: MANY }),
  ],
  ["reshape", "as many elements", args({ 1: [3, 3] }), args({ 1: [6] })],
  ["reshape", "dimensions above 0", args({ 1: [0, 6] }), args({ 1: [1, 6] })],
  ["reshape", "valid dimensions", args({ 1: [2 ** 31] }), args({ 1: [6, 1, 1] })],
  ["expand", "the input broadcasts", args({ 1: [2, 4] }), args({ 1: [4, 3] })],
  ["expand", "no dimension goes", args({ 1: [3] }), args({ 1: [1, 3] })],
  ["expand", "dimensions above 0", args({ 1: [0, 3] }), args({ 1: [1, 3] })],
  ["tile", "a number for each dimension", args({ 1: [2] }), args({ 1: [2, 1] })],
  ["tile", "numbers above 0", args({ 1: [1, 0] }), args({ 1: [1, 1] })],
  ["tile", "valid dimensions", args({ 1: [1, LARGE] }), args({ 1: [1, 9] })],
  ["slice", "a start for each dimension", args({ 1: [1] }), args({ 1: [1, 1] })],
  ["slice", "a size for each dimension", args({ 2: [2] }), args({ 2: [2, 1] })],
  ["slice", "sizes above 0", args({ 2: [0, 4] }), args({ 2: [1, 4] })],
  ["slice", "starts inside", args({ 1: [4, 2] }), args({ 1: [3, 2], 2: [1, 4] })],
  ["slice", "ends inside", args({ 2: [4, 4] }), args({ 2: [3, 4] })],
  ["slice", "a stride for each dimension", options({ strides: [1] }), options({ strides: [1, 9] })],
  ["slice", "strides above 0", options({ strides: [0, 1] }), options({ strides: [2, 1] })],
  [
    "transpose",
    "as long as the rank",
    options({ permutation: [0, 1] }),
    options({ permutation: [0, 1, 2] }),
  ],
  [
    "transpose",
    "axes below the rank",
    options({ permutation: [0, 1, 3] }),
    options({ permutation: [1, 0, 2] }),
  ],
  [
    "transpose",
    "each axis once",
    options({ permutation: [0, 1, 1] }),
    options({ permutation: [2, 1, 0] }),
  ],
  ["reverse", "axes below the rank", options({ axes: [2] }), options({ axes: [0] })],
  ["reverse", "each axis once", options({ axes: [1, 1] }), options({ axes: [] })],
  ["pad", "a beginning for each dimension", args({ 1: [1] }), args({ 1: [1, 1] })],
  ["pad", "an ending for each dimension", args({ 2: [1] }), args({ 2: [1, 1] })],
  ["pad", "reflection below the dimension", args({ 1: [3, 0] }), args({ 1: [2, 0] })],
  ["pad", "reflection below the dimension", args({ 2: [0, 3] }), args({ 2: [0, 2] })],
  [
    "pad",
    "valid dimensions",
    both({ 1: [LARGE, 0] }, { mode: "edge" }),
    both({ 1: [9, 0] }, { mode: "edge" }),
  ],

  ["gather", "axis < rank", options({ axis: 2 }), options({ axis: 0 })],
  [
    "gather",
    "a valid rank",
    args({ 0: f32(1, 1, 1, 1, 1), 1: i32(1, 1, 1, 1, 1) }),
    args({ 0: f32(1, 1, 1, 1, 1), 1: i32(1, 1, 1, 1) }),
  ],
  ["gatherElements", "axis < rank", options({ axis: 2 }), options({ axis: 1 })],
  ["gatherElements", "the input's rank", args({ 1: i32(4) }), args({ 1: i32(4, 9) })],
  ["gatherElements", "dimensions but one", args({ 1: i32(3, 2) }), args({ 1: i32(4, 1) })],
  ["gatherND", "coordinates ≤ rank", args({ 1: i32(5, 3) }), args({ 1: i32(5, 1) })],
  [
    "gatherND",
    "a valid rank",
    args({ 0: f32(2, 2, 2, 2, 2), 1: i32(1, 1, 1, 1, 1, 1) }),
    args({ 0: f32(2, 2, 2, 2, 2), 1: i32(1, 1, 1, 1, 1) }),
  ],
  ["scatterElements", "axis < rank", options({ axis: 2 }), options({ axis: 0 })],
  ["scatterElements", "the input's rank", args({ 1: i32(6), 2: f32(6) }), args({})],
  [
    "scatterElements",
    "dimensions but one",
    args({ 1: i32(2, 2), 2: f32(2, 2) }),
    args({ 1: i32(1, 3), 2: f32(1, 3) }),
  ],
  ["scatterElements", "updates like indices", args({ 2: f32(2, 1) }), args({ 2: f32(2, 3) })],
  [
    "scatterND",
    "coordinates ≤ rank",
    args({ 1: i32(2, 3), 2: f32(2) }),
    args({ 1: i32(2, 2), 2: f32(2) }),
  ],
  ["scatterND", "the updates' shape", args({ 2: f32(2, 2) }), args({ 2: f32(2, 3) })],
  ["scatterND", "the updates' rank", args({ 2: f32(2) }), args({ 1: i32(1), 2: f32(3) })],

  ...each(
    [...REDUCTIONS, "LogSumExp"].map((name) => `reduce${name}`),
    [
      ["axes below the rank", options({ axes: [3] }), options({ axes: [2] })],
      ["each axis once", options({ axes: [1, 1] }), options({ axes: [] })],
    ],
  ),
  ...each(["argMax", "argMin"], [["axis < rank", args({ 1: 2 }), args({ 1: 0 })]]),
  ["cumulativeSum", "axis < rank", args({ 1: 2 }), args({ 1: 0 })],
  ["softmax", "axis < rank", args({ 1: 2 }), args({ 1: 0 })],
  [
    "batchNormalization",
    "axis < rank",
    options({ axis: 3 }),
    both({ 1: f32(4), 2: f32(4) }, { axis: 2, scale: f32(4), bias: f32(4) }),
  ],
  ["batchNormalization", "mean per channel", args({ 1: f32(2) }), args({ 1: f32(3) })],
  ["batchNormalization", "variance per channel", args({ 2: f32(4) }), args({ 2: f32(3) })],
  [
    "batchNormalization",
    "scale per channel",
    options({ scale: f32(2) }),
    options({ scale: f32(3) }),
  ],
  ["batchNormalization", "bias per channel", options({ bias: f32(1) }), options({ bias: f32(3) })],
  [
    "instanceNormalization",
    "scale per channel",
    options({ layout: "nhwc" }),
    options({ layout: "nhwc", scale: f32(2), bias: f32(2) }),
  ],
  [
    "instanceNormalization",
    "bias per channel",
    options({ bias: f32(2) }),
    options({ bias: f32(3) }),
  ],
  [
    "layerNormalization",
    "axes below the rank",
    options({ axes: [3, 1] }),
    options({ axes: [2, 1] }),
  ],
  [
    "layerNormalization",
    "each axis once",
    options({ axes: [2, 2] }),
    options({ axes: [2], scale: f32(4), bias: f32(4) }),
  ],
  [
    "layerNormalization",
    "scale in the order of axes",
    options({ scale: f32(3, 4) }),
    options({ scale: f32(3, 4), bias: f32(3, 4), axes: [1, 2] }),
  ],
  [
    "layerNormalization",
    "bias in the order of axes",
    options({ bias: f32(12) }),
    options({ bias: null }),
  ],

  ["matmul", "columns of a are rows of b", args({ 1: f32(3, 5) }), args({ 1: f32(4, 1) })],
  [
    "matmul",
    "batches broadcast",
    args({ 1: f32(3, 4, 5) }),
    args({ 0: f32(3, 3, 4), 1: f32(3, 4, 5) }),
  ],
  [
    "gemm",
    "columns of a are rows of b",
    options({ aTranspose: false }),
    both({ 0: f32(2, 3) }, { aTranspose: false }),
  ],
  [
    "gemm",
    "columns of a are rows of b",
    options({ bTranspose: false }),
    both({ 1: f32(3, 4) }, { bTranspose: false }),
  ],
  ["gemm", "c broadcasts", options({ c: f32(2) }), options({ c: f32(2, 1) })],
  ["gemm", "c broadcasts", options({ c: f32(4, 4) }), options({ c: f32() })],
];

const QUANTIZATIONS = ["quantizeLinear", "dequantizeLinear"];
const NETWORKS = ["gru", "lstm"];
const CELLS = ["gruCell", "lstmCell"];

/** The rules of quantization and of recurrent operators. */
export const OTHER_RULES = [
  ...each(QUANTIZATIONS, [
    [
      "scale of the input's rank",
      args({ 1: f32(2), 2: u8(2) }),
      args({ 1: f32(1, 2), 2: u8(1, 2) }),
    ],
    ["scale divides the input", args({ 1: f32(3, 1), 2: u8(3, 1) }), args({})],
    ["scale divides the input", args({ 1: f32(1, 4), 2: u8(1, 4) }), args({ 1: f32(2, 1) })],
    ["zeroPoint like scale", args({ 2: u8(1, 1) }), args({ 1: f32(1, 1), 2: u8(1, 1) })],
  ]),
  ...each(NETWORKS, [
    ["steps above 0", args({ 3: 0 }), args({ 3: 2 })],
    ["as many steps as the input has", args({ 3: 3 }), args({ 3: 2 })],
    ["initialHiddenState's shape", options({ initialHiddenState: f32(1, 1, 4) }), options({})],
  ]),
  ...each(
    [...NETWORKS, ...CELLS],
    [
      ["a known layout", options({ layout: "xyz" }), options({ layout: null })],
      ["activations", options({ activations: ["relu"] }), options({ activations: null })],
      ["activations", options({ activations: ["relu", "elu"] }), options({ activations: null })],
    ],
  ),
  ["gru", "weight's directions", options({ direction: "forward" }), options({})],
  [
    "lstm",
    "weight's directions",
    options({ direction: "both" }),
    options({ direction: "forward" }),
  ],
  ["gru", "weight's rows", args({ 1: f32(2, 11, 5) }), args({ 1: f32(2, 12, 5) })],
  ["gru", "weight's columns", args({ 1: f32(2, 12, 4) }), args({ 1: f32(2, 12, 5) })],
  ["gru", "recurrentWeight's shape", args({ 2: f32(2, 12, 5) }), args({ 2: f32(2, 12, 4) })],
  ["gru", "bias's shape", options({ bias: f32(2, 11) }), options({ bias: null })],
  ["gru", "recurrentBias's shape", options({ recurrentBias: f32(1, 12) }), options({})],
  ["gru", "hiddenSize above 0", args({ 4: 0 }), args({ 4: 4 })],
  ["gru", "6 hiddenSize is a dimension", args({ 4: 357913942 }), args({ 4: 4 })],
  ["lstm", "weight's rows", args({ 1: f32(1, 15, 5) }), args({ 1: f32(1, 16, 5) })],
  ["lstm", "recurrentWeight's shape", args({ 2: f32(1, 16, 5) }), args({ 2: f32(1, 16, 4) })],
  ["lstm", "bias's shape", options({ bias: f32(1, 12) }), options({ bias: null })],
  ["lstm", "recurrentBias's shape", options({ recurrentBias: f32(2, 16) }), options({})],
  ["lstm", "peepholeWeight's shape", options({ peepholeWeight: f32(1, 16) }), options({})],
  ["lstm", "initialCellState's shape", options({ initialCellState: f32(1, 3, 3) }), options({})],
  ["lstm", "8 hiddenSize is a dimension", args({ 4: 268435456 }), args({ 4: 4 })],
  ["gruCell", "weight's shape", args({ 1: f32(12, 4) }), args({ 1: f32(12, 5) })],
  ["gruCell", "recurrentWeight's shape", args({ 2: f32(12, 3) }), args({ 2: f32(12, 4) })],
  ["gruCell", "hiddenState's shape", args({ 3: f32(2, 4) }), args({ 3: f32(3, 4) })],
  ["gruCell", "bias's shape", options({ bias: f32(11) }), options({ bias: null })],
  ["gruCell", "recurrentBias's shape", options({ recurrentBias: f32(4) }), options({})],
  ["gruCell", "hiddenSize above 0", args({ 4: 0 }), args({ 4: 4 })],
  ["lstmCell", "weight's shape", args({ 1: f32(12, 5) }), args({ 1: f32(16, 5) })],
  ["lstmCell", "recurrentWeight's shape", args({ 2: f32(16, 5) }), args({ 2: f32(16, 4) })],
  ["lstmCell", "hiddenState's shape", args({ 3: f32(3, 5) }), args({ 3: f32(3, 4) })],
  ["lstmCell", "cellState's shape", args({ 4: f32(1, 4) }), args({ 4: f32(3, 4) })],
  ["lstmCell", "bias's shape", options({ bias: f32(12) }), options({ bias: null })],
  ["lstmCell", "recurrentBias's shape", options({ recurrentBias: f32(15) }), options({})],
  ["lstmCell", "peepholeWeight's shape", options({ peepholeWeight: f32(16) }), options({})],
  ["lstmCell", "hiddenSize above 0", args({ 5: 0 }), args({ 5: 4 })],
];
