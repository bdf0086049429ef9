// SPDX-License-Identifier: Apache-2.0
// Compiler passes one at a time: the graph as text in front of a pass and behind it.

import assert from "node:assert/strict";
import test from "node:test";

import { compile } from "../../polyfill/compile/compile.js";
import { PASSES } from "../../polyfill/compile/passes.js";
import { KERNELS } from "../../polyfill/gen/kernels.js";
import { printGraph } from "../../polyfill/ir/print.js";
import { verifyGraph } from "../../polyfill/ir/verify.js";
import { STEP_WORDS } from "../../polyfill/runtime/plan.js";
import { graphOf } from "./graphs.js";

/**
 * The text of what `make` builds in front of the first pass called `name`, and behind it.
 *
 * @param {string} name
 * @param {Parameters<typeof graphOf>[0]} make
 */
export function around(name, make) {
  const graph = graphOf(make);
  const index = PASSES.findIndex(([other]) => other === name);
  assert.ok(index >= 0, `no pass "${name}"`);
  let before = "";
  for (const [other, pass] of PASSES.slice(0, index + 1)) {
    before = printGraph(graph);
    pass(graph);
    graph.prune();
    verifyGraph(graph, other);
  }
  return { before, after: printGraph(graph) };
}

/**
 * One test for each [pass, what it shows, graph, text before, text after]; without the last the pass
 * changes nothing.
 *
 * @param {[string, string, Parameters<typeof graphOf>[0], string, string?][]} cases
 */
export function testPasses(cases) {
  for (const [name, what, make, before, after = before] of cases) {
    test(`${name}: ${what}`, () => {
      const got = around(name, make);
      assert.equal(got.before, before.trim());
      assert.equal(got.after, after.trim());
    });
  }
}

// ---------------------------------------------------------------------------
// Plans

const REGION_NAMES = ["weights", "staging", "arena"];

/**
 * A program as text, one line for each step: kernel, arguments, extent. An address is a region and an
 * offset; bindings are called by the names of inputs and outputs.
 *
 * @param {import("../../polyfill/runtime/plan.js").Program} program
 * @param {string[]} bindings
 */
export function programText({ steps, words, relocations }, bindings) {
  const regions = new Map();
  for (let i = 0; i < relocations.length; i += 2) regions.set(relocations[i], relocations[i + 1]);
  const names = [...REGION_NAMES, ...bindings];
  const kernels = Object.values(KERNELS);
  const lines = [];
  for (let i = 0; i < steps.length; i += STEP_WORDS) {
    const [id, first, extent] = steps.slice(i, i + STEP_WORDS);
    const { name, parameters } = kernels[id];
    const args = parameters.map(([parameter, kind], k) => {
      const at = first + k;
      const region = regions.get(at);
      if (region !== undefined) return `${parameter}=${names[region]}+${words[at]}`;
      const value = kind === "f32" ? new Float32Array(words.buffer, 4 * at, 1)[0] : words[at];
      return `${parameter}=${value}`;
    });
    lines.push(`${name}(${args.join(", ")}) x ${extent}`);
  }
  return lines.join("\n");
}

/**
 * The plan of what `make` builds, as text: what is uploaded, what runs once, what in each dispatch.
 *
 * @param {Parameters<typeof graphOf>[0]} make
 */
export function planText(make) {
  const graph = graphOf(make);
  const plan = compile(graph, { debug: true });
  const bindings = [...graph.inputs.keys(), ...graph.outputs.keys()];
  const { weightsBytes, stagingBytes, arenaBytes, scratchBytes } = plan;
  return [
    `weights ${weightsBytes}, staging ${stagingBytes}, arena ${arenaBytes}, scratch ${scratchBytes}`,
    ...plan.uploads.map(
      ({ region, offset, bytes }) =>
        `upload ${REGION_NAMES[region]}+${offset}: ${bytes.length} bytes`,
    ),
    "prepare:",
    programText(plan.prepare, bindings),
    "dispatch:",
    programText(plan.dispatch, bindings),
  ]
    .filter(Boolean)
    .join("\n");
}
