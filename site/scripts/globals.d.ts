// SPDX-License-Identifier: Apache-2.0
// What the build defines in service_worker.js.

declare const OCTET_SITE_FILES: string[];
declare const OCTET_SITE_VERSION: string;
