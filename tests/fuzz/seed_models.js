// SPDX-License-Identifier: Apache-2.0
// The chains of operators that tests mutate, as files.

import { MODELS } from "../tflite/fuzz_models.js";
import { writeModel } from "../tflite/model_writer.js";
import { seedOf } from "./mutations.js";

export const CHAINS = MODELS.map((model, i) => seedOf(`chain ${i}`, writeModel(model)));
