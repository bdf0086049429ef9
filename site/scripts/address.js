// SPDX-License-Identifier: Apache-2.0
// What a page shows, in its address: a link to it shows the same.

/** @param {string} name @returns {string | null} */
export function parameter(name) {
  return new URLSearchParams(location.search).get(name);
}

/** @param {Readonly<Record<string, string | null>>} changes null removes a parameter */
export function setParameters(changes) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  if (url.href !== location.href) history.replaceState(null, "", url);
}
