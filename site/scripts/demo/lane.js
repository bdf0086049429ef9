// SPDX-License-Identifier: Apache-2.0
// One network on the page: which precision, how far it is, what it says, how long it takes.

import { median } from "../compute/statistics.js";
import { find, findAll, make, saveFile } from "../dom.js";
import { formatBytes, formatMacs, formatMs } from "../format.js";
import { engineText } from "../machine.js";
import { Network } from "../network.js";
import { showProblem } from "../problems.js";
import { isStored } from "../worker/model_store.js";
import { Stage } from "./stage.js";
import { makeView } from "./view.js";

/** @typedef {import("../catalogue.js").ModelEntry} ModelEntry */
/** @typedef {import("../catalogue.js").NetworkEntry} NetworkEntry */
/** @typedef {import("../compute/answers.js").Answer} Answer */
/** @typedef {import("../worker/network_worker.js").EngineSettings} EngineSettings */
/** @typedef {import("../worker/network_worker.js").Progress} Progress */

/** Networks are measured in turns, so that what else the machine does meets both. */
export const TURNS = 4;
const LIVE_TIMES = 20;
const TURN = { runs: 10, seconds: 0.4 };
/** Browsers compile what runs often once more, for speed. */
const FIRST_WARMUP = 20;

export class Lane {
  #root;
  #index;
  /** @type {NetworkEntry | null} */
  #network = null;
  /** @type {ModelEntry | null} */
  #model = null;
  /** What #loaded is: model and settings. */
  #key = "";
  /** @type {Network | null} */
  #loaded = null;
  /** @type {Answer | null} */
  answer = null;
  /** Milliseconds of the median run; null until it was measured. @type {number | null} */
  ms = null;
  /** Of the measured runs. @type {number[]} */
  #times = [];

  /**
   * @param {HTMLElement} root
   * @param {number} index
   * @param {string} task
   * @param {(lane: Lane) => void} onChoice of another model by the visitor
   */
  constructor(root, index, task, onChoice) {
    this.#root = root;
    this.#index = index;
    const stage = root.querySelector(".stage");
    this.stage = stage ? new Stage(/** @type {HTMLElement} */ (stage)) : null;
    this.view = makeView(task, find(".answer", root), this.stage);
    find(".chips", root).addEventListener("change", (event) => {
      const { value } = /** @type {HTMLInputElement} */ (event.target);
      const model = this.#network?.models.find(({ id }) => id === value);
      if (!model) return;
      this.#model = model;
      onChoice(this);
    });
    for (const which of /** @type {const} */ (["inputs", "outputs"])) {
      find(`[data-save=${which}]`, root).addEventListener("click", () => this.#save(which));
    }
  }

  get model() {
    return /** @type {ModelEntry} */ (this.#model);
  }

  get network() {
    return /** @type {NetworkEntry} */ (this.#network);
  }

  /** What is known of the loaded network. */
  get facts() {
    return this.#loaded?.facts ?? null;
  }

  /** @type {boolean} */
  get hidden() {
    return this.#root.hidden === true;
  }

  set hidden(hidden) {
    this.#root.hidden = hidden;
    if (hidden) this.unload();
  }

  /** Choose what to run; what ran before goes. @param {NetworkEntry} network @param {ModelEntry} model */
  choose(network, model) {
    if (this.#network !== network) {
      this.#network = network;
      const chips = network.models.map((one) => this.#chip(one));
      find(".chips-row", this.#root).replaceChildren(...chips);
    }
    this.#model = model;
    const radio = /** @type {HTMLInputElement} */ (find(`input[value="${model.id}"]`, this.#root));
    radio.checked = true;
    find(".note", this.#root).textContent = model.note;
    this.#root.setAttribute("aria-label", `${network.title} in ${model.title}`);
    this.#root.dataset.precision = model.precision === "f32" ? "float" : "integer";
    this.reset();
  }

  /** @param {ModelEntry} model */
  #chip({ id, title }) {
    const name = `precision-${this.#index}`;
    const input = make("input", { type: "radio", name, value: id });
    return make("label", {}, input, make("span", {}, title));
  }

  /** Back to how it was before the first run. */
  async reset() {
    this.answer = null;
    this.ms = null;
    this.problem(null);
    this.view.clear();
    this.#headline(`${this.network.title}, ${this.model.title}`, true);
    this.#fact("size", formatBytes(this.model.bytes));
    for (const name of ["time", "work"]) this.#fact(name, "–");
    const { url } = this.model;
    const stored = await isStored(url);
    if (url !== this.model.url || this.answer || this.#root.dataset.state === "busy") return;
    this.#status("idle", stored ? "Stored in this browser" : "Not downloaded yet");
  }

  /**
   * Load the chosen network unless it is.
   *
   * @param {EngineSettings} settings
   * @param {AbortSignal} signal
   */
  async load(settings, signal) {
    const key = JSON.stringify([this.model.url, settings]);
    if (this.#loaded && this.#key === key) return;
    this.unload();
    this.#status("busy", "Loading");
    const { url, bytes, sha256, title } = this.model;
    const file = { url: String(new URL(url, document.baseURI)), bytes, sha256 };
    const name = `${this.network.title} ${title}`;
    const onProgress = (/** @type {Progress} */ progress) => this.#progress(progress);
    this.#loaded = await Network.load({ file, name, settings }, { signal, onProgress });
    this.#key = key;
    this.#fact("work", formatMacs(this.#loaded.facts.macs));
  }

  /**
   * @param {ImageBitmap} picture
   * @param {readonly string[]} labels
   * @param {AbortSignal} signal
   * @returns {Promise<number>} milliseconds
   */
  async run(picture, labels, signal) {
    const { task, fit, mean, deviation } = this.network;
    if (this.#root.dataset.state !== "live") this.#status("busy", "Running");
    const preparation = { fit, mean, deviation };
    const network = /** @type {Network} */ (this.#loaded);
    const { answer, ms } = await network.run({ picture, task, preparation }, { signal });
    this.answer = answer;
    this.view.show(answer, labels, picture);
    const headline = this.view.headline(answer, labels);
    this.#headline(headline);
    this.stage?.describe(headline);
    if (this.#root.dataset.state !== "live") this.#status("done", "Answered");
    return ms;
  }

  /** Time the last run again, a few times of TURNS. @param {number} turn from 0 @param {AbortSignal} signal */
  async measure(turn, signal) {
    if (turn === 0) this.#times = [];
    const before = this.#times.length;
    const warmup = turn === 0 ? FIRST_WARMUP : 1;
    this.#status("busy", `Measuring, run ${before + 1}`);
    const onProgress = (/** @type {Progress} */ progress) => {
      if (progress.phase === "run")
        this.#status("busy", `Measuring, run ${before + progress.done}`);
    };
    const network = /** @type {Network} */ (this.#loaded);
    this.#times.push(...(await network.time({ ...TURN, warmup }, { signal, onProgress })));
    this.ms = median(this.#times);
    this.#fact("time", formatMs(this.ms));
    this.#status("done", `Median of ${this.#times.length} runs on ${engineText(network.facts)}`);
  }

  /** A run on a camera's picture: the median of the last ones is shown. @param {number} ms */
  live(ms) {
    if (this.#root.dataset.state !== "live") this.#times = [];
    this.#times = [...this.#times, ms].slice(-LIVE_TIMES);
    this.ms = median(this.#times);
    this.#fact("time", formatMs(this.ms));
    this.#status("live", `Live on ${engineText(/** @type {Network} */ (this.#loaded).facts)}`);
  }

  /** Offer the last run's tensors as a file. @param {"inputs" | "outputs"} which */
  async #save(which) {
    if (!this.#loaded || !this.answer) return;
    const file = await this.#loaded.tensors(which);
    saveFile(file, `${this.network.id}-${this.model.id}-${which}.npz`);
  }

  /** Stop what is under way; a loaded network stays. */
  stop() {
    if (this.#root.dataset.state !== "busy" && this.#root.dataset.state !== "live") return;
    this.#status("idle", this.#loaded ? "Stopped" : "Cancelled");
  }

  /** @param {unknown} error null for none */
  problem(error) {
    showProblem(find(".problem", this.#root), error);
    if (error !== null) this.#status("failed", "Failed");
  }

  /** Give back all memory. */
  unload() {
    this.#loaded?.close();
    this.#loaded = null;
    this.#key = "";
  }

  /** @param {Progress} progress */
  #progress(progress) {
    const bar = /** @type {HTMLProgressElement} */ (find("progress", this.#root));
    if (progress.phase === "download") {
      const { loaded, total } = progress;
      bar.value = loaded / total;
      this.#status("busy", `Downloading, ${formatBytes(loaded)} of ${formatBytes(total)}`);
    } else {
      bar.removeAttribute("value");
      this.#status("busy", "Preparing");
    }
  }

  /** @param {"idle" | "busy" | "live" | "done" | "failed"} state @param {string} text */
  #status(state, text) {
    this.#root.dataset.state = state;
    for (const button of findAll("[data-save]", this.#root)) {
      /** @type {HTMLButtonElement} */ (button).disabled = !this.answer || !this.#loaded;
    }
    find(".status-text", this.#root).textContent = text;
    if (state !== "busy") find("progress", this.#root).removeAttribute("value");
  }

  /** @param {string} text @param {boolean} [waiting] it is not an answer yet */
  #headline(text, waiting = false) {
    const element = find(".headline", this.#root);
    element.textContent = text;
    element.classList.toggle("waiting", waiting);
  }

  /** @param {string} name @param {string} text */
  #fact(name, text) {
    find(`[data-fact=${name}]`, this.#root).textContent = text;
  }
}
