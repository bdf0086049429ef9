// SPDX-License-Identifier: Apache-2.0
// Where the bytes of a model come from: a URL, a Response, a Blob, or memory.

import { TfliteError } from "./errors.js";

/** @typedef {URL | string | Response | Blob | ArrayBuffer | ArrayBufferView} Source */

/**
 * @typedef {object} SourceOptions
 * @property {string} fileName
 * @property {number} limit bytes to accept
 * @property {AbortSignal} [signal]
 * @property {(loadedBytes: number, totalBytes: number | null) => void} [onProgress]
 */

/**
 * @param {Source} source
 * @param {SourceOptions} options
 * @returns {Promise<Uint8Array>} a view of the caller's memory where it is given such
 * @throws {TfliteError | DOMException | TypeError}
 */
export async function readSource(source, options) {
  const { onProgress, signal } = options;
  signal?.throwIfAborted();
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return bytesOf(source);
  if (typeof source === "string" || source instanceof URL) {
    return readResponse(await fetch(source, { signal }), options);
  }
  if (source instanceof Response) return readResponse(source, options);
  if (source instanceof Blob) {
    checkSize(source.size, options);
    const bytes = new Uint8Array(await source.arrayBuffer());
    signal?.throwIfAborted();
    onProgress?.(bytes.length, bytes.length);
    return bytes;
  }
  throw new TypeError(
    "source: got something else, expected a URL, Response, Blob, ArrayBuffer or view of one.",
  );
}

/** @param {Source | undefined} source @returns {string} what errors call the file */
export function sourceName(source) {
  const url = source instanceof Response ? source.url : source;
  if (typeof url === "string" || url instanceof URL) {
    const [path] = String(url).split(/[?#]/);
    return path.slice(path.lastIndexOf("/") + 1) || "model";
  }
  return typeof File === "function" && source instanceof File ? source.name : "model";
}

/** @param {ArrayBuffer | ArrayBufferView} memory @returns {Uint8Array} */
export function bytesOf(memory) {
  if (!ArrayBuffer.isView(memory)) return new Uint8Array(memory);
  const bytes = new Uint8Array(memory.buffer, memory.byteOffset, memory.byteLength);
  // Shared memory may change while it is being checked.
  return memory.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
}

/** @param {Response} response @param {SourceOptions} options @returns {Promise<Uint8Array>} */
async function readResponse(response, options) {
  const { fileName: file, onProgress, signal } = options;
  if (!response.ok) {
    const got = `HTTP status ${response.status}`;
    throw new TfliteError({ file }, got, "200", "download");
  }
  // A compressed body is longer than the header says.
  const length = response.headers.get("content-length");
  const plain = !response.headers.get("content-encoding");
  const total = length !== null && plain ? Number(length) : null;
  if (total !== null) checkSize(total, options);
  if (!response.body) return new Uint8Array(await response.arrayBuffer());
  const reader = response.body.getReader();
  const parts = [];
  let loaded = 0;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      loaded += value.length;
      checkSize(loaded, options);
      onProgress?.(loaded, total);
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    throw error;
  }
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** @param {number} bytes @param {SourceOptions} options */
function checkSize(bytes, { fileName: file, limit }) {
  if (bytes > limit) {
    throw new TfliteError({ file }, `${bytes} bytes`, `at most ${limit}`, "limit bytes");
  }
}
