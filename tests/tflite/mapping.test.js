// SPDX-License-Identifier: Apache-2.0
// Builder calls as golden text, one small model each.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { mapModel, parseModel, TfliteError } from "../../polyfill/tflite/loader.js";
import { FakeBuilder, FakeContext, limitsOf, print } from "./fake_webnn.js";
import { quantizedConvolution, tinyModel, writeModel } from "./model_writer.js";

function mapped(model, options, limits = limitsOf()) {
  const parsed = parseModel(writeModel(model), { fileName: "tiny.tflite" });
  const builder = new FakeBuilder(new FakeContext({ limits }));
  return {
    ...mapModel(parsed, builder, limits, options),
    text: print(builder).join("\n"),
    builder,
  };
}

/** A model of one operator between tensors of which the first input is the graph's. */
function oneOperator(name, tensors, options, inputs, outputs) {
  const names = Object.keys(tensors);
  const from = inputs ?? names.slice(0, -1);
  const to = outputs ?? names.slice(-1);
  const graph = { inputs: from.filter((n) => n && !tensors[n].data), outputs: to };
  return tinyModel({ tensors, operators: [[name, from, to, options]], ...graph });
}

const U8 = (shape, scale, zeroPoint) => ({ shape, type: "UINT8", scale, zeroPoint });
const I32 = (...values) => ({
  shape: [values.length],
  type: "INT32",
  data: Int32Array.from(values),
});

describe("builder calls", () => {
  test("quantized convolution: dequantize, conv2d, clamp, quantize", () => {
    assert.equal(
      mapped(quantizedConvolution()).text,
      `%0: uint8[1, 4, 4, 2] = input "x"
%1: float32[1, 1, 1, 1] = constant 0.5
%2: uint8[1, 1, 1, 1] = constant 128
%3: float32[1, 4, 4, 2] = dequantizeLinear(%0, %1, %2)  # 0 CONV_2D y
%4: uint8[3, 1, 1, 2] = constant 1 2 3 4 … (6)
%5: float32[1, 1, 1, 1] = constant 0.25
%6: uint8[1, 1, 1, 1] = constant 120
%7: float32[3, 1, 1, 2] = dequantizeLinear(%4, %5, %6)  # 0 CONV_2D y
%8: int32[3] = constant 10 -20 30
%9: float32[1] = constant 0.125
%10: int32[1] = constant 0
%11: float32[3] = dequantizeLinear(%8, %9, %10)  # 0 CONV_2D y
%12: float32[1, 2, 2, 3] = conv2d(%3, %7, strides: [2, 2], dilations: [1, 1], padding: [0, 0, 0, 0], groups: 1, inputLayout: nhwc, filterLayout: ohwi, bias: %11)  # 0 CONV_2D y
%13: float32[1, 2, 2, 3] = clamp(%12, minValue: 0, maxValue: 6)  # 0 CONV_2D y
%14: float32[1, 1, 1, 1] = constant 0.0235
%15: uint8[1, 1, 1, 1] = constant 0
%16: uint8[1, 2, 2, 3] = quantizeLinear(%13, %14, %15)  # 0 CONV_2D y`,
    );
  });

  test("per-channel filter; a bias without scales takes input × filter", () => {
    const model = quantizedConvolution({
      filter: { scale: [0.25, 0.5, 1], zeroPoint: [7, 8, 9] },
      bias: { scale: undefined },
      options: { fusedActivationFunction: "NONE" },
    });
    const { text } = mapped(model);
    assert.match(text, /%5: float32\[3, 1, 1, 1\] = constant 0\.25 0\.5 1\n/);
    assert.match(text, /%6: uint8\[3, 1, 1, 1\] = constant 7 8 9\n/);
    assert.match(text, /%9: float32\[3\] = constant 0\.125 0\.25 0\.5\n/);
    assert.match(text, /dequantizeLinear\(%8, %9, %10\)/);
  });

  test("a bias vector may carry the axis of its filter", () => {
    const scale = [0.1, 0.2, 0.3];
    const model = quantizedConvolution({ bias: { scale, zeroPoint: [0, 0, 0], axis: 3 } });
    assert.match(mapped(model).text, /float32\[3\] = constant 0\.1 0\.2 0\.3\n/);
  });

  test("concatenation of equal parameters stays in integers, of others goes through float", () => {
    const model = (scale) =>
      oneOperator(
        "CONCATENATION",
        { a: U8([1, 2], 0.5, 3), b: U8([1, 3], scale, 3), y: U8([1, 5], 0.5, 3) },
        { axis: -1 },
      );
    const calls = (text) => text.match(/(?<== )\w+(?=\()/g).join(" ");
    assert.equal(calls(mapped(model(0.5)).text), "concat");
    const through = "dequantizeLinear dequantizeLinear concat quantizeLinear";
    assert.equal(calls(mapped(model(0.25)).text), through);
    const limited = limitsOf({ concat: ["float32", "float16", "int32"] });
    assert.equal(calls(mapped(model(0.5), {}, limited).text), through);
  });

  test("plain bytes that WebNN cannot move travel as int32", () => {
    const tensors = {
      x: { shape: [2, 3], type: "BOOL" },
      p: I32(1, 0),
      y: { shape: [3, 2], type: "BOOL" },
    };
    const { text } = mapped(
      oneOperator("TRANSPOSE", tensors),
      {},
      limitsOf({ transpose: ["int32"] }),
    );
    assert.match(text, /cast\(%0, int32\).*\n.*transpose\(%1.*\n.*cast\(%2, uint8\)/);
  });

  test("resize with aligned corners: gather, gather, sub, mul, add per axis", () => {
    const tensors = { x: { shape: [1, 2, 3, 1] }, size: I32(4, 3), y: { shape: [1, 4, 3, 1] } };
    assert.equal(
      mapped(oneOperator("RESIZE_BILINEAR", tensors, { alignCorners: true })).text,
      `%0: float32[1, 2, 3, 1] = input "x"
%1: int32[4] = constant 0 0 0 1
%2: float32[1, 4, 3, 1] = gather(%0, %1, axis: 1)  # 0 RESIZE_BILINEAR y
%3: int32[4] = constant 1 1 1 1
%4: float32[1, 4, 3, 1] = gather(%0, %3, axis: 1)  # 0 RESIZE_BILINEAR y
%5: float32[1, 4, 1, 1] = constant 0 0.333333 0.666667 0
%6: float32[1, 4, 3, 1] = sub(%4, %2)  # 0 RESIZE_BILINEAR y
%7: float32[1, 4, 3, 1] = mul(%6, %5)  # 0 RESIZE_BILINEAR y
%8: float32[1, 4, 3, 1] = add(%2, %7)  # 0 RESIZE_BILINEAR y`,
    );
  });

  test("resize with half pixels is resample2d", () => {
    const tensors = { x: { shape: [1, 2, 3, 1] }, size: I32(4, 3), y: { shape: [1, 4, 3, 1] } };
    const { text } = mapped(oneOperator("RESIZE_BILINEAR", tensors, { halfPixelCenters: true }));
    assert.match(text, /= resample2d\(%0, mode: linear, sizes: \[4, 3\], axes: \[1, 2\]\)/);
  });

  test("nearest neighbours: resample2d where it chooses the same for certain, else gather", () => {
    const resize = (size, options) => {
      const [h, w] = size;
      const tensors = { x: U8([1, 4, 4, 1], 1, 0), size: I32(h, w), y: U8([1, h, w, 1], 1, 0) };
      return mapped(oneOperator("RESIZE_NEAREST_NEIGHBOR", tensors, options)).text;
    };
    assert.match(resize([8, 8], {}), /resample2d\(%0, mode: nearest-neighbor/);
    assert.match(resize([8, 8], { halfPixelCenters: true }), /resample2d\(%0/);
    // A centre between two elements, and the corners' rule.
    assert.match(resize([2, 4], {}), /constant 0 2\n.*gather\(%0, %1, axis: 1\)/);
    assert.match(resize([2, 4], { halfPixelCenters: true }), /constant 1 3\n/);
    assert.match(resize([7, 4], { alignCorners: true }), /constant 0 1 1 2 … \(7\)\n/);
  });

  test("fully connected: flattened and given back its dimensions in integers", () => {
    const tensors = {
      x: { shape: [2, 1, 3], type: "INT8", scale: 0.5, zeroPoint: 0 },
      w: { shape: [4, 3], type: "INT8", scale: 0.25, zeroPoint: 0, data: new Int8Array(12) },
      y: { shape: [2, 1, 4], type: "INT8", scale: 1, zeroPoint: 0 },
    };
    const model = oneOperator("FULLY_CONNECTED", tensors, { keepNumDims: true }, ["x", "w", null]);
    const calls = mapped(model)
      .text.match(/(?<== )\w+(?=\()/g)
      .join(" ");
    assert.equal(calls, "reshape dequantizeLinear dequantizeLinear gemm quantizeLinear reshape");
  });

  test("argmax of a quantized tensor, with the type the model asks for", () => {
    const tensors = { x: U8([1, 5], 0.5, 3), axis: I32(-1), y: { shape: [1], type: "INT64" } };
    const model = oneOperator("ARG_MAX", tensors, { outputType: "INT64" });
    assert.match(
      mapped(model).text,
      /int64\[1\] = argMax\(%3, 1, keepDimensions: false, outputDataType: int64\)/,
    );
    const { text } = mapped(model, {}, limitsOf({ argOutput: ["int32"] }));
    assert.match(text, /int32\[1\] = argMax\(.*outputDataType: int32\).*\n.*cast\(%4, int64\)/);
  });

  test("half-precision constants are cast once", () => {
    const half = { type: "FLOAT16", data: Uint16Array.of(0x3c00, 0x4000) };
    const model = tinyModel({
      tensors: {
        x: { shape: [2] },
        h: { shape: [2], ...half },
        f: { shape: [2] },
        s: { shape: [2] },
        y: { shape: [2] },
      },
      operators: [
        ["DEQUANTIZE", ["h"], ["f"]],
        ["ADD", ["x", "f"], ["s"], { fusedActivationFunction: "RELU" }],
        ["MUL", ["s", "f"], ["y"], {}],
      ],
      inputs: ["x"],
      outputs: ["y"],
    });
    assert.equal(
      mapped(model).text,
      `%0: float32[2] = input "x"
%1: float16[2] = constant 15360 16384
%2: float32[2] = cast(%1, float32)  # 0 DEQUANTIZE f
%3: float32[2] = add(%0, %2)  # 1 ADD s
%4: float32[2] = relu(%3)  # 1 ADD s
%5: float32[2] = mul(%4, %2)  # 2 MUL y`,
    );
  });

  test("requantization between types", () => {
    const tensors = {
      x: U8([2], 0.5, 128),
      y: { shape: [2], type: "INT8", scale: 0.5, zeroPoint: 0 },
    };
    const calls = mapped(oneOperator("QUANTIZE", tensors)).text.match(/(?<== )\w+(?=\()/g);
    assert.deepEqual(calls, ["dequantizeLinear", "quantizeLinear"]);
  });

  test("int4 weights are widened", () => {
    const tensors = {
      w: { shape: [3], type: "INT4", scale: 1, zeroPoint: 0, data: Uint8Array.of(0x8f, 0x07) },
      y: { shape: [3] },
    };
    const { text } = mapped(oneOperator("DEQUANTIZE", tensors));
    assert.match(text, /int8\[3\] = constant -1 -8 7\n/);
  });

  test("padding a quantized tensor pads with what stands for zero", () => {
    const tensors = {
      x: U8([1, 2], 0.5, 7),
      p: { shape: [2, 2], type: "INT32", data: Int32Array.of(0, 0, 1, 2) },
      y: U8([1, 5], 0.5, 7),
    };
    const { text } = mapped(oneOperator("PAD", tensors));
    assert.match(text, /pad\(%3, \[0, 1\], \[0, 2\], mode: constant, value: 0\)/);
  });
});

describe("inputs and outputs", () => {
  const relu = (x, y) => oneOperator("RELU", { x, y });

  test("float inputs and outputs are converted in the graph", () => {
    const model = relu(U8([2], 0.5, 3), U8([2], 0.5, 3));
    const { text, inputs, outputs } = mapped(model, { floatInputs: true, floatOutputs: true });
    assert.match(
      text,
      /^%0: float32\[2\] = input "x"\n.*\n.*\n%3: uint8\[2\] = quantizeLinear\(%0, %1, %2\) {2}# input x\n/,
    );
    assert.match(text, /dequantizeLinear\(%6, %1, %2\) {2}# output y$/);
    assert.deepEqual([inputs[0].info.dataType, inputs[0].info.quantization], ["float32", null]);
    assert.deepEqual([outputs[0].info.dataType, outputs[0].info.quantization], ["float32", null]);
  });

  test("quantization is reported where values are stored", () => {
    const { inputs } = mapped(relu(U8([2], 0.5, 3), U8([2], 0.25, 4)));
    assert.deepEqual(inputs[0].info.quantization, { scale: [0.5], zeroPoint: [3], axis: 0 });
  });

  test("an output that is an input or a constant is copied", () => {
    const tensors = {
      x: { shape: [2] },
      c: { shape: [1], data: Float32Array.of(1) },
      y: { shape: [2] },
    };
    const model = tinyModel({
      tensors,
      operators: [["RELU", ["x"], ["y"]]],
      inputs: ["x"],
      outputs: ["x", "c", "y"],
    });
    const { text, outputs } = mapped(model);
    assert.match(text, /identity\(%0\) {2}# output x\n.*\n.*identity\(%3\) {2}# output c$/);
    assert.deepEqual(
      outputs.map(({ info }) => info.name),
      ["x", "c", "y"],
    );
  });

  test("equal and missing names are made different", () => {
    const model = tinyModel({
      tensors: { x: { shape: [2] }, y: { shape: [2] }, z: { shape: [2] } },
      operators: [
        ["RELU", ["x"], ["y"]],
        ["ABS", ["x"], ["z"]],
      ],
      inputs: ["x"],
      outputs: ["y", "z", "y"],
    });
    const { tensors } = model.subgraphs[0];
    tensors[0].name = undefined;
    tensors[1].name = tensors[2].name = "__proto__";
    const { inputs, outputs } = mapped(model);
    assert.deepEqual(
      inputs.map(({ info }) => info.name),
      ["tensor 0"],
    );
    assert.deepEqual(
      outputs.map(({ info }) => info.name),
      ["__proto__", "__proto__#2", "__proto__#3"],
    );
  });

  test("a signature gives names and order", () => {
    const model = tinyModel({
      tensors: { x: { shape: [2] }, y: { shape: [2] }, z: { shape: [2] } },
      operators: [
        ["RELU", ["x"], ["y"]],
        ["ABS", ["x"], ["z"]],
      ],
      inputs: ["x"],
      outputs: ["y", "z"],
      signatureDefs: [
        {
          signatureKey: "serve",
          inputs: [{ name: "image", tensorIndex: 0 }],
          outputs: [
            { name: "second", tensorIndex: 2 },
            { name: "first", tensorIndex: 1 },
          ],
        },
      ],
    });
    const plain = mapped(model);
    assert.deepEqual(
      plain.outputs.map(({ info }) => [info.name, info.signatureName]),
      [
        ["y", "first"],
        ["z", "second"],
      ],
    );
    const named = mapped(model, { signature: "serve" });
    assert.deepEqual(
      named.inputs.map(({ info }) => info.name),
      ["image"],
    );
    assert.deepEqual(
      named.outputs.map(({ info }) => info.name),
      ["second", "first"],
    );
    assert.throws(() => mapped(model, { signature: "no" }), { rule: "signature" });
  });

  test("intermediate tensors on request", () => {
    const model = tinyModel({
      tensors: { x: { shape: [2] }, m: { shape: [2] }, n: { shape: [2] }, y: { shape: [2] } },
      operators: [
        ["RELU", ["x"], ["m"]],
        ["ABS", ["m"], ["n"]],
        ["NEG", ["n"], ["y"]],
      ],
      inputs: ["x"],
      outputs: ["y"],
    });
    const names = (options) => mapped(model, options).outputs.map(({ info }) => info.name);
    assert.deepEqual(names({ outputs: "all" }), ["y", "m", "n"]);
    assert.deepEqual(names({ outputs: ["n", "y"] }), ["y", "n"]);
    assert.throws(() => names({ outputs: ["q"] }), { rule: "output name", message: /output "q"/ });
  });

  test("an input that nothing needs is not used", () => {
    const model = tinyModel({
      tensors: { x: { shape: [2] }, u: { shape: [2] }, y: { shape: [2] } },
      operators: [["RELU", ["x"], ["y"]]],
      inputs: ["x", "u"],
      outputs: ["y"],
    });
    assert.deepEqual(
      mapped(model).inputs.map(({ used }) => used),
      [true, false],
    );
  });
});

describe("what cannot be mapped", () => {
  test("is listed whole, with what lies behind", () => {
    const model = tinyModel({
      tensors: { x: { shape: [2] }, a: { shape: [2] }, b: { shape: [2] }, y: { shape: [2] } },
      operators: [
        ["!Strange", ["x"], ["a"], Uint8Array.of(1)],
        ["RELU", ["a"], ["b"], undefined],
        ["WHERE", ["b"], ["y"]],
      ],
      inputs: ["x"],
      outputs: ["y"],
    });
    assert.throws(
      () => mapped(model),
      (error) => {
        assert.ok(error instanceof TfliteError);
        assert.equal(
          error.message,
          'tiny.tflite: subgraph 0, op 0 Strange, tensor "a": got 2 unsupported operators, ' +
            "expected none (supported operators).\n" +
            '  op 0 Strange, tensor "a": a custom operator that octet does not know\n' +
            '  op 2 WHERE, tensor "y": the shape of its result depends on the data, and ' +
            "WebNN's are fixed",
        );
        assert.deepEqual(
          error.unsupported.map((u) => u.operator),
          [0, 2],
        );
        return true;
      },
    );
  });

  for (const [name, reason] of [
    ["VAR_HANDLE", /keeps a state from run to run/],
    ["WHILE", /has no branches/],
    ["HASHTABLE", /strings and tables/],
    ["RANDOM_UNIFORM", /draws random numbers/],
    ["!FlexErf", /an operator of TensorFlow itself/],
    ["ATAN2", /no counterpart in WebNN/],
  ]) {
    test(`${name}, with the reason`, () => {
      const model = oneOperator(
        name,
        { x: { shape: [2] }, y: { shape: [2] } },
        name.startsWith("!") ? Uint8Array.of(1) : undefined,
      );
      assert.throws(() => mapped(model), { name: "TfliteError", message: reason });
    });
  }

  test("by its parameters, too", () => {
    const tensors = { x: { shape: [2] }, p: { shape: [1], type: "INT32" }, y: { shape: [2] } };
    const model = oneOperator("TRANSPOSE", tensors);
    assert.throws(
      () => mapped(model),
      /op 0 TRANSPOSE, tensor "y": permutation computed at run time/,
    );
  });

  test("tensor types without counterpart", () => {
    const tensors = { x: { shape: [2], type: "UINT16" }, y: { shape: [2] } };
    assert.throws(() => mapped(oneOperator("DEQUANTIZE", tensors)), {
      name: "TfliteError",
      rule: "supported types",
      message: /tensor "x": got UINT16, which WebNN does not have/,
    });
  });
});
