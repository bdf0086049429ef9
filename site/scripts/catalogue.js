// SPDX-License-Identifier: Apache-2.0
// What this copy of the site offers, as the build wrote it into the page.

import { find } from "./dom.js";

/** @typedef {import("./compute/geometry.js").Fit} Fit */

/**
 * @typedef {object} ModelEntry
 * @property {string} id
 * @property {string} precision f32, uint8 or int8
 * @property {string} title
 * @property {string} note
 * @property {string} url
 * @property {number} bytes
 * @property {string} sha256
 */

/**
 * @typedef {object} NetworkEntry
 * @property {string} id
 * @property {string} task
 * @property {string} title
 * @property {string} about
 * @property {string} labels URL
 * @property {Fit} fit
 * @property {number} mean
 * @property {number} deviation
 * @property {ModelEntry[]} models
 */

/**
 * @typedef {object} SampleEntry
 * @property {string} id
 * @property {string} title
 * @property {string[]} tasks
 * @property {string} url
 */

/** @typedef {{networks: NetworkEntry[], samples: SampleEntry[]}} Catalogue */

/** @returns {Catalogue} */
export function readCatalogue() {
  return JSON.parse(find("#catalogue").textContent);
}

/** @param {ModelEntry} model what a network is compared with counts as float or as 8 bit */
export function isFloat(model) {
  return model.precision === "f32";
}

/**
 * What a model is first compared with: the first one of the other kind, else any other.
 *
 * @param {NetworkEntry} network
 * @param {ModelEntry} model
 * @returns {ModelEntry | undefined}
 */
export function counterpart(network, model) {
  const others = network.models.filter(({ id }) => id !== model.id);
  return others.find((other) => isFloat(other) !== isFloat(model)) ?? others[0];
}

/** @type {Map<string, Promise<string[]>>} */
const labelLists = new Map();

/** @param {string} url @returns {Promise<string[]>} names by class index */
export function loadLabels(url) {
  let list = labelLists.get(url);
  if (!list) {
    list = fetchLines(url);
    labelLists.set(url, list);
    list.catch(() => labelLists.delete(url));
  }
  return list;
}

/** @param {string} url */
async function fetchLines(url) {
  const response = await fetch(url).catch(() => null);
  if (!response?.ok) {
    const error = new Error(`${url}: the names of the classes cannot be downloaded.`);
    throw Object.assign(error, { name: "NetworkError" });
  }
  return (await response.text()).trimEnd().split("\n");
}

/** @param {readonly string[]} labels @param {number} index @returns {string} the first of its names */
export function labelOf(labels, index) {
  return labels[index]?.split(",")[0] ?? `class ${index}`;
}
