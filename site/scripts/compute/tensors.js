// SPDX-License-Identifier: Apache-2.0
// From pixels to a network's input, and from its outputs to real numbers.

/** @typedef {import("../../../polyfill/tflite/tflite_model.js").TypedArray} TypedArray */
/** @typedef {{scale: readonly number[], zeroPoint: readonly number[]}} Quantization */

/**
 * What a network says of an input or output.
 *
 * @typedef {object} TensorInfo
 * @property {string} name
 * @property {readonly number[]} shape
 * @property {string} dataType
 * @property {Quantization | null} quantization
 */

/** A float is (byte - mean) / deviation. @typedef {{mean: number, deviation: number}} Range */

/** A quantized input this close to one step per grey level takes the bytes as they are. */
const ONE_STEP = 0.01;

const LEVELS = 256;

/** @type {Readonly<Record<string, [number, number]>>} */
const LIMITS = { uint8: [0, 255], int8: [-128, 127] };

/** @type {Readonly<Record<string, new (length: number) => TypedArray>>} */
const ARRAYS = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array };

/**
 * What each of the 256 grey levels is in a network's input.
 *
 * @param {TensorInfo} info
 * @param {Range} range
 * @returns {TypedArray}
 */
export function inputLevels(info, { mean, deviation }) {
  const levels = emptyTensor(info.dataType, LEVELS);
  const limits = LIMITS[info.dataType];
  for (let byte = 0; byte < LEVELS; byte++) {
    levels[byte] = (byte - mean) / deviation;
    if (!limits) continue;
    const scale = info.quantization?.scale[0] ?? 1;
    const zeroPoint = Number(info.quantization?.zeroPoint[0] ?? 0);
    const perLevel = 1 / (scale * deviation);
    const value =
      Math.abs(perLevel - 1) < ONE_STEP
        ? byte + limits[0]
        : Math.round((byte - mean) * perLevel + zeroPoint);
    levels[byte] = Math.min(limits[1], Math.max(limits[0], value));
  }
  return levels;
}

/**
 * Pixels as a network's input [1, height, width, 3 or 1].
 *
 * @param {Uint8ClampedArray} rgba of the input's width and height
 * @param {TensorInfo} info
 * @param {Range} range
 * @returns {TypedArray}
 */
export function toInput(rgba, info, range) {
  const levels = inputLevels(info, range);
  const channels = info.shape[3];
  const pixels = rgba.length / 4;
  const input = emptyTensor(info.dataType, pixels * channels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const [red, green, blue] = [rgba[4 * pixel], rgba[4 * pixel + 1], rgba[4 * pixel + 2]];
    if (channels === 1) {
      input[pixel] = levels[Math.round(0.299 * red + 0.587 * green + 0.114 * blue)];
    } else {
      input[3 * pixel] = levels[red];
      input[3 * pixel + 1] = levels[green];
      input[3 * pixel + 2] = levels[blue];
    }
  }
  return input;
}

/**
 * @param {TensorInfo} info
 * @returns {{width: number, height: number}}
 * @throws {Error} where a picture cannot be its value
 */
export function imageSize({ name, shape, dataType }) {
  const [batch, height, width, channels] = shape;
  if (shape.length !== 4 || batch !== 1 || (channels !== 1 && channels !== 3)) {
    throw new Error(
      `input "${name}": got shape [${shape.join(", ")}], expected a picture's [1, height, width, 3 or 1].`,
    );
  }
  if (!(dataType in ARRAYS)) throw new Error(`input "${name}": ${dataType} cannot hold a picture.`);
  return { width, height };
}

/**
 * The numbers that a tensor stands for.
 *
 * @param {TypedArray} values
 * @param {TensorInfo} info
 * @returns {ArrayLike<number>}
 */
export function realValues(values, { quantization }) {
  if (!quantization) return Float64Array.from(/** @type {any} */ (values), Number);
  const scale = quantization.scale[0];
  const zeroPoint = Number(quantization.zeroPoint[0]);
  return Float64Array.from(
    /** @type {ArrayLike<number>} */ (values),
    (q) => (q - zeroPoint) * scale,
  );
}

/** @param {string} dataType @param {number} length @returns {TypedArray} */
function emptyTensor(dataType, length) {
  return new ARRAYS[dataType](length);
}
