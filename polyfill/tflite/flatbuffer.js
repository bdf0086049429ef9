// SPDX-License-Identifier: Apache-2.0
// Decodes a FlatBuffer by a table of its schema, believing nothing: every offset, vtable and length
// is compared with the buffer before it is followed.
//
// Layout (https://flatbuffers.dev/internals): a table starts with a signed offset back to its
// vtable, which lists, per slot, where in the table the field is (0: absent). Strings, vectors and
// sub-tables are unsigned offsets forward, so there are no cycles; what could still explode is a
// small object that many offsets point to, hence the budget: all objects decoded together may not
// exceed a few times the file.

/** @typedef {import("../gen/tflite_schema.js").Field} Field */
/** @typedef {Readonly<Record<string, Readonly<Record<string, Field>>>>} Tables */
/** @typedef {Readonly<Record<string, readonly string[]>>} Enums */
/** @typedef {{parent: Path | null, key: string | number}} Path */
/** @typedef {(path: string, got: string, expected: string, rule: string) => never} Refuse */

/**
 * A field of a table: where its vtable entry is, how many bytes it takes, its value where it is absent.
 *
 * @typedef {{key: string, field: Field, at: number, bytes: number, absent: any}} Slot
 */

/**
 * Bytes decoded may be this many times the file's (writers may share equal strings and vectors).
 */
const SHARING = 4;
const MAX_DEPTH = 16;

/** @type {Readonly<Record<string, number>>} */
const SCALAR_BYTES = {
  bool: 1,
  int8: 1,
  uint8: 1,
  uint16: 2,
  int32: 4,
  uint32: 4,
  float32: 4,
  int64: 8,
  uint64: 8,
};

const UTF8 = new TextDecoder();

export class FlatBuffer {
  #bytes;
  #view;
  #tables;
  #enums;
  #refuse;
  #budget;
  /** By table. @type {Map<string, Slot[]>} */
  #slots = new Map();

  /**
   * @param {Uint8Array} bytes
   * @param {Tables} tables
   * @param {Enums} enums
   * @param {Refuse} refuse throws the error for a place in the file
   */
  constructor(bytes, tables, enums, refuse) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#tables = tables;
    this.#enums = enums;
    this.#refuse = refuse;
    this.#budget = SHARING * bytes.byteLength + 65536;
  }

  /**
   * Decode the root table. Absent strings, vectors and tables are null, [uint8] vectors are views.
   *
   * @param {string} identifier four characters
   * @param {string} table
   * @param {string} name what errors call the root
   * @returns {Record<string, any>}
   */
  root(identifier, table, name) {
    const path = { parent: null, key: name };
    const wanted = `${JSON.stringify(identifier)} in bytes 4 to 7, as in a TFLite file`;
    const found = String.fromCharCode(...this.#bytes.subarray(4, 8));
    if (found !== identifier) {
      const got = found.length === 4 ? JSON.stringify(found) : `${this.#bytes.length} bytes`;
      this.#fail(path, got, wanted, "file identifier");
    }
    return this.#table(table, this.#follow(0, path), path, 0);
  }

  /**
   * @param {string} name
   * @param {number} position
   * @param {Path} path
   * @param {number} depth
   * @returns {Record<string, any>}
   */
  #table(name, position, path, depth) {
    if (depth > MAX_DEPTH) this.#fail(path, `depth ${depth}`, `at most ${MAX_DEPTH}`, "nesting");
    this.#check(4, position, path, "table", 4);
    const vtable = position - this.#view.getInt32(position, true);
    this.#check(4, vtable, path, "vtable", 2);
    const vtableBytes = this.#view.getUint16(vtable, true);
    const tableBytes = this.#view.getUint16(vtable + 2, true);
    if (vtableBytes < 4 || vtableBytes % 2) {
      this.#fail(path, `a vtable of ${vtableBytes} bytes`, "an even number from 4", "vtable");
    }
    this.#check(vtableBytes, vtable, path, "vtable");
    if (tableBytes < 4) this.#fail(path, `${tableBytes} bytes`, "at least 4", "table size");
    this.#check(tableBytes, position, path, "table");
    this.#spend(tableBytes, path);
    /** @type {Record<string, any>} */
    const record = {};
    for (const { key, field, at, bytes, absent } of this.#slotsOf(name)) {
      const offset = at < vtableBytes ? this.#view.getUint16(vtable + at, true) : 0;
      if (offset === 0) {
        record[key] = absent;
        continue;
      }
      const inner = { parent: path, key };
      if (offset < 4 || offset + bytes > tableBytes) {
        const expected = `4 to ${tableBytes - bytes}`;
        this.#fail(inner, `offset ${offset}`, expected, "field inside its table");
      }
      this.#align(bytes, position + offset, inner, "field");
      record[key] = this.#field(field, position + offset, record, inner, depth);
    }
    return record;
  }

  /** @param {string} table @returns {Slot[]} */
  #slotsOf(table) {
    let slots = this.#slots.get(table);
    if (!slots) {
      slots = Object.entries(this.#tables[table] ?? {}).map(([key, field]) => {
        const [slot, type, initial = null, reference] = field;
        const isNamed = type in SCALAR_BYTES && reference;
        const absent = isNamed ? this.#enums[reference][Number(initial)] : initial;
        return { key, field, at: 4 + 2 * slot, bytes: SCALAR_BYTES[type] ?? 4, absent };
      });
      this.#slots.set(table, slots);
    }
    return slots;
  }

  /**
   * @param {Field} field
   * @param {number} position
   * @param {Record<string, any>} record fields decoded so far
   * @param {Path} path
   * @param {number} depth
   * @returns {any}
   */
  #field([, type, , reference], position, record, path, depth) {
    if (type in SCALAR_BYTES) {
      const value = this.#scalar(type, position);
      return reference ? this.#named(reference, Number(value), path) : value;
    }
    const at = this.#follow(position, path);
    if (type === "union") {
      const member = record[/** @type {string} */ (reference)];
      return member === "NONE" ? null : this.#table(member, at, path, depth + 1);
    }
    if (type === "string") return this.#string(at, path);
    if (type.startsWith("[")) return this.#vector(type.slice(1, -1), at, path, depth);
    return this.#table(type, at, path, depth + 1);
  }

  /**
   * @param {string} type
   * @param {number} position of the element count
   * @param {Path} path
   * @param {number} depth
   * @returns {any}
   */
  #vector(type, position, path, depth) {
    const elementBytes = SCALAR_BYTES[type] ?? 4;
    const count = this.#count(position, elementBytes, path);
    const start = position + 4;
    if (count > 0) this.#align(elementBytes, start, path, "vector");
    // Bytes are never walked, so sharing them costs nothing.
    if (type === "uint8") return this.#bytes.subarray(start, start + count);
    this.#spend(count * elementBytes, path);
    const isScalar = type in SCALAR_BYTES;
    const list = [];
    for (let i = 0; i < count; i++) {
      const at = start + i * elementBytes;
      if (isScalar) {
        list.push(this.#scalar(type, at));
        continue;
      }
      const inner = { parent: path, key: i };
      const target = this.#follow(at, inner);
      const isString = type === "string";
      list.push(
        isString ? this.#string(target, inner) : this.#table(type, target, inner, depth + 1),
      );
    }
    return list;
  }

  /** @param {number} position @param {Path} path @returns {string} */
  #string(position, path) {
    const count = this.#count(position, 1, path);
    this.#spend(count, path);
    const bytes = this.#bytes.subarray(position + 4, position + 4 + count);
    return UTF8.decode(bytes);
  }

  /** @param {string} type @param {number} position @returns {number | boolean} */
  #scalar(type, position) {
    const view = this.#view;
    switch (type) {
      case "bool":
        return view.getUint8(position) !== 0;
      case "int8":
        return view.getInt8(position);
      case "uint8":
        return view.getUint8(position);
      case "uint16":
        return view.getUint16(position, true);
      case "int32":
        return view.getInt32(position, true);
      case "uint32":
        return view.getUint32(position, true);
      case "float32":
        return view.getFloat32(position, true);
      case "int64":
        return Number(view.getBigInt64(position, true));
      default:
        return Number(view.getBigUint64(position, true));
    }
  }

  /** @param {string} enumeration @param {number} value @param {Path} path @returns {string} */
  #named(enumeration, value, path) {
    const names = this.#enums[enumeration];
    const name = names[value];
    if (name === undefined) {
      this.#fail(path, String(value), `0 to ${names.length - 1}`, `known ${enumeration}`);
    }
    return name;
  }

  /**
   * @param {number} position
   * @param {Path} path
   * @returns {number} what the offset there points to
   */
  #follow(position, path) {
    const offset = this.#view.getUint32(position, true);
    if (offset < 4) this.#fail(path, `offset ${offset}`, "at least 4", "offset");
    this.#check(4, position + offset, path, "offset", 4);
    return position + offset;
  }

  /**
   * @param {number} position
   * @param {number} elementBytes
   * @param {Path} path
   * @returns {number} the element count at `position`, all of them inside the buffer
   */
  #count(position, elementBytes, path) {
    const count = this.#view.getUint32(position, true);
    const room = Math.floor((this.#bytes.byteLength - position - 4) / elementBytes);
    if (count > room) this.#fail(path, `${count} elements`, `at most ${room}`, "inside the file");
    return count;
  }

  /**
   * @param {number} bytes
   * @param {number} position
   * @param {Path} path
   * @param {string} what
   * @param {number} [alignment]
   */
  #check(bytes, position, path, what, alignment = 1) {
    const size = this.#bytes.byteLength;
    if (position < 0 || position + bytes > size) {
      const got = `${what} of ${bytes} bytes at ${position}`;
      this.#fail(path, got, `inside the file's ${size} bytes`, "inside the file");
    }
    this.#align(alignment, position, path, what);
  }

  /** @param {number} alignment @param {number} position @param {Path} path @param {string} what */
  #align(alignment, position, path, what) {
    if (position % alignment) {
      const got = `${what} at ${position}`;
      this.#fail(path, got, `a multiple of ${alignment}`, "alignment");
    }
  }

  /** @param {number} bytes @param {Path} path */
  #spend(bytes, path) {
    this.#budget -= bytes;
    if (this.#budget < 0) {
      this.#fail(path, "objects shared over and over", "less content than the file", "sharing");
    }
  }

  /** @param {Path} path @param {string} got @param {string} expected @param {string} rule */
  #fail(path, got, expected, rule) {
    this.#refuse(pathText(path), got, expected, rule);
  }
}

/** @param {Path} path @returns {string} such as model.subgraphs[0].name */
function pathText({ parent, key }) {
  if (!parent) return String(key);
  return typeof key === "number" ? `${pathText(parent)}[${key}]` : `${pathText(parent)}.${key}`;
}
