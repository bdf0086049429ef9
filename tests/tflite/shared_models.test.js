// SPDX-License-Identifier: Apache-2.0
// Real networks, where the data folder is present: every file is read, and mapped or refused for
// what is known to be missing.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { mapModel, parseModel } from "../../polyfill/tflite/loader.js";
import { FakeBuilder, FakeContext } from "./fake_webnn.js";

const DATA = process.env.OCTET_DATA ?? fileURLToPath(new URL("../../../shared", import.meta.url));
const MODELS = `${DATA}/models`;
const FOLDERS = existsSync(MODELS)
  ? readdirSync(MODELS).filter((name) => name.startsWith("tflite-"))
  : [];
const FILES = FOLDERS.flatMap((folder) =>
  readdirSync(`${MODELS}/${folder}`)
    .filter((name) => name.endsWith(".tflite"))
    .map((name) => `${folder}/${name}`),
);
const skip = FILES.length ? false : `no models in ${DATA} (set OCTET_DATA)`;

describe("real models", { skip }, () => {
  const rows = [];
  for (const file of FILES) {
    test(file, () => {
      const start = performance.now();
      const model = parseModel(readFileSync(`${MODELS}/${file}`), { fileName: file });
      const parsed = performance.now();
      const context = new FakeContext();
      const builder = new FakeBuilder(context);
      const { outputs } = mapModel(model, builder, context.opSupportLimits());
      const times = [parsed - start, performance.now() - parsed].map((ms) => ms.toFixed(1));
      const [{ operators }] = model.subgraphs;
      rows.push([file, operators.length, builder.nodes.length, ...times].join("  "));
      assert.equal(outputs.length, model.subgraphs[0].outputs.length);
      for (const { options } of builder.nodes.filter((node) => node.kind === "op")) {
        assert.match(options.label, /^(\d+ \w+ |input |output )/);
      }
    });
  }
  after(() => console.log(["file  operators  calls  read ms  map ms", ...rows].join("\n")));
});
