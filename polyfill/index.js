// SPDX-License-Identifier: Apache-2.0
// octet: importing this file installs navigator.ml where the browser has none of its own that works.

import { install, requestedMode } from "./api/install.js";

export {
  describeContext,
  describeGraph,
  isOctetContext,
  memoryUse,
  profile,
} from "./api/extensions.js";
export { install } from "./api/install.js";
export { configure } from "./runtime/settings.js";

install(requestedMode(import.meta.url));
