// SPDX-License-Identifier: Apache-2.0
// Blocks of pixels to and from channels or the batch, as reshapes and transposes of rank 5 at most.

import { listed } from "./errors.js";

/** @typedef {import("./operator_call.js").OperatorCall} OperatorCall */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */

/** [n·h, w, b, b·c] → [n·h, b, w, b·c] @param {OperatorCall} op */
export function depthToSpace(op) {
  const [n, h, w, channels] = op.requireRank(0, 4);
  const b = blockSize(op);
  const c = channels / (b * b);
  if (!Number.isInteger(c)) {
    throw op.malformed(`${channels} channels`, `a multiple of ${b * b}`, "block size");
  }
  exchange(op, [n * h, w, b, b * c], [n, h * b, w * b, c]);
}

/** [n·h, b, w, b·c] → [n·h, w, b, b·c] @param {OperatorCall} op */
export function spaceToDepth(op) {
  const shape = op.requireRank(0, 4);
  const b = blockSize(op);
  const [n, h, w, c] = [shape[0], shape[1] / b, shape[2] / b, shape[3]];
  if (!Number.isInteger(h) || !Number.isInteger(w)) {
    throw op.malformed(`shape ${listed(shape)}`, `a multiple of ${b}`, "block size");
  }
  exchange(op, [n * h, b, w, b * c], [n, h, w, b * b * c]);
}

/** @param {OperatorCall} op @param {number[]} split @param {number[]} target */
function exchange(op, split, target) {
  const permutation = [0, 2, 1, 3];
  op.move("transpose", [0], (x) =>
    op.reshape(op.build("transpose", [op.reshape(x, split)], { permutation }), target),
  );
}

/** @param {OperatorCall} op @returns {number} */
function blockSize(op) {
  const { blockSize: size } = op.options;
  if (!(size >= 1)) throw op.malformed(`block size ${size}`, "at least 1", "block size");
  return size;
}

/**
 * SPACE_TO_BATCH_ND: pad, then take each spatial axis apart, the last one first, since the batch
 * counts blocks of the first axis slowest.
 *
 * @param {OperatorCall} op
 */
export function spaceToBatch(op) {
  const { blocks, pairs } = blocksOf(op, "paddings");
  const shape = op.shape(0);
  const padded = shape.map((d, i) => d + (pairs[2 * i - 2] ?? 0) + (pairs[2 * i - 1] ?? 0));
  const wrong = blocks.findIndex((block, i) => padded[i + 1] % block !== 0);
  if (wrong >= 0) {
    const got = `padded dimension ${padded[wrong + 1]}`;
    throw op.malformed(got, `a multiple of ${blocks[wrong]}`, "block shape");
  }
  const apart = (/** @type {MLOperand} */ x) =>
    blocks.reduceRight((y, b, i) => takeApart(op, y, i + 1, b), x);
  if (pairs.every((p) => p === 0)) {
    op.move("transpose", [0], apart);
    return;
  }
  const beginning = shape.map((_, i) => pairs[2 * i - 2] ?? 0);
  const ending = shape.map((_, i) => pairs[2 * i - 1] ?? 0);
  op.compute([0], (x) =>
    apart(op.build("pad", [x, beginning, ending], { mode: "constant", value: 0 })),
  );
}

/**
 * [n, …, s·b, …] → [b·n, …, s, …]
 *
 * @param {OperatorCall} op
 * @param {MLOperand} x
 * @param {number} axis
 * @param {number} block
 * @returns {MLOperand}
 */
function takeApart(op, x, axis, block) {
  const shape = [...x.shape];
  const [n, size] = [shape[0], shape[axis] / block];
  const split = [...shape.slice(0, axis), size, block, ...shape.slice(axis + 1)];
  const rest = split.map((_, i) => i).filter((i) => i !== axis + 1);
  const turned = op.build("transpose", [op.reshape(x, split)], {
    permutation: [axis + 1, ...rest],
  });
  shape[0] = n * block;
  shape[axis] = size;
  return op.reshape(turned, shape);
}

/**
 * BATCH_TO_SPACE_ND: put the spatial axes together, the first one first, then crop.
 *
 * @param {OperatorCall} op
 */
export function batchToSpace(op) {
  const { blocks, pairs } = blocksOf(op, "crops");
  const shape = op.shape(0);
  const count = blocks.reduce((product, b) => product * b, 1);
  if (shape[0] % count)
    throw op.malformed(`batch ${shape[0]}`, `a multiple of ${count}`, "block shape");
  const full = shape.map((d, i) => (i === 0 ? d / count : d * (blocks[i - 1] ?? 1)));
  const starts = full.map((_, i) => pairs[2 * i - 2] ?? 0);
  const sizes = full.map((d, i) => d - starts[i] - (pairs[2 * i - 1] ?? 0));
  if (sizes.some((size) => size < 1)) {
    throw op.malformed(`crops ${listed(pairs)}`, `less than ${listed(full)}`, "crops");
  }
  op.move("transpose", [0], (x) => {
    const whole = blocks.reduce((y, b, i) => putTogether(op, y, i + 1, b), x);
    return pairs.every((p) => p === 0) ? whole : op.build("slice", [whole, starts, sizes]);
  });
}

/**
 * [b·n, …, s, …] → [n, …, s·b, …]
 *
 * @param {OperatorCall} op
 * @param {MLOperand} x
 * @param {number} axis
 * @param {number} block
 * @returns {MLOperand}
 */
function putTogether(op, x, axis, block) {
  const shape = [...x.shape];
  const split = [block, shape[0] / block, ...shape.slice(1)];
  const permutation = split.map((_, i) => i).slice(1);
  permutation.splice(axis + 1, 0, 0);
  const turned = op.build("transpose", [op.reshape(x, split)], { permutation });
  shape[0] /= block;
  shape[axis] *= block;
  return op.reshape(turned, shape);
}

/** @param {OperatorCall} op @param {string} what @returns {{blocks: number[], pairs: number[]}} */
function blocksOf(op, what) {
  const blocks = op.requireNumbers(1, "block shape");
  const pairs = op.requireNumbers(2, what);
  const rank = op.shape(0).length;
  const valid = blocks.length < rank && blocks.every((b) => b >= 1) && pairs.every((p) => p >= 0);
  if (!valid || pairs.length !== 2 * blocks.length) {
    const got = `blocks ${listed(blocks)}, ${what} ${listed(pairs)}`;
    throw op.malformed(got, `values for up to ${rank - 1} axes`, "block shape");
  }
  return { blocks, pairs };
}
