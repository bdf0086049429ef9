// SPDX-License-Identifier: Apache-2.0
// Files that are dropped anywhere on the page.

/** @param {(file: File) => void} onFile */
export function takeDrops(onFile) {
  const { body } = document;
  body.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    body.classList.add("dropping");
  });
  body.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) body.classList.remove("dropping");
  });
  body.addEventListener("drop", (event) => {
    event.preventDefault();
    body.classList.remove("dropping");
    const [file] = event.dataTransfer?.files ?? [];
    if (file) onFile(file);
  });
}
