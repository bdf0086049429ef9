// SPDX-License-Identifier: Apache-2.0
// Putting octet where scripts look for WebNN. A working native implementation is left in charge: octet's
// navigator.ml asks it first, and steps in, context by context, where it is missing or says
// NotSupportedError. Nothing is asked before a script creates a context.

import { MLGraphBuilder } from "./builder.js";
import { MLContext } from "./context.js";
import { MLGraph } from "./graph.js";
import { isOwnContext } from "./internals.js";
import { createML, ML } from "./ml.js";
import { MLOperand } from "./operand.js";
import { MLTensor } from "./tensor.js";

/** @typedef {"auto" | "force" | "off"} InstallMode */

/** @type {readonly InstallMode[]} */
const MODES = ["auto", "force", "off"];

const INTERFACES = { ML, MLContext, MLGraph, MLOperand, MLTensor };

/** The globals that octet defines. */
const GLOBALS = [...Object.keys(INTERFACES), "MLGraphBuilder"];

/**
 * What the realm had before octet came.
 *
 * @typedef {object} Found
 * @property {any} ml the browser's own, if it has one
 * @property {Record<string, any>} interfaces by name
 * @property {[object, string, PropertyDescriptor | undefined][]} properties to put back
 */

/** @type {Found | null} */
let found = null;

/** @param {any} realm @returns {Found} */
function nativeParts(realm) {
  if (found) return found;
  const { navigator } = realm;
  /** @type {[object, string][]} */
  const places = GLOBALS.map((name) => [realm, name]);
  places.push([Object.getPrototypeOf(navigator), "ml"]);
  found = {
    ml: navigator.ml,
    interfaces: Object.fromEntries(GLOBALS.map((name) => [name, realm[name]])),
    properties: places.map(([object, name]) => [
      object,
      name,
      Object.getOwnPropertyDescriptor(object, name),
    ]),
  };
  return found;
}

/** Leave the realm as it was found. */
function uninstall() {
  for (const [object, name, descriptor] of found?.properties ?? []) {
    if (descriptor) Object.defineProperty(object, name, descriptor);
    else Reflect.deleteProperty(object, name);
  }
  found = null;
}

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
 * @param {any} Native undefined to answer for octet's alone
 * @param {any} [Global] what the global is, if not Own itself
 */
function acceptNative(Own, Native, Global = Own) {
  if (!Native) {
    Reflect.deleteProperty(Own, Symbol.hasInstance);
    return;
  }
  const isInstance = Function.prototype[Symbol.hasInstance];
  Object.defineProperty(Own, Symbol.hasInstance, {
    value(/** @type {any} */ object) {
      return isInstance.call(this, object) || (this === Global && object instanceof Native);
    },
    configurable: true,
  });
}

/**
 * The `ml` attribute of Navigator or WorkerNavigator.
 *
 * @param {any} navigator
 * @param {ML} ml
 */
function defineAttribute(navigator, ml) {
  const prototype = Object.getPrototypeOf(navigator);
  const { get } = /** @type {PropertyDescriptor} */ (
    Object.getOwnPropertyDescriptor(
      {
        get ml() {
          if (/** @type {unknown} */ (this) !== navigator)
            throw new TypeError("Illegal invocation");
          return ml;
        },
      },
      "ml",
    )
  );
  const attributes = { get, set: undefined, configurable: true, enumerable: true };
  Object.defineProperty(prototype, "ml", attributes);
}

/**
 * Define navigator.ml and the ML interfaces in this realm: a window or a worker of any kind.
 *
 * @param {InstallMode} [mode] auto: native first; force: octet only; off: the browser's own again
 * @returns {ML | null} what navigator.ml now is, or null where nothing is installed
 * @throws {TypeError} for an unknown mode
 */
export function install(mode = "auto") {
  if (!MODES.includes(mode)) {
    throw new TypeError(`install: unknown mode "${mode}"; there are ${MODES.join(", ")}.`);
  }
  const realm = /** @type {any} */ (globalThis);
  const { navigator } = realm;
  if (mode === "off") uninstall();
  if (mode === "off" || !navigator || realm.isSecureContext === false) return null;
  const native = nativeParts(realm);
  const isRouted = mode === "auto" && Boolean(native.ml);
  const interfaces = isRouted ? native.interfaces : {};
  const ml = createML(isRouted ? native.ml : null);
  defineAttribute(navigator, ml);
  for (const [name, Interface] of Object.entries(INTERFACES)) {
    acceptNative(Interface, interfaces[name]);
    defineGlobal(realm, name, Interface);
  }
  const NativeBuilder = interfaces.MLGraphBuilder;
  const Builder = NativeBuilder ? routedBuilder(NativeBuilder) : MLGraphBuilder;
  acceptNative(MLGraphBuilder, NativeBuilder, Builder);
  defineGlobal(MLGraphBuilder.prototype, "constructor", Builder);
  defineGlobal(realm, "MLGraphBuilder", Builder);
  return ml;
}

/**
 * The mode that importing the bundle installs: what the bundle's own URL asks for (octet.js?octet=force),
 * or else the page's, so that a page can be tried without touching its code.
 *
 * @param {string} url of the bundle
 * @returns {InstallMode}
 */
export function requestedMode(url) {
  const page = /** @type {any} */ (globalThis).location?.search ?? "";
  const queries = [url.split("#")[0].split("?")[1] ?? "", page];
  const wanted = queries.map((query) => new URLSearchParams(query).get("octet"));
  return MODES.find((mode) => mode === (wanted[0] ?? wanted[1])) ?? "auto";
}
