// SPDX-License-Identifier: Apache-2.0
// https://www.w3.org/TR/webnn/#api-mlgraphbuilder
//
// input, constant and build are written here; the operator methods are derived from the records in ops/.

import { compile } from "../compile/compile.js";
import { Node, Value } from "../ir/graph.js";
import { numberBytes } from "../ir/numbers.js";
import { printGraph } from "../ir/print.js";
import { OPERATORS } from "../ops/index.js";
import { settings } from "../runtime/settings.js";
import {
  bytesOf,
  checkDescriptor,
  dataTypeEnumeration,
  snapshot,
  toDescriptor,
} from "./buffers.js";
import { checkOperands, convertCall, infer } from "./call.js";
import { checkUsable } from "./context.js";
import { invalidState, operationError, typeError } from "./errors.js";
import { createGraphObject } from "./graph.js";
import { attachState, stateOf } from "./internals.js";
import { createOperand } from "./operand.js";
import { reachableGraph } from "./reachable.js";
import {
  bigintOrNumber,
  checkArgumentCount,
  defineInterface,
  isObject,
  record,
  usvString,
} from "./webidl.js";

/** @typedef {import("./internals.js").BuilderState} BuilderState */
/** @typedef {import("./internals.js").OperandState} OperandState */
/** @typedef {import("./operand.js").MLOperand} MLOperand */
/** @typedef {import("../ir/graph.js").DataType} DataType */

const toOutputs = record((value, where) => stateOf(value, "operand", where));

export class MLGraphBuilder {
  /** @param {import("./context.js").MLContext} context */
  constructor(context) {
    checkArgumentCount("MLGraphBuilder", arguments.length, 1);
    const state = stateOf(context, "context", "MLGraphBuilder: context");
    checkUsable(state, "MLGraphBuilder");
    attachState(this, {
      kind: "builder",
      context: state,
      hasBuilt: false,
      inputs: new Map(),
      constants: new Map(),
    });
  }

  /**
   * @param {string} name
   * @param {{dataType: string, shape: number[]}} descriptor
   * @returns {MLOperand}
   */
  input(name, descriptor) {
    const builder = stateOf(this, "builder", "input");
    checkArgumentCount("input", arguments.length, 2);
    const key = usvString(name, "input: name");
    const plain = toDescriptor(descriptor, `input "${key}"`);
    checkCanBuild(builder, "input");
    if (key === "") throw typeError("input", "the name is empty.");
    if (builder.inputs.has(key)) throw typeError(`input "${key}"`, "the name is taken.");
    checkDescriptor(plain, `input "${key}"`);
    const value = new Value(plain.dataType, Object.freeze(plain.shape));
    builder.inputs.set(key, value);
    return createOperand(builder, value);
  }

  /**
   * (descriptor, buffer), (dataType, number) or (tensor).
   *
   * @param {any} first
   * @param {any} [second]
   * @returns {MLOperand}
   */
  constant(first, second) {
    const builder = stateOf(this, "builder", "constant");
    checkArgumentCount("constant", arguments.length, 1);
    if (arguments.length === 1) return constantTensor(builder, first);
    if (first === undefined || first === null || isObject(first)) {
      return constantBuffer(builder, first, second);
    }
    const dataType = /** @type {DataType} */ (dataTypeEnumeration(first, "constant: dataType"));
    const number = bigintOrNumber(second, "constant: value");
    checkCanBuild(builder, "constant");
    return createOperand(
      builder,
      new Value(dataType, Object.freeze([]), numberBytes(dataType, [number])),
    );
  }

  /**
   * @param {Record<string, MLOperand>} outputs
   * @returns {Promise<import("./graph.js").MLGraph>}
   */
  async build(outputs) {
    const builder = stateOf(this, "builder", "build");
    checkArgumentCount("build", arguments.length, 1);
    const named = toOutputs(outputs, "build: outputs");
    checkCanBuild(builder, "build");
    checkOutputs(builder, named);
    const { context } = builder;
    const values = new Map([...named].map(([name, { value }]) => [name, value]));
    const { graph, copies } = reachableGraph(values, builder.inputs);
    for (const [value, { destroyed }] of builder.constants) {
      if (destroyed && copies.has(value))
        throw typeError("build", "a constant tensor was destroyed.");
    }
    builder.hasBuilt = true;
    const inputs = descriptors(graph.inputs);
    const results = descriptors(graph.outputs);
    try {
      const plan = compile(graph, { debug: settings.debug, target: { dot: context.engine.dot } });
      const text = settings.debug ? printGraph(graph, { labels: true }) : "";
      const id = await context.engine.build(plan);
      checkUsable(context, "build");
      const rest = {
        id,
        destroyed: false,
        inputs,
        outputs: results,
        steps: plan.info,
        notes: graph.notes,
        text,
      };
      return createGraphObject({ kind: "graph", context, ...rest });
    } catch (error) {
      checkUsable(context, "build");
      throw operationError("build", /** @type {Error} */ (error).message);
    }
  }
}

/** @param {Map<string, Value>} values */
function descriptors(values) {
  return new Map([...values].map(([name, { dataType, shape }]) => [name, { dataType, shape }]));
}

/** @param {BuilderState} builder @param {string} where */
function checkCanBuild(builder, where) {
  if (builder.hasBuilt) throw invalidState(where, "the builder has built its graph.");
  checkUsable(builder.context, where);
}

/** @param {BuilderState} builder @param {unknown} tensor */
function constantTensor(builder, tensor) {
  const state = stateOf(tensor, "tensor", "constant: tensor");
  const { context, destroyed, constant, descriptor } = state;
  if (context !== builder.context) throw typeError("constant", "the tensor is of another context.");
  if (destroyed) throw typeError("constant", "the tensor was destroyed.");
  if (!constant) throw typeError("constant", "the tensor is not constant.");
  checkCanBuild(builder, "constant");
  const value = new Value(descriptor.dataType, descriptor.shape, snapshot(constant));
  builder.constants.set(value, state);
  return createOperand(builder, value);
}

/** @param {BuilderState} builder @param {unknown} descriptor @param {unknown} buffer */
function constantBuffer(builder, descriptor, buffer) {
  const plain = toDescriptor(descriptor, "constant: descriptor");
  checkCanBuild(builder, "constant");
  checkDescriptor(plain, "constant");
  const bytes = snapshot(bytesOf(buffer, plain, "constant"));
  return createOperand(builder, new Value(plain.dataType, Object.freeze(plain.shape), bytes));
}

/** @param {BuilderState} builder @param {Map<string, OperandState>} outputs */
function checkOutputs(builder, outputs) {
  if (outputs.size === 0) throw typeError("build", "there are no outputs.");
  for (const [name, operand] of outputs) {
    const where = `build: outputs "${name}"`;
    if (name === "") throw typeError("build", "an output's name is empty.");
    if (operand.builder !== builder) throw typeError(where, "the operand is of another builder.");
    const { value } = operand;
    if (value.constant) throw typeError(where, "the operand is a constant.");
    if (!value.producer) throw typeError(where, "the operand is an input.");
  }
}

/**
 * The builder method of an operator record.
 *
 * @param {import("../ops/operator.js").Operator} operator
 */
function operatorMethod(operator) {
  const { name, parameters, limits } = operator;
  const isSequence = "outputs" in limits || "output0" in limits;
  const method = {
    /** @this {MLGraphBuilder} @param {unknown[]} args @returns {MLOperand | MLOperand[]} */
    [name](...args) {
      const builder = stateOf(this, "builder", name);
      const call = convertCall(operator, args);
      checkCanBuild(builder, call.where);
      const inputs = checkOperands(operator, call, builder);
      const { outputs, attributes } = infer(operator, call);
      const values = outputs.map((descriptor) => {
        checkDescriptor(descriptor, `${call.where}: output`);
        return new Value(descriptor.dataType, Object.freeze([...descriptor.shape]));
      });
      new Node(name, inputs, { ...call.values, ...attributes }, values, call.label);
      const operands = values.map((value) => createOperand(builder, value));
      return isSequence ? operands : operands[0];
    },
  }[name];
  Object.defineProperty(method, "length", { value: Object.keys(parameters).length });
  return method;
}

for (const operator of Object.values(OPERATORS)) {
  Object.defineProperty(MLGraphBuilder.prototype, operator.name, {
    value: operatorMethod(operator),
    writable: true,
    configurable: true,
  });
}
Object.defineProperty(MLGraphBuilder.prototype.constant, "length", { value: 1 });
defineInterface("MLGraphBuilder", MLGraphBuilder);
