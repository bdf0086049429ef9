// SPDX-License-Identifier: Apache-2.0
// What every page does: light or dark as the visitor likes, and the service worker.

import { chooseScheme, chosenScheme, SCHEMES } from "./colour_scheme.js";
import { find } from "./dom.js";
import { startServiceWorker } from "./offline.js";

/** Connect the header and register the service worker. */
export function startShell() {
  addEventListener("load", startServiceWorker, { once: true });
  const current = document.querySelector("nav [aria-current]");
  // On a narrow screen the links scroll sideways.
  if (current) find(".top nav").scrollLeft = /** @type {HTMLElement} */ (current).offsetLeft - 120;
  const button = find("#theme");
  let scheme = chosenScheme();
  const show = () => button.setAttribute("aria-label", `Colours: ${scheme}. Change`);
  button.addEventListener("click", () => {
    scheme = SCHEMES[(SCHEMES.indexOf(scheme) + 1) % SCHEMES.length];
    chooseScheme(scheme);
    show();
  });
  show();
}
