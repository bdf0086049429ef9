// SPDX-License-Identifier: Apache-2.0
// A graph as text, one line per node: what golden tests compare and `octet inspect` shows.

import { constantNumbers } from "./numbers.js";

/** @typedef {import("./graph.js").Graph} Graph */
/** @typedef {import("./graph.js").Value} Value */

/** @param {Value} value */
function typeOf(value) {
  return `${value.dataType}[${value.shape.join(",")}]`;
}

/**
 * A short constant is shown by its elements, a long one by its size.
 *
 * @param {Value} value
 */
function constantText(value) {
  const numbers = value.elements <= 4 ? constantNumbers(value) : null;
  return numbers ? `const ${typeOf(value)} ${numbers.join(" ")}` : `const ${typeOf(value)}`;
}

/** @param {unknown} attribute @returns {string} */
function attributeText(attribute) {
  if (Array.isArray(attribute) || ArrayBuffer.isView(attribute)) {
    const items = Array.from(/** @type {any} */ (attribute), attributeText);
    return items.length > 8 ? `[${items.slice(0, 4)},… ${items.length}]` : `[${items}]`;
  }
  if (typeof attribute === "number") return String(Number(attribute.toPrecision(7)));
  if (attribute && typeof attribute === "object") {
    const items = Object.entries(attribute).map(([k, v]) => `${k}:${attributeText(v)}`);
    return `{${items.join(" ")}}`;
  }
  return String(attribute);
}

/**
 * @param {Graph} graph
 * @param {{labels?: boolean}} [options]
 */
export function printGraph(graph, { labels = false } = {}) {
  /** @type {Map<Value, string>} */
  const names = new Map();
  for (const [name, value] of graph.inputs) names.set(value, `%${name}`);
  const nameOf = (/** @type {Value} */ value) => {
    if (value.constant) return `(${constantText(value)})`;
    let name = names.get(value);
    if (!name) {
      name = `%${names.size}`;
      names.set(value, name);
    }
    return name;
  };
  const lines = [...graph.inputs].map(([name, value]) => `%${name} = input ${typeOf(value)}`);
  for (const node of graph.nodes) {
    const inputs = Object.values(node.inputs).map(nameOf);
    const attributes = Object.entries(node.attributes)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${attributeText(value)}`);
    const outputs = node.outputs.map((value) => `${nameOf(value)}: ${typeOf(value)}`);
    const label = labels && node.label ? `  # ${node.label}` : "";
    lines.push(
      `${outputs.join(", ")} = ${node.op}(${[...inputs, ...attributes].join(", ")})${label}`,
    );
  }
  for (const [name, value] of graph.outputs) lines.push(`output ${name} = ${nameOf(value)}`);
  return lines.join("\n");
}
