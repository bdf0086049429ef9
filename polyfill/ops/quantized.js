// SPDX-License-Identifier: Apache-2.0
// Internal operators on 8-bit values: what compile/fuse_quantized.js makes of dequantize → op → quantize.
//
// Attributes: `x`, `a`, `b`, `y` are {scale, zeroPoint} of the operand so named; `w` is {scales,
// zeroPoints} with one entry for all output channels or one for each; `lo`, `hi` bound the output in its
// own integers. By the time they are lowered, all activations are uint8 (compile/unsigned.js).

import { DOT_PRODUCT } from "../gen/kernels.js";
import { roundEven } from "../ir/numbers.js";
import { gemmExtent, planConvolution } from "./convolution.js";
import { broadcastArguments } from "./elementwise_binary.js";
import { matrixShape } from "./matrix.js";
import { ELEMENT_WORK } from "./operator.js";
import { planPool } from "./pooling.js";
import { reducedRows } from "./reduction.js";
import { planResize } from "./resample.js";

/** @typedef {import("./operator.js").Node} Node */
/** @typedef {import("./operator.js").Value} Value */
/** @typedef {import("./operator.js").Lowering} Lowering */
/** @typedef {{scale: number, zeroPoint: number}} Params */

/**
 * x_scale * w_scale / y_scale, each operation in float32 as XNNPACK does it, so that results agree with
 * it bit for bit.
 *
 * @param {number} x
 * @param {number} w
 * @param {number} y
 */
export function multiplier(x, w, y) {
  return Math.fround(Math.fround(x * w) / y);
}

/** x_scale / y_scale in float32. @param {Params} x @param {Params} y */
export function ratio(x, y) {
  return Math.fround(x.scale / y.scale);
}

/**
 * The arguments of the packing kernels that say what the weights mean.
 *
 * @param {Lowering} to
 * @param {Node} node
 * @param {Value} filter
 * @param {Value | null} bias
 * @param {number} count of output channels
 * @param {number} [start] the filter's first element
 */
function weightArguments(to, node, filter, bias, count, start = 0) {
  const { x, w, y } = node.attributes;
  const scales = new Float32Array(w.scales.length);
  for (let i = 0; i < scales.length; i++) scales[i] = multiplier(x.scale, w.scales[i], y.scale);
  return {
    filter: to.at(filter, start),
    bias,
    scale: to.data(forChannels(scales, count)),
    w_zero_point: to.data(forChannels(Int32Array.from(w.zeroPoints), count)),
    x_zero_point: x.zeroPoint,
    filter_signed: filter.dataType === "int8" ? 1 : 0,
    dot_class: DOT_PRODUCT[to.target.dot],
  };
}

/**
 * @template {Float32Array | Int32Array} T
 * @param {T} list one number for all channels, or one for each
 * @param {number} count
 * @returns {T}
 */
function forChannels(list, count) {
  if (list.length !== 1) return list;
  const Type = /** @type {any} */ (list.constructor);
  return new Type(count).fill(list[0]);
}

/**
 * Weights packed by qu8_pack.
 *
 * @param {Lowering} to
 * @param {Node} node
 * @param {Value} filter
 * @param {Value | null} bias
 * @param {{groups: number, out_channels: number, in_channels: number, taps: number}} shape
 * @param {number} [start] the filter's first element
 */
function packedWeights(to, node, filter, bias, shape, start = 0) {
  const k = shape.taps * shape.in_channels;
  const blocks = shape.groups * Math.ceil(shape.out_channels / 8);
  const packed = to.buffer(68 + blocks * (128 + 32 * Math.ceil(k / 2)));
  const count = shape.groups * shape.out_channels;
  const args = { packed, ...weightArguments(to, node, filter, bias, count, start), shape };
  to.step("qu8_pack", args, 1, 1, { scratch: 8 * (k + 7) + 33 * (k + 15) });
  return packed;
}

/**
 * Weights packed by qu8_dwpack.
 *
 * @param {Lowering} to
 * @param {Node} node
 * @param {Value} filter
 * @param {Value | null} bias
 * @param {ReturnType<typeof planConvolution>} plan
 */
function packedDepthwise(to, node, filter, bias, plan) {
  const { groups, taps } = plan.filter;
  const { kernel_width } = plan.window;
  const bytes = 64 + Math.ceil(groups / 4) * (64 + 16 * taps + 128 * kernel_width);
  const packed = to.buffer(bytes);
  const weights = weightArguments(to, node, filter, bias, groups, plan.start);
  const args = { packed, ...weights, kernel_width };
  to.step("qu8_dwpack", { ...args, shape: plan.filter }, 1, 1, { scratch: 2 * taps });
  return packed;
}

/** Scratch of the quantized products. @param {number} k */
function panelBytes(k) {
  return 48 * Math.ceil(k / 2) + 64;
}

export const qConv2d = {
  name: "qConv2d",
  /** @param {Node} node @param {Lowering} to */
  lower(node, to) {
    const { input, filter, bias = null } = node.inputs;
    const { x, y, lo, hi } = node.attributes;
    const plan = planConvolution(node);
    const { macs, window: shape } = plan;
    const points = { x_zero_point: x.zeroPoint, y_zero_point: y.zeroPoint, lo, hi };
    if (plan.kind === "depthwise") {
      const w = packedDepthwise(to, node, filter, bias, plan);
      const columns =
        (shape.out_width - 1) * shape.stride_width +
        (shape.kernel_width - 1) * shape.dilation_width +
        1;
      const scratch = plan.filter.groups + 8 * (plan.filter.taps + 1) + 64 * columns;
      const args = { y: node.output, x: input, w, ...points, shape };
      // Rows in fours: the kernel computes two together where strides let them share input rows.
      const grain = 4 * Math.ceil(to.grain(plan.macsPerRow) / 4);
      to.step("qu8_dwconv", args, plan.rows, plan.macsPerRow, { scratch, macs, grain });
      return;
    }
    const w = packedWeights(to, node, filter, bias, plan.filter, plan.start);
    if (plan.kind === "pointwise") {
      lowerGemm(to, node, { x: input, w, m: plan.m, n: plan.n, k: plan.k });
      return;
    }
    const scratch = panelBytes(plan.k);
    const args = { y: node.output, x: input, w, ...points, shape };
    to.step("qu8_igemm", args, plan.units, plan.macsPerUnit, { scratch, macs });
  },
};

export const qGemm = {
  name: "qGemm",
  /** @param {Node} node @param {Lowering} to */
  lower(node, to) {
    const { a, b, c = null } = node.inputs;
    const k = a.shape[a.shape.length - 1];
    const m = a.elements / k;
    const n = node.output.elements / m;
    const w = packedWeights(to, node, b, c, matrixShape(k, n, node.attributes.bTranspose));
    lowerGemm(to, node, { x: a, w, m, n, k });
  },
};

/**
 * @param {Lowering} to
 * @param {Node} node
 * @param {{x: Value, w: Value, m: number, n: number, k: number}} product
 */
function lowerGemm(to, node, { x, w, m, n, k }) {
  const { y, lo, hi } = node.attributes;
  const { splits, extent, macs } = gemmExtent(m, n, k);
  to.step(
    "qu8_gemm",
    {
      y: node.output,
      a: x,
      w,
      y_zero_point: y.zeroPoint,
      lo,
      hi,
      m,
      n,
      k,
      splits,
      a_stride: k,
      y_stride: n,
    },
    extent,
    macs,
    { scratch: panelBytes(k), macs: m * n * k },
  );
}

/**
 * The fixed-point form of a_scale / y_scale and b_scale / y_scale: multipliers of at most 21 bits, the
 * larger one of exactly 21, and the shift they share. This is XNNPACK's choice, so that sums agree with
 * it bit for bit.
 *
 * @param {number} a
 * @param {number} b may be negative
 */
function sumMultipliers(a, b) {
  const shift = 20 - Math.floor(Math.log2(Math.max(a, Math.abs(b))));
  return { shift, a: roundEven(a * 2 ** shift), b: roundEven(b * 2 ** shift) };
}

export const qAdd = {
  name: "qAdd",
  /** @param {Node} node @param {Lowering} to */
  lower(node, to) {
    const { a, b } = node.inputs;
    const { a: pa, b: pb, y, lo, hi, subtract } = node.attributes;
    const { shape, extent, perUnit } = broadcastArguments(a.shape, b.shape, node.output.shape);
    const multipliers = sumMultipliers(ratio(pa, y), subtract ? -ratio(pb, y) : ratio(pb, y));
    const half = 2 ** (multipliers.shift - 1);
    to.step(
      "qu8_add",
      {
        y: node.output,
        a,
        b,
        a_multiplier: multipliers.a,
        b_multiplier: multipliers.b,
        bias: half - multipliers.a * pa.zeroPoint - multipliers.b * pb.zeroPoint,
        shift: multipliers.shift,
        y_zero_point: y.zeroPoint,
        lo,
        hi,
        shape,
      },
      extent,
      2 * ELEMENT_WORK * perUnit,
    );
  },
};

export const qMul = {
  name: "qMul",
  /** @param {Node} node @param {Lowering} to */
  lower(node, to) {
    const { a, b } = node.inputs;
    const { a: pa, b: pb, y, lo, hi } = node.attributes;
    const { shape, extent, perUnit } = broadcastArguments(a.shape, b.shape, node.output.shape);
    to.step(
      "qu8_mul",
      {
        y: node.output,
        a,
        b,
        scale: multiplier(pa.scale, pb.scale, y.scale),
        a_zero_point: pa.zeroPoint,
        b_zero_point: pb.zeroPoint,
        y_zero_point: y.zeroPoint,
        lo,
        hi,
        shape,
      },
      extent,
      2 * ELEMENT_WORK * perUnit,
    );
  },
};

/** The arguments that kernels of one operand share. @param {Node} node */
function rescaling(node) {
  const { x, y, lo, hi } = node.attributes;
  return {
    y: node.output,
    x: node.inputs.input,
    scale: ratio(x, y),
    x_zero_point: x.zeroPoint,
    y_zero_point: y.zeroPoint,
    lo,
    hi,
  };
}

export const requantize = {
  name: "requantize",
  /** @param {Node} node @param {Lowering} to */
  lower: (node, to) =>
    to.step("qu8_requantize", rescaling(node), node.output.elements, 2 * ELEMENT_WORK),
};

/** `origin` is the uint8 form of the number 0 of the operand's own type: 128 for int8. */
export const qAveragePool2d = {
  name: "qAveragePool2d",
  /** @param {Node} node @param {Lowering} to */
  lower(node, to) {
    const { x, y, lo, hi, origin = 0 } = node.attributes;
    const { shape, channels, rows, perRow } = planPool(node);
    const scratch = 4 * channels;
    if (x.scale === y.scale && x.zeroPoint === y.zeroPoint) {
      const args = { y: node.output, x: node.inputs.input, origin, lo, hi, shape };
      to.step("u8_avgpool", args, rows, perRow, { scratch });
    } else {
      to.step("qu8_avgpool", { ...rescaling(node), shape }, rows, perRow, { scratch });
    }
  },
};

export const qReduceMean = {
  name: "qReduceMean",
  /** @param {Node} node @param {Lowering} to */
  lower(node, to) {
    const { x, outer, n, inner } = reducedRows(to, node.inputs.input, node.attributes.axes);
    to.step("qu8_mean", { ...rescaling(node), x, outer, n, inner }, outer, n * inner, {
      scratch: 4 * inner,
    });
  },
};

export const qResizeLinear = {
  name: "qResizeLinear",
  /** @param {Node} node @param {Lowering} to */
  lower(node, to) {
    const { rows, columns } = node.attributes;
    const plan = planResize(node);
    to.step(
      "qu8_resize_linear",
      {
        ...rescaling(node),
        rows: to.data(Int32Array.from(rows.indices)),
        row_weights: to.data(Float32Array.from(rows.weights)),
        columns: to.data(Int32Array.from(columns.indices)),
        column_weights: to.data(Float32Array.from(columns.weights)),
        shape: plan.shape,
      },
      plan.rows,
      plan.perRow,
      { scratch: plan.scratch },
    );
  },
};

export const qSoftmax = {
  name: "qSoftmax",
  /** @param {Node} node @param {Lowering} to */
  lower(node, to) {
    const { x, y, lo, hi } = node.attributes;
    const input = node.inputs.input;
    const n = input.shape[node.attributes.axis];
    const table = to.buffer(1024);
    to.step("qu8_softmax_table", { table, x_scale: x.scale }, 1);
    const y_zero_point = y.zeroPoint;
    to.step(
      "qu8_softmax",
      { y: node.output, x: input, table, y_scale: y.scale, y_zero_point, lo, hi, n },
      input.elements / n,
      4 * n,
    );
  },
};

/** y = table[x], the table a value of 256 bytes. */
export const lut = {
  name: "lut",
  /** @param {Node} node @param {Lowering} to */
  lower: (node, to) =>
    to.step(
      "x8_lut",
      { y: node.output, x: node.inputs.input, table: node.inputs.table },
      node.output.elements,
      ELEMENT_WORK,
    ),
};

/** int8 to uint8 with the zero point moved by 128, and back. */
export const flip = {
  name: "flip",
  /** @param {Node} node @param {Lowering} to */
  lower: (node, to) =>
    to.step("x8_flip", { y: node.output, x: node.inputs.input }, node.output.elements, 2),
};

/** quantizeLinear with one constant scale. */
export const quantize = {
  name: "quantize",
  /** @param {Node} node @param {Lowering} to */
  lower(node, to) {
    const { scale, zeroPoint } = node.attributes.y;
    to.step(
      "f32_qu8_quantize",
      { y: node.output, x: node.inputs.input, scale, zero_point: zeroPoint },
      node.output.elements,
      ELEMENT_WORK,
    );
  },
};

/** dequantizeLinear with one constant scale. */
export const dequantize = {
  name: "dequantize",
  /** @param {Node} node @param {Lowering} to */
  lower(node, to) {
    const { scale, zeroPoint } = node.attributes.x;
    to.step(
      "qu8_f32_dequantize",
      { y: node.output, x: node.inputs.input, scale, zero_point: zeroPoint },
      node.output.elements,
      ELEMENT_WORK,
    );
  },
};
