// SPDX-License-Identifier: Apache-2.0
// Charts as SVG, in the page's own colours, and as PNG files.

import { makeSvg } from "./dom.js";

/** `tone` is "integer" or "float": the colours of networks. */
/** @typedef {{name: string, tone: string, values: readonly (number | null)[]}} Series */

const WIDTH = 1120;
const HEIGHT = 240;
const LEFT = 56;
const BOTTOM = 28;
const TOP = 10;

/**
 * Columns side by side: one group for each label.
 *
 * @param {{title: string, unit: string, labels: readonly string[], series: readonly Series[]}} chart labels
 *   are for the columns' titles; the axis counts
 * @returns {SVGSVGElement}
 */
export function columnChart({ title, unit, labels, series }) {
  const most = Math.max(...series.flatMap(({ values }) => values.map((value) => value ?? 0)), 1e-9);
  const { top, step } = axis(most);
  const y = (/** @type {number} */ value) =>
    HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - TOP);
  const svg = frame(title);
  for (let value = 0; value <= top + step / 2; value += step)
    svg.append(...gridLine(y(value), value, unit));
  const group = (WIDTH - LEFT) / labels.length;
  const width = Math.min(28, (group * 0.8) / series.length);
  for (const [i, label] of labels.entries()) {
    const start = LEFT + group * i + (group - width * series.length) / 2;
    for (const [k, { name, tone, values }] of series.entries()) {
      const value = values[i];
      if (value === null) continue;
      const x = start + k * width;
      const height = Math.max(0.5, y(0) - y(value));
      const rect = {
        x,
        y: y(0) - height,
        width: Math.max(1, width - 1),
        height,
        class: `column ${tone}`,
      };
      const text = `${label}, ${name}: ${tidy(value)} ${unit}`;
      svg.append(makeSvg("rect", rect, makeSvg("title", {}, text)));
    }
  }
  const every = Math.ceil(labels.length / 24);
  for (let i = 0; i < labels.length; i += every) {
    const at = { x: LEFT + group * (i + 0.5), y: HEIGHT - 10, "text-anchor": "middle" };
    svg.append(makeSvg("text", at, String(i)));
  }
  return svg;
}

/**
 * How often values fall into each of equal ranges.
 *
 * @param {{title: string, unit: string, series: readonly {name: string, tone: string, values: readonly number[]}[]}} chart
 * @returns {SVGSVGElement}
 */
export function histogram({ title, unit, series }) {
  const all = series.flatMap(({ values }) => values);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const { top, step } = axis(Math.max(most - least, most * 0.02));
  const start = Math.floor(least / step) * step;
  const end = Math.max(start + top, most);
  const bins = 60;
  const counts = series.map(({ values }) => {
    const list = new Array(bins).fill(0);
    for (const value of values) {
      list[Math.min(bins - 1, Math.floor(((value - start) / (end - start)) * bins))]++;
    }
    return list;
  });
  const highest = Math.max(...counts.flat(), 1);
  const svg = frame(title);
  const x = (/** @type {number} */ value) =>
    LEFT + ((value - start) / (end - start)) * (WIDTH - LEFT - 8);
  const base = HEIGHT - BOTTOM;
  svg.append(makeSvg("line", { x1: LEFT, x2: WIDTH, y1: base, y2: base, class: "grid" }));
  const width = (WIDTH - LEFT - 8) / bins;
  for (const [k, list] of counts.entries()) {
    for (const [i, count] of list.entries()) {
      if (count === 0) continue;
      const height = (count / highest) * (base - TOP);
      const rect = { x: LEFT + i * width, y: base - height, width: width - 1, height };
      const from = start + (i / bins) * (end - start);
      const text = `${series[k].name}: ${count} from ${tidy(from)} ${unit}`;
      svg.append(
        makeSvg(
          "rect",
          { ...rect, class: `column overlaid ${series[k].tone}` },
          makeSvg("title", {}, text),
        ),
      );
    }
  }
  for (let value = Math.ceil(start / step) * step; value <= end; value += step) {
    const anchor = x(value) > WIDTH - 40 ? "end" : "middle";
    const at = { x: x(value), y: HEIGHT - 10, "text-anchor": anchor };
    svg.append(makeSvg("text", at, `${tidy(value)} ${unit}`));
  }
  return svg;
}

/** @param {string} title */
function frame(title) {
  return makeSvg("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    class: "chart",
    role: "img",
    "aria-label": title,
  });
}

/** @param {number} y @param {number} value @param {string} unit */
function gridLine(y, value, unit) {
  return [
    makeSvg("line", { x1: LEFT, x2: WIDTH, y1: y, y2: y, class: "grid" }),
    makeSvg("text", { x: LEFT - 8, y: y + 4, "text-anchor": "end" }, `${tidy(value)} ${unit}`),
  ];
}

/** A round step for up to five grid lines, and the axis's end. @param {number} most */
export function axis(most) {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  return { step, top: step * Math.ceil(most / step - 1e-9) };
}

/** @param {number} value */
function tidy(value) {
  return String(Number(value.toPrecision(3)));
}

/**
 * A chart as it looks now, as a PNG.
 *
 * @param {SVGSVGElement} svg in the page
 * @returns {Promise<Blob>}
 */
export async function toPng(svg) {
  const copy = /** @type {SVGSVGElement} */ (svg.cloneNode(true));
  const shown = [...svg.querySelectorAll("*")];
  for (const [i, element] of [...copy.querySelectorAll("*")].entries()) {
    const { fill, stroke, font, opacity } = getComputedStyle(shown[i]);
    for (const [name, value] of Object.entries({ fill, stroke, font, opacity })) {
      element.setAttribute("style", `${element.getAttribute("style") ?? ""}${name}:${value};`);
    }
  }
  copy.setAttribute("width", String(WIDTH));
  copy.setAttribute("height", String(HEIGHT));
  const source = new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" });
  const url = URL.createObjectURL(source);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = 2 * WIDTH;
    canvas.height = 2 * HEIGHT;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.fillStyle = getComputedStyle(document.body).backgroundColor;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => {
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no PNG"))));
    });
  } finally {
    URL.revokeObjectURL(url);
  }
}
