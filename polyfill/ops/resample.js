// SPDX-License-Identifier: Apache-2.0
// Resampling. https://www.w3.org/TR/webnn/#api-mlgraphbuilder-resample2d-method
//
// resample2d becomes one of two internal operators that take their coordinates as tables, so that every
// coordinate rule is one kernel: resizeLinear and resizeNearest, over x[batch, height, width, channels]
// in any factorisation of the operand's shape.

import { elementBytes } from "./copy.js";
import { check, limit } from "./operator.js";
import { checkAxes, checkLength, checkShape, elementCount } from "./shape.js";

/** @typedef {import("./operator.js").Operator} Operator */
/** @typedef {import("./operator.js").Node} Node */
/** @typedef {import("./operator.js").Graph} Graph */

/**
 * Where each output row or column reads: the lower input index and the weight of the one after it.
 *
 * @typedef {{indices: number[], weights: number[]}} Coordinates
 */

/** @type {Operator} */
export const resample2d = {
  name: "resample2d",
  parameters: { input: "operand" },
  options: {
    mode: [["nearest-neighbor", "linear"], "nearest-neighbor"],
    scales: ["float[]"],
    sizes: ["u32[]"],
    axes: ["u32[]"],
  },
  limits: {
    input: limit(["float32", "float16", "uint8", "int8"], 4, 4),
    output: limit("input", 4, 4),
  },
  infer({ input, scales = [1, 1], sizes, axes = [2, 3] }) {
    checkLength("axes", axes, 2);
    checkAxes("axes", axes, 4);
    checkLength("scales", scales, 2);
    check(
      scales.every((/** @type {number} */ s) => s > 0),
      "scales",
      scales,
      "values above 0",
    );
    if (sizes) checkLength("sizes", sizes, 2);
    const shape = [...input.shape];
    for (const [i, axis] of axes.entries()) {
      shape[axis] = sizes ? sizes[i] : Math.floor(input.shape[axis] * scales[i]);
    }
    checkShape("output shape", shape);
    return { outputs: [{ dataType: input.dataType, shape }], attributes: { axes } };
  },
  decompose: decomposeResample,
};

/**
 * Half-pixel centres, clamped to the input; the scale is that of the sizes, after flooring.
 *
 * @param {number} input
 * @param {number} output
 * @returns {Coordinates}
 */
function linearCoordinates(input, output) {
  const indices = [];
  const weights = [];
  for (let i = 0; i < output; i++) {
    const at = Math.min(Math.max(((i + 0.5) * input) / output - 0.5, 0), input - 1);
    indices.push(Math.floor(at));
    weights.push(Math.fround(at - Math.floor(at)));
  }
  return { indices, weights };
}

/**
 * ceil(centre − 0.5): ties go down.
 *
 * @param {number} input
 * @param {number} output
 * @returns {number[]}
 */
function nearestCoordinates(input, output) {
  return Array.from({ length: output }, (_, i) => {
    const at = Math.ceil(((i + 0.5) * input) / output - 1);
    return Math.min(Math.max(at, 0), input - 1);
  });
}

/**
 * @param {Node} node
 * @param {Graph} graph
 */
function decomposeResample(node, graph) {
  const { input } = node.inputs;
  const { mode } = node.attributes;
  const [first, second] = [...node.attributes.axes].sort((a, b) => a - b);
  const { dataType, shape } = node.output;
  if (second !== first + 1 && elementCount(shape.slice(first + 1, second)) !== 1) {
    // Bring the second axis next to the first.
    const permutation = [0, 1, 2, 3].filter((axis) => axis !== second);
    permutation.splice(permutation.indexOf(first) + 1, 0, second);
    const inverse = permutation.map((_, i) => permutation.indexOf(i));
    const turned = permutation.map((p) => input.shape[p]);
    const at = permutation.indexOf(first);
    const into = permutation.map((p) => shape[p]);
    const moved = graph.insert("transpose", { input }, { permutation }, dataType, turned, node);
    const attributes = { ...node.attributes, axes: [at, at + 1] };
    const result = graph.insert("resample2d", { input: moved }, attributes, dataType, into, node);
    return [
      graph.insert("transpose", { input: result }, { permutation: inverse }, dataType, shape, node),
    ];
  }
  const geometry = {
    batch: elementCount(shape.slice(0, first)),
    height: input.shape[first],
    width: input.shape[second],
    outHeight: shape[first],
    outWidth: shape[second],
    channels: elementCount(shape.slice(second + 1)),
  };
  if (mode === "linear" && (dataType === "uint8" || dataType === "int8")) {
    // Whole numbers are resampled as floats and rounded to nearest even.
    const real = graph.insert(
      "cast",
      { input },
      { dataType: "float32" },
      "float32",
      input.shape,
      node,
    );
    const resized = graph.insert(
      "resample2d",
      { input: real },
      node.attributes,
      "float32",
      shape,
      node,
    );
    const scale = graph.scalar("float32", 1);
    const zeroPoint = graph.scalar(dataType, 0);
    const inputs = {
      input: resized,
      scale: graph.ones(scale, 4),
      zeroPoint: graph.ones(zeroPoint, 4),
    };
    return [graph.insert("quantizeLinear", inputs, {}, dataType, shape, node)];
  }
  const attributes =
    mode === "linear"
      ? {
          geometry,
          rows: linearCoordinates(geometry.height, geometry.outHeight),
          columns: linearCoordinates(geometry.width, geometry.outWidth),
        }
      : {
          geometry,
          rows: nearestCoordinates(geometry.height, geometry.outHeight),
          columns: nearestCoordinates(geometry.width, geometry.outWidth),
        };
  const op = mode === "linear" ? "resizeLinear" : "resizeNearest";
  return [graph.insert(op, { input }, attributes, dataType, shape, node)];
}

/**
 * The struct and tables of a resize step; `channels` may count bytes.
 *
 * @param {Node} node
 * @param {number} [perChannel]
 */
export function planResize(node, perChannel = 1) {
  const { batch, height, width, outHeight, outWidth, channels } = node.attributes.geometry;
  return {
    shape: {
      batch,
      in_height: height,
      in_width: width,
      out_height: outHeight,
      out_width: outWidth,
      channels: channels * perChannel,
    },
    rows: batch * outHeight,
    perRow: 4 * (width + outWidth) * channels,
    scratch: 4 * width * channels,
  };
}

/** @type {Pick<Operator, "name" | "lower">} */
export const resizeLinear = {
  name: "resizeLinear",
  lower(node, to) {
    to.requireType(node, "float32");
    const { rows, columns } = node.attributes;
    const plan = planResize(node);
    to.step(
      "f32_resize_linear",
      {
        y: node.output,
        x: node.inputs.input,
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

/** @type {Pick<Operator, "name" | "lower" | "movement">} */
export const resizeNearest = {
  name: "resizeNearest",
  lower(node, to) {
    const plan = planResize(node, elementBytes(node.output));
    const { rows, columns } = node.attributes;
    to.step(
      "x8_resize_nearest",
      {
        y: node.output,
        x: node.inputs.input,
        rows: to.data(Int32Array.from(rows)),
        columns: to.data(Int32Array.from(columns)),
        shape: plan.shape,
      },
      plan.rows,
      plan.perRow,
    );
  },
  movement: true,
};
