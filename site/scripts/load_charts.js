// SPDX-License-Identifier: Apache-2.0
// Charts are loaded when there is something to draw: until then pages do without uPlot.

/** @typedef {typeof import("./charts.js")} Charts */

/** @returns {Promise<Charts>} */
export function loadCharts() {
  return import(String(new URL("./charts.js", import.meta.url)));
}
