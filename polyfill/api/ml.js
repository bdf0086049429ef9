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

  /**
   * The browser's own context where it has one; octet's where it has no WebNN, or says
   * NotSupportedError. Any other error is the answer.
   *
   * @param {{powerPreference?: string, accelerated?: boolean}} [options]
   */
  async createContext(options) {
    const { native } = stateOf(this, "ml", "createContext");
    if (native) {
      try {
        return await native.createContext(options);
      } catch (error) {
        if (/** @type {Error} */ (error)?.name !== "NotSupportedError") throw error;
      }
    }
    return createOwnContext(options);
  }
}
Object.defineProperty(ML.prototype.createContext, "length", { value: 0 });
defineInterface("ML", ML);

/**
 * @param {any} [native] the browser's own ML
 * @returns {ML}
 */
export function createML(native = null) {
  return createObject(ML, { kind: "ml", native });
}

/** @param {unknown} value */
function isGpuDevice(value) {
  const Gpu = /** @type {any} */ (globalThis).GPUDevice;
  return typeof Gpu === "function" && value instanceof Gpu;
}

/** @param {string} message */
function notSupported(message) {
  return new DOMException(`createContext: ${message}`, "NotSupportedError");
}

/**
 * createContext on octet's engine. `accelerated` only says what the script wished for.
 *
 * @param {unknown} options
 */
async function createOwnContext(options) {
  if (isGpuDevice(options)) throw notSupported("octet computes on the CPU, not on a GPUDevice.");
  const { accelerated, powerPreference } = dictionary(options, "createContext: options");
  const isAccelerated = accelerated === undefined || boolean(accelerated, "");
  if (powerPreference !== undefined) {
    toPowerPreference(powerPreference, "createContext: powerPreference");
  }
  try {
    return createContextObject(await Engine.create(), isAccelerated);
  } catch (error) {
    throw notSupported(/** @type {Error} */ (error).message);
  }
}
