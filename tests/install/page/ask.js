// SPDX-License-Identifier: Apache-2.0
// What realm.js says of itself in a window and in each kind of worker.

const SCRIPT = "/page/realm.js";

/** The first message at a port, or the worker's error. */
function answerAt(port, worker = port) {
  return new Promise((resolve, reject) => {
    port.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(`the worker failed: ${event.message}`));
  });
}

async function serviceWorker() {
  const registration = await navigator.serviceWorker.register(SCRIPT, { type: "module" });
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  const { port1, port2 } = new MessageChannel();
  worker.postMessage("report", [port2]);
  return answerAt(port1);
}

const ASK = {
  window: async () => (await import(SCRIPT)).report(),
  "dedicated worker": () => {
    const worker = new Worker(SCRIPT, { type: "module" });
    worker.postMessage("report");
    return answerAt(worker);
  },
  "shared worker": () => {
    const worker = new SharedWorker(SCRIPT, { type: "module" });
    return answerAt(worker.port, worker);
  },
  "service worker": serviceWorker,
};

globalThis.ask = (kind) => ASK[kind]();
