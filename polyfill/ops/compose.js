// SPDX-License-Identifier: Apache-2.0
// Writing decompositions: nodes in front of a given one, with the attributes that a builder call without
// options would have.

import { Value } from "../ir/graph.js";
import { numberBytes } from "../ir/numbers.js";
import { broadcastShapes } from "./shape.js";

/** @typedef {import("./operator.js").Node} Node */
/** @typedef {import("./operator.js").Graph} Graph */
/** @typedef {import("./operator.js").DataType} DataType */
/** @typedef {import("../ir/graph.js").Attributes} Attributes */

export class Composer {
  /** @param {Graph} graph @param {Node} node what is decomposed */
  constructor(graph, node) {
    this.graph = graph;
    this.node = node;
  }

  /**
   * @param {string} op
   * @param {Record<string, Value>} inputs
   * @param {Attributes} attributes
   * @param {readonly number[]} shape
   * @param {DataType} [dataType] that of the first input if left out
   */
  insert(op, inputs, attributes, shape, dataType = Object.values(inputs)[0].dataType) {
    return this.graph.insert(op, inputs, attributes, dataType, shape, this.node);
  }

  /** A scalar constant. @param {DataType} dataType @param {number | bigint} value */
  scalar(dataType, value) {
    return this.graph.scalar(dataType, value);
  }

  /**
   * @param {DataType} dataType
   * @param {readonly number[]} shape
   * @param {ArrayLike<number | bigint>} numbers
   */
  constant(dataType, shape, numbers) {
    return new Value(dataType, shape, numberBytes(dataType, numbers));
  }

  /** @param {string} op of one operand @param {Value} input @param {Attributes} [attributes] */
  unary(op, input, attributes = {}) {
    return this.insert(op, { input }, attributes, input.shape);
  }

  /** @param {string} op of two operands @param {Value} a @param {Value} b */
  binary(op, a, b) {
    return this.insert(op, { a, b }, {}, broadcastShapes(a.shape, b.shape) ?? []);
  }

  /** @param {Value} a @param {Value} b */
  add(a, b) {
    return this.binary("add", a, b);
  }

  /** @param {Value} a @param {Value} b */
  sub(a, b) {
    return this.binary("sub", a, b);
  }

  /** @param {Value} a @param {Value} b */
  mul(a, b) {
    return this.binary("mul", a, b);
  }

  /** @param {Value} a @param {Value} b */
  div(a, b) {
    return this.binary("div", a, b);
  }

  /** @param {string} op a comparison @param {Value} a @param {Value} b */
  compare(op, a, b) {
    return this.insert(op, { a, b }, {}, broadcastShapes(a.shape, b.shape) ?? [], "uint8");
  }

  /** @param {Value} condition @param {Value} trueValue @param {Value} falseValue */
  where(condition, trueValue, falseValue) {
    const values = broadcastShapes(trueValue.shape, falseValue.shape) ?? [];
    const shape = broadcastShapes(condition.shape, values) ?? [];
    const inputs = { condition, trueValue, falseValue };
    return this.insert("where", inputs, {}, shape, trueValue.dataType);
  }

  /** @param {Value} input @param {DataType} dataType */
  cast(input, dataType) {
    return this.insert("cast", { input }, { dataType }, input.shape, dataType);
  }

  /**
   * @param {string} op a reduction
   * @param {Value} input
   * @param {readonly number[]} axes
   * @param {boolean} [keepDimensions]
   */
  reduce(op, input, axes, keepDimensions = true) {
    const shape = [];
    for (const [i, d] of input.shape.entries()) {
      if (!axes.includes(i)) shape.push(d);
      else if (keepDimensions) shape.push(1);
    }
    return this.insert(op, { input }, { axes, keepDimensions }, shape);
  }

  /** @param {Value} input @param {readonly number[]} newShape */
  reshape(input, newShape) {
    return this.insert("reshape", { input }, { newShape }, newShape);
  }

  /** @param {Value} input @param {readonly number[]} newShape */
  expand(input, newShape) {
    return this.insert("expand", { input }, { newShape }, newShape);
  }

  /** @param {Value} input @param {readonly number[]} permutation */
  transpose(input, permutation) {
    const shape = permutation.map((p) => input.shape[p]);
    return this.insert("transpose", { input }, { permutation }, shape);
  }

  /**
   * Elements start, start + stride, … below end of one axis.
   *
   * @param {Value} input
   * @param {number} axis
   * @param {number} start
   * @param {number} end
   * @param {number} [stride]
   */
  slice(input, axis, start, end, stride = 1) {
    const along = (
      /** @type {number} */ i,
      /** @type {number} */ value,
      /** @type {number} */ rest,
    ) => (i === axis ? value : rest);
    const starts = input.shape.map((_, i) => along(i, start, 0));
    const sizes = input.shape.map((d, i) => along(i, end - start, d));
    const strides = input.shape.map((_, i) => along(i, stride, 1));
    const shape = sizes.map((size, i) => Math.ceil(size / strides[i]));
    return this.insert("slice", { input }, { starts, sizes, strides }, shape);
  }

  /** @param {readonly Value[]} parts @param {number} axis */
  concat(parts, axis) {
    if (parts.length === 1) return parts[0];
    const extent = parts.reduce((sum, { shape }) => sum + shape[axis], 0);
    const shape = parts[0].shape.map((d, i) => (i === axis ? extent : d));
    return this.insert("concat", Object.fromEntries(parts.entries()), { axis }, shape);
  }

  /**
   * @param {Value} input
   * @param {readonly number[]} beginningPadding
   * @param {readonly number[]} endingPadding
   * @param {number | bigint} value
   */
  pad(input, beginningPadding, endingPadding, value) {
    if ([...beginningPadding, ...endingPadding].every((n) => n === 0)) return input;
    const shape = input.shape.map((d, i) => d + beginningPadding[i] + endingPadding[i]);
    const attributes = { beginningPadding, endingPadding, mode: "constant", value };
    return this.insert("pad", { input }, attributes, shape);
  }
}
