// SPDX-License-Identifier: Apache-2.0
// The rules of convolutions, pools and resampling, in the form of rules.js.

import { f32 } from "../../octet/codegen/operators/calls.js";
import { args, both, each, options } from "./rules.js";

const POOLS = ["averagePool2d", "l2Pool2d", "maxPool2d"];
const CONVOLUTIONS = ["conv2d", "convTranspose2d"];

/** The rules of sliding windows. */
export const WINDOW_RULES = [
  ...each(
    [...CONVOLUTIONS, ...POOLS],
    [
      ["four paddings", options({ padding: [0, 0] }), options({ padding: null })],
      ["two strides", options({ strides: [2] }), options({ strides: [2, 2] })],
      ["strides above 0", options({ strides: [0, 2] }), options({ strides: [2, 2] })],
      ["two dilations", options({ dilations: [1, 1, 1] }), options({ dilations: null })],
      ["dilations above 0", options({ dilations: [1, 0] }), options({ dilations: [1, 1] })],
    ],
  ),
  ...each(CONVOLUTIONS, [
    ["groups above 0", options({ groups: 0 }), options({ groups: 2 })],
    ["groups divide the input channels", options({ groups: 3 }), options({ groups: 2 })],
    ["a bias per output channel", options({ bias: f32(5) }), options({ bias: null })],
  ]),
  ["conv2d", "filter input channels", args({ 1: f32(6, 4, 3, 3) }), args({ 1: f32(6, 2, 1, 3) })],
  [
    "conv2d",
    "groups divide the output channels",
    both({ 1: f32(5, 2, 3, 3) }, { bias: null }),
    both({ 1: f32(4, 2, 3, 3) }, { bias: null }),
  ],
  [
    "conv2d",
    "the window fits",
    args({ 1: f32(6, 2, 7, 3) }),
    both({ 1: f32(6, 2, 6, 3) }, { padding: [1, 0, 0, 0] }),
  ],
  [
    "conv2d",
    "the dilated window fits",
    options({ dilations: [1, 4] }),
    options({ dilations: [2, 3] }),
  ],
  [
    "convTranspose2d",
    "filter input channels",
    args({ 1: f32(2, 2, 3, 3) }),
    args({ 1: f32(4, 2, 1, 3) }),
  ],
  [
    "convTranspose2d",
    "two output paddings",
    options({ outputPadding: [1] }),
    options({ outputPadding: null }),
  ],
  [
    "convTranspose2d",
    "output padding below the stride",
    options({ outputPadding: [2, 0] }),
    options({ outputPadding: [1, 1] }),
  ],
  [
    "convTranspose2d",
    "two output sizes",
    options({ outputSizes: [6] }),
    options({ outputSizes: [6, 6] }),
  ],
  [
    "convTranspose2d",
    "an output size from the stride's range",
    options({ outputSizes: [6, 8] }),
    options({ outputSizes: [7, 7] }),
  ],
  [
    "convTranspose2d",
    "an output size from the stride's range",
    options({ outputSizes: [5, 6] }),
    options({ outputSizes: [6, 6] }),
  ],
  [
    "convTranspose2d",
    "something is left of the output",
    options({ padding: [4, 4, 0, 0], outputPadding: null }),
    options({ padding: [3, 3, 0, 0], outputPadding: null }),
  ],
  ...each(POOLS, [
    [
      "two window dimensions",
      options({ windowDimensions: [2] }),
      options({ windowDimensions: [2, 2] }),
    ],
    [
      "windows above 0",
      options({ windowDimensions: [2, 0] }),
      options({ windowDimensions: [2, 1] }),
    ],
    [
      "the window fits",
      options({ windowDimensions: [6, 2], outputSizes: null }),
      options({ windowDimensions: [5, 2], outputSizes: null }),
    ],
    ["two output sizes", options({ outputSizes: [3] }), options({ outputSizes: [2, 3] })],
    [
      "output sizes as rounded down or up",
      options({ outputSizes: [4, 3] }),
      options({ outputSizes: [2, 2] }),
    ],
  ]),
  ["resample2d", "two axes", options({ axes: [1] }), options({ axes: null })],
  ["resample2d", "axes below 4", options({ axes: [3, 4] }), options({ axes: [2, 1] })],
  ["resample2d", "each axis once", options({ axes: [2, 2] }), options({ axes: [0, 3] })],
  ["resample2d", "two scales", options({ scales: [2] }), options({ scales: [2, 0.5] })],
  [
    "resample2d",
    "scales above 0",
    options({ scales: [0, 1], sizes: null }),
    options({ scales: [0.25, 1], sizes: null }),
  ],
  ["resample2d", "two sizes", options({ sizes: [2] }), options({ sizes: [2, 2] })],
  ["resample2d", "sizes above 0", options({ sizes: [0, 2] }), options({ sizes: [1, 2] })],
  [
    "resample2d",
    "something is left of the output",
    options({ scales: [0.2, 1], sizes: null }),
    options({ scales: [0.3, 1], sizes: null }),
  ],
];
