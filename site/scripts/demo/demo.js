// SPDX-License-Identifier: Apache-2.0
// The pages classify, detect and segment: a picture goes through one network or two, and what they say of
// it is shown side by side.

import { parameter, setParameters } from "../address.js";
import { counterpart, loadLabels, readCatalogue } from "../catalogue.js";
import { find } from "../dom.js";
import { EnginePanel } from "../engine_panel.js";
import { formatBytes } from "../format.js";
import { keepForOffline } from "../offline.js";
import { isAbort, showProblem } from "../problems.js";
import { startShell } from "../shell.js";
import { isStored } from "../worker/model_store.js";
import { Camera } from "./camera.js";
import { Lane, TURNS } from "./lane.js";
import { startMaskControls } from "./mask_controls.js";
import { Pictures } from "./pictures.js";
import { Stage } from "./stage.js";
import { Verdict } from "./verdict.js";

/** @typedef {import("../catalogue.js").NetworkEntry} NetworkEntry */
/** @typedef {import("./pictures.js").Picture} Picture */

const BUTTON = { run: "Run", again: "Run again", cancel: "Cancel", stop: "Stop camera" };

class Demo {
  #task = find("main").dataset.task ?? "";
  #catalogue = readCatalogue();
  #bench = find("#bench");
  #compare = /** @type {HTMLInputElement} */ (find("#compare"));
  #select = /** @type {HTMLSelectElement} */ (find("#network"));
  #button = /** @type {HTMLButtonElement} */ (find("#run"));
  #problem = find("#problem");
  #verdict = new Verdict(find("#verdict"));
  #camera = new Camera();
  /** Where the picture itself is shown; the other pages show it in the lanes. */
  #stage = this.#task === "classify" ? new Stage(find("#picture")) : null;
  /** @type {Picture | null} */
  #picture = null;
  /** What is under way. @type {AbortController | null} */
  #job = null;
  /** How often the button was to be shown: what it says is looked up, and the last call counts. */
  #showing = 0;
  /** @type {[Lane, Lane]} */
  #lanes;
  #engine;
  #pictures;

  constructor() {
    const lane = (/** @type {number} */ index) =>
      new Lane(find(`#lane-${index}`), index, this.#task, (one) => this.#chosen(one));
    this.#lanes = [lane(0), lane(1)];
    const files = this.#catalogue.networks.flatMap(({ models }) => models);
    this.#engine = new EnginePanel(find("#engine"), files, () => {
      if (!this.#camera.running) this.#cancel();
      this.#changed();
    });
    this.#pictures = new Pictures(find("#sources"), this.#catalogue.samples, {
      onPicture: (picture) => this.#take(picture),
      onProblem: (error) => showProblem(this.#problem, error),
    });
    this.#listen();
    this.#restore();
  }

  get #active() {
    return this.#lanes.filter((lane) => !lane.hidden);
  }

  #listen() {
    this.#button.addEventListener("click", () => this.#pressed());
    this.#compare.addEventListener("change", () => {
      setParameters({ compare: this.#compare.checked ? null : "0" });
      this.#cancel();
      this.#arrange();
      this.#changed();
    });
    this.#select.addEventListener("change", () => {
      const network = this.#network();
      setParameters({ network: network.id, a: null, b: null });
      this.#cancel();
      this.#chooseModels(network);
      this.#changed();
    });
    find("#camera").addEventListener("click", () => this.#film());
    find("#facing").addEventListener("click", () => {
      this.#camera.facing = this.#camera.facing === "user" ? "environment" : "user";
      this.#film();
    });
    startMaskControls(this.#lanes.map(({ view }) => view));
  }

  /** What the address says, and the first sample. */
  #restore() {
    const network = this.#catalogue.networks.find(({ id }) => id === parameter("network"));
    this.#select.value = (network ?? this.#catalogue.networks[0]).id;
    this.#compare.checked = parameter("compare") !== "0";
    this.#chooseModels(this.#network());
    this.#arrange();
    const named = this.#catalogue.samples.find(({ id }) => id === parameter("sample"));
    const sample = named ?? this.#catalogue.samples[0];
    if (sample) {
      this.#pictures.mark(sample.id);
      this.#pictures.choose(sample.id);
    }
  }

  /** @returns {NetworkEntry} */
  #network() {
    const { networks } = this.#catalogue;
    return networks.find(({ id }) => id === this.#select.value) ?? networks[0];
  }

  /** @param {NetworkEntry} network */
  #chooseModels(network) {
    const named = (/** @type {string} */ key) =>
      network.models.find(({ id }) => id === parameter(key));
    const first = named("a") ?? network.models[0];
    const second = named("b") ?? counterpart(network, first) ?? first;
    this.#lanes[0].choose(network, first);
    this.#lanes[1].choose(network, second);
    find("#about").textContent = network.about;
  }

  /** One lane or two. */
  #arrange() {
    const two = this.#compare.checked && this.#network().models.length > 1;
    this.#compare.disabled = this.#network().models.length < 2;
    this.#lanes[1].hidden = !two;
    this.#verdict.hidden = !two;
    this.#bench.dataset.lanes = two ? "2" : "1";
    const sample = this.#picture;
    if (sample) for (const { stage } of this.#active) stage?.show(sample.bitmap);
    this.#verdict.show(...this.#lanes);
  }

  /** The visitor chose another precision. @param {Lane} lane */
  #chosen(lane) {
    this.#cancel();
    setParameters({ a: this.#lanes[0].model.id, b: this.#lanes[1].model.id });
    lane.choose(lane.network, lane.model);
    if (this.#picture) lane.stage?.show(this.#picture.bitmap);
    this.#changed();
  }

  /** After any change: what is stored runs at once, what would have to be downloaded waits. */
  async #changed() {
    this.#verdict.show(...this.#lanes);
    const missing = await this.#showButton();
    if (missing === 0 && this.#picture && !this.#camera.running) this.#run();
  }

  async #missingBytes() {
    const models = new Set(this.#active.map(({ model }) => model));
    const missing = await Promise.all(
      Array.from(models, async ({ url, bytes }) => ((await isStored(url)) ? 0 : bytes)),
    );
    return missing.reduce((sum, bytes) => sum + bytes, 0);
  }

  /**
   * Show what the button does now. A page that worked is busy until that is known.
   *
   * @returns {Promise<number | null>} bytes to download; null if a later call shows the button
   */
  async #showButton() {
    const showing = ++this.#showing;
    if (this.#job) this.#bench.setAttribute("aria-busy", "true");
    const button = this.#button;
    const missing = await this.#missingBytes();
    if (showing !== this.#showing) return null;
    const label = this.#camera.running
      ? BUTTON.stop
      : this.#job
        ? BUTTON.cancel
        : this.#active.every(({ answer }) => answer)
          ? BUTTON.again
          : BUTTON.run;
    find(".label", button).textContent = label;
    const downloads = missing > 0 && label !== BUTTON.cancel && label !== BUTTON.stop;
    find(".detail", button).textContent = downloads ? `downloads ${formatBytes(missing)}` : "";
    button.disabled = !this.#picture && !this.#camera.running;
    this.#bench.setAttribute("aria-busy", String(this.#job !== null));
    return missing;
  }

  /** @param {Picture} picture */
  #take(picture) {
    this.#camera.stop();
    this.#cancel();
    this.#picture?.bitmap.close();
    this.#picture = picture;
    setParameters({ sample: picture.sample });
    showProblem(this.#problem, null);
    this.#showPicture(picture.bitmap);
    for (const lane of this.#lanes) lane.choose(lane.network, lane.model);
    this.#changed();
  }

  /** @param {ImageBitmap} bitmap */
  #showPicture(bitmap) {
    this.#stage?.show(bitmap);
    for (const { stage } of this.#active) stage?.show(bitmap);
  }

  #pressed() {
    if (this.#camera.running) {
      this.#stopCamera();
    } else if (this.#job) {
      this.#cancel();
      this.#showButton();
    } else {
      this.#run();
    }
  }

  #cancel() {
    this.#job?.abort(new DOMException("Cancelled.", "AbortError"));
    this.#job = null;
    document.body.classList.remove("filming");
    for (const lane of this.#lanes) lane.stop();
  }

  /** The picture through each lane's network, then each timed by itself. */
  async #run() {
    const picture = this.#picture;
    if (!picture) return;
    await this.#work(async (signal) => {
      const labels = await loadLabels(this.#network().labels);
      for (const lane of this.#active) {
        await this.#guard(lane, async () => {
          await lane.load(this.#engine.settings, signal);
          await lane.run(picture.bitmap, labels, signal);
        });
        this.#compareAnswers();
      }
      for (let turn = 0; turn < TURNS; turn++) {
        for (const lane of this.#active) {
          if (lane.answer) await this.#guard(lane, () => lane.measure(turn, signal));
        }
        this.#verdict.show(...this.#lanes);
      }
    });
  }

  #compareAnswers() {
    const [first, second] = this.#lanes;
    first.view.compareWith?.(second.hidden ? null : second.answer);
    second.view.compareWith?.(first.answer);
    this.#verdict.show(first, second);
  }

  /** Picture after picture from the camera, until it is stopped. */
  async #film() {
    this.#cancel();
    try {
      await this.#camera.start();
    } catch (error) {
      showProblem(this.#problem, error);
      return;
    }
    showProblem(this.#problem, null);
    document.body.classList.add("filming");
    this.#pictures.mark(null);
    find("#facing").hidden = !(await Camera.several());
    await this.#work(async (signal) => {
      const labels = await loadLabels(this.#network().labels);
      for (const lane of this.#active) await lane.load(this.#engine.settings, signal);
      /** @type {ImageBitmap | null} */
      let last = null;
      while (this.#camera.running && !signal.aborted) {
        const frame = await this.#camera.take();
        this.#stage?.show(frame);
        for (const lane of this.#active) lane.live(await lane.run(frame, labels, signal));
        this.#compareAnswers();
        last?.close();
        last = frame;
        find("#rate").textContent = `${this.#camera.rate.toFixed(1)} pictures a second`;
      }
    });
    // Nothing came in its place: it failed.
    if (this.#job === null) this.#stopCamera();
  }

  #stopCamera() {
    if (!this.#camera.running) return;
    this.#camera.stop();
    this.#cancel();
    this.#pictures.mark(this.#picture?.sample ?? null);
    if (this.#picture) this.#showPicture(this.#picture.bitmap);
    for (const lane of this.#active) lane.choose(lane.network, lane.model);
    this.#showButton();
  }

  /** Do something that can be cancelled. @param {(signal: AbortSignal) => Promise<void>} what */
  async #work(what) {
    this.#job?.abort(new DOMException("Replaced.", "AbortError"));
    const job = new AbortController();
    this.#job = job;
    this.#showButton();
    try {
      await what(job.signal);
    } catch (error) {
      if (!isAbort(error)) showProblem(this.#problem, error);
    }
    if (this.#job !== job) return;
    this.#job = null;
    const facts = this.#lanes[0].facts;
    if (facts) keepForOffline(facts.variant);
    this.#engine.refresh();
    this.#showButton();
  }

  /** One lane's failure is not the other's. @param {Lane} lane @param {() => Promise<unknown>} what */
  async #guard(lane, what) {
    lane.problem(null);
    try {
      await what();
    } catch (error) {
      if (isAbort(error)) throw error;
      lane.problem(error);
    }
  }
}

startShell();
if (document.querySelector("#bench")) new Demo();
