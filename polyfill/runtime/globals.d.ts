// SPDX-License-Identifier: Apache-2.0
/** Defined as true by the bundler. */
declare const OCTET_BUNDLED: boolean | undefined;
