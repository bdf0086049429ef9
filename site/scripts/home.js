// SPDX-License-Identifier: Apache-2.0
// The first page.

import { startShell } from "./shell.js";

startShell();
