// SPDX-License-Identifier: Apache-2.0
// A model file as tables: its operators, its tensors, what its outputs hold.

import { kernelText } from "../compute/layers.js";
import { make } from "../dom.js";
import { formatBytes } from "../format.js";

/** @typedef {import("../compute/inputs.js").OutputSummary} OutputSummary */
/** @typedef {import("../compute/layers.js").Layer} Layer */
/** @typedef {import("../worker/inspect.js").FileFacts} FileFacts */
/** @typedef {import("../worker/inspect.js").TensorFacts} TensorFacts */

/**
 * What the file is, at a glance.
 *
 * @param {FileFacts} facts
 * @param {readonly Layer[]} layers
 * @returns {HTMLElement[]}
 */
export function summaryTiles(facts, layers) {
  const missing = layers.filter(({ runs }) => runs === "unsupported");
  const names = [...new Set(missing.map(({ name }) => name))];
  const known = layers.length - missing.length;
  const coverage = missing.length
    ? `Missing: ${names.join(", ")}`
    : `${new Set(layers.map(({ name }) => name)).size} kinds, all of them known`;
  const working = layers.filter(({ runs }) => runs === "integer" || runs === "float");
  const integers = working.filter(({ runs }) => runs === "integer").length;
  const types = countTypes(facts.tensors);
  return [
    tile(`${known} of ${layers.length} operators`, coverage, missing.length ? "different" : "same"),
    working.length
      ? tile(
          `${integers} of ${working.length} in integers`,
          "of the operators that do work of their own",
        )
      : tile(`${facts.tensors.length} tensors`, types),
    tile(
      formatBytes(facts.bytes),
      working.length ? `${facts.tensors.length} tensors: ${types}` : types,
    ),
  ];
}

/** @param {readonly TensorFacts[]} tensors */
function countTypes(tensors) {
  const counts = new Map();
  for (const { type } of tensors) counts.set(type, (counts.get(type) ?? 0) + 1);
  return Array.from(counts, ([type, count]) => `${count} ${type}`).join(", ");
}

/** @param {string} title @param {string} detail @param {string} [verdict] */
function tile(title, detail, verdict) {
  return make(
    "div",
    { class: "tile", "data-verdict": verdict },
    make("p", { class: "tile-title" }, title),
    make("p", { class: "tile-detail" }, detail),
  );
}

/** @param {readonly Layer[]} layers */
export function operatorTable(layers) {
  const rows = layers.map(({ index, name, output, type, shape, runs, kernels, why }) => [
    String(index),
    name,
    output,
    `${type} ${shape.join("×")}`,
    why ? `${runs}: ${why}` : runs,
    kernelText(kernels),
  ]);
  const heads = ["No.", "Operator", "Output", "Type", "Runs in", "Kernels"];
  const list = table("Operators", heads, rows);
  for (const [i, row] of [...list.tBodies[0].rows].entries()) row.dataset.runs = layers[i].runs;
  return list;
}

/** @param {readonly TensorFacts[]} tensors */
export function tensorTable(tensors) {
  const rows = tensors.map((tensor, i) => [
    String(i),
    tensor.name,
    `${tensor.type} ${tensor.shape.join("×")}`,
    scaleText(tensor),
    tensor.bytes ? tensor.bytes.toLocaleString("en") : "",
  ]);
  return table("Tensors", ["No.", "Tensor", "Type", "Scale (zero point)", "Bytes"], rows);
}

/** @param {TensorFacts} tensor */
function scaleText({ scales, scale, zeroPoint }) {
  if (scales === 0 || scale === null) return "";
  return scales > 1 ? `${scales} scales` : `${scale.toPrecision(5)} (${zeroPoint})`;
}

/**
 * @param {string} caption
 * @param {readonly string[]} heads
 * @param {readonly (readonly string[])[]} rows the second cell of each is its heading
 */
function table(caption, heads, rows) {
  const head = heads.map((text) => make("th", { scope: "col" }, text));
  const body = rows.map((cells) =>
    make(
      "tr",
      {},
      ...cells.map((text, i) => make(i === 1 ? "th" : "td", i === 1 ? { scope: "row" } : {}, text)),
    ),
  );
  return make(
    "table",
    { class: "layers" },
    make("caption", { class: "visually-hidden" }, caption),
    make("thead", {}, make("tr", {}, ...head)),
    make("tbody", {}, ...body),
  );
}

/** @param {readonly OutputSummary[]} outputs */
export function outputList(outputs) {
  return outputs.map(({ name, shape, dataType, least, most, mean, first, top }) => {
    const numbers = first.map(short).join(", ");
    const item = make(
      "li",
      {},
      make("p", {}, make("strong", {}, name), ` ${dataType} [${shape.join(", ")}]`),
      make("p", { class: "muted" }, `from ${short(least)} to ${short(most)}, mean ${short(mean)}`),
      make(
        "p",
        { class: "values" },
        numbers,
        shape.reduce((n, d) => n * d, 1) > first.length ? ", …" : "",
      ),
    );
    if (top.length) {
      const best = top.map(({ index, score }) => `${index} (${short(score)})`).join(", ");
      item.append(make("p", {}, `Largest: ${best}`));
    }
    return item;
  });
}

/** @param {number} value */
function short(value) {
  return String(Number(value.toPrecision(4)));
}
