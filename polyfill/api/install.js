// SPDX-License-Identifier: Apache-2.0
// Putting octet where scripts look for WebNN. A working native implementation is left in charge: octet's
// navigator.ml asks it first, and steps in, context by context, where it is missing or says
// NotSupportedError.

import { MLGraphBuilder } from "./builder.js";
import { MLContext } from "./context.js";
import { MLGraph } from "./graph.js";
import { isOwnContext } from "./internals.js";
import { createML, ML } from "./ml.js";
import { MLOperand } from "./operand.js";
import { MLTensor } from "./tensor.js";

/** @typedef {"auto" | "force" | "off"} InstallMode */

const INTERFACES = { MLContext, MLGraph, MLOperand, MLTensor };

/** @param {object} target @param {string} name @param {unknown} value */
function defineGlobal(target, name, value) {
  Object.defineProperty(target, name, {
    value,
    writable: true,
    configurable: true,
    enumerable: false,
  });
}

/**
 * The native ML's createContext first, octet's where that is not supported.
 *
 * @param {any} native
 * @param {ML} own
 */
function withFallback(native, own) {
  const { createContext } = ML.prototype;
  Object.defineProperty(own, "createContext", {
    value: async (/** @type {any[]} */ ...args) => {
      try {
        return await native.createContext(...args);
      } catch (error) {
        if (/** @type {Error} */ (error)?.name !== "NotSupportedError") throw error;
        return createContext.apply(own, /** @type {any} */ (args));
      }
    },
  });
}

/**
 * A builder constructor that makes octet's builders on octet's contexts and native ones on the others.
 *
 * @param {any} Native
 */
function routedBuilder(Native) {
  /** @type {any} */
  const Routed = new Proxy(MLGraphBuilder, {
    construct(target, args, newTarget) {
      const Builder = isOwnContext(args[0]) ? target : Native;
      return Reflect.construct(Builder, args, newTarget === Routed ? Builder : newTarget);
    },
  });
  return Routed;
}

/**
 * `instanceof` answers for octet's objects and for the browser's.
 *
 * @param {any} Own
 * @param {any} Native
 */
function acceptNative(Own, Native) {
  Object.defineProperty(Own, Symbol.hasInstance, {
    value: (/** @type {any} */ object) =>
      Function.prototype[Symbol.hasInstance].call(Own, object) || object instanceof Native,
    configurable: true,
  });
}

/**
 * Define navigator.ml and the ML interfaces in this realm.
 *
 * @param {InstallMode} [mode] auto: native first; force: octet only; off: nothing
 * @returns {ML | null} what navigator.ml now is, or null where nothing was installed
 */
export function install(mode = "auto") {
  const realm = /** @type {any} */ (globalThis);
  const { navigator } = realm;
  if (mode === "off" || !navigator || realm.isSecureContext === false) return null;
  const native = mode === "auto" ? navigator.ml : undefined;
  const own = createML();
  if (native) withFallback(native, own);
  Object.defineProperty(Object.getPrototypeOf(navigator), "ml", {
    get: () => own,
    configurable: true,
    enumerable: true,
  });
  for (const [name, Interface] of Object.entries(INTERFACES)) {
    if (native && realm[name]) acceptNative(Interface, realm[name]);
    defineGlobal(realm, name, Interface);
  }
  if (!(native && realm.ML)) defineGlobal(realm, "ML", ML);
  defineGlobal(
    realm,
    "MLGraphBuilder",
    native && realm.MLGraphBuilder ? routedBuilder(realm.MLGraphBuilder) : MLGraphBuilder,
  );
  return own;
}
