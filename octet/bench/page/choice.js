// SPDX-License-Identifier: Apache-2.0
// octet's settings for what the benchmark calls a variant.

/**
 * Settings for `configure`.
 *
 * @param {string | null} variant a wasm file and perhaps a dot product: `relaxed:pairs`
 */
export function choiceOf(variant) {
  const [file = null, dot = null] = variant?.split(":") ?? [];
  return { variant: file, dot };
}

/**
 * What a context runs on, as a variant.
 *
 * @param {{variant: string, dot?: string}} facts
 */
export function variantOf({ variant, dot }) {
  return variant === "relaxed" && dot ? `${variant}:${dot}` : variant;
}
