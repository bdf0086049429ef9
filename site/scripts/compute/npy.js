// SPDX-License-Identifier: Apache-2.0
// NumPy's files: reading .npy, writing .npz, which is an uncompressed zip of .npy.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

/** @typedef {import("./tensors.js").TypedArray} TypedArray */
/** @typedef {{shape: readonly number[], dataType: string, values: TypedArray}} NamedArray */

/** NumPy's code of a type, and the array that holds it. @type {readonly [string, string, any][]} */
const TYPES = [
  ["float32", "<f4", Float32Array],
  ["float16", "<f2", Uint16Array],
  ["int32", "<i4", Int32Array],
  ["uint32", "<u4", Uint32Array],
  ["int64", "<i8", BigInt64Array],
  ["uint64", "<u8", BigUint64Array],
  ["int8", "|i1", Int8Array],
  ["uint8", "|u1", Uint8Array],
];

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** @param {NamedArray} array @returns {Uint8Array} */
export function writeNpy({ shape, dataType, values }) {
  const code = TYPES.find(([name]) => name === dataType)?.[1];
  const tuple = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const header = `{'descr': '${code}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // Magic, version and length are 10 bytes; the data begin at a multiple of 64.
  const padded = `${header.padEnd(64 * Math.ceil((header.length + 11) / 64) - 11)}\n`;
  const start = [...MAGIC, 1, 0, padded.length & 255, padded.length >> 8];
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const bytes = new Uint8Array(start.length + padded.length + data.length);
  bytes.set(start);
  bytes.set(new TextEncoder().encode(padded), start.length);
  bytes.set(data, start.length + padded.length);
  return bytes;
}

/**
 * @param {ArrayBuffer} buffer
 * @returns {NamedArray}
 * @throws {Error} for what is not a plain, C-ordered, little-endian array of a type networks know
 */
export function readNpy(buffer) {
  const bytes = new Uint8Array(buffer);
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) throw new Error("not an .npy file.");
  const view = new DataView(buffer);
  const long = bytes[6] > 1;
  const start = long ? 12 : 10;
  const length = long ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = new TextDecoder("latin1").decode(bytes.subarray(start, start + length));
  const descr = header.match(/'descr':\s*'([^']*)'/)?.[1] ?? "a structure";
  const shape = header.match(/'shape':\s*\(([^)]*)\)/)?.[1].match(/\d+/g) ?? [];
  const type = TYPES.find(([, code]) => code === descr);
  if (!type) throw new Error(`.npy: element type: got ${descr}, expected one of ${codes()}.`);
  if (/'fortran_order':\s*True/.test(header)) {
    throw new Error(".npy: the array is in Fortran order, expected C order.");
  }
  const [dataType, , Values] = type;
  const dimensions = shape.map(Number);
  const count = dimensions.reduce((product, n) => product * n, 1);
  const end = start + length + count * Values.BYTES_PER_ELEMENT;
  if (buffer.byteLength < end)
    throw new Error(`.npy: ${buffer.byteLength} bytes, expected ${end}.`);
  return { shape: dimensions, dataType, values: new Values(buffer.slice(start + length, end)) };
}

function codes() {
  return TYPES.map(([, code]) => code).join(", ");
}

/** @param {Readonly<Record<string, NamedArray>>} arrays by name @returns {Blob} */
export function writeNpz(arrays) {
  /** @type {Uint8Array[]} */
  const parts = [];
  /** @type {Uint8Array[]} */
  const directory = [];
  let offset = 0;
  for (const [name, array] of Object.entries(arrays)) {
    const path = new TextEncoder().encode(`${name}.npy`);
    const data = writeNpy(array);
    const local = zipEntry(path, data, null);
    directory.push(zipEntry(path, data, offset));
    parts.push(local, data);
    offset += local.length + data.length;
  }
  const size = directory.reduce((sum, entry) => sum + entry.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, directory.length, true);
  end.setUint16(10, directory.length, true);
  end.setUint32(12, size, true);
  end.setUint32(16, offset, true);
  return new Blob(/** @type {BlobPart[]} */ ([...parts, ...directory, end]));
}

/**
 * A zip's header of a stored file: before its data, or in the directory where `offset` says where those are.
 *
 * @param {Uint8Array} path
 * @param {Uint8Array} data
 * @param {number | null} offset
 */
function zipEntry(path, data, offset) {
  const inDirectory = offset !== null;
  const fixed = inDirectory ? 46 : 30;
  const view = new DataView(new ArrayBuffer(fixed + path.length));
  view.setUint32(0, inDirectory ? 0x02014b50 : 0x04034b50, true);
  const at = inDirectory ? 6 : 4;
  if (inDirectory) view.setUint16(4, 20, true);
  view.setUint16(at, 20, true);
  view.setUint16(at + 2, 0x0800, true); // names are UTF-8
  view.setUint16(at + 8, 0x21, true); // 1980-01-01
  view.setUint32(at + 10, crc32(data), true);
  view.setUint32(at + 14, data.length, true);
  view.setUint32(at + 18, data.length, true);
  view.setUint16(at + 22, path.length, true);
  if (inDirectory) view.setUint32(42, offset, true);
  const bytes = new Uint8Array(view.buffer);
  bytes.set(path, fixed);
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** @param {Uint8Array} bytes */
export function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 255];
  return ~crc >>> 0;
}
