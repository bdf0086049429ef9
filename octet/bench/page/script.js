// SPDX-License-Identifier: Apache-2.0
// Classic scripts, which some engines still are.

/** @param {string} url @returns {Promise<void>} */
export function loadScript(url) {
  const script = document.createElement("script");
  script.src = url;
  return new Promise((resolve, reject) => {
    script.addEventListener("load", () => resolve());
    script.addEventListener("error", () => reject(new Error(`cannot load ${url}`)));
    document.head.append(script);
  });
}
