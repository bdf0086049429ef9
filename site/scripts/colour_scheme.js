// SPDX-License-Identifier: Apache-2.0
// Light or dark: what the visitor chose, else what the system has.

/** @typedef {"auto" | "light" | "dark"} Scheme */

/** @type {readonly Scheme[]} */
export const SCHEMES = ["auto", "light", "dark"];

const KEY = "octet-colours";

/** @returns {Scheme} */
export function chosenScheme() {
  try {
    return SCHEMES.find((scheme) => scheme === localStorage.getItem(KEY)) ?? "auto";
  } catch {
    return "auto";
  }
}

/** @param {Scheme} scheme */
export function chooseScheme(scheme) {
  try {
    localStorage.setItem(KEY, scheme);
  } catch {
    // Storage is denied: the choice lasts as long as the page.
  }
  applyScheme(scheme);
}

/** Colour the page. @param {Scheme} [scheme] */
export function applyScheme(scheme = chosenScheme()) {
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const { dataset } = document.documentElement;
  dataset.scheme = scheme;
  dataset.colours = scheme === "auto" ? system : scheme;
}
