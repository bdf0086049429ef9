// SPDX-License-Identifier: Apache-2.0
// Maps a whole model: graph inputs, every operator in order, graph outputs; or says all that cannot
// be.

import { quoted, shown, TfliteError, UnsupportedError } from "./errors.js";
import { foldDilations } from "./fold_dilation.js";
import { foldStatic } from "./fold_static.js";
import { Mapping } from "./mapping.js";
import { Names } from "./names.js";
import { OperatorCall } from "./operator_call.js";
import { entryOf } from "./ops.js";
import { isQuantized } from "./tensor.js";
import { reasonAgainst } from "./unmapped.js";

/** @typedef {import("./errors.js").Unsupported} Unsupported */
/** @typedef {import("./mapping.js").Postprocess} Postprocess */
/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./model.js").Operator} Operator */
/** @typedef {import("./model.js").Signature} Signature */
/** @typedef {import("./model.js").Subgraph} Subgraph */
/** @typedef {import("./webnn.js").DataType} DataType */
/** @typedef {import("./webnn.js").MLGraphBuilder} MLGraphBuilder */
/** @typedef {import("./webnn.js").MLOperand} MLOperand */
/** @typedef {import("./webnn.js").MLOpSupportLimits} MLOpSupportLimits */

/**
 * @typedef {object} MapOptions
 * @property {boolean} [floatInputs] take float32 for quantized inputs and quantize in the graph
 * @property {boolean} [floatOutputs] give float32 for quantized outputs
 * @property {string} [signature] key of the signature whose names and subgraph to use
 * @property {"all" | readonly string[]} [outputs] intermediate tensors, besides the model's own
 * @property {number} [batch] in place of the first dimension of the inputs
 */

/**
 * @typedef {Pick<import("./tensor.js").Quantization, "scale" | "zeroPoint" | "axis">
 * } StoredQuantization
 */

/**
 * @typedef {object} TensorInfo
 * @property {string} name
 * @property {readonly number[]} shape
 * @property {DataType | "int16"} dataType of the caller's arrays; the graph holds int16 in int32
 * @property {StoredQuantization | null} quantization of the values as they are passed
 * @property {string} [signatureName]
 */

/**
 * One output as a caller sees it: of the graph, or of a postprocess.
 *
 * @typedef {object} Output
 * @property {TensorInfo} info
 * @property {Postprocess} [postprocess]
 * @property {number} [result] which of its results
 */

/**
 * @typedef {object} MappedModel
 * @property {{info: TensorInfo, used: boolean}[]} inputs `used`: the graph depends on it
 * @property {Output[]} outputs
 * @property {Map<string, MLOperand>} graphOutputs what to build, by name
 * @property {{postprocess: Postprocess, feeds: string[]}[]} postprocesses and the graph outputs that
 *   they read, which nobody else does
 */

/**
 * Make the builder calls for a model, without building.
 *
 * @param {Model} model
 * @param {MLGraphBuilder} builder
 * @param {MLOpSupportLimits} limits the context's opSupportLimits()
 * @param {MapOptions} [options]
 * @returns {MappedModel}
 * @throws {TfliteError}
 */
export function mapModel(model, builder, limits, options = {}) {
  const signature = chooseSignature(model, options.signature);
  const subgraph = model.subgraphs[signature?.subgraph ?? 0];
  const batch = chooseBatch(subgraph, options.batch);
  const mapping = new Mapping(model, subgraph, builder, limits, batch);
  const named = options.signature === undefined ? null : signature;
  const inputs = mapInputs(mapping, signature, named, options.floatInputs ?? false);
  mapOperators(mapping, options.outputs ?? []);
  const outputs = new Names();
  const result = mapOutputs(mapping, signature, named, options, outputs);
  const feeds = mapFeeds(mapping, outputs);
  if (outputs.operands.size === 0) {
    throw mapping.error({}, "no outputs", "at least one", "graph outputs");
  }
  const used = mapping.inputsBehind(outputs.operands.values());
  return {
    inputs: inputs.map((info) => ({ info, used: used.has(info.name) })),
    outputs: result,
    graphOutputs: outputs.operands,
    postprocesses: feeds,
  };
}

/** @param {Model} model @param {string | undefined} key @returns {Signature | null} */
function chooseSignature(model, key) {
  if (key === undefined) return model.signatures.find((s) => s.subgraph === 0) ?? null;
  const signature = model.signatures.find((s) => s.key === key);
  if (signature) return signature;
  const keys = model.signatures.slice(0, 8).map((s) => quoted(s.key));
  throw new TfliteError(
    { file: model.file },
    `signature ${quoted(key)}`,
    keys.join(", ") || "none",
    "signature",
  );
}

/**
 * @param {Subgraph} subgraph
 * @param {number | undefined} wanted
 * @returns {{from: number, to: number} | null} null where nothing changes
 */
function chooseBatch({ inputs, tensors }, wanted) {
  if (wanted === undefined) return null;
  if (!(Number.isInteger(wanted) && wanted >= 1)) {
    throw new TypeError(`batch: got ${wanted}, expected an integer from 1.`);
  }
  const from = inputs.map((index) => tensors[index].shape[0]).find((d) => d !== undefined);
  return from === undefined || from === wanted ? null : { from, to: wanted };
}

// Inputs.

/**
 * @param {Mapping} mapping
 * @param {Signature | null} signature
 * @param {Signature | null} named the signature, if its names are to be used
 * @param {boolean} float
 * @returns {TensorInfo[]}
 */
function mapInputs(mapping, signature, named, float) {
  const names = new Names();
  const signatureNames = namesByTensor(signature?.inputs);
  return mapping.subgraph.inputs.map((index) => {
    const tensor = mapping.tensor(index);
    const signatureName = signatureNames.get(index);
    const name = names.unique((named && signatureName) ?? tensor.name, index);
    const converted = float && mapping.isReal(index) && tensor.type !== "FLOAT32";
    return supported(mapping, index, () => {
      const dataType = converted ? "float32" : mapping.dataType(index);
      const operand = mapping.input(name, dataType, mapping.rebatched(tensor.shape));
      if (converted) mapping.setFloat(index, operand, `input ${name}`);
      else mapping.setRaw(index, operand);
      return tensorInfo(mapping, index, name, operand, signatureName);
    });
  });
}

/** @param {Signature["inputs"]} [entries] @returns {Map<number, string>} */
function namesByTensor(entries = []) {
  return new Map(entries.map(({ tensor, name }) => [tensor, name]));
}

/**
 * @param {Mapping} mapping
 * @param {number} index
 * @param {string} name
 * @param {{dataType: DataType, shape: readonly number[]}} operand
 * @param {string | undefined} signatureName
 * @returns {TensorInfo}
 */
function tensorInfo(mapping, index, name, { dataType: held, shape }, signatureName) {
  const tensor = mapping.tensor(index);
  const dataType = tensor.type === "INT16" && held === "int32" ? "int16" : held;
  const stored = isQuantized(tensor) && dataType !== "float32" ? tensor.quantization : null;
  const quantization = stored && {
    scale: stored.scale,
    zeroPoint: stored.zeroPoint,
    axis: stored.axis,
  };
  return {
    name,
    shape: [...shape],
    dataType,
    quantization,
    ...(signatureName && { signatureName }),
  };
}

// Operators.

/** @param {Mapping} mapping @param {"all" | readonly string[]} outputs asked for */
function mapOperators(mapping, outputs) {
  /** @type {Unsupported[]} */
  const unsupported = [];
  /** @type {Set<number>} outputs of unsupported operators that no operand can stand for */
  const missing = new Set();
  const { tensors } = mapping.subgraph;
  const named = tensors.flatMap(({ index, name }) =>
    outputs === "all" || outputs.includes(name) ? [index] : [],
  );
  const wanted = new Set([...mapping.subgraph.outputs, ...named]);
  for (const operator of foldDilations(mapping.subgraph, wanted)) {
    const known = entryOf(operator) !== undefined;
    const blocked = operator.inputs.some((index) => missing.has(index));
    try {
      if (!known) throw new UnsupportedError(reasonAgainst(operator));
      if (!blocked) mapOperator(mapping, operator);
      else for (const index of operator.outputs) missing.add(index);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      const tensor = mapping.tensor(operator.outputs[0] ?? operator.inputs[0])?.name ?? "";
      const { index, name } = operator;
      unsupported.push({ operator: index, operatorName: name, tensor, reason: error.message });
      for (const output of operator.outputs) stepOver(mapping, output, missing);
    }
  }
  if (unsupported.length > 0) {
    const got = `${unsupported.length} unsupported operator${unsupported.length > 1 ? "s" : ""}`;
    const [first] = unsupported;
    throw new TfliteError({ ...mapping.place, ...first }, got, "none", "supported operators", {
      unsupported,
    });
  }
}

/**
 * Let the operators behind an unsupported one be looked at as well: an input of the declared type
 * and shape takes the place of its output. The graph is not going to be built.
 *
 * @param {Mapping} mapping
 * @param {number} index
 * @param {Set<number>} missing
 */
function stepOver(mapping, index, missing) {
  try {
    const { shape } = mapping.tensor(index);
    mapping.setRaw(index, mapping.input(`unsupported ${index}`, mapping.dataType(index), shape));
  } catch {
    missing.add(index);
  }
}

/** @param {Mapping} mapping @param {Operator} operator */
function mapOperator(mapping, operator) {
  const { index, name } = operator;
  const entry = /** @type {import("./ops.js").Entry} */ (entryOf(operator));
  const place = { operator: index, operatorName: name };
  for (const side of /** @type {const} */ (["inputs", "outputs"])) {
    const [least, most] = entry[side];
    const count = operator[side].length;
    if (count < least || count > most) {
      const expected = least === most ? `${least}` : `${least} to ${most}`;
      throw mapping.error(place, `${count} ${side}`, expected, `operator ${side}`);
    }
  }
  const tensor = mapping.tensor(operator.outputs[0]).name;
  guarded(mapping, { ...place, tensor }, () => {
    const call = new OperatorCall(mapping, operator, entry.options);
    if (!foldStatic(call)) entry.map(call);
  });
  for (const output of operator.outputs) checkDeclared(mapping, operator, output);
}

/** What the file says of a result must be what the operators make of it. @param {Mapping} mapping
 * @param {Operator} operator @param {number} index */
function checkDeclared(mapping, operator, index) {
  const operand = mapping.known(index);
  const { name, shape } = mapping.tensor(index);
  if (!operand) return;
  const place = { operator: operator.index, operatorName: operator.name, tensor: name };
  const declared = mapping.dataType(index);
  if (operand.dataType !== declared) {
    throw mapping.error(place, `type ${declared}`, operand.dataType, "declared type");
  }
  // No dimensions: a scalar, or a rank left open. Another batch changes shapes everywhere.
  if (!mapping.batch && shape.length > 0 && String(shape) !== String(operand.shape)) {
    const expected = `[${operand.shape.join(", ")}], which its inputs give`;
    throw mapping.error(place, `shape [${shape.join(", ")}]`, expected, "declared shape");
  }
}

/**
 * Run `make`; what the builder refuses becomes an error that names the file's part.
 *
 * @template T
 * @param {Mapping} mapping
 * @param {import("./errors.js").Place} place
 * @param {() => T} make
 * @returns {T}
 */
function guarded(mapping, place, make) {
  try {
    return make();
  } catch (error) {
    if (error instanceof TfliteError || error instanceof UnsupportedError) throw error;
    const got = shown(/** @type {Error} */ (error).message, 500);
    const where = { ...mapping.place, ...place };
    throw new TfliteError(where, got, "a call WebNN accepts", "builder", { cause: error });
  }
}

/**
 * The same for a tensor at the border of the graph, which no operator can be blamed for.
 *
 * @template T
 * @param {Mapping} mapping
 * @param {number} index
 * @param {() => T} make
 * @returns {T}
 */
function supported(mapping, index, make) {
  const place = { tensor: mapping.tensor(index).name };
  try {
    return guarded(mapping, place, make);
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    throw mapping.error(place, error.message, "a tensor WebNN can hold", "supported types");
  }
}

// Outputs.

/**
 * @param {Mapping} mapping
 * @param {Signature | null} signature
 * @param {Signature | null} named
 * @param {MapOptions} options
 * @param {Names} names
 * @returns {Output[]}
 */
function mapOutputs(mapping, signature, named, options, names) {
  const own =
    named?.outputs ?? mapping.subgraph.outputs.map((tensor) => ({ tensor, name: undefined }));
  const chosen = [
    ...own.map(({ tensor, name }) => ({ index: tensor, name })),
    ...intermediates(mapping, options.outputs).map((index) => ({ index, name: undefined })),
  ];
  const signatureNames = namesByTensor(signature?.outputs);
  return chosen.map(({ index, name: given }) => {
    const signatureName = given ?? signatureNames.get(index);
    const name = names.unique(given ?? mapping.tensor(index).name, index);
    const origin = mapping.postprocesses.find((p) => p.outputs.includes(index));
    if (origin) {
      const result = origin.outputs.indexOf(index);
      const descriptor = /** @type {const} */ ({
        dataType: "float32",
        shape: origin.shapes[result],
      });
      const info = tensorInfo(mapping, index, name, descriptor, signatureName);
      return { info, postprocess: origin, result };
    }
    const operand = exported(mapping, index, name, options.floatOutputs ?? false);
    names.operands.set(name, operand);
    return { info: tensorInfo(mapping, index, name, operand, signatureName) };
  });
}

/**
 * @param {Mapping} mapping
 * @param {number} index
 * @param {string} name
 * @param {boolean} float
 * @returns {MLOperand}
 */
function exported(mapping, index, name, float) {
  const label = `output ${name}`;
  return supported(mapping, index, () => {
    const operand =
      float && mapping.isReal(index) ? mapping.float(index, label) : mapping.raw(index);
    return mapping.isLeaf(operand) ? mapping.call("identity", [operand], { label }) : operand;
  });
}

/**
 * @param {Mapping} mapping
 * @param {MapOptions["outputs"]} wanted
 * @returns {number[]} tensor indices
 */
function intermediates(mapping, wanted = []) {
  const { tensors, operators, outputs } = mapping.subgraph;
  const own = new Set(outputs);
  const made = operators.flatMap((operator) => operator.outputs).filter((index) => !own.has(index));
  if (wanted === "all") return made;
  return wanted.flatMap((name) => {
    if (outputs.some((index) => tensors[index].name === name)) return [];
    const index = made.find((candidate) => tensors[candidate].name === name);
    if (index !== undefined) return [index];
    const expected = "the name of an operator's output";
    throw mapping.error({}, `output ${quoted(name)}`, expected, "output name");
  });
}

/**
 * Output what the postprocesses read, under names of its own.
 *
 * @param {Mapping} mapping
 * @param {Names} names
 */
function mapFeeds(mapping, names) {
  return mapping.postprocesses.map((postprocess) => ({
    postprocess,
    feeds: postprocess.inputs.map((index) => {
      const name = names.unique(mapping.tensor(index).name, index);
      names.operands.set(name, exported(mapping, index, name, false));
      return name;
    }),
  }));
}
