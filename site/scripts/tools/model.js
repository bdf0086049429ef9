// SPDX-License-Identifier: Apache-2.0
// The page model: what is in a .tflite file, how each of its operators runs, and a run on any input.

import { place } from "../compute/geometry.js";
import { makeLayers } from "../compute/layers.js";
import { readNpy } from "../compute/npy.js";
import { median } from "../compute/statistics.js";
import { imageSize, toInput } from "../compute/tensors.js";
import { decode } from "../demo/pictures.js";
import { find, make, saveFile } from "../dom.js";
import { EnginePanel } from "../engine_panel.js";
import { formatMs } from "../format.js";
import { engineText } from "../machine.js";
import { Network } from "../network.js";
import { explain } from "../problems.js";
import { startShell } from "../shell.js";
import { Job } from "./job.js";
import { ModelChoice } from "./model_choice.js";
import { operatorTable, outputList, summaryTiles, tensorTable } from "./model_view.js";

/** @typedef {import("../compute/tensors.js").TensorInfo} TensorInfo */
/** @typedef {import("../compute/tensors.js").TypedArray} TypedArray */
/** @typedef {import("../worker/inspect.js").FileFacts} FileFacts */
/** @typedef {import("./job.js").Work} Work */

const MEASUREMENT = { warmup: 1, runs: 10, seconds: 1 };

class ModelPage {
  #choice = new ModelChoice({ several: false, onChange: () => this.#chosen() });
  #engine = new EnginePanel(find("#engine"), this.#choice.files, () => this.#prepare());
  #job = new Job("Open", () => this.#open());
  /** @type {Network | null} */
  #network = null;
  /** Inputs that were given; the others are random. @type {Record<string, TypedArray>} */
  #given = {};
  #seed = 1;

  constructor() {
    find("#run-model").addEventListener("click", () => this.#run());
    find("#randomize").addEventListener("click", () => {
      this.#seed++;
      this.#given = {};
      this.#showInputs();
      this.#run();
    });
    for (const which of /** @type {const} */ (["inputs", "outputs"])) {
      find(`[data-save=${which}]`).addEventListener("click", async () => {
        if (this.#network) saveFile(await this.#network.tensors(which), `${which}.npz`);
      });
    }
    this.#prepare();
  }

  async #prepare() {
    this.#job.enabled = this.#choice.chosen.length > 0;
    await this.#job.showDetail(this.#choice.downloadText());
  }

  /** A file that was dropped is opened at once; nothing has to be downloaded for it. */
  async #chosen() {
    await this.#prepare();
    if (this.#choice.chosen[0]?.file instanceof Blob) this.#open();
  }

  async #open() {
    this.#network?.close();
    this.#network = null;
    this.#given = {};
    find("#result").hidden = true;
    const [choice] = this.#choice.chosen;
    await this.#job.run(async (work) => {
      const { file, name } = choice;
      const options = { signal: work.signal, onProgress: work.follow(name) };
      const facts = await Network.inspect({ file, name }, options);
      this.#showFile(facts, name);
      try {
        const request = { file, name, settings: this.#engine.settings };
        this.#network = await Network.load(request, options);
      } catch (error) {
        work.signal.throwIfAborted();
        this.#showRefusal(error);
        return;
      }
      const layers = makeLayers(facts.operators, await this.#network.steps({ runs: 0 }));
      find("#operators").replaceChildren(operatorTable(layers));
      find("#tiles").replaceChildren(...summaryTiles(facts, layers));
      find("#try").hidden = false;
      this.#showInputs();
      await this.#runOnce();
    });
    this.#engine.refresh();
    this.#prepare();
  }

  /** @param {FileFacts} facts @param {string} name */
  #showFile(facts, name) {
    find("#result").hidden = false;
    find("#empty").hidden = true;
    find("#try").hidden = true;
    find("#refusal").hidden = true;
    find("#file-name").textContent = name;
    find("#description").textContent = facts.description;
    const layers = makeLayers(facts.operators, null);
    find("#tiles").replaceChildren(...summaryTiles(facts, layers));
    find("#operators").replaceChildren(operatorTable(layers));
    find("#tensors").replaceChildren(tensorTable(facts.tensors));
  }

  /** @param {unknown} error */
  #showRefusal(error) {
    const panel = find("#refusal");
    panel.hidden = false;
    panel.replaceChildren(
      make("strong", {}, "It cannot be run here."),
      ` ${explain(error).message}`,
    );
  }

  /** A row for each input: random, a picture or an .npy file. */
  #showInputs() {
    const rows = (this.#network?.facts.inputs ?? []).map((info) => {
      const picture = isPicture(info);
      const accept = picture ? ".npy,image/*" : ".npy";
      const field = make("input", { type: "file", class: "visually-hidden", accept });
      const status = make(
        "span",
        { class: "muted" },
        this.#given[info.name] ? "given" : "random numbers",
      );
      field.addEventListener("change", async () => {
        const [file] = field.files ?? [];
        if (!file) return;
        this.#job.problem(null);
        try {
          this.#given[info.name] = await readInput(file, info);
          status.textContent = file.name;
          this.#run();
        } catch (error) {
          this.#job.problem(error);
        }
      });
      const label = picture ? "Picture or .npy…" : ".npy…";
      return make(
        "li",
        {},
        make(
          "span",
          {},
          make("strong", {}, info.name),
          ` ${info.dataType} [${info.shape.join(", ")}]`,
        ),
        make("label", { class: "button" }, field, make("span", {}, label)),
        status,
      );
    });
    find("#inputs").replaceChildren(...rows);
  }

  #run() {
    return this.#job.run(() => this.#runOnce());
  }

  async #runOnce() {
    const network = this.#network;
    if (!network) return;
    await network.feed({ arrays: this.#given, seed: this.#seed });
    find("#outputs").replaceChildren(...outputList(await network.runFed()));
    const times = await network.time(MEASUREMENT);
    find("#ran").textContent =
      `${formatMs(median(times))} on ${engineText(network.facts)}, median of ${times.length} runs`;
  }
}

/** @param {TensorInfo} info */
function isPicture(info) {
  try {
    imageSize(info);
    return true;
  } catch {
    return false;
  }
}

/**
 * A file as an input's array.
 *
 * @param {File} file
 * @param {TensorInfo} info
 * @returns {Promise<TypedArray>}
 */
async function readInput(file, info) {
  if (!file.name.endsWith(".npy")) return readPicture(file, info);
  const { shape, dataType, values } = readNpy(await file.arrayBuffer());
  if (dataType !== info.dataType || String(shape) !== String(info.shape)) {
    throw new Error(
      `${file.name}: got ${dataType} [${shape.join(", ")}], expected ${info.dataType} [${info.shape.join(", ")}].`,
    );
  }
  return values;
}

/** @param {File} file @param {TensorInfo} info */
async function readPicture(file, info) {
  const picture = await decode(file);
  const size = imageSize(info);
  const { from } = place("crop", picture, size);
  const canvas = new OffscreenCanvas(size.width, size.height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.imageSmoothingQuality = "high";
  const source = /** @type {const} */ ([from.x, from.y, from.width, from.height]);
  context.drawImage(picture, ...source, 0, 0, size.width, size.height);
  picture.close();
  const pixels = context.getImageData(0, 0, size.width, size.height).data;
  return toInput(pixels, info, { mean: 127.5, deviation: 127.5 });
}

startShell();
new ModelPage();
