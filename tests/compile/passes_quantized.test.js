// SPDX-License-Identifier: Apache-2.0
// Passes over quantized graphs, before and after, as text.

import { testPasses } from "../support/passes.js";

testPasses([
  [
    "move quantization",
    "bytes are moved",
    (b, s) => {
      const x = s.dq(s.input("x", "uint8", [2, 3]), 0.5, 3);
      return s.q(b.reshape(b.transpose(x), [6]), 0.25, 4);
    },
    `
%x = input uint8[2,3]
%1: float32[2,3] = dequantizeLinear(%x, (const float32[1,1] 0.5), (const uint8[1,1] 3))
%2: float32[3,2] = transpose(%1, permutation=[1,0])
%3: float32[6] = reshape(%2, newShape=[6])
%4: uint8[6] = quantizeLinear(%3, (const float32[1] 0.25), (const uint8[1] 4))
output y = %4
`,
    `
%x = input uint8[2,3]
%1: uint8[3,2] = transpose(%x, permutation=[1,0])
%2: uint8[6] = reshape(%1, newShape=[6])
%3: float32[6] = dequantizeLinear(%2, (const float32[1] 0.5), (const uint8[1] 3))
%4: uint8[6] = quantizeLinear(%3, (const float32[1] 0.25), (const uint8[1] 4))
output y = %4
`,
  ],
  [
    "move quantization",
    "a maximum is one of bytes, and so is its index",
    (b, s) => {
      const x = s.dq(s.input("x", "uint8", [1, 4, 4, 2]), 0.5, 3);
      return { y: b.maxPool2d(x, { layout: "nhwc", windowDimensions: [2, 2] }), z: b.argMax(x, 3) };
    },
    `
%x = input uint8[1,4,4,2]
%1: float32[1,4,4,2] = dequantizeLinear(%x, (const float32[1,1,1,1] 0.5), (const uint8[1,1,1,1] 3))
%2: int32[1,4,4] = argMax(%1, axis=3, keepDimensions=false, outputDataType=int32)
%3: float32[1,3,3,2] = maxPool2d(%1, layout=nhwc, outputShapeRounding=floor, windowDimensions=[2,2], padding=[0,0,0,0], strides=[1,1], dilations=[1,1])
output y = %3
output z = %2
`,
    `
%x = input uint8[1,4,4,2]
%1: int32[1,4,4] = argMax(%x, axis=3, keepDimensions=false, outputDataType=int32)
%2: uint8[1,3,3,2] = maxPool2d(%x, layout=nhwc, outputShapeRounding=floor, windowDimensions=[2,2], padding=[0,0,0,0], strides=[1,1], dilations=[1,1])
%3: float32[1,3,3,2] = dequantizeLinear(%2, (const float32[1,1,1,1] 0.5), (const uint8[1,1,1,1] 3))
output y = %3
output z = %1
`,
  ],
  [
    "move quantization",
    "padding by a number that a byte can be",
    (b, s) => {
      const x = s.dq(s.input("x", "uint8", [2]), 0.5, 3);
      return { y: b.pad(x, [1], [0], { value: -1.5 }), z: b.pad(x, [1], [0], { value: 0.3 }) };
    },
    `
%x = input uint8[2]
%1: float32[2] = dequantizeLinear(%x, (const float32[1] 0.5), (const uint8[1] 3))
%2: float32[3] = pad(%1, beginningPadding=[1], endingPadding=[0], mode=constant, value=0.3)
%3: float32[3] = pad(%1, beginningPadding=[1], endingPadding=[0], mode=constant, value=-1.5)
output y = %3
output z = %2
`,
    `
%x = input uint8[2]
%1: float32[2] = dequantizeLinear(%x, (const float32[1] 0.5), (const uint8[1] 3))
%2: float32[3] = pad(%1, beginningPadding=[1], endingPadding=[0], mode=constant, value=0.3)
%3: uint8[3] = pad(%x, beginningPadding=[1], endingPadding=[0], mode=constant, value=0)
%4: float32[3] = dequantizeLinear(%3, (const float32[1] 0.5), (const uint8[1] 3))
output y = %4
output z = %2
`,
  ],
  [
    "move quantization",
    "quantize rises through concat and what moves",
    (b, s) => {
      const x = b.relu(s.input("x", "float32", [2, 2]));
      const y = s.dq(s.input("y", "uint8", [2, 2]), 0.5, 3);
      return s.q(b.slice(b.concat([x, y], 0), [1, 0], [2, 2]), 0.25, 4);
    },
    `
%x = input float32[2,2]
%y = input uint8[2,2]
%2: float32[2,2] = dequantizeLinear(%y, (const float32[1,1] 0.5), (const uint8[1,1] 3))
%3: float32[2,2] = relu(%x)
%4: float32[4,2] = concat(%3, %2, axis=0)
%5: float32[2,2] = slice(%4, starts=[1,0], sizes=[2,2], strides=[1,1])
%6: uint8[2,2] = quantizeLinear(%5, (const float32[1,1] 0.25), (const uint8[1,1] 4))
output y = %6
`,
    `
%x = input float32[2,2]
%y = input uint8[2,2]
%2: float32[2,2] = dequantizeLinear(%y, (const float32[1,1] 0.5), (const uint8[1,1] 3))
%3: float32[2,2] = relu(%x)
%4: uint8[2,2] = quantizeLinear(%3, (const float32[1,1] 0.25), (const uint8[1,1] 4))
%5: uint8[2,2] = quantizeLinear(%2, (const float32[1,1] 0.25), (const uint8[1,1] 4))
%6: uint8[4,2] = concat(%4, %5, axis=0)
%7: uint8[2,2] = slice(%6, starts=[1,0], sizes=[2,2], strides=[1,1])
output y = %7
`,
  ],
  [
    "move quantization",
    "not past another reader",
    (b, s) => {
      const x = b.transpose(b.relu(s.input("x", "float32", [2, 2])));
      return { y: s.q(x, 0.25, 4), z: x };
    },
    `
%x = input float32[2,2]
%1: float32[2,2] = relu(%x)
%2: float32[2,2] = transpose(%1, permutation=[1,0])
%3: uint8[2,2] = quantizeLinear(%2, (const float32[1,1] 0.25), (const uint8[1,1] 4))
output y = %3
output z = %2
`,
  ],
  [
    "simplify",
    "a transpose of rows is a reshape",
    (b, s) => b.transpose(b.relu(s.input("x", "float32", [1, 3]))),
    `
%x = input float32[1,3]
%1: float32[1,3] = relu(%x)
%2: float32[3,1] = transpose(%1, permutation=[1,0])
output y = %2
`,
    `
%x = input float32[1,3]
%1: float32[1,3] = relu(%x)
%2: float32[3,1] = reshape(%1, newShape=[3,1])
output y = %2
`,
  ],
  [
    "fuse quantized",
    "conv2d → clamp",
    (b, s) => {
      const x = s.dq(s.input("x", "uint8", [1, 2, 2, 1]), 0.5, 128);
      const w = s.dqChannels(s.filled("int8", [2, 1, 1, 1], 7), 0, [0.25, 0.5]);
      const bias = s.dqChannels(s.constant("int32", [2], [8, 9]), 0, [0.125, 0.25]);
      const y = b.conv2d(x, w, { inputLayout: "nhwc", filterLayout: "ohwi", bias });
      return s.q(b.clamp(y, { minValue: 0, maxValue: 6 }), 0.5, 10);
    },
    `
%x = input uint8[1,2,2,1]
%1: float32[2] = dequantizeLinear((const int32[2] 8 9), (const float32[2] 0.125 0.25), (const int32[2] 0 0))
%2: float32[2,1,1,1] = dequantizeLinear((const int8[2,1,1,1] 7 7), (const float32[2,1,1,1] 0.25 0.5), (const int8[2,1,1,1] 0 0))
%3: float32[1,2,2,1] = dequantizeLinear(%x, (const float32[1,1,1,1] 0.5), (const uint8[1,1,1,1] 128))
%4: float32[1,2,2,2] = conv2d(%3, %2, %1, filterLayout=ohwi, groups=1, inputLayout=nhwc, padding=[0,0,0,0], strides=[1,1], dilations=[1,1])
%5: float32[1,2,2,2] = clamp(%4, maxValue=6, minValue=0)
%6: uint8[1,2,2,2] = quantizeLinear(%5, (const float32[1,1,1,1] 0.5), (const uint8[1,1,1,1] 10))
output y = %6
`,
    `
%x = input uint8[1,2,2,1]
%1: uint8[1,2,2,2] = qConv2d(%x, (const int8[2,1,1,1] 7 7), (const int32[2] 8 9), filterLayout=ohwi, groups=1, inputLayout=nhwc, padding=[0,0,0,0], strides=[1,1], dilations=[1,1], x={scale:0.5 zeroPoint:128}, w={scales:[0.25,0.5] zeroPoints:[0,0]}, y={scale:0.5 zeroPoint:10}, lo=10, hi=22)
output y = %1
`,
  ],
  [
    "fuse quantized",
    "sub",
    (b, s) =>
      s.q(
        b.sub(
          s.dq(s.input("x", "int8", [2]), 0.5, -1),
          s.dq(s.constant("int8", [2], [1, 2]), 1, 0),
        ),
        2,
        5,
        "int8",
      ),
    `
%x = input int8[2]
%1: float32[2] = dequantizeLinear((const int8[2] 1 2), (const float32[1] 1), (const int8[1] 0))
%2: float32[2] = dequantizeLinear(%x, (const float32[1] 0.5), (const int8[1] -1))
%3: float32[2] = sub(%2, %1)
%4: int8[2] = quantizeLinear(%3, (const float32[1] 2), (const int8[1] 5))
output y = %4
`,
    `
%x = input int8[2]
%1: int8[2] = qAdd(%x, (const int8[2] 1 2), a={scale:0.5 zeroPoint:-1}, b={scale:1 zeroPoint:0}, subtract=true, y={scale:2 zeroPoint:5}, lo=-128, hi=127)
output y = %1
`,
  ],
  [
    "fuse quantized",
    "a function of a byte is a table",
    (b, s) => s.q(b.tanh(s.dq(s.input("x", "uint8", [2, 2]), 0.5, 128)), 1 / 128, 128),
    `
%x = input uint8[2,2]
%1: float32[2,2] = dequantizeLinear(%x, (const float32[1,1] 0.5), (const uint8[1,1] 128))
%2: float32[2,2] = tanh(%1)
%3: uint8[2,2] = quantizeLinear(%2, (const float32[1,1] 0.0078125), (const uint8[1,1] 128))
output y = %3
`,
    `
%x = input uint8[2,2]
%1: float32[256] = dequantize((const uint8[256]), x={scale:0.5 zeroPoint:128})
%2: float32[256] = tanh(%1)
%3: uint8[256] = quantize(%2, y={scale:0.0078125 zeroPoint:128})
%4: uint8[2,2] = lut(%x, %3)
output y = %4
`,
  ],
  [
    "fuse quantized",
    "what is left keeps its parameters as numbers",
    (b, s) => {
      const x = s.dq(s.input("x", "uint8", [2]), 0.5, 128);
      return s.q(b.add(x, s.input("y", "float32", [2])), 0.5, 128);
    },
    `
%x = input uint8[2]
%y = input float32[2]
%2: float32[2] = dequantizeLinear(%x, (const float32[1] 0.5), (const uint8[1] 128))
%3: float32[2] = add(%2, %y)
%4: uint8[2] = quantizeLinear(%3, (const float32[1] 0.5), (const uint8[1] 128))
output y = %4
`,
    `
%x = input uint8[2]
%y = input float32[2]
%2: float32[2] = dequantize(%x, x={scale:0.5 zeroPoint:128})
%3: float32[2] = add(%2, %y)
%4: uint8[2] = quantize(%3, y={scale:0.5 zeroPoint:128})
output y = %4
`,
  ],
  [
    "make unsigned",
    "int8 is uint8 with a flip at each end",
    (b, s) => {
      const x = s.dq(s.input("x", "int8", [1, 2, 2, 1]), 0.5, -128);
      return s.q(b.reduceMean(x, { axes: [1, 2] }), 0.25, 3, "int8");
    },
    `
%x = input int8[1,2,2,1]
%1: int8[1,1] = qReduceMean(%x, axes=[1,2], keepDimensions=false, x={scale:0.5 zeroPoint:-128}, y={scale:0.25 zeroPoint:3}, lo=-128, hi=127)
output y = %1
`,
    `
%x = input int8[1,2,2,1]
%1: uint8[1,2,2,1] = flip(%x)
%2: uint8[1,1] = qReduceMean(%1, axes=[1,2], keepDimensions=false, x={scale:0.5 zeroPoint:0}, y={scale:0.25 zeroPoint:131}, lo=0, hi=255)
%3: int8[1,1] = flip(%2)
output y = %3
`,
  ],
  [
    "make unsigned",
    "bytes that are only moved or compared; padding and tables follow",
    (b, s) => {
      const x = s.input("x", "int8", [1, 2, 2, 1]);
      const padded = b.pad(b.maxPool2d(x, { layout: "nhwc" }), [0, 0, 0, 0], [0, 0, 0, 1], {
        value: -5,
      });
      return s.q(b.sigmoid(s.dq(padded, 0.5, 0)), 1 / 256, -128, "int8");
    },
    `
%x = input int8[1,2,2,1]
%1: int8[1,1,1,1] = maxPool2d(%x, layout=nhwc, outputShapeRounding=floor, windowDimensions=[2,2], padding=[0,0,0,0], strides=[1,1], dilations=[1,1])
%2: int8[1,1,1,2] = pad(%1, beginningPadding=[0,0,0,0], endingPadding=[0,0,0,1], mode=constant, value=-5)
%3: float32[256] = dequantize((const int8[256]), x={scale:0.5 zeroPoint:0})
%4: float32[256] = sigmoid(%3)
%5: int8[256] = quantize(%4, y={scale:0.00390625 zeroPoint:-128})
%6: int8[1,1,1,2] = lut(%2, %5)
output y = %6
`,
    `
%x = input int8[1,2,2,1]
%1: uint8[1,2,2,1] = flip(%x)
%2: uint8[1,1,1,1] = maxPool2d(%1, layout=nhwc, outputShapeRounding=floor, windowDimensions=[2,2], padding=[0,0,0,0], strides=[1,1], dilations=[1,1])
%3: uint8[1,1,1,2] = pad(%2, beginningPadding=[0,0,0,0], endingPadding=[0,0,0,1], mode=constant, value=123)
%4: uint8[256] = flip((const int8[256]))
%5: float32[256] = dequantize(%4, x={scale:0.5 zeroPoint:128})
%6: float32[256] = sigmoid(%5)
%7: uint8[256] = quantize(%6, y={scale:0.00390625 zeroPoint:0})
%8: int8[256] = flip(%7)
%9: int8[128] = slice(%8, starts=[128], sizes=[128], strides=[1])
%10: int8[128] = slice(%8, starts=[0], sizes=[128], strides=[1])
%11: int8[256] = concat(%9, %10, axis=0)
%12: uint8[256] = flip(%11)
%13: uint8[1,1,1,2] = lut(%3, %12)
%14: int8[1,1,1,2] = flip(%13)
output y = %14
`,
  ],
  [
    "make unsigned",
    "weights stay as they are",
    (b, s) => {
      const x = s.dq(s.input("x", "int8", [1, 2]), 0.5, 1);
      return s.q(b.gemm(x, s.dq(s.filled("int8", [2, 1], 3), 0.25, 0)), 1, 0, "int8");
    },
    `
%x = input int8[1,2]
%1: int8[1,1] = qGemm(%x, (const int8[2,1] 3 3), bTranspose=false, x={scale:0.5 zeroPoint:1}, w={scales:[0.25] zeroPoints:[0]}, y={scale:1 zeroPoint:0}, lo=-128, hi=127)
output y = %1
`,
    `
%x = input int8[1,2]
%1: uint8[1,2] = flip(%x)
%2: uint8[1,1] = qGemm(%1, (const int8[2,1] 3 3), bTranspose=false, x={scale:0.5 zeroPoint:129}, w={scales:[0.25] zeroPoints:[0]}, y={scale:1 zeroPoint:128}, lo=0, hi=255)
%3: int8[1,1] = flip(%2)
output y = %3
`,
  ],
]);
