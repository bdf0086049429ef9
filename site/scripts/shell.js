// SPDX-License-Identifier: Apache-2.0
// What every page does: light or dark as the visitor likes, and the service worker.

import { chooseScheme, chosenScheme, SCHEMES } from "./colour_scheme.js";
import { find } from "./dom.js";

/** Connect the header. */
export function startShell() {
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
