// SPDX-License-Identifier: Apache-2.0
// How every refusal of a model file is worded:
//   file: subgraph 0, op 12 CONV_2D, tensor "name": got X, expected Y (rule).

/**
 * Where in the file something is wrong; `path` names a field where no operator or tensor is known
 * yet.
 *
 * @typedef {object} Place
 * @property {string} [file]
 * @property {number} [subgraph]
 * @property {number} [operator]
 * @property {string} [operatorName]
 * @property {string} [tensor]
 * @property {string} [path] such as model.subgraphs[0].tensors[12].shape
 */

/**
 * @typedef {{operator: number, operatorName: string, tensor: string, reason: string}} Unsupported
 */

/** How many unsupported operators a message spells out; the error's field has them all. */
const LISTED = 20;

/** A model file that breaks a rule of the format, or that WebNN cannot express. */
export class TfliteError extends Error {
  /**
   * @param {Place} place
   * @param {string} got
   * @param {string} expected
   * @param {string} rule a short name of what was violated
   * @param {{cause?: unknown, unsupported?: readonly Unsupported[]}} [more]
   */
  constructor(place, got, expected, rule, more = {}) {
    const { cause, unsupported = [] } = more;
    super(
      `${placeText(place)}: got ${got}, expected ${expected} (${rule}).${listText(unsupported)}`,
      cause === undefined ? undefined : { cause },
    );
    this.name = "TfliteError";
    this.file = place.file;
    this.subgraph = place.subgraph;
    this.operator = place.operator;
    this.operatorName = place.operatorName;
    this.tensor = place.tensor;
    this.rule = rule;
    /** All operators of the file that cannot be mapped, in order; empty for other rules. */
    this.unsupported = unsupported;
  }
}

/** Something WebNN cannot express; collected, so that all of a file's can be reported at once. */
export class UnsupportedError extends Error {}

/** @param {Place} place @returns {string} */
function placeText(place) {
  const words = [];
  if (place.path !== undefined) words.push(place.path);
  if (place.subgraph !== undefined) words.push(`subgraph ${place.subgraph}`);
  if (place.operator !== undefined) {
    words.push(`op ${place.operator} ${shown(place.operatorName ?? "?")}`);
  }
  if (place.tensor !== undefined) words.push(`tensor ${quoted(place.tensor)}`);
  const file = shown(place.file ?? "model");
  return words.length ? `${file}: ${words.join(", ")}` : file;
}

/** @param {readonly Unsupported[]} unsupported @returns {string} */
function listText(unsupported) {
  if (unsupported.length === 0) return "";
  const lines = unsupported
    .slice(0, LISTED)
    .map(
      (u) => `op ${u.operator} ${shown(u.operatorName)}, tensor ${quoted(u.tensor)}: ${u.reason}`,
    );
  const rest = unsupported.length - LISTED;
  if (rest > 0) lines.push(`and ${rest} more`);
  return `\n  ${lines.join("\n  ")}`;
}

/**
 * A name from the file, made safe to print: one line, no control or bidi characters, not endless.
 *
 * @param {string} text
 * @param {number} [most] characters
 * @returns {string}
 */
export function shown(text, most = 100) {
  const cut = text.length > most ? `${text.slice(0, most - 1)}…` : text;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u{fffd}");
}

/** @param {string} text @returns {string} */
export function quoted(text) {
  return `"${shown(text)}"`;
}

/** @param {readonly number[]} numbers @returns {string} */
export function listed(numbers) {
  const more = numbers.length > 8 ? ", …" : "";
  return `[${numbers.slice(0, 8).join(", ")}${more}]`;
}
