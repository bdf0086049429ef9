// SPDX-License-Identifier: Apache-2.0
// Numbers and the bytes of constants.

/** @typedef {import("./graph.js").DataType} DataType */

/** @type {Record<string, any>} */
const VIEWS = {
  float32: Float32Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  int8: Int8Array,
  uint8: Uint8Array,
};

/** @param {number} bits @returns {readonly [bigint, bigint]} */
const signed = (bits) => [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n];
/** @param {number} bits @returns {readonly [bigint, bigint]} */
const unsigned = (bits) => [0n, (1n << BigInt(bits)) - 1n];

/** @type {Readonly<Record<string, readonly [bigint, bigint]>>} */
const RANGES = {
  int64: signed(64),
  uint64: unsigned(64),
  int32: signed(32),
  uint32: unsigned(32),
  int8: signed(8),
  uint8: unsigned(8),
  int4: signed(4),
  uint4: unsigned(4),
};

/**
 * The smallest and the largest number of an integer type; null for the float types.
 *
 * @param {DataType} dataType
 * @returns {readonly [bigint, bigint] | null}
 */
export function integerRange(dataType) {
  return RANGES[dataType] ?? null;
}

/**
 * The elements of a constant as an array of its own type, to be read only: it may lie on the constant's
 * bytes. Null for a value that is not constant or has no such array (float16, int4).
 *
 * @param {import("./graph.js").Value} value
 * @returns {ArrayLike<any> & {join(separator: string): string} | null}
 */
export function constantNumbers(value) {
  const View = VIEWS[value.dataType];
  if (!value.constant || !View) return null;
  const { buffer, byteOffset, byteLength } = value.constant;
  if (byteOffset % View.BYTES_PER_ELEMENT) return new View(value.constant.slice().buffer);
  return new View(buffer, byteOffset, byteLength / View.BYTES_PER_ELEMENT);
}

/**
 * "Cast" of an MLNumber: into the range of the type, and a fraction is cut off, as the suite of the W3C
 * has it. A bigint stays exact. 64-bit types give a bigint.
 *
 * @param {DataType} dataType
 * @param {number | bigint} value
 * @returns {number | bigint}
 */
export function castNumber(dataType, value) {
  if (dataType === "float32") return Math.fround(Number(value));
  if (dataType === "float16") return numberFromHalf(halfFromNumber(Number(value)));
  const isWide = dataType === "int64" || dataType === "uint64";
  const [lo, hi] = /** @type {readonly [bigint, bigint]} */ (integerRange(dataType));
  if (Number.isNaN(value)) return isWide ? 0n : 0;
  const bound = value <= lo ? lo : value >= hi ? hi : null;
  if (isWide) return bound ?? (typeof value === "bigint" ? value : BigInt(Math.trunc(value)));
  return bound === null ? Math.trunc(Number(value)) + 0 : Number(bound);
}

/**
 * Numbers as the bytes of a constant, each cast as an MLNumber.
 *
 * @param {DataType} dataType
 * @param {ArrayLike<number | bigint>} numbers
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function numberBytes(dataType, numbers) {
  const View = VIEWS[dataType];
  if (View && numbers instanceof View) {
    return new Uint8Array(/** @type {any} */ (numbers).slice().buffer);
  }
  if (dataType === "float16") {
    return new Uint8Array(Uint16Array.from(numbers, (v) => halfFromNumber(Number(v))).buffer);
  }
  const cast = (/** @type {number | bigint} */ v) => castNumber(dataType, v);
  if (dataType === "int4" || dataType === "uint4") {
    const bytes = new Uint8Array(Math.ceil(numbers.length / 2));
    for (let i = 0; i < numbers.length; i++) {
      bytes[i >> 1] |= (Number(cast(numbers[i])) & 15) << (4 * (i & 1));
    }
    return bytes;
  }
  return new Uint8Array(View.from(numbers, cast).buffer);
}

// ---------------------------------------------------------------------------
// float16

const DOUBLE = new DataView(new ArrayBuffer(8));

/**
 * The bits of the float16 nearest to a number, ties to even.
 *
 * @param {number} value
 */
export function halfFromNumber(value) {
  DOUBLE.setFloat64(0, value);
  const high = DOUBLE.getUint32(0);
  const sign = (high >>> 16) & 0x8000;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  // Count in units of the last place; below 2^-14 that is 2^-24.
  const exponent = Math.max(((high >>> 20) & 0x7ff) - 1023, -14);
  const units = roundEven(magnitude * 2 ** (10 - exponent));
  return sign | (((exponent + 14) << 10) + units);
}

/** The number that a float16 is. @param {number} bits */
export function numberFromHalf(bits) {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24);
}

/** To nearest, ties to even. @param {number} value */
export function roundEven(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
