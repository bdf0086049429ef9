// SPDX-License-Identifier: Apache-2.0
// Layers as a table: one model's, or two models' side by side, with a bar for each time.

import { kernelText } from "../compute/layers.js";
import { make } from "../dom.js";
import { formatFactor } from "../format.js";

/** @typedef {import("../compute/layers.js").Layer} Layer */
/** @typedef {import("./history.js").ProfileRun} ProfileRun */

/**
 * @param {ProfileRun} a
 * @param {ProfileRun | null} b
 * @param {readonly {a: Layer | null, b: Layer | null}[]} rows
 * @returns {HTMLTableElement}
 */
export function profileTable(a, b, rows) {
  const longest = Math.max(...rows.flatMap((row) => [row.a?.ms ?? 0, row.b?.ms ?? 0]), 1e-9);
  const heads = b
    ? [
        "No.",
        "Layer",
        "Output",
        `${a.name}, ms`,
        `${b.name}, ms`,
        "Ratio",
        "GMAC/s",
        "Runs in",
        "Kernels",
      ]
    : ["No.", "Layer", "Output", "ms", "GMAC/s", "Runs in", "Kernels"];
  const body = rows.map((row, i) => {
    const { name, output, shape, type } = /** @type {Layer} */ (row.a ?? row.b);
    const cells = [
      make("td", { class: "number" }, String(i)),
      make("th", { scope: "row", title: output }, name),
      make("td", { class: "muted" }, `${type} ${shape.join("×")}`),
      timeCell(row.a, longest, "first"),
    ];
    if (b) cells.push(timeCell(row.b, longest, "second"), ratioCell(row.a, row.b));
    const text = (/** @type {(layer: Layer) => string} */ of) => sides(row.a, b ? row.b : null, of);
    cells.push(
      make("td", { class: "number" }, text(rate)),
      make("td", { title: row.a?.why || row.b?.why || null }, text(runsIn)),
      make(
        "td",
        { class: "kernels" },
        text(({ kernels }) => kernelText(kernels)),
      ),
    );
    return make("tr", {}, ...cells);
  });
  const numbers = ["Ratio", "GMAC/s"];
  const head = heads.map((text) =>
    make("th", { scope: "col", class: numbers.includes(text) ? "number" : null }, text),
  );
  return make(
    "table",
    { class: "layers" },
    make("caption", { class: "visually-hidden" }, "Layers in the order they run"),
    make("thead", {}, make("tr", {}, ...head)),
    make("tbody", {}, ...body),
  );
}

/** @param {Layer | null} layer @param {number} longest @param {string} tone */
function timeCell(layer, longest, tone) {
  if (!layer || layer.kernels.length === 0) return make("td", { class: "time" }, "–");
  const bar = make("span", { class: `time-bar ${tone}` });
  bar.style.setProperty("--part", String(layer.ms / longest));
  return make("td", { class: "time" }, make("span", {}, layer.ms.toFixed(3)), bar);
}

/** How often the first goes into the second. @param {Layer | null} a @param {Layer | null} b */
function ratioCell(a, b) {
  const text = a?.ms && b?.ms ? formatFactor(b.ms / a.ms) : "";
  return make("td", { class: "number" }, text);
}

/** @param {Layer} layer */
function rate({ macs, ms }) {
  return macs && ms ? (macs / ms / 1e6).toFixed(1) : "";
}

/** @param {Layer} layer */
function runsIn({ runs, why }) {
  return why ? `${runs}: ${why}` : runs;
}

/**
 * Both sides' text, or once if they are the same.
 *
 * @param {Layer | null} a
 * @param {Layer | null} b
 * @param {(layer: Layer) => string} of
 */
function sides(a, b, of) {
  const texts = [a, b].filter((layer) => layer !== null).map((layer) => of(layer));
  return [...new Set(texts)].filter((text) => text).join(" / ");
}
