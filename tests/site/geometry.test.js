// SPDX-License-Identifier: Apache-2.0
// Where pictures land in inputs, and boxes in pictures.

import assert from "node:assert/strict";
import { test } from "node:test";
import { overlap, place, toPicture } from "../../site/scripts/compute/geometry.js";

const INPUT = { width: 100, height: 100 };
const WHOLE = { x: 0, y: 0, width: 100, height: 100 };

for (const [fit, picture, from, to] of [
  ["stretch", [200, 50], [0, 0, 200, 50], [0, 0, 100, 100]],
  ["crop", [200, 50], [75, 0, 50, 50], [0, 0, 100, 100]],
  ["crop", [30, 60], [0, 15, 30, 30], [0, 0, 100, 100]],
  ["crop", [100, 100], [0, 0, 100, 100], [0, 0, 100, 100]],
  ["contain", [200, 50], [0, 0, 200, 50], [0, 37, 100, 25]],
  ["contain", [60, 120], [0, 0, 60, 120], [25, 0, 50, 100]],
  ["contain", [1, 1000], [0, 0, 1, 1000], [49, 0, 1, 100]],
]) {
  test(`${fit} ${picture.join("×")}`, () => {
    const placement = place(fit, { width: picture[0], height: picture[1] }, INPUT);
    const list = ({ x, y, width, height }) => [x, y, width, height];
    assert.deepEqual(list(placement.from), from);
    assert.deepEqual(list(placement.to), to);
  });
}

test("a box of the input is found again in the picture, whatever the fit", () => {
  const picture = { width: 320, height: 200 };
  const inside = { top: 0.4, left: 0.45, bottom: 0.6, right: 0.55 };
  for (const fit of ["crop", "stretch", "contain"]) {
    const placement = place(fit, picture, INPUT);
    const { from, to } = placement;
    const across = (x) => (to.x + ((x * picture.width - from.x) / from.width) * to.width) / 100;
    const down = (y) => (to.y + ((y * picture.height - from.y) / from.height) * to.height) / 100;
    const box = {
      top: down(inside.top),
      left: across(inside.left),
      bottom: down(inside.bottom),
      right: across(inside.right),
    };
    const back = toPicture(box, placement, picture, INPUT);
    for (const edge of Object.keys(inside)) assert.ok(Math.abs(back[edge] - inside[edge]) < 1e-9);
  }
});

test("boxes end at the picture's edges", () => {
  const placement = { from: WHOLE, to: WHOLE };
  const box = { top: -0.2, left: 0.5, bottom: 0.5, right: 1.7 };
  const cut = toPicture(box, placement, INPUT, INPUT);
  assert.deepEqual(cut, { top: 0, left: 0.5, bottom: 0.5, right: 1 });
});

for (const [name, a, b, expected] of [
  ["the same", [0, 0, 1, 1], [0, 0, 1, 1], 1],
  ["half", [0, 0, 1, 1], [0, 0, 1, 0.5], 0.5],
  ["touching", [0, 0, 1, 0.5], [0, 0.5, 1, 1], 0],
  ["apart", [0, 0, 0.2, 0.2], [0.5, 0.5, 1, 1], 0],
  ["without area", [0, 0, 0, 0], [0, 0, 0, 0], 0],
]) {
  test(`overlap: ${name}`, () => {
    const box = ([top, left, bottom, right]) => ({ top, left, bottom, right });
    assert.equal(overlap(box(a), box(b)), expected);
  });
}
