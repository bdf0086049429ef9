// SPDX-License-Identifier: Apache-2.0
// Runs in every page's head, before anything is painted.

import { applyScheme } from "./colour_scheme.js";

applyScheme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => applyScheme());
