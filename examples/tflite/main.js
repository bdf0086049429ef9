// SPDX-License-Identifier: Apache-2.0
// An image classifier from a .tflite file, float or quantized, on a picture: the five best classes.
// Served by `python3 build.py serve` as /examples/tflite/; elsewhere put build/dist at ../../dist.

import "../../dist/octet.js";
import { loadModel } from "../../dist/octet_tflite.js";

const element = (/** @type {string} */ id) =>
  /** @type {HTMLInputElement} */ (document.getElementById(id));

/** @type {Awaited<ReturnType<typeof loadModel>> | undefined} */
let model;

/** The picture, as wide and high as the model wants, in its data type. */
async function pixelsOf(/** @type {File} */ file, /** @type {any} */ input) {
  const [, height, width] = input.shape;
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.drawImage(await createImageBitmap(file), 0, 0, width, height);
  const rgba = context.getImageData(0, 0, width, height).data;
  const bytes = rgba.filter((_, i) => i % 4 !== 3);
  if (input.dataType === "uint8") return new Uint8Array(bytes);
  if (input.dataType === "int8") return Int8Array.from(bytes, (byte) => byte - 128);
  return Float32Array.from(bytes, (byte) => byte / 127.5 - 1);
}

async function answer() {
  const [file] = element("file").files ?? [];
  const [picture] = element("picture").files ?? [];
  if (!file || !picture) return "";
  model?.destroy();
  model = await loadModel(file);
  const [input] = model.inputs;
  const [scores] = Object.values(await model.run(await pixelsOf(picture, input)));
  const { scale, zeroPoint } = model.outputs[0].quantization ?? { scale: [1], zeroPoint: [0] };
  return [...scores]
    .map((score, index) => ({ index, score: (Number(score) - zeroPoint[0]) * scale[0] }))
    .sort((a, b) => b.score - a.score)
    .slice(0, 5)
    .map(({ index, score }) => `class ${index}: ${score.toFixed(3)}`)
    .join("\n");
}

for (const id of ["file", "picture"]) {
  element(id).addEventListener("change", async () => {
    element("answers").value = await answer().catch((error) => `${error.name}: ${error.message}`);
  });
}
