// SPDX-License-Identifier: Apache-2.0
// The operators' records, a family a file. An engine for one model has fewer of them (octet export).

import * as activation from "./activation.js";
import * as convolution from "./convolution.js";
import * as convolutionTranspose from "./convolution_transpose.js";
import * as dataMovement from "./data_movement.js";
import * as binary from "./elementwise_binary.js";
import * as logical from "./elementwise_logical.js";
import * as unary from "./elementwise_unary.js";
import * as indexing from "./indexing.js";
import * as matrix from "./matrix.js";
import * as normalization from "./normalization.js";
import * as padding from "./padding.js";
import * as pooling from "./pooling.js";
import * as quantization from "./quantization.js";
import * as quantized from "./quantized.js";
import * as recurrent from "./recurrent.js";
import * as reduction from "./reduction.js";
import * as reinterpreting from "./reinterpret.js";
import * as replication from "./replication.js";
import * as resample from "./resample.js";

export const FAMILIES = [
  activation,
  convolution,
  convolutionTranspose,
  dataMovement,
  binary,
  logical,
  unary,
  indexing,
  matrix,
  normalization,
  padding,
  pooling,
  quantization,
  quantized,
  recurrent,
  reduction,
  reinterpreting,
  replication,
  resample,
];
