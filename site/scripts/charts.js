// SPDX-License-Identifier: Apache-2.0
// Column charts by uPlot, in the page's own colours, and as PNG files. Pages load this file when there is
// something to draw.

import uPlot from "uplot";

/** `tone` is "first", "second" or "third": the colours of networks. */
/** @typedef {{name: string, tone: string, values: readonly (number | null)[]}} Series */

/**
 * @typedef {object} ColumnChart
 * @property {string} title for those who cannot see it
 * @property {string} unit of the columns' heights
 * @property {string} across what the columns stand for
 * @property {readonly string[]} labels of each column or group of columns
 * @property {readonly number[]} [positions] on the axis; the count from 0 unless given
 * @property {string} [axisUnit] of the positions
 * @property {boolean} [overlaid] series before one another instead of side by side
 * @property {readonly Series[]} series
 */

const HEIGHT = 260;
const FONT = "12px system-ui, sans-serif";

/** @type {Readonly<Record<string, string>>} */
const TONES = { first: "--accent", second: "--float", third: "--warning" };

/** Of the page as it looks now. @param {string} name @returns {string} */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** A chart in an element, as wide as that is; drawn again when width or colours change. */
export class Chart {
  #root;
  #chart;
  /** @type {uPlot} */
  #plot;
  #resized = new ResizeObserver(() => this.#fit());
  #recoloured = new MutationObserver(() => this.#redraw());

  /** @param {HTMLElement} root its content is replaced @param {ColumnChart} chart */
  constructor(root, chart) {
    this.#root = root;
    this.#chart = chart;
    root.replaceChildren();
    this.#plot = this.#draw();
    this.#resized.observe(root);
    this.#recoloured.observe(document.documentElement, { attributeFilter: ["data-colours"] });
  }

  /** Take it off the page. */
  remove() {
    this.#resized.disconnect();
    this.#recoloured.disconnect();
    this.#plot.destroy();
  }

  #draw() {
    const plot = new uPlot(options(this.#chart, this.#width), data(this.#chart), this.#root);
    plot.ctx.canvas.setAttribute("role", "img");
    plot.ctx.canvas.setAttribute("aria-label", this.#chart.title);
    return plot;
  }

  get #width() {
    return Math.max(320, this.#root.clientWidth);
  }

  #fit() {
    if (this.#plot.width !== this.#width) {
      this.#plot.setSize({ width: this.#width, height: HEIGHT });
    }
  }

  #redraw() {
    this.#plot.destroy();
    this.#plot = this.#draw();
  }

  /** As it looks now, with its series' names. @returns {Promise<Blob>} */
  toPng() {
    const { canvas } = this.#plot.ctx;
    const scale = canvas.width / this.#plot.width;
    const head = 32 * scale;
    const copy = document.createElement("canvas");
    copy.width = canvas.width;
    copy.height = canvas.height + head;
    const context = /** @type {CanvasRenderingContext2D} */ (copy.getContext("2d"));
    context.fillStyle = colour("--surface");
    context.fillRect(0, 0, copy.width, copy.height);
    context.font = `${13 * scale}px system-ui, sans-serif`;
    let x = 14 * scale;
    for (const { name, tone } of this.#chart.series) {
      context.fillStyle = colour(TONES[tone]);
      context.fillText(name, x, 21 * scale);
      x += context.measureText(name).width + 24 * scale;
    }
    context.drawImage(canvas, 0, head);
    return new Promise((resolve, reject) => {
      copy.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no PNG"))));
    });
  }
}

/** @param {ColumnChart} chart @returns {uPlot.AlignedData} */
function data({ labels, positions, series }) {
  const at = positions ?? labels.map((_, i) => i);
  return /** @type {uPlot.AlignedData} */ ([at, ...series.map(({ values }) => values)]);
}

/** @param {ColumnChart} chart @param {number} width @returns {uPlot.Options} */
function options(chart, width) {
  const { series, labels, unit, across, axisUnit = "", overlaid = false } = chart;
  const at = chart.positions ?? labels.map((_, i) => i);
  const half = at.length > 1 ? (at[1] - at[0]) / 2 : 0.5;
  return {
    width,
    height: HEIGHT,
    padding: [14, 14, 0, 0],
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    legend: { markers: { width: 0 } },
    scales: {
      x: { time: false, range: () => [at[0] - half, at[at.length - 1] + half] },
      y: { range: (_, __, most) => [0, (most || 1) * 1.05] },
    },
    axes: [
      { ...axis(axisUnit), size: 34 },
      { ...axis(unit), size: 72 },
    ],
    series: [
      { label: across, value: (_, __, ___, i) => (i === null ? "–" : labels[i]) },
      ...series.map((one, i) => columns(one, i, overlaid ? 0 : series.length, unit)),
    ],
  };
}

/** @param {string} unit @returns {uPlot.Axis} */
function axis(unit) {
  const suffix = unit ? ` ${unit}` : "";
  return {
    font: FONT,
    stroke: () => colour("--muted"),
    grid: { stroke: () => colour("--line"), width: 1 },
    ticks: { show: false },
    values: (_, values) => values.map((value) => `${value}${suffix}`),
  };
}

/**
 * @param {Series} series
 * @param {number} index
 * @param {number} beside how many stand side by side; 0 where they stand before one another
 * @param {string} unit
 * @returns {uPlot.Series}
 */
function columns({ name, tone }, index, beside, unit) {
  const fill = colour(TONES[tone]);
  const bars = /** @type {uPlot.Series.BarsPathBuilderFactory} */ (uPlot.paths.bars);
  const paths =
    beside === 2
      ? bars({ size: [0.4, 24], align: index === 0 ? -1 : 1 })
      : bars({ size: [beside === 0 ? 1 : 0.8, 48], align: 0 });
  return {
    label: name,
    fill: beside === 0 ? `${fill}b0` : fill,
    stroke: fill,
    width: 0,
    points: { show: false },
    paths,
    value: (_, value) => (value === null || value === undefined ? "–" : `${tidy(value)} ${unit}`),
  };
}

/** @param {number} value */
function tidy(value) {
  return String(Number(value.toPrecision(3)));
}
