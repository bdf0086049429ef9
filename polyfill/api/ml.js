// SPDX-License-Identifier: Apache-2.0
// https://www.w3.org/TR/webnn/#api-ml

import { Engine } from "../runtime/engine.js";
import { createContextObject } from "./context.js";
import { createObject, illegalConstructor, stateOf } from "./internals.js";
import { boolean, defineInterface, dictionary, enumeration } from "./webidl.js";

const toPowerPreference = enumeration(["default", "high-performance", "low-power"]);

export class ML {
  constructor() {
    illegalConstructor();
  }

  /** @param {{powerPreference?: string, accelerated?: boolean}} [options] */
  async createContext(options) {
    stateOf(this, "ml", "createContext");
    return createOwnContext(options);
  }
}
Object.defineProperty(ML.prototype.createContext, "length", { value: 0 });
defineInterface(ML);

/** @returns {ML} */
export function createML() {
  return createObject(ML, { kind: "ml" });
}

/**
 * createContext on octet's engine.
 *
 * @param {unknown} options
 * @returns {Promise<import("./context.js").MLContext>}
 */
async function createOwnContext(options) {
  const Gpu = /** @type {any} */ (globalThis).GPUDevice;
  if (Gpu && options instanceof Gpu) {
    throw new DOMException(
      "createContext: octet computes on the CPU, not on a GPUDevice.",
      "NotSupportedError",
    );
  }
  const members = dictionary(options, "createContext: options");
  const accelerated = members.accelerated === undefined ? true : boolean(members.accelerated, "");
  if (members.powerPreference !== undefined) {
    toPowerPreference(members.powerPreference, "createContext: powerPreference");
  }
  try {
    return createContextObject(await Engine.create(), accelerated);
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    throw new DOMException(`createContext: ${message}`, "NotSupportedError");
  }
}
