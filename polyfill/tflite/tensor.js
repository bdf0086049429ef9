// SPDX-License-Identifier: Apache-2.0
// One tensor of a model: shape, type, constant data and quantization parameters.

import { listed, TfliteError } from "./errors.js";

/** @typedef {import("./errors.js").Place} Place */

/**
 * value = (stored − zeroPoint) · scale; one pair for the tensor, or one per index of `axis`.
 * No scales means that the file records a range only.
 *
 * @typedef {object} Quantization
 * @property {readonly number[]} scale
 * @property {readonly number[]} zeroPoint
 * @property {number} axis
 * @property {readonly number[]} min
 * @property {readonly number[]} max
 */

/**
 * @typedef {object} Tensor
 * @property {number} index
 * @property {string} name
 * @property {readonly number[]} shape [] also where the file leaves the rank open
 * @property {readonly number[] | null} shapeSignature -1 where a dimension is dynamic
 * @property {string} type as TensorType spells it
 * @property {number} elements
 * @property {Uint8Array | null} data little-endian bytes of a constant
 * @property {Quantization | null} quantization
 * @property {boolean} isVariable
 * @property {boolean} isSparse data are then in a packed form
 * @property {import("./sparse.js").Sparsity | null} sparsity how they are packed, as in the file
 */

/**
 * Bits per element; types that are not listed have no fixed size.
 *
 * @type {Readonly<Record<string, number>>}
 */
export const TYPE_BITS = {
  FLOAT32: 32,
  FLOAT16: 16,
  BFLOAT16: 16,
  FLOAT64: 64,
  COMPLEX64: 64,
  COMPLEX128: 128,
  INT4: 4,
  INT8: 8,
  UINT8: 8,
  BOOL: 8,
  INT16: 16,
  UINT16: 16,
  INT32: 32,
  UINT32: 32,
  INT64: 64,
  UINT64: 64,
};

/**
 * The zero points a type may have; quantized types only.
 *
 * @type {Readonly<Record<string, readonly [number, number]>>}
 */
const ZERO_POINTS = {
  UINT8: [0, 255],
  INT8: [-128, 127],
  INT4: [-8, 7],
  INT16: [0, 0],
  INT32: [0, 0],
};

/**
 * @param {any} raw
 * @param {number} index
 * @param {{file: string, index: number, buffers: readonly (Uint8Array | null)[],
 *   limits: {elements: number, rank: number}}} reading
 * @returns {Tensor}
 */
export function readTensor(raw, index, { file, index: subgraph, buffers, limits }) {
  const name = raw.name ?? "";
  const place = { file, subgraph, tensor: name || `#${index}` };
  const shape = Object.freeze(raw.shape ?? []);
  const elements = elementCount(shape, limits, place);
  checkSignature(raw.shapeSignature ?? [], shape, place);
  if (raw.buffer >= buffers.length) {
    const got = `buffer ${raw.buffer}`;
    throw new TfliteError(place, got, `below ${buffers.length}`, "buffer index");
  }
  const data = buffers[raw.buffer];
  const isSparse = raw.sparsity !== null;
  const constant = data !== null && (data.length > 0 || (elements === 0 && raw.buffer > 0));
  if (constant && !isSparse) checkBytes(data, raw.type, elements, place);
  return Object.freeze({
    index,
    name,
    shape,
    shapeSignature: raw.shapeSignature && Object.freeze(raw.shapeSignature),
    type: raw.type,
    elements,
    data: constant ? data : null,
    quantization: raw.quantization && readQuantization(raw.quantization, raw.type, shape, place),
    isVariable: raw.isVariable,
    isSparse,
    sparsity: raw.sparsity,
  });
}

/**
 * @param {readonly number[]} shape
 * @param {{elements: number, rank: number}} limits
 * @param {Place} place
 * @returns {number}
 */
function elementCount(shape, { elements: limit, rank }, place) {
  if (shape.length > rank) {
    throw new TfliteError(place, `${shape.length} dimensions`, `at most ${rank}`, "limit rank");
  }
  let count = 1;
  for (const dimension of shape) {
    if (dimension < 0) {
      const got = `shape ${listed(shape)}`;
      throw new TfliteError(place, got, "dimensions of at least 0", "static shape");
    }
    count *= dimension;
    // Checked at every step: a product of many dimensions may overflow, and then meet a zero.
    if (count > limit) {
      const got = `shape ${listed(shape)}`;
      throw new TfliteError(place, got, `at most ${limit} elements`, "limit elements");
    }
  }
  return count;
}

/**
 * What the writer knew of the shape: -1 where a dimension is dynamic.
 *
 * @param {readonly number[]} signature
 * @param {readonly number[]} shape
 * @param {Place} place
 */
function checkSignature(signature, shape, place) {
  const fits = (/** @type {number} */ d, /** @type {number} */ i) => d === -1 || d === shape[i];
  if (signature.length > 0 && !(signature.length === shape.length && signature.every(fits))) {
    const expected = `${listed(shape)}, with -1 for dynamic dimensions`;
    const got = `shape signature ${listed(signature)}`;
    throw new TfliteError(place, got, expected, "shape signature");
  }
}

/** @param {Uint8Array} data @param {string} type @param {number} elements @param {Place} place */
function checkBytes(data, type, elements, place) {
  const bits = TYPE_BITS[type];
  if (bits === undefined) return;
  const bytes = Math.ceil((elements * bits) / 8);
  if (data.length !== bytes) {
    const expected = `${bytes} (${elements} elements of ${type})`;
    throw new TfliteError(place, `${data.length} bytes of data`, expected, "buffer length");
  }
}

/**
 * @param {any} raw
 * @param {string} type
 * @param {readonly number[]} shape
 * @param {Place} place
 * @returns {Quantization}
 */
function readQuantization(raw, type, shape, place) {
  const scale = raw.scale ?? [];
  const zeroPoint = raw.zeroPoint ?? [];
  if (scale.length > 0) {
    checkScales(scale, place);
    checkZeroPoints(zeroPoint, scale.length, type, place);
  }
  return Object.freeze({
    scale: Object.freeze(scale),
    zeroPoint: Object.freeze(zeroPoint),
    axis: scale.length > 1 ? channelAxis(raw.quantizedDimension, scale.length, shape, place) : 0,
    min: Object.freeze(raw.min ?? []),
    max: Object.freeze(raw.max ?? []),
  });
}

/** The smallest float32 with full precision; below, CPUs may take 0. */
const SMALLEST_SCALE = 2 ** -126;

/** @param {number[]} scale @param {Place} place */
function checkScales(scale, place) {
  const wrong = scale.findIndex((s) => !(Number.isFinite(s) && s >= SMALLEST_SCALE));
  if (wrong >= 0) {
    const expected = `finite and at least ${SMALLEST_SCALE.toPrecision(3)}`;
    throw new TfliteError(place, `scale ${scale[wrong]}`, expected, "scale");
  }
}

/** @param {number[]} zeroPoint @param {number} scales @param {string} type @param {Place} place */
function checkZeroPoints(zeroPoint, scales, type, place) {
  if (zeroPoint.length !== scales) {
    const got = `${zeroPoint.length} zero points`;
    throw new TfliteError(place, got, `${scales}, one per scale`, "zero point count");
  }
  const range = ZERO_POINTS[type];
  if (!range) return;
  const wrong = zeroPoint.findIndex((z) => !(z >= range[0] && z <= range[1]));
  if (wrong >= 0) {
    const expected = range[0] === range[1] ? "0" : `${range[0]} to ${range[1]}`;
    const got = `zero point ${zeroPoint[wrong]}`;
    throw new TfliteError(place, got, `${expected} for ${type}`, "zero point range");
  }
}

/**
 * A vector has one axis whatever the file says: bias vectors in use carry the axis of their filter.
 *
 * @param {number} axis
 * @param {number} scales
 * @param {readonly number[]} shape
 * @param {Place} place
 * @returns {number}
 */
function channelAxis(axis, scales, shape, place) {
  const used = shape.length === 1 ? 0 : axis;
  if (used < 0 || used >= shape.length) {
    const expected = `0 to ${shape.length - 1}`;
    throw new TfliteError(place, `quantized dimension ${axis}`, expected, "quantization axis");
  }
  if (shape[used] !== scales) {
    const expected = `${shape[used]} (dimension ${used} of ${listed(shape)})`;
    throw new TfliteError(place, `${scales} scales`, expected, "scale count");
  }
  return used;
}

/** @param {Tensor} tensor @returns {boolean} whether stored integers stand for real values */
export function isQuantized(tensor) {
  return (
    tensor.type in ZERO_POINTS &&
    tensor.quantization !== null &&
    tensor.quantization.scale.length > 0
  );
}

/** @param {Tensor} a @param {Tensor} b @returns {boolean} whether equal bytes mean equal values */
export function codedAlike(a, b) {
  if (a.type !== b.type || isQuantized(a) !== isQuantized(b)) return false;
  const [p, q] = [a.quantization, b.quantization];
  if (!isQuantized(a) || !p || !q) return true;
  const single = p.scale.length === 1 && q.scale.length === 1;
  return single && p.scale[0] === q.scale[0] && p.zeroPoint[0] === q.zeroPoint[0];
}
