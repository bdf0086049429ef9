// SPDX-License-Identifier: Apache-2.0
// What the verifier refuses: a small sound graph, broken in one place.

import assert from "node:assert/strict";
import test from "node:test";

import { optimize } from "../../polyfill/compile/compile.js";
import { PASSES } from "../../polyfill/compile/passes.js";
import { Graph, Node, Value } from "../../polyfill/ir/graph.js";
import { verifyGraph } from "../../polyfill/ir/verify.js";

/** y = abs(relu(x)) */
function sound() {
  const graph = new Graph();
  const x = new Value("float32", [2]);
  const [middle, y] = [new Value("float32", [2]), new Value("float32", [2])];
  graph.inputs.set("x", x);
  const relu = graph.add("relu", { input: x }, {}, [middle], "first");
  const abs = graph.add("abs", { input: middle }, {}, [y], "");
  graph.outputs.set("y", y);
  return { graph, x, middle, y, relu, abs };
}

/** @type {[string, (parts: ReturnType<typeof sound>) => void, string][]} */
const BROKEN = [
  [
    "an operand of another graph",
    ({ graph, abs }) => graph.setInput(abs, "input", new Value("float32", [2])),
    "abs: input is used before it is made",
  ],
  [
    "an operand that is made later",
    ({ graph, relu, y }) => graph.setInput(relu, "input", y),
    'relu "first": input is used before it is made',
  ],
  [
    "a reader that its operand does not know",
    ({ middle }) => middle.uses.clear(),
    "abs: input does not know this reader",
  ],
  ["a node without outputs", ({ abs }) => abs.outputs.pop(), "abs: a node has an output"],
  [
    "an output with another producer",
    ({ y, relu }) => {
      y.producer = relu;
    },
    "abs: an output names another producer",
  ],
  [
    "an output that is made twice",
    ({ graph, x, y }) => graph.add("neg", { input: x }, {}, [y], ""),
    "abs: an output names another producer",
  ],
  [
    "an output that is an input",
    ({ graph, x, middle }) => graph.add("neg", { input: middle }, {}, [x], ""),
    "neg: an output is made twice",
  ],
  [
    "a dimension of 0",
    ({ y }) => {
      y.shape = [0];
    },
    "abs: the shape [0] is not of positive integers",
  ],
  [
    "a dimension that is no integer",
    ({ y }) => {
      y.shape = [1.5];
    },
    "abs: the shape [1.5] is not of positive integers",
  ],
  [
    "a reader that is not in the graph",
    ({ x }) => new Node("neg", { input: x }, {}, [new Value("float32", [2])], ""),
    "neg: a reader is no longer in the graph",
  ],
  [
    "a graph output that nothing makes",
    ({ graph }) => graph.outputs.set("z", new Value("float32", [2])),
    'output "z": is never made',
  ],
];

test("a sound graph passes", () => {
  const { graph } = sound();
  verifyGraph(graph, "test");
  graph.outputs.set("c", new Value("float32", [1], new Uint8Array(4)));
  verifyGraph(graph, "test");
});

for (const [name, damage, message] of BROKEN) {
  test(`refuses ${name}`, () => {
    const parts = sound();
    damage(parts);
    assert.throws(() => verifyGraph(parts.graph, "a pass"), {
      message: `after a pass: ${message}`,
    });
  });
}

test("under debug the first broken pass is named", () => {
  const { graph, x } = sound();
  /** @type {string[]} */
  const passed = [];
  const onPass = (/** @type {string} */ name) => {
    passed.push(name);
    if (passed.length === 2) x.uses.clear();
  };
  const third = PASSES[2][0];
  assert.throws(() => optimize(graph, { debug: true, onPass }), {
    message: `after ${third}: relu "first": input does not know this reader`,
  });
  assert.deepEqual(
    passed,
    PASSES.slice(0, 2).map(([name]) => name),
  );
});

test("without debug nothing is verified", () => {
  const { graph, middle } = sound();
  middle.uses.clear();
  optimize(graph, {});
});
