// SPDX-License-Identifier: Apache-2.0
// Which models a tool works on: precisions of one of the site's networks, or a visitor's own file.

import { parameter, setParameters } from "../address.js";
import { counterpart, readCatalogue } from "../catalogue.js";
import { find, findAll, make } from "../dom.js";
import { takeDrops } from "../drops.js";
import { formatBytes } from "../format.js";
import { isStored } from "../worker/model_store.js";

/** @typedef {import("../catalogue.js").NetworkEntry} NetworkEntry */
/** @typedef {import("../worker/model_store.js").ModelFile} ModelFile */

/**
 * @typedef {object} Choice
 * @property {string} name
 * @property {ModelFile | Blob} file
 * @property {number} bytes
 * @property {"float" | "integer" | ""} tone "" where nobody knows yet
 * @property {NetworkEntry | null} network null for a file of the visitor's own
 */

const OWN = "own file";

export class ModelChoice {
  #catalogue = readCatalogue();
  #select = /** @type {HTMLSelectElement} */ (find("#network"));
  #row = find("#models .chips-row");
  #several;
  #onChange;
  /** @type {File | null} */
  #own = null;

  /** @param {{several: boolean, onChange: () => void}} options whether more than one can be chosen */
  constructor({ several, onChange }) {
    this.#several = several;
    this.#onChange = onChange;
    for (const { id, title } of this.#catalogue.networks) {
      this.#select.append(make("option", { value: id }, title));
    }
    const named = this.#catalogue.networks.find(({ id }) => id === parameter("network"));
    if (named) this.#select.value = named.id;
    this.#showModels(parameter("models")?.split(",") ?? null);
    this.#select.addEventListener("change", () => {
      this.#showModels(null);
      this.#changed();
    });
    this.#row.addEventListener("change", () => this.#changed());
    const input = /** @type {HTMLInputElement} */ (find("#model-file"));
    input.addEventListener("change", () => {
      if (input.files?.[0]) this.take(input.files[0]);
      input.value = "";
    });
    takeDrops((file) => this.take(file));
  }

  /** All of the site's models. @returns {ModelFile[]} */
  get files() {
    return this.#catalogue.networks.flatMap(({ models }) => models);
  }

  /** Choose a visitor's own file. @param {File} file */
  take(file) {
    this.#own = file;
    this.#select.querySelector(`[value="${OWN}"]`)?.remove();
    this.#select.append(make("option", { value: OWN }, file.name));
    this.#select.value = OWN;
    this.#showModels(null);
    this.#changed();
  }

  /** @returns {Choice[]} in the order of the page */
  get chosen() {
    if (this.#select.value === OWN && this.#own) {
      const { name, size } = this.#own;
      return [{ name, file: this.#own, bytes: size, tone: "", network: null }];
    }
    const network = this.#network;
    if (!network) return [];
    const ids = findAll(":checked", this.#row).map((input) => input.getAttribute("value"));
    return network.models
      .filter(({ id }) => ids.includes(id))
      .map(({ title, url, bytes, sha256, precision }) => ({
        name: `${network.title}, ${title}`,
        file: { url: String(new URL(url, document.baseURI)), bytes, sha256 },
        bytes,
        tone: precision === "f32" ? "float" : "integer",
        network,
      }));
  }

  /** What running would download, in words; "" for nothing. */
  async downloadText() {
    const missing = await Promise.all(
      this.chosen.map(async ({ file, bytes }) =>
        file instanceof Blob || (await isStored(file.url)) ? 0 : bytes,
      ),
    );
    const sum = missing.reduce((total, bytes) => total + bytes, 0);
    return sum ? `downloads ${formatBytes(sum)}` : "";
  }

  get #network() {
    return this.#catalogue.networks.find(({ id }) => id === this.#select.value);
  }

  /** @param {readonly string[] | null} ids to choose; null takes 8 bit, and float beside it */
  #showModels(ids) {
    const network = this.#network;
    if (!network) {
      this.#row.replaceChildren();
      return;
    }
    const [first] = network.models;
    const second = this.#several ? counterpart(network, first) : undefined;
    const wanted = ids ?? [first.id, second?.id];
    const known = network.models.filter(({ id }) => wanted.includes(id));
    const checked = known.length ? known.slice(0, this.#several ? undefined : 1) : [first];
    const chips = network.models.map((model) => {
      const type = this.#several ? "checkbox" : "radio";
      const attributes = { type, name: "model", value: model.id, checked: checked.includes(model) };
      const span = make("span", { title: model.note }, model.title);
      const tone = model.precision === "f32" ? "float" : "integer";
      return make("label", { "data-tone": tone }, make("input", attributes), span);
    });
    this.#row.replaceChildren(...chips);
  }

  #changed() {
    const network = this.#network;
    const ids = findAll(":checked", this.#row).map((input) => input.getAttribute("value"));
    setParameters({ network: network?.id ?? null, models: network ? ids.join(",") : null });
    this.#onChange();
  }
}
