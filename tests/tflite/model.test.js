// SPDX-License-Identifier: Apache-2.0
// What a file may not be: each case one error that names file, place and rule.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { mapModel, parseModel, TfliteError } from "../../polyfill/tflite/loader.js";
import { FakeBuilder, FakeContext } from "./fake_webnn.js";
import { quantizedConvolution, tinyModel, writeModel } from "./model_writer.js";

const OPTIONS = { fileName: "bad.tflite" };

function load(bytes, options = OPTIONS) {
  const context = new FakeContext();
  const model = parseModel(bytes, options);
  return mapModel(model, new FakeBuilder(context), context.opSupportLimits());
}

/** The error of a quantized convolution after `change`d its records. */
function refusal(change, options) {
  const model = quantizedConvolution();
  change(model.subgraphs[0], model);
  try {
    load(writeModel(model), options);
  } catch (error) {
    return error;
  }
  throw new Error("accepted");
}

const X = 0;
const FILTER = 1;
const BIAS = 2;
const Y = 3;

/** [name, change, rule, message after the file name]. */
const MALFORMED = [
  [
    "another version",
    (_, model) => (model.version = 2),
    "format version",
    "got version 2, expected 3 (format version).",
  ],
  [
    "no subgraph",
    (_, model) => (model.subgraphs = []),
    "subgraphs",
    "got no subgraph, expected at least one (subgraphs).",
  ],
  [
    "operator code of a newer schema",
    (_, model) => (model.operatorCodes[0].builtinCode = 5000),
    "operator code",
    /^model\.operatorCodes\[0\]: got 5000, expected 0 to \d+ \(operator code\)\.$/,
  ],
  [
    "operator code index",
    (graph) => (graph.operators[0].opcodeIndex = 1),
    "operator code index",
    "subgraph 0, op 0 ?: got code index 1, expected below 1 (operator code index).",
  ],
  [
    "tensor index of an operator",
    (graph) => (graph.operators[0].inputs[1] = 4),
    "tensor index",
    "subgraph 0, op 0 CONV_2D: got input tensor 4, expected -1 to 3 (tensor index).",
  ],
  [
    "tensor index of the graph",
    (graph) => (graph.outputs[0] = -1),
    "tensor index",
    "subgraph 0: got output tensor -1, expected 0 to 3 (tensor index).",
  ],
  [
    "an input twice",
    (graph) => graph.inputs.push(X),
    "graph inputs",
    "subgraph 0: got inputs [0, 0], expected each once (graph inputs).",
  ],
  [
    "an output of two operators",
    (graph) => graph.operators.push(graph.operators[0]),
    "one origin",
    'subgraph 0, op 1 CONV_2D, tensor "y": got an output that is the output of another operator, ' +
      "too, expected a tensor of its own (one origin).",
  ],
  [
    "an output that is a constant",
    (graph) => (graph.operators[0].outputs[0] = FILTER),
    "one origin",
    'subgraph 0, op 0 CONV_2D, tensor "filter": got an output that is a constant, expected a ' +
      "tensor of its own (one origin).",
  ],
  [
    "an output that is an input",
    (graph) => (graph.operators[0].outputs[0] = X),
    "one origin",
    /tensor "x": got an output that is an input of the graph/,
  ],
  [
    "a value used before it is made",
    (graph) => (graph.operators[0].inputs[2] = Y),
    "operator order",
    'subgraph 0, op 0 CONV_2D, tensor "y": got a tensor without value, expected an input, a ' +
      "constant or the result of an earlier operator (operator order).",
  ],
  [
    "an output that nothing makes",
    (graph) => (graph.operators = []),
    "operator order",
    /^subgraph 0, tensor "y": got a tensor without value/,
  ],
  [
    "buffer index",
    (graph) => (graph.tensors[FILTER].buffer = 9),
    "buffer index",
    'subgraph 0, tensor "filter": got buffer 9, expected below 3 (buffer index).',
  ],
  [
    "buffer length",
    (graph) => (graph.tensors[FILTER].shape = [3, 1, 1, 3]),
    "buffer length",
    'subgraph 0, tensor "filter": got 6 bytes of data, expected 9 (9 elements of UINT8) (buffer length).',
  ],
  [
    "buffer outside the file",
    (_, model) => (model.buffers[1] = { offset: 1 << 20, size: 6 }),
    "inside the file",
    /^model\.buffers\[1\]: got 6 bytes at 1048576, expected inside the file's \d+ \(inside the file\)\.$/,
  ],
  [
    "negative dimension",
    (graph) => (graph.tensors[X].shape = [1, -1, 4, 2]),
    "static shape",
    'subgraph 0, tensor "x": got shape [1, -1, 4, 2], expected dimensions of at least 0 (static shape).',
  ],
  [
    "elements beyond any tensor",
    (graph) => (graph.tensors[X].shape = [65536, 65536, 65536, 65536, 0]),
    "limit elements",
    'subgraph 0, tensor "x": got shape [65536, 65536, 65536, 65536, 0], expected at most ' +
      "2147483647 elements (limit elements).",
  ],
  [
    "tensor type of a newer schema",
    (graph) => (graph.tensors[X].type = 77),
    "known TensorType",
    /^model\.subgraphs\[0\]\.tensors\[0\]\.type: got 77, expected 0 to \d+ \(known TensorType\)\.$/,
  ],
  [
    "unknown padding",
    (graph) => (graph.operators[0].builtinOptions.padding = 2),
    "known Padding",
    "model.subgraphs[0].operators[0].builtinOptions.padding: got 2, expected 0 to 1 (known Padding).",
  ],
  [
    "scale 0",
    (graph) => (graph.tensors[X].quantization.scale = [0]),
    "scale",
    'subgraph 0, tensor "x": got scale 0, expected finite and at least 1.18e-38 (scale).',
  ],
  [
    "scale below the normal floats",
    (graph) => (graph.tensors[X].quantization.scale = [2 ** -127]),
    "scale",
    /got scale 5\.877/,
  ],
  [
    "infinite scale",
    (graph) => (graph.tensors[X].quantization.scale = [Infinity]),
    "scale",
    /got scale Infinity/,
  ],
  [
    "shape signature of another rank",
    (graph) => (graph.tensors[X].shapeSignature = [-1, 4, 4]),
    "shape signature",
    'subgraph 0, tensor "x": got shape signature [-1, 4, 4], expected [1, 4, 4, 2], with -1 for ' +
      "dynamic dimensions (shape signature).",
  ],
  [
    "shape signature of another shape",
    (graph) => (graph.tensors[X].shapeSignature = [-1, 4, -2, 2]),
    "shape signature",
    /got shape signature \[-1, 4, -2, 2\]/,
  ],
  [
    "scale NaN",
    (graph) => (graph.tensors[X].quantization.scale = [Number.NaN]),
    "scale",
    /got scale NaN/,
  ],
  [
    "zero point out of range",
    (graph) => (graph.tensors[X].quantization.zeroPoint = [256]),
    "zero point range",
    'subgraph 0, tensor "x": got zero point 256, expected 0 to 255 for UINT8 (zero point range).',
  ],
  [
    "zero point of a bias",
    (graph) => (graph.tensors[BIAS].quantization.zeroPoint = [1]),
    "zero point range",
    'subgraph 0, tensor "bias": got zero point 1, expected 0 for INT32 (zero point range).',
  ],
  [
    "fewer zero points than scales",
    (graph) => (graph.tensors[X].quantization.zeroPoint = []),
    "zero point count",
    'subgraph 0, tensor "x": got 0 zero points, expected 1, one per scale (zero point count).',
  ],
  [
    "quantization axis",
    (graph) => {
      const { quantization } = graph.tensors[FILTER];
      Object.assign(quantization, {
        scale: [1, 1, 1],
        zeroPoint: [0, 0, 0],
        quantizedDimension: 4,
      });
    },
    "quantization axis",
    'subgraph 0, tensor "filter": got quantized dimension 4, expected 0 to 3 (quantization axis).',
  ],
  [
    "scales that are not one per channel",
    (graph) => {
      const { quantization } = graph.tensors[FILTER];
      Object.assign(quantization, { scale: [1, 1], zeroPoint: [0, 0], quantizedDimension: 0 });
    },
    "scale count",
    'subgraph 0, tensor "filter": got 2 scales, expected 3 (dimension 0 of [3, 1, 1, 2]) (scale count).',
  ],
  [
    "options of another operator",
    (graph) => {
      graph.operators[0].builtinOptionsType = "Pool2DOptions";
      graph.operators[0].builtinOptions = { padding: "SAME", strideW: 1, strideH: 1 };
    },
    "operator options",
    "subgraph 0, op 0 CONV_2D: got Pool2DOptions, expected Conv2DOptions (operator options).",
  ],
  [
    "too few inputs",
    (graph) => (graph.operators[0].inputs = [X]),
    "operator inputs",
    "subgraph 0, op 0 CONV_2D: got 1 inputs, expected 2 to 3 (operator inputs).",
  ],
  [
    "a required input left out",
    (graph) => (graph.operators[0].inputs[1] = -1),
    "operator inputs",
    "subgraph 0, op 0 CONV_2D: got no input 1, expected a tensor (operator inputs).",
  ],
  [
    "stride 0",
    (graph) => (graph.operators[0].builtinOptions.strideH = 0),
    "strides",
    "subgraph 0, op 0 CONV_2D: got strides [0,2], expected at least 1 (strides).",
  ],
  [
    "rank",
    (graph) => (graph.tensors[X].shape = [4, 4, 2]),
    "rank",
    'subgraph 0, op 0 CONV_2D, tensor "x": got shape [4, 4, 2], expected rank 4 (rank).',
  ],
  [
    "channels that do not fit",
    (graph) => (graph.tensors[X].shape = [1, 4, 4, 3]),
    "groups",
    'subgraph 0, op 0 CONV_2D, tensor "filter": got 2 filter input channels, expected a divisor ' +
      "of the input's 3 (groups).",
  ],
  [
    "bias of another size",
    (graph, model) => {
      graph.tensors[BIAS].shape = [2];
      model.buffers[graph.tensors[BIAS].buffer].data = new Uint8Array(8);
    },
    "bias size",
    'subgraph 0, op 0 CONV_2D, tensor "bias": got 2 elements, expected 3 (output channels) (bias size).',
  ],
  [
    "a declared shape that the inputs do not give",
    (graph) => (graph.tensors[Y].shape = [1, 4, 4, 3]),
    "declared shape",
    'subgraph 0, op 0 CONV_2D, tensor "y": got shape [1, 4, 4, 3], expected [1, 2, 2, 3], which ' +
      "its inputs give (declared shape).",
  ],
  [
    "a window larger than its input",
    (graph) => {
      graph.operators[0].builtinOptions.padding = "VALID";
      graph.tensors[X].shape = [1, 1, 4, 2];
      graph.operators[0].builtinOptions.dilationHFactor = 0;
    },
    "dilations",
    "subgraph 0, op 0 CONV_2D: got dilations [0,1], expected at least 1 (dilations).",
  ],
  [
    "no outputs",
    (graph) => (graph.outputs = []),
    "graph outputs",
    "subgraph 0: got no outputs, expected at least one (graph outputs).",
  ],
  [
    "a signature of another subgraph",
    (_, model) => (model.signatureDefs = [{ signatureKey: "s", subgraphIndex: 1 }]),
    "subgraph index",
    "model.signatureDefs[0]: got subgraph 1, expected below 1 (subgraph index).",
  ],
  [
    "a signature of other tensors",
    (_, model) => {
      model.signatureDefs = [{ signatureKey: "s", inputs: [{ name: "i", tensorIndex: 3 }] }];
    },
    "signature inputs",
    'model.signatureDefs[0]: got tensor 3 for "i", expected one of the subgraph\'s inputs [0] (signature inputs).',
  ],
];

describe("malformed models", () => {
  for (const [name, change, rule, message] of MALFORMED) {
    test(name, () => {
      const error = refusal(change);
      assert.ok(error instanceof TfliteError, error.stack);
      assert.equal(error.rule, rule, error.message);
      assert.equal(error.file, "bad.tflite");
      const rest = error.message.replace(/^bad\.tflite: /, "");
      if (typeof message === "string") assert.equal(rest, message);
      else assert.match(rest, message);
    });
  }

  test("fields say where", () => {
    const error = refusal((graph) => (graph.tensors[Y].shape = [2]));
    const { subgraph, operator, operatorName, tensor } = error;
    assert.deepEqual([subgraph, operator, operatorName, tensor], [0, 0, "CONV_2D", "y"]);
  });

  test("names are made printable", () => {
    const error = refusal((graph) => {
      graph.tensors[X].name = `\u202e\n"${"long".repeat(100)}`;
      graph.tensors[X].shape = [2];
    });
    assert.ok(error.message.length < 300);
    assert.doesNotMatch(error.message, /[\n\u202e]/);
  });

  test("what the builder refuses names the operator and keeps the reason", () => {
    const model = tinyModel({
      tensors: { a: { shape: [2] }, b: { shape: [3] }, y: { shape: [2] } },
      operators: [["ADD", ["a", "b"], ["y"], {}]],
      inputs: ["a", "b"],
      outputs: ["y"],
    });
    assert.throws(
      () => load(writeModel(model)),
      (error) => {
        assert.equal(error.rule, "builder");
        assert.match(error.message, /op 0 ADD, tensor "y": got broadcast \[2\] with \[3\]/);
        assert.ok(error.cause instanceof TypeError);
        return true;
      },
    );
  });
});

describe("limits", () => {
  const bytes = writeModel(quantizedConvolution());

  test("can be lowered", () => {
    const rule = (limits) => {
      try {
        return load(bytes, { ...OPTIONS, limits });
      } catch (error) {
        return error.rule;
      }
    };
    assert.equal(rule({ bytes: bytes.length - 1 }), "limit bytes");
    assert.equal(rule({ tensors: 3 }), "limit tensors");
    assert.equal(rule({ operators: 0 }), "limit operators");
    assert.equal(rule({ elements: 31 }), "limit elements");
    assert.equal(rule({ subgraphs: 0 }), "limit subgraphs");
    assert.equal(rule({ rank: 3 }), "limit rank");
    assert.equal(rule({ totalElements: 32 + 6 + 3 + 12 - 1 }), "limit totalElements");
    assert.equal(
      typeof rule({ bytes: bytes.length, tensors: 4, operators: 1, elements: 32 }),
      "object",
    );
  });

  test("have known names", () => {
    assert.throws(
      () => load(bytes, { limits: { depth: 1 } }),
      /limits: got depth, expected bytes, /,
    );
  });
});

describe("records", () => {
  test("are frozen and plain", () => {
    const model = parseModel(writeModel(quantizedConvolution()), OPTIONS);
    const [subgraph] = model.subgraphs;
    const [operator] = subgraph.operators;
    const everything = [
      model,
      subgraph,
      operator,
      operator.options,
      ...subgraph.tensors,
      subgraph.tensors,
    ];
    assert.ok(everything.every(Object.isFrozen));
    assert.equal(operator.name, "CONV_2D");
    assert.equal(operator.options.fusedActivationFunction, "RELU6");
    assert.equal(operator.options.dilationHFactor, 1);
    assert.deepEqual(subgraph.tensors[FILTER].quantization.zeroPoint, [120]);
    assert.deepEqual([...subgraph.tensors[FILTER].data], [1, 2, 3, 4, 5, 6]);
    assert.equal(subgraph.tensors[X].data, null);
  });

  test("old and new operator codes", () => {
    const model = quantizedConvolution();
    model.operatorCodes[0].builtinCode = 0;
    assert.equal(parseModel(writeModel(model)).operatorCodes[0].name, "CONV_2D");
    Object.assign(model.operatorCodes[0], { deprecatedBuiltinCode: 127, builtinCode: 150 });
    assert.equal(parseModel(writeModel(model)).operatorCodes[0].name, "GELU");
  });

  test("data beyond the FlatBuffer", () => {
    const model = quantizedConvolution();
    const { data } = model.buffers[1];
    model.buffers[1] = { offset: 1 << 16, size: data.length };
    const bytes = new Uint8Array((1 << 16) + data.length);
    bytes.set(writeModel(model));
    bytes.set(data, 1 << 16);
    assert.deepEqual([...parseModel(bytes).subgraphs[0].tensors[FILTER].data], [...data]);
  });

  test("bytes at any alignment", () => {
    const plain = writeModel(quantizedConvolution());
    const shifted = new Uint8Array(plain.length + 3);
    shifted.set(plain, 3);
    const model = parseModel(shifted.subarray(3));
    assert.equal(model.subgraphs[0].tensors[FILTER].quantization.scale[0], 0.25);
    load(shifted.subarray(3));
  });
});
