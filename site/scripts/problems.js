// SPDX-License-Identifier: Apache-2.0
// What went wrong, and what can be done about it.

import { make } from "./dom.js";

/** What helps, by the error's name. @type {Readonly<Record<string, string>>} */
const FIXES = {
  NetworkError: "Check the connection, then run again. What was stored before works offline.",
  DataError: "The site may just have been updated: reload the page, then run again.",
  TfliteError: "The Model page lists a file's operators and says which of them are missing.",
  NotAllowedError:
    "Allow this page to use the camera in the browser's address bar, then try again.",
  NotFoundError: "Connect a camera, or choose a picture instead.",
  NotReadableError: "Another program may be using the camera: close it, then try again.",
  InvalidStateError: "Try a JPEG, PNG or WebP picture.",
  EncodingError: "Try a JPEG, PNG or WebP picture.",
  RangeError: "Close other tabs, or choose a smaller network.",
};

const OTHERWISE =
  "Reload the page and try again; under Engine, one thread or another variant may help.";

/** @param {unknown} error @returns {{message: string, fix: string}} */
export function explain(error) {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { message: sentence(message), fix: FIXES[name] ?? OTHERWISE };
}

/**
 * Fill an element with role=alert.
 *
 * @param {HTMLElement} panel
 * @param {unknown} error null empties and hides it
 */
export function showProblem(panel, error) {
  panel.hidden = error === null;
  if (error === null) {
    panel.replaceChildren();
    return;
  }
  const { message, fix } = explain(error);
  panel.replaceChildren(make("strong", {}, message), " ", fix);
}

/** @param {unknown} error @returns {boolean} whether somebody wanted it so */
export function isAbort(error) {
  return error instanceof Error && error.name === "AbortError";
}

/** Begins with a capital, unless it begins with a name. @param {string} text */
function sentence(text) {
  const start = /^[a-z]+\b(?![._:/])/.test(text) ? text[0].toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(start) ? start : `${start}.`;
}
