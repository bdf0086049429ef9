// SPDX-License-Identifier: Apache-2.0
// The page benchmark: whole runs, many of them, with their spread.

import { parameter, setParameters } from "../address.js";
import { histogram, mean, median, quantile, standardDeviation } from "../compute/statistics.js";
import { find, make, saveFile } from "../dom.js";
import { EnginePanel } from "../engine_panel.js";
import { formatFactor, formatMs } from "../format.js";
import { loadCharts } from "../load_charts.js";
import { describeMachine, engineText } from "../machine.js";
import { Network } from "../network.js";
import { startShell } from "../shell.js";
import { Job } from "./job.js";
import { ModelChoice } from "./model_choice.js";

/** @typedef {import("./job.js").Work} Work */
/** @typedef {import("./model_choice.js").Choice} Choice */
/** @typedef {import("../worker/network_worker.js").Progress} Progress */

/**
 * @typedef {object} Measurement
 * @property {string} name
 * @property {"float" | "integer" | ""} tone
 * @property {number} bytes
 * @property {string} variant
 * @property {number} threads
 * @property {string} dot
 * @property {string[]} features
 * @property {number} macs
 * @property {number} memory
 * @property {number} warmup
 * @property {number[]} times milliseconds, in the order of the runs
 */

/** Classes of the style sheet that colour what belongs to one measurement. */
const TONES = ["first", "second", "third"];

/** Networks take turns of this many runs, so that what else the machine does meets all of them. */
const TURN = 10;

/** Columns of the histogram. */
const BINS = 60;

/** The same for everybody: random inputs that can be had again. */
const SEED = 1;

class BenchmarkPage {
  #choice = new ModelChoice({ several: true, onChange: () => this.#prepare() });
  #engine = new EnginePanel(find("#engine"), this.#choice.files, () => this.#prepare());
  #job = new Job("Measure", () => this.#measure());
  #warmup = numberInput("warmup");
  #runs = numberInput("runs");
  /** @type {Measurement[]} */
  #measurements = [];
  /** @type {import("../charts.js").Chart | null} */
  #chart = null;

  constructor() {
    find("#save-json").addEventListener("click", () => this.#saveJson());
    find("#save-csv").addEventListener("click", () => this.#saveCsv());
    find("#copy-link").addEventListener("click", () => this.#copyLink());
    this.#prepare();
  }

  async #prepare() {
    this.#job.enabled = this.#choice.chosen.length > 0;
    await this.#job.showDetail(this.#choice.downloadText());
  }

  async #measure() {
    this.#measurements = [];
    /** @type {Network[]} */
    const networks = [];
    await this.#job.run(async (work) => {
      for (const choice of this.#choice.chosen) {
        const network = await this.#load(choice, work);
        networks.push(network);
        const warmup = Number(this.#warmup.value);
        const { name, tone, bytes } = choice;
        const { variant, threads, dot, features, macs, memory } = network.facts;
        const facts = { name, tone, bytes, variant, threads, dot, features, macs, memory };
        this.#measurements.push({ ...facts, warmup, times: [] });
      }
      const runs = Number(this.#runs.value);
      for (let done = 0; done < runs; done += TURN) {
        const count = Math.min(TURN, runs - done);
        for (const [i, network] of networks.entries()) {
          await this.#takeTurn(network, this.#measurements[i], done === 0, count, work);
        }
      }
      this.#show();
      await this.#drawTimes();
    });
    for (const network of networks) network.close();
    this.#engine.refresh();
    this.#prepare();
  }

  /** @param {Choice} choice @param {Work} work */
  async #load({ file, name }, { signal, follow }) {
    const request = { file, name, settings: this.#engine.settings };
    const network = await Network.load(request, { signal, onProgress: follow(name) });
    await network.feed({ arrays: {}, seed: SEED });
    return network;
  }

  /**
   * @param {Network} network
   * @param {Measurement} measurement gets the times
   * @param {boolean} first
   * @param {number} runs
   * @param {Work} work
   */
  async #takeTurn(network, { name, warmup, times }, first, runs, { signal, say }) {
    const all = Number(this.#runs.value);
    const sayRun = (/** @type {number} */ run) => say(`${name}: run ${run} of ${all}`);
    sayRun(times.length + 1);
    const onProgress = (/** @type {Progress} */ progress) => {
      if (progress.phase === "run") sayRun(times.length + progress.done);
    };
    // Another network ran in between: one run brings this one's weights back into the caches.
    const before = first ? warmup : Math.min(1, warmup);
    const request = { warmup: before, runs, seconds: Number.POSITIVE_INFINITY };
    times.push(...(await network.time(request, { signal, onProgress })));
  }

  #show() {
    find("#result").hidden = false;
    find("#empty").hidden = true;
    const all = this.#measurements;
    const slowest = Math.max(...all.map(({ times }) => median(times)));
    const rows = all.map((one, i) => row(one, slowest, TONES[i % TONES.length]));
    find("#results tbody").replaceChildren(...rows);
    this.#showMachine();
  }

  async #drawTimes() {
    const { Chart } = await loadCharts();
    const all = this.#measurements;
    const { starts, width, counts } = histogram(
      all.map(({ times }) => times),
      BINS,
    );
    this.#chart?.remove();
    this.#chart = new Chart(find("#chart"), {
      title: `How often runs took how long: ${all.map(({ name }) => name).join(" and ")}`,
      across: "Time",
      unit: "runs",
      axisUnit: "ms",
      overlaid: true,
      labels: starts.map((start) => `${start.toPrecision(3)} to ${formatMs(start + width)}`),
      positions: starts.map((start) => start + width / 2),
      series: all.map(({ name }, i) => ({
        name,
        tone: TONES[i % TONES.length],
        values: counts[i].map((count) => count || null),
      })),
    });
  }

  #showMachine() {
    const { browser, cores, isolated, nativeWebNN } = describeMachine();
    const [{ variant, threads, dot, features }] = this.#measurements;
    const facts = {
      Kernels: engineText({ variant, threads }),
      "Byte products": dot || "–",
      "Features of wasm": features.join(", ") || "those of its first version",
      "Cores, as told": String(cores),
      "Cross-origin isolated": isolated ? "yes" : "no, hence one thread",
      "WebNN of its own": nativeWebNN ? "yes, not used here" : "no",
      Browser: browser,
    };
    const pairs = Object.entries(facts).map(([name, text]) =>
      make("div", {}, make("dt", {}, name), make("dd", {}, text)),
    );
    find("#machine").replaceChildren(...pairs);
  }

  #saveJson() {
    const machine = describeMachine();
    const when = new Date().toISOString();
    const report = { octet: 1, kind: "benchmark", when, machine, measurements: this.#measurements };
    const text = JSON.stringify(report, null, 1);
    saveFile(new Blob([text], { type: "application/json" }), "octet-benchmark.json");
  }

  #saveCsv() {
    const names = this.#measurements.map(({ name }) => `"${name.replaceAll('"', '""')}"`);
    const most = Math.max(...this.#measurements.map(({ times }) => times.length));
    const lines = Array.from({ length: most }, (_, i) =>
      this.#measurements.map(({ times }) => times[i] ?? "").join(","),
    );
    const text = `${[names.join(","), ...lines].join("\r\n")}\r\n`;
    saveFile(new Blob([text], { type: "text/csv" }), "octet-benchmark.csv");
  }

  async #copyLink() {
    const button = find("#copy-link");
    try {
      await navigator.clipboard.writeText(location.href);
      button.textContent = "copied";
    } catch {
      button.textContent = "see the address bar";
    }
  }
}

/** @param {Measurement} measurement @param {number} slowest median of all @param {string} tone */
function row({ name, times }, slowest, tone) {
  const middle = median(times);
  const bar = make("span", { class: `time-bar ${tone}` });
  bar.style.setProperty("--part", String(middle / slowest));
  const spread = `${formatMs(mean(times))} ± ${standardDeviation(times).toFixed(2)}`;
  const texts = [spread, ...[0.05, 0.95].map((part) => formatMs(quantile(times, part)))];
  const factor = slowest / middle;
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, name),
    make("td", { class: "time" }, make("span", {}, formatMs(middle)), bar),
    make("td", { class: "number" }, factor > 1.005 ? formatFactor(factor) : ""),
    ...texts.map((text) => make("td", { class: "number" }, text)),
    make("td", { class: "number" }, formatMs(Math.min(...times))),
    make("td", { class: "number" }, String(times.length)),
  );
}

/** A number that is in the address, too. @param {string} name @returns {HTMLInputElement} */
function numberInput(name) {
  const input = /** @type {HTMLInputElement} */ (find(`#${name}`));
  const least = Number(input.min);
  const most = Number(input.max);
  const tidy = (/** @type {string} */ text) => {
    const value = Math.round(Number(text));
    return Number.isFinite(value) && text !== "" ? Math.min(most, Math.max(least, value)) : null;
  };
  const given = tidy(parameter(name) ?? "");
  if (given !== null) input.value = String(given);
  input.addEventListener("change", () => {
    input.value = String(tidy(input.value) ?? input.defaultValue);
    setParameters({ [name]: input.value === input.defaultValue ? null : input.value });
  });
  return input;
}

startShell();
new BenchmarkPage();
