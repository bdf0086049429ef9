// SPDX-License-Identifier: Apache-2.0
// A reporter for node:test that writes one JSON line per test; tests/javascript.py reads them.

/** Failures that only repeat those of subtests. */
const REPEATED = new Set(["subtestsFailed", "cancelledByParent"]);

/** @param {AsyncIterable<{ type: string, data: any }>} events */
// biome-ignore lint/style/noDefaultExport: node:test takes a reporter's default export
export default async function* report(events) {
  /** Names of the enclosing suites, by nesting. @type {string[]} */
  const path = [];
  for await (const { type, data } of events) {
    if (type === "test:start") path.length = data.nesting;
    if (type === "test:start") path.push(data.name);
    if (type !== "test:pass" && type !== "test:fail") continue;
    const { error, duration_ms, type: kind } = data.details ?? {};
    const reason = data.skip ?? data.todo ?? false;
    const skipped = reason !== false;
    // A suite stands for itself only where its tests did not come to run.
    if (REPEATED.has(error?.failureType) || (kind === "suite" && !error && !skipped)) continue;
    const cause = error?.cause ?? error;
    yield `${JSON.stringify({
      name: [...path.slice(0, data.nesting), data.name].join(" > "),
      outcome: skipped ? "skipped" : type.slice(5),
      reason: typeof reason === "string" ? reason : "",
      seconds: (duration_ms ?? 0) / 1000,
      error: error && String(cause?.stack ?? cause),
    })}\n`;
  }
}
