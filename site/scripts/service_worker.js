// SPDX-License-Identifier: Apache-2.0
// Makes the site work without a network, and, where the host does not send the headers for it, isolated
// from other origins, which threads need. What the network gives is taken first; what was kept is for when
// there is none. Networks are kept by the pages themselves (worker/model_store.js).

/** Pages and their assets. @type {string[]} */
const SHELL = OCTET_SITE_FILES;

/** Changes with any of SHELL: the old ones are kept together until the new ones are all there. */
const SHELL_CACHE = `octet-shell-${OCTET_SITE_VERSION}`;

/** What pages asked for on the way: engine, labels, pictures. */
const USED_CACHE = "octet-used";

const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** The service worker's own scope. */
const scope = /** @type {any} */ (globalThis);

scope.addEventListener("install", (/** @type {any} */ event) => {
  scope.skipWaiting();
  event.waitUntil(keepShell());
});

scope.addEventListener("activate", (/** @type {any} */ event) => {
  event.waitUntil(dropOldShells().then(() => scope.clients.claim()));
});

scope.addEventListener("message", (/** @type {any} */ event) => {
  event.waitUntil(keepUsed(event.data.keep));
});

scope.addEventListener("fetch", (/** @type {any} */ event) => {
  const { method, url } = /** @type {Request} */ (event.request);
  if (method === "GET" && url.startsWith(scope.registration.scope)) {
    event.respondWith(answer(event.request));
  }
});

async function keepShell() {
  const cache = await caches.open(SHELL_CACHE);
  await cache.addAll(SHELL.map((file) => new Request(file, { cache: "no-cache" })));
}

async function dropOldShells() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("octet-shell-") && name !== SHELL_CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** Keep what a page loaded before this worker was in charge. @param {string[]} urls */
async function keepUsed(urls) {
  const cache = await caches.open(USED_CACHE);
  const wanted = urls.filter((url) => isUsed(url));
  await Promise.all(
    wanted.map(async (url) => {
      if (!(await cache.match(url))) await cache.add(url).catch(() => {});
    }),
  );
}

/** @param {string} url whether it is to be kept when it is used */
function isUsed(url) {
  const { scope: base } = scope.registration;
  if (!url.startsWith(base)) return false;
  return /^(engine|labels|samples)\//.test(url.slice(base.length)) && !url.endsWith(".map");
}

/** @param {Request} request @returns {Promise<Response>} */
async function answer(request) {
  const response = await fetch(request).catch(() => null);
  if (!response) return (await kept(request)) ?? Response.error();
  if (response.status === 200 && isUsed(request.url)) {
    const cache = await caches.open(USED_CACHE);
    cache.put(request.url, response.clone()).catch(() => {});
  }
  return isolated(response);
}

/** @param {Request} request @returns {Promise<Response | undefined>} */
async function kept(request) {
  const url = new URL(request.url);
  if (url.pathname.endsWith("/")) url.pathname += "index.html";
  url.search = "";
  const shell = await caches.open(SHELL_CACHE);
  const used = await caches.open(USED_CACHE);
  const response = (await shell.match(url.href)) ?? (await used.match(url.href));
  return response && isolated(response);
}

/** The response with the headers that isolate. @param {Response} response */
function isolated(response) {
  if (response.type === "opaque" || response.type === "opaqueredirect" || response.status === 0) {
    return response;
  }
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value);
  const { status, statusText } = response;
  const body = status === 204 || status === 304 ? null : response.body;
  return new Response(body, { status, statusText, headers });
}
