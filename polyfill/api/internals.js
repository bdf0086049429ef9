// SPDX-License-Identifier: Apache-2.0
// What stands behind the interface objects: one record each, in one WeakMap, which is also the brand check.

import { typeError } from "./errors.js";

/** @typedef {import("../ir/graph.js").Value} Value */
/** @typedef {import("../ir/graph.js").DataType} DataType */
/** @typedef {import("../runtime/engine.js").Engine} Engine */
/** @typedef {import("../ops/operator.js").Descriptor} Descriptor */

/**
 * @typedef {object} ContextState
 * @property {"context"} kind
 * @property {Engine} engine
 * @property {boolean} isLost
 * @property {Promise<{message: string}>} lost
 * @property {(info: {message: string}) => void} resolveLost
 * @property {Set<TensorState>} tensors
 * @property {Set<GraphState>} graphs
 * @property {boolean} accelerated
 */

/**
 * @typedef {object} TensorState
 * @property {"tensor"} kind
 * @property {ContextState} context
 * @property {Descriptor} descriptor
 * @property {boolean} readable
 * @property {boolean} writable
 * @property {Uint8Array<ArrayBuffer> | null} constant the bytes of a constant tensor
 * @property {boolean} destroyed
 * @property {number} id of the engine's tensor
 * @property {Set<(error: Error) => void>} pendingReads
 */

/**
 * @typedef {object} GraphState
 * @property {"graph"} kind
 * @property {ContextState} context
 * @property {number} id of the engine's graph
 * @property {boolean} destroyed
 * @property {Map<string, Descriptor>} inputs
 * @property {Map<string, Descriptor>} outputs
 * @property {import("../runtime/plan.js").StepInfo[]} steps
 * @property {Map<string, string>} notes why operators stayed in float, by label
 * @property {string} text the compiled graph, where settings.debug asked for it
 */

/**
 * @typedef {object} OperandState
 * @property {"operand"} kind
 * @property {BuilderState} builder
 * @property {Value} value
 */

/**
 * @typedef {object} BuilderState
 * @property {"builder"} kind
 * @property {ContextState} context
 * @property {boolean} hasBuilt
 * @property {Map<string, Value>} inputs by name
 * @property {Map<Value, TensorState>} constants that came as tensors
 */

/** `native` is the browser's own ML, to be asked first. @typedef {{kind: "ml", native: any}} MLState */

/** @typedef {ContextState | TensorState | GraphState | OperandState | BuilderState | MLState} State */

/** @type {WeakMap<object, State>} */
const states = new WeakMap();

/** The interface of each kind, for messages. @type {Readonly<Record<State["kind"], string>>} */
const INTERFACES = {
  ml: "ML",
  context: "MLContext",
  tensor: "MLTensor",
  graph: "MLGraph",
  operand: "MLOperand",
  builder: "MLGraphBuilder",
};

/**
 * An object of an interface that has no constructor of its own.
 *
 * @template {State} S
 * @param {Function} Interface
 * @param {S} state
 */
export function createObject(Interface, state) {
  const object = Object.create(Interface.prototype);
  states.set(object, state);
  return object;
}

/** @param {object} object @param {State} state */
export function attachState(object, state) {
  states.set(object, state);
}

/**
 * The state behind a value that must be an object of the given kind.
 *
 * @template {State["kind"]} K
 * @param {unknown} value
 * @param {K} kind
 * @param {string} where
 * @returns {Extract<State, {kind: K}>}
 */
export function stateOf(value, kind, where) {
  const state = states.get(/** @type {object} */ (value));
  if (state?.kind !== kind) throw typeError(where, `not an ${INTERFACES[kind]}.`);
  return /** @type {any} */ (state);
}

/** Whether a value is one of octet's own contexts. @param {unknown} value */
export function isOwnContext(value) {
  return states.get(/** @type {object} */ (value))?.kind === "context";
}

/** The constructor of interfaces that scripts cannot construct. @returns {never} */
export function illegalConstructor() {
  throw new TypeError("Illegal constructor");
}
