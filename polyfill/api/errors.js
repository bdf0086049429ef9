// SPDX-License-Identifier: Apache-2.0
// How every message is worded: `<operator>[ "<label>"]: <what>: got <value>, expected <rule>.`

/**
 * A label or name as it may stand in a message: no control and no bidirectional-override characters, and
 * not endless.
 *
 * @param {string} text
 */
function sanitized(text) {
  const plain = text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, "");
  return plain.length > 120 ? `${plain.slice(0, 120)}…` : plain;
}

/**
 * The beginning of a message: the method and, where it has one, its label.
 *
 * @param {string} method
 * @param {string} [label]
 */
export function subject(method, label = "") {
  return label ? `${method} "${sanitized(label)}"` : method;
}

/** @param {string} where @param {string} message */
export function typeError(where, message) {
  return new TypeError(`${where}: ${message}`);
}

/** @param {string} where @param {string} message */
export function invalidState(where, message) {
  return new DOMException(`${where}: ${message}`, "InvalidStateError");
}

/** @param {string} where @param {string} message */
export function operationError(where, message) {
  return new DOMException(`${where}: ${message}`, "OperationError");
}
