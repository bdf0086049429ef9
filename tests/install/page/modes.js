// SPDX-License-Identifier: Apache-2.0
// What scripts see in each mode. Every check runs in a fresh page and returns plain data.

import { calls, INTERFACES, installNative, properties } from "./native.js";

const octet = (query = "") => import(`/dist/octet.js${query}`);
const RELU = { dataType: "float32", shape: [2] };

/** Whose a context is, and whether the global builder and `instanceof` go along with it. */
async function whose(module, options) {
  const context = await navigator.ml.createContext(options);
  const builder = new MLGraphBuilder(context);
  const own = module.isOctetContext(context);
  if (own) builder.relu(builder.input("x", RELU));
  return {
    octet: own,
    native: context instanceof INTERFACES.MLContext,
    instances: [context instanceof MLContext, builder instanceof MLGraphBuilder],
    nativeBuilder: builder instanceof INTERFACES.MLGraphBuilder,
  };
}

/** @param {() => Promise<unknown>} call */
const errorOf = (call) => call().then(String, ({ name, message }) => `${name}: ${message}`);

export const checks = {
  async absent() {
    const before = "ml" in navigator;
    return [before, await whose(await octet())];
  },

  async lazy() {
    const ml = installNative();
    await octet();
    return [calls.length, navigator.ml === ml];
  },

  async works() {
    installNative();
    const module = await octet();
    const answer = await whose(module, { powerPreference: "low-power" });
    return [answer, calls];
  },

  async notSupported() {
    installNative(() => "NotSupportedError");
    const module = await octet();
    return [await whose(module), await whose(module), calls.length];
  },

  async perContext() {
    installNative((options) => (options?.accelerated === false ? "NotSupportedError" : null));
    const module = await octet();
    return [await whose(module), await whose(module, { accelerated: false }), await whose(module)];
  },

  async otherErrors() {
    let error = "";
    installNative(() => error);
    await octet();
    const errors = [];
    for (error of ["SecurityError", "TypeError", "UnknownError", "InvalidStateError"]) {
      errors.push(await errorOf(() => navigator.ml.createContext()));
    }
    return errors;
  },

  async junk() {
    installNative();
    await octet();
    return [
      await errorOf(async () => new MLGraphBuilder({})),
      await errorOf(async () => new MLGraphBuilder()),
      await errorOf(async () => MLGraphBuilder({})),
    ];
  },

  async subclass() {
    installNative((options) => (options ? null : "NotSupportedError"));
    await octet();
    class Mine extends MLGraphBuilder {
      twice(x) {
        return this.add(x, x);
      }
    }
    const mine = new Mine(await navigator.ml.createContext());
    const { shape } = mine.twice(mine.input("x", RELU));
    const context = await navigator.ml.createContext({});
    return [[...shape], mine instanceof Mine, new MLGraphBuilder(context) instanceof Mine];
  },

  async force() {
    installNative();
    const module = await octet("?octet=force");
    return [await whose(module), calls.length];
  },

  async off() {
    installNative();
    const before = properties();
    await octet("?octet=off");
    return same(before, properties());
  },

  async restored() {
    installNative();
    const before = properties();
    const { install } = await octet();
    install("force");
    install("auto");
    const inCharge = await errorOf(async () => navigator.ml.createContext());
    return [inCharge, install("off"), same(before, properties()), install("off")];
  },

  async removed() {
    const { install } = await octet();
    install("off");
    return ["ml" in navigator, ...Object.keys(INTERFACES).map((name) => name in globalThis)];
  },

  async unknown() {
    const { install } = await octet();
    return errorOf(async () => install("always"));
  },

  async gpu() {
    globalThis.GPUDevice ??= class {};
    await octet();
    return errorOf(() => navigator.ml.createContext(Object.create(GPUDevice.prototype)));
  },

  async options() {
    await octet();
    const create = (options) => navigator.ml.createContext(options);
    const [wished, not, odd] = [
      await create(),
      await create({ accelerated: false }),
      await create({ deviceType: "npu", powerPreference: "high-performance", accelerated: "yes" }),
    ];
    return [
      [wished, not, odd].map(({ accelerated }) => accelerated),
      await errorOf(() => create({ powerPreference: "much" })),
      await errorOf(() => create(1)),
    ];
  },

  async mode() {
    await octet();
    return "ml" in navigator;
  },
};

/** Whether two lists of property descriptors say the same. */
function same(before, after) {
  const parts = ["value", "get", "set", "writable", "enumerable", "configurable"];
  return before.every((property, i) =>
    parts.every((part) => property?.[part] === after[i]?.[part]),
  );
}
