// SPDX-License-Identifier: Apache-2.0
// Model files: from the browser's own store (Cache API) if they are there, else downloaded, checked and kept.

/** A model as the build published it. @typedef {{url: string, bytes: number, sha256: string}} ModelFile */
/** @typedef {(loaded: number, total: number) => void} OnProgress */

export const STORE = "octet-models";

/** @returns {Promise<Cache | null>} null where pages have no store: without TLS, or in private modes */
export async function openStore() {
  try {
    return await globalThis.caches.open(STORE);
  } catch {
    return null;
  }
}

/** @param {string} url @returns {Promise<boolean>} */
export async function isStored(url) {
  return Boolean(await (await openStore())?.match(url));
}

/** Forget every model. */
export async function clearStore() {
  await globalThis.caches?.delete(STORE);
}

/** Bytes of all stored models. @param {readonly ModelFile[]} files */
export async function storedBytes(files) {
  const there = await Promise.all(files.map(({ url }) => isStored(url)));
  return files.reduce((sum, { bytes }, i) => sum + (there[i] ? bytes : 0), 0);
}

/**
 * @param {ModelFile} file
 * @param {OnProgress} onProgress
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 * @throws {Error} NetworkError if it cannot be had, DataError if it is not what the build published
 */
export async function readModel(file, onProgress) {
  const store = await openStore();
  const stored = await store?.match(file.url);
  if (stored) {
    const bytes = new Uint8Array(await stored.arrayBuffer());
    if (bytes.length === file.bytes) {
      onProgress(file.bytes, file.bytes);
      return bytes;
    }
  }
  const bytes = await download(file, onProgress);
  await checkDigest(file, bytes);
  // A full disk is no reason to fail.
  await store?.put(file.url, modelResponse(bytes)).catch(() => {});
  return bytes;
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
function modelResponse(bytes) {
  return new Response(new Blob([bytes], { type: "application/octet-stream" }));
}

/** @param {ModelFile} file @param {OnProgress} onProgress */
async function download({ url, bytes: total }, onProgress) {
  onProgress(0, total);
  const response = await fetch(url).catch(() => null);
  if (!response) throw named("NetworkError", `${fileName(url)}: the server cannot be reached.`);
  if (!response.ok || !response.body) {
    throw named("NetworkError", `${fileName(url)}: the server answers with ${response.status}.`);
  }
  const bytes = new Uint8Array(total);
  const reader = response.body.getReader();
  let loaded = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (loaded + value.length > total) break;
    bytes.set(value, loaded);
    loaded += value.length;
    onProgress(loaded, total);
  }
  if (loaded !== total) throw wrongFile(url);
  return bytes;
}

/** @param {ModelFile} file @param {Uint8Array<ArrayBuffer>} bytes */
async function checkDigest({ url, sha256 }, bytes) {
  if (!globalThis.crypto?.subtle) return;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const text = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (text !== sha256) throw wrongFile(url);
}

/** @param {string} url */
function wrongFile(url) {
  return named(
    "DataError",
    `${fileName(url)}: what came is not the file that this site published.`,
  );
}

/** @param {string} name @param {string} message */
function named(name, message) {
  return Object.assign(new Error(message), { name });
}

/** @param {string} url */
export function fileName(url) {
  return url.slice(url.lastIndexOf("/") + 1);
}
