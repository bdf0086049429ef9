// SPDX-License-Identifier: Apache-2.0
// Interfaces of a realm against the table of the standard's IDL, member by member, by the rules of Web IDL.
// https://webidl.spec.whatwg.org/#js-interfaces

import { CONSTRUCTORS, EXTENSIONS, INTERFACES } from "./idl.js";

/** @type {string[]} */
let found = [];

function expect(holds, rule) {
  if (!holds) found.push(rule);
}

/** Property attributes as letters: writable, enumerable, configurable. */
function attributesOf({ writable, enumerable, configurable }) {
  return (writable ? "w" : "") + (enumerable ? "e" : "") + (configurable ? "c" : "");
}

function expectProperty(object, name, attributes, rule) {
  const descriptor = Object.getOwnPropertyDescriptor(object, name);
  const got = descriptor ? attributesOf(descriptor) : "absent";
  expect(got === attributes, `${rule}: attributes are ${got}, not ${attributes}`);
  return descriptor ?? {};
}

/** A call fails with a TypeError: thrown, or as a rejection where a promise is returned. */
async function expectTypeError(call, isPromise, rule) {
  let outcome = "returned";
  try {
    const result = call();
    outcome = isPromise ? "returned no promise" : "returned";
    if (isPromise && result instanceof Promise) {
      outcome = await result.then(
        () => "resolved",
        (error) => (error instanceof TypeError ? "" : `rejected with ${error}`),
      );
    }
  } catch (error) {
    outcome = !isPromise && error instanceof TypeError ? "" : `threw ${error}`;
  }
  expect(outcome === "", `${rule}: ${outcome}`);
}

async function checkInterface(name, { attributes, operations }) {
  const Interface = expectProperty(globalThis, name, "wc", name).value;
  if (typeof Interface !== "function") return;
  const required = CONSTRUCTORS[name] ?? 0;
  expect(expectProperty(Interface, "name", "c", `${name}.name`).value === name, `${name}.name`);
  const { value: length } = expectProperty(Interface, "length", "c", `${name}.length`);
  expect(length === required, `${name}.length is ${length}`);
  expectProperty(Interface, "prototype", "", `${name}.prototype`);
  const own = Reflect.ownKeys(Interface).map(String).sort().join();
  expect(own === "length,name,prototype", `${name} has ${own}`);
  expect(Object.getPrototypeOf(Interface) === Function.prototype, `${name} inherits`);
  await expectTypeError(() => Interface(), false, `${name}()`);
  await expectTypeError(() => new Interface(), false, `new ${name}()`);
  const { prototype } = Interface;
  expect(Object.getPrototypeOf(prototype) === Object.prototype, `${name}.prototype inherits`);
  const { value: made } = expectProperty(prototype, "constructor", "wc", `${name}.constructor`);
  expect(made === Interface, `${name}.prototype.constructor`);
  const { value: tag } = expectProperty(prototype, Symbol.toStringTag, "c", `${name} tag`);
  expect(tag === name, `${name}'s toStringTag is ${tag}`);
  const allAttributes = { ...attributes, ...EXTENSIONS[name] };
  const members = [...Object.keys(allAttributes), ...Object.keys(operations), "constructor"];
  const keys = Reflect.ownKeys(prototype).filter((key) => key !== Symbol.toStringTag);
  expect(keys.sort().join() === members.sort().join(), `${name} has ${keys.join()}`);
  for (const [member, kind] of Object.entries(allAttributes)) {
    await checkAttribute(prototype, `${name}.${member}`, member, kind === "promise");
  }
  for (const [member, [count, kind]] of Object.entries(operations)) {
    await checkOperation(prototype, `${name}.${member}`, member, count, kind === "promise");
  }
}

async function checkAttribute(prototype, rule, member, isPromise) {
  const { get, set } = expectProperty(prototype, member, "ec", rule);
  expect(set === undefined, `${rule} has a setter`);
  if (!get) return expect(false, `${rule} has no getter`);
  expect(get.name === `get ${member}` && get.length === 0, `${rule}: getter ${get.name}`);
  for (const object of strangers(prototype)) {
    await expectTypeError(() => get.call(object), isPromise, `${rule} of ${String(object)}`);
  }
}

async function checkOperation(prototype, rule, member, count, isPromise) {
  const { value: method } = expectProperty(prototype, member, "wec", rule);
  if (typeof method !== "function") return expect(false, `${rule} is no function`);
  expect(method.name === member, `${rule}.name is ${method.name}`);
  expect(method.length === count, `${rule}.length is ${method.length}, not ${count}`);
  expect(!Object.hasOwn(method, "prototype"), `${rule} is a constructor`);
  for (const object of strangers(prototype)) {
    await expectTypeError(() => method.call(object), isPromise, `${rule} of ${String(object)}`);
  }
}

/** What is no instance of an interface. */
function strangers(prototype) {
  return [undefined, null, 1, {}, prototype, Object.create(prototype), otherThan(prototype)];
}

function otherThan(prototype) {
  return prototype === ML.prototype ? Object.create(MLTensor.prototype) : navigator.ml;
}

/** An instance of every interface; the graph is y = relu(x). */
async function instances() {
  const context = await navigator.ml.createContext();
  const builder = new MLGraphBuilder(context);
  const operand = builder.input("x", { dataType: "float32", shape: [2, 3] });
  const graph = await builder.build({ y: builder.relu(operand) });
  const tensor = await context.createTensor({ dataType: "float32", shape: [2, 3] });
  const all = { ML: navigator.ml, MLContext: context, MLGraph: graph, MLOperand: operand };
  return { ...all, MLTensor: tensor, MLGraphBuilder: new MLGraphBuilder(context) };
}

async function checkInstance(name, object) {
  const Interface = globalThis[name];
  expect(object instanceof Interface, `an ${name} is not instanceof it`);
  expect(Object.getPrototypeOf(object) === Interface.prototype, `an ${name}'s prototype`);
  expect(Object.prototype.toString.call(object) === `[object ${name}]`, `an ${name} as string`);
  expect(Reflect.ownKeys(object).length === 0, `an ${name} has own properties`);
  for (const [member, kind] of Object.entries(INTERFACES[name].attributes)) {
    const same = Object.is(object[member], object[member]);
    expect(same, `${name}.${member} is another one each time`);
    expect(!Array.isArray(object[member]) || Object.isFrozen(object[member]), `${member} frozen`);
    expect(kind !== "promise" || object[member] instanceof Promise, `${name}.${member} promise`);
  }
  for (const [member, [count, kind]] of Object.entries(INTERFACES[name].operations)) {
    if (count === 0) continue;
    const rule = `${name}.${member} with ${count - 1} arguments`;
    const few = new Array(count - 1).fill(object);
    await expectTypeError(() => object[member](...few), kind === "promise", rule);
  }
}

function checkNavigator() {
  const prototype = Object.getPrototypeOf(navigator);
  const rule = `${prototype.constructor.name}.ml`;
  const { get, set } = expectProperty(prototype, "ml", "ec", rule);
  expect(get?.name === "get ml" && set === undefined, `${rule}: getter and setter`);
  expect(Object.is(navigator.ml, navigator.ml), `${rule} is another one each time`);
  return expectTypeError(() => get.call({}), false, `${rule} of {}`);
}

/** What does not hold, as sentences. */
export async function violations() {
  found = [];
  await checkNavigator();
  for (const [name, members] of Object.entries(INTERFACES)) await checkInterface(name, members);
  const objects = await instances();
  for (const [name, object] of Object.entries(objects)) await checkInstance(name, object);
  objects.MLContext.destroy();
  return found;
}
