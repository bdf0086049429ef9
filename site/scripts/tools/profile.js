// SPDX-License-Identifier: Apache-2.0
// The page profile: where the time goes, layer by layer, float against 8 bit.

import { setParameters } from "../address.js";
import { alignLayers, kernelText, makeLayers, sumLayers } from "../compute/layers.js";
import { find, make, saveFile } from "../dom.js";
import { EnginePanel } from "../engine_panel.js";
import { formatMacs, formatMs, formatPercent } from "../format.js";
import { loadCharts } from "../load_charts.js";
import { describeMachine } from "../machine.js";
import { Network } from "../network.js";
import { startShell } from "../shell.js";
import { History } from "./history.js";
import { Job } from "./job.js";
import { ModelChoice } from "./model_choice.js";
import { profileTable } from "./profile_table.js";

/** @typedef {import("./history.js").ProfileRun} ProfileRun */
/** @typedef {import("./job.js").Work} Work */
/** @typedef {import("./model_choice.js").Choice} Choice */

class ProfilePage {
  #history = new History();
  #choice = new ModelChoice({ several: true, onChange: () => this.#prepare() });
  #engine = new EnginePanel(find("#engine"), this.#choice.files, () => this.#prepare());
  #job = new Job("Profile", () => this.#profile());
  #runs = /** @type {HTMLInputElement} */ (find("#runs"));
  /** @type {import("../charts.js").Chart | null} */
  #chart = null;
  /** Ids of the runs that are shown. @type {[string, string]} */
  #shown = ["", ""];

  constructor() {
    this.#runs.addEventListener("change", () => setParameters({ runs: this.#runs.value }));
    find("#save-json").addEventListener("click", () => this.#saveJson());
    find("#save-csv").addEventListener("click", () => this.#saveCsv());
    find("#save-png").addEventListener("click", () => this.#savePng());
    const [first, second] = this.#history.runs;
    this.#shown = [first?.id ?? "", second?.id ?? ""];
    this.#prepare();
    this.#show();
  }

  async #prepare() {
    this.#job.enabled = this.#choice.chosen.length > 0;
    await this.#job.showDetail(this.#choice.downloadText());
  }

  async #profile() {
    /** @type {string[]} */
    const made = [];
    await this.#job.run(async (work) => {
      for (const choice of this.#choice.chosen) {
        const run = await this.#profileOne(choice, work);
        this.#history.add(run);
        made.push(run.id);
        const [first = "", second = this.#shown[1]] = made;
        this.#shown = [first, second === first ? "" : second];
        await this.#show();
      }
    });
    this.#engine.refresh();
    this.#prepare();
  }

  /** @param {Choice} choice @param {Work} work @returns {Promise<ProfileRun>} */
  async #profileOne({ file, name }, { signal, say, follow }) {
    const options = { signal, onProgress: follow(name) };
    const facts = await Network.inspect({ file, name }, options);
    const network = await Network.load({ file, name, settings: this.#engine.settings }, options);
    try {
      say(`Timing every kernel of ${name}`);
      const runs = Math.max(1, Number(this.#runs.value) || 5);
      const layers = makeLayers(facts.operators, await network.steps({ runs }, { signal }));
      const { variant, dot } = network.facts;
      const { integerMs, floatMs } = sumLayers(layers);
      return {
        id: crypto.randomUUID?.() ?? String(Date.now()),
        name,
        tone: integerMs > floatMs ? "integer" : "float",
        when: new Date().toISOString(),
        variant,
        dot,
        runs,
        machine: describeMachine(),
        layers,
      };
    } finally {
      network.close();
    }
  }

  /** The runs that are shown: one, or two. */
  get #pair() {
    const [a, b] = this.#shown.map((id) => this.#history.runs.find((run) => run.id === id));
    return { a: a ?? null, b: b ?? null };
  }

  /** @returns {Promise<void>} when the chart is drawn, too */
  async #show() {
    this.#showHistory();
    const { a, b } = this.#pair;
    find("#result").hidden = !a;
    find("#empty").hidden = Boolean(a);
    if (!a) return;
    const rows = alignLayers(a.layers, b?.layers ?? []);
    this.#showSummary(a, b);
    const values = (/** @type {"a" | "b"} */ side) =>
      rows.map((row) => (row[side]?.runs === "view" ? null : (row[side]?.ms ?? null)));
    const series = [{ name: a.name, tone: "first", values: values("a") }];
    if (b) series.push({ name: b.name, tone: "second", values: values("b") });
    const labels = rows.map((row, i) => `${i} ${(row.a ?? row.b)?.name}`);
    find("#layers").replaceChildren(profileTable(a, b, rows));
    await this.#drawLayers(labels, series);
  }

  /** @param {string[]} labels @param {import("../charts.js").Series[]} series */
  async #drawLayers(labels, series) {
    const { Chart } = await loadCharts();
    this.#chart?.remove();
    const title = `Milliseconds of each layer: ${series.map(({ name }) => name).join(" and ")}`;
    const chart = { title, across: "Layer", unit: "ms", labels, series };
    this.#chart = new Chart(find("#chart"), chart);
  }

  /** @param {ProfileRun} a @param {ProfileRun | null} b */
  #showSummary(a, b) {
    const cards = [a, b].map((run, i) => {
      if (!run) return "";
      const sum = sumLayers(run.layers);
      const share = formatPercent(sum.integerMs / (sum.ms || 1));
      return make(
        "div",
        { class: `run-card ${i === 0 ? "first" : "second"}` },
        make("p", { class: "run-name" }, run.name),
        make("p", { class: "run-time" }, formatMs(sum.ms)),
        make(
          "p",
          { class: "muted" },
          `${formatMacs(sum.macs)}, ${(sum.macs / sum.ms / 1e6 || 0).toFixed(1)} GMAC/s`,
        ),
        make(
          "p",
          { class: "muted" },
          `${share} of the time in integers, ${run.variant} kernels, one thread`,
        ),
      );
    });
    find("#summary").replaceChildren(...cards);
  }

  #showHistory() {
    const { runs } = this.#history;
    find("#history").hidden = runs.length === 0;
    const rows = runs.map((run) => {
      const radio = (/** @type {0 | 1} */ side) => {
        const name = side === 0 ? "first" : "second";
        const checked = this.#shown[side] === run.id;
        const label = `Show as ${name}: ${run.name}`;
        const attributes = { type: "radio", name, value: run.id, checked, "aria-label": label };
        const input = make("input", attributes);
        input.addEventListener("click", () => {
          // A second click takes the second one away.
          const same = side === 1 && this.#shown[1] === run.id;
          this.#shown[side] = same ? "" : run.id;
          this.#show();
        });
        return make("td", {}, input);
      };
      const remove = make(
        "button",
        { type: "button", class: "link", "aria-label": `Remove ${run.name}` },
        "remove",
      );
      remove.addEventListener("click", () => {
        this.#history.remove(run.id);
        this.#show();
      });
      const time = new Date(run.when).toLocaleString([], {
        dateStyle: "short",
        timeStyle: "short",
      });
      const texts = [run.name, formatMs(sumLayers(run.layers).ms), run.variant, time];
      return make(
        "tr",
        {},
        radio(0),
        radio(1),
        ...texts.map((text) => make("td", {}, text)),
        make("td", {}, remove),
      );
    });
    find("#history tbody").replaceChildren(...rows);
  }

  get #shownRuns() {
    const { a, b } = this.#pair;
    return [a, b].filter((run) => run !== null);
  }

  #saveJson() {
    const text = JSON.stringify({ octet: 1, kind: "profile", runs: this.#shownRuns }, null, 1);
    saveFile(new Blob([text], { type: "application/json" }), "octet-profile.json");
  }

  #saveCsv() {
    const head = [
      "model",
      "index",
      "operator",
      "output",
      "type",
      "shape",
      "runs",
      "kernels",
      "ms",
      "macs",
    ];
    const lines = this.#shownRuns.flatMap(({ name, layers }) =>
      layers.map(({ index, name: operator, output, type, shape, runs, kernels, ms, macs }) =>
        [name, index, operator, output, type, shape.join("x"), runs, kernelText(kernels), ms, macs]
          .map(csvField)
          .join(","),
      ),
    );
    const text = `${[head.join(","), ...lines].join("\r\n")}\r\n`;
    saveFile(new Blob([text], { type: "text/csv" }), "octet-profile.csv");
  }

  async #savePng() {
    if (this.#chart) saveFile(await this.#chart.toPng(), "octet-profile.png");
  }
}

/** @param {string | number} value */
function csvField(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

startShell();
new ProfilePage();
