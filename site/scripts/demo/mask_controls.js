// SPDX-License-Identifier: Apache-2.0
// How segment shows masks: colours of some strength, or the picture before another background.

import { parameter, setParameters } from "../address.js";
import { SegmentView } from "./segment_view.js";

/** @typedef {import("./view.js").View} View */

/** Connect the page's controls, if it has them, with every view. @param {readonly View[]} views */
export function startMaskControls(views) {
  const root = document.querySelector("#mask-controls");
  if (!root) return;
  const masks = views.filter((view) => view instanceof SegmentView);
  const alpha = /** @type {HTMLInputElement} */ (root.querySelector("#alpha"));
  const colour = /** @type {HTMLInputElement} */ (root.querySelector("#colour"));
  const modes = /** @type {HTMLInputElement[]} */ ([...root.querySelectorAll("[name=mode]")]);
  const chosen = modes.find(({ value }) => value === parameter("show"));
  if (chosen) chosen.checked = true;
  const apply = () => {
    const mode = modes.find(({ checked }) => checked)?.value ?? "colours";
    alpha.disabled = mode !== "colours";
    colour.disabled = mode !== "replace";
    for (const view of masks) {
      view.mode = mode === "replace" ? colour.value : mode;
      view.alpha = Number(alpha.value);
      view.redraw();
    }
    setParameters({ show: mode === "colours" ? null : mode });
  };
  root.addEventListener("input", apply);
  apply();
}
