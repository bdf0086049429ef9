// SPDX-License-Identifier: Apache-2.0
// The compiler's passes in order. An engine for one model lacks those that change nothing for it
// (octet export).

import { decompose } from "./decompose.js";
import { foldConstants } from "./fold_constants.js";
import { fuseFloat } from "./fuse_float.js";
import { fuseQuantized } from "./fuse_quantized.js";
import { channelsLast, sinkTransposes } from "./layout.js";
import { moveQuantization } from "./move_quantization.js";
import { recogniseResize } from "./recognise_resize.js";
import { simplify } from "./simplify.js";
import { unpackNibbles } from "./unpack_nibbles.js";
import { makeUnsigned } from "./unsigned.js";
import { widenHalf } from "./widen_half.js";

/** @typedef {import("../ir/graph.js").Graph} Graph */

/** @type {ReadonlyArray<readonly [string, (graph: Graph) => void]>} */
export const PASSES = [
  ["unpack nibbles", unpackNibbles],
  ["widen half", widenHalf],
  ["decompose", decompose],
  ["fold constants", foldConstants],
  ["channels last", channelsLast],
  ["recognise resize", recogniseResize],
  ["sink transposes", sinkTransposes],
  ["move quantization", moveQuantization],
  ["sink transposes", sinkTransposes],
  ["simplify", simplify],
  ["fuse quantized", fuseQuantized],
  ["fuse float", fuseFloat],
  ["make unsigned", makeUnsigned],
  ["simplify", simplify],
];
