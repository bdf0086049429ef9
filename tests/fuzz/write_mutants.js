// SPDX-License-Identifier: Apache-2.0
// node write_mutants.js FOLDER SEED ROUNDS: mutants as files, for readers in other languages.

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { mutant } from "./mutations.js";
import { CHAINS } from "./seed_models.js";

const [folder, seed, rounds] = process.argv.slice(2);
for (let round = 0; round < Number(rounds); round++) {
  const bytes = mutant(CHAINS, Number(seed), round);
  if (bytes) writeFileSync(join(folder, `${round}.tflite`), bytes);
}
