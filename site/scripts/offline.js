// SPDX-License-Identifier: Apache-2.0
// The page's end of the service worker.

const RELOADED = "octet-reloaded";

/** Files of the engine that workers load, out of the page's sight. */
const ENGINE = ["octet.js", "octet_tflite.js", "octet_worker.js"];

/** Register the service worker; where it makes the page isolated, load the page again, once. */
export async function startServiceWorker() {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  if (!globalThis.crossOriginIsolated) {
    serviceWorker.addEventListener("controllerchange", reloadOnce, { once: true });
  }
  try {
    await serviceWorker.register("service_worker.js");
  } catch {
    // Not allowed here: the site works with the network and on one thread.
  }
}

function reloadOnce() {
  if (document.querySelector("[aria-busy=true]")) return;
  try {
    if (sessionStorage.getItem(RELOADED)) return;
    sessionStorage.setItem(RELOADED, "yes");
  } catch {
    return; // It could not be told from the second time.
  }
  location.reload();
}

/** Have everything kept that a network which just ran needs. @param {string} variant */
export function keepForOffline(variant) {
  const controller = navigator.serviceWorker?.controller;
  if (!controller) return;
  const seen = performance.getEntriesByType("resource").map(({ name }) => name);
  const files = [...ENGINE, `octet_${variant}.wasm`];
  const engine = files.map((file) => String(new URL(`engine/${file}`, document.baseURI)));
  controller.postMessage({ keep: [...seen, ...engine] });
}
