// SPDX-License-Identifier: Apache-2.0
// A stand-in for a browser's own WebNN, as far as octet meets it.

/** Options of the calls of its createContext. */
export const calls = [];

class NativeContext {}
class NativeBuilder {
  constructor(context) {
    if (!(context instanceof NativeContext)) throw new TypeError("parameter 1 is no MLContext");
  }
}
class NativeML {
  /** @type {(options: any) => string | null} */
  static refuse = () => null;

  async createContext(options) {
    calls.push(options);
    const error = NativeML.refuse(options);
    if (error === "TypeError") throw new TypeError("native");
    if (error) throw new DOMException("native", error);
    return new NativeContext();
  }
}

export const INTERFACES = {
  ML: NativeML,
  MLContext: NativeContext,
  MLGraphBuilder: NativeBuilder,
  MLGraph: class {},
  MLOperand: class {},
  MLTensor: class {},
};

/**
 * Put it where browsers have it.
 *
 * @param {(options: any) => string | null} refuse the name of the error that createContext rejects with
 */
export function installNative(refuse = () => null) {
  NativeML.refuse = refuse;
  const ml = new NativeML();
  Object.defineProperty(Navigator.prototype, "ml", {
    get: () => ml,
    configurable: true,
    enumerable: true,
  });
  for (const [name, value] of Object.entries(INTERFACES)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  }
  return ml;
}

/** The property that octet would replace, by name. */
export function properties() {
  const names = Object.keys(INTERFACES);
  const globals = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
  return [Object.getOwnPropertyDescriptor(Navigator.prototype, "ml"), ...globals];
}
