// SPDX-License-Identifier: Apache-2.0
// The passes that leave the compiler fewer types and operators, before and after, as text.

import { testPasses } from "../support/passes.js";

testPasses([
  [
    "unpack nibbles",
    "a constant of 4 bits",
    (b, s) => {
      const w = b.constant({ dataType: "uint4", shape: [3] }, Uint8Array.of(0x21, 0x0f));
      const scale = s.constant("float32", [1], [0.5]);
      const zero = b.constant({ dataType: "uint4", shape: [1] }, Uint8Array.of(8));
      return b.dequantizeLinear(w, scale, zero);
    },
    `
%0: float32[3] = dequantizeLinear((const uint4[3]), (const float32[1] 0.5), (const uint4[1]))
output y = %0
`,
    `
%0: float32[3] = dequantizeLinear((const uint8[3] 1 2 15), (const float32[1] 0.5), (const uint8[1] 8))
output y = %0
`,
  ],
  [
    "unpack nibbles",
    "4 bits come in and go out packed",
    (b, s) => {
      const x = b.input("x", { dataType: "int4", shape: [3] });
      const scale = s.constant("float32", [1], [0.5]);
      const zero = b.constant({ dataType: "int4", shape: [1] }, Uint8Array.of(0));
      return b.quantizeLinear(b.dequantizeLinear(x, scale, zero), scale, zero);
    },
    `
%x = input int4[3]
%1: float32[3] = dequantizeLinear(%x, (const float32[1] 0.5), (const int4[1]))
%2: int4[3] = quantizeLinear(%1, (const float32[1] 0.5), (const int4[1]))
output y = %2
`,
    `
%x = input int4[3]
%1: uint8[2,1] = reinterpret(%x)
%2: uint8[2,1] = mul(%1, (const uint8[] 16))
%3: uint8[2,1] = div(%1, (const uint8[] 16))
%4: uint8[2,1] = mul(%3, (const uint8[] 16))
%5: int8[2,1] = reinterpret(%2)
%6: int8[2,1] = div(%5, (const int8[] 16))
%7: int8[2,1] = reinterpret(%4)
%8: int8[2,1] = div(%7, (const int8[] 16))
%9: int8[2,2] = concat(%6, %8, axis=1)
%10: int8[4] = reshape(%9, newShape=[4])
%11: int8[3] = slice(%10, starts=[0], sizes=[3], strides=[1])
%12: int8[3] = reshape(%11, newShape=[3])
%13: float32[3] = dequantizeLinear(%12, (const float32[1] 0.5), (const int8[1] 0))
%14: int8[3] = quantizeLinear(%13, (const float32[1] 0.5), (const int8[1] 0))
%15: int8[3] = clamp(%14, minValue=-8, maxValue=7)
%16: uint8[3] = reinterpret(%15)
%17: uint8[3] = reshape(%16, newShape=[3])
%18: uint8[4] = pad(%17, beginningPadding=[0], endingPadding=[1], mode=constant, value=0)
%19: uint8[2] = slice(%18, starts=[0], sizes=[4], strides=[2])
%20: uint8[2] = mul(%19, (const uint8[] 16))
%21: uint8[2] = div(%20, (const uint8[] 16))
%22: uint8[2] = slice(%18, starts=[1], sizes=[3], strides=[2])
%23: uint8[2] = mul(%22, (const uint8[] 16))
%24: uint8[2] = add(%21, %23)
%25: int4[3] = reinterpret(%24)
output y = %25
`,
  ],
  [
    "widen half",
    "halves are computed as floats, moved as halves",
    (b) => {
      const x = b.input("x", { dataType: "float16", shape: [2, 3] });
      return b.transpose(b.add(b.relu(x), x));
    },
    `
%x = input float16[2,3]
%1: float16[2,3] = relu(%x)
%2: float16[2,3] = add(%1, %x)
%3: float16[3,2] = transpose(%2, permutation=[1,0])
output y = %3
`,
    `
%x = input float16[2,3]
%1: float32[2,3] = cast(%x, dataType=float32)
%2: float32[2,3] = relu(%1)
%3: float16[2,3] = cast(%2, dataType=float16)
%4: float32[2,3] = cast(%3, dataType=float32)
%5: float32[2,3] = add(%4, %1)
%6: float16[2,3] = cast(%5, dataType=float16)
%7: float16[3,2] = transpose(%6, permutation=[1,0])
output y = %7
`,
  ],
  [
    "decompose",
    "gemm gives up aᵀ, alpha and beta",
    (b, s) => {
      const a = s.input("a", "float32", [3, 2]);
      const c = s.input("c", "float32", [2, 4]);
      const w = s.filled("float32", [3, 4], 1);
      return b.gemm(a, w, { c, aTranspose: true, alpha: 2, beta: 0.5 });
    },
    `
%a = input float32[3,2]
%c = input float32[2,4]
%2: float32[2,4] = gemm(%a, (const float32[3,4]), %c, aTranspose=true, alpha=2, bTranspose=false, beta=0.5)
output y = %2
`,
    `
%a = input float32[3,2]
%c = input float32[2,4]
%2: float32[2,3] = transpose(%a, permutation=[1,0])
%3: float32[2,4] = gemm(%2, (const float32[3,4]), alpha=1, beta=1, aTranspose=false, bTranspose=false)
%4: float32[2,4] = mul(%3, (const float32[] 2))
%5: float32[2,4] = mul(%c, (const float32[] 0.5))
%6: float32[2,4] = add(%4, %5)
output y = %6
`,
  ],
  [
    "decompose",
    "softmax over another axis than the last",
    (b, s) => b.softmax(s.input("x", "float32", [2, 3]), 0),
    `
%x = input float32[2,3]
%1: float32[2,3] = softmax(%x, axis=0)
output y = %1
`,
    `
%x = input float32[2,3]
%1: float32[3,2] = transpose(%x, permutation=[1,0])
%2: float32[3,2] = softmax(%1, axis=1)
%3: float32[2,3] = transpose(%2, permutation=[1,0])
output y = %3
`,
  ],
  [
    "decompose",
    "reduceL2",
    (b, s) => b.reduceL2(s.input("x", "float32", [2, 3]), { axes: [1] }),
    `
%x = input float32[2,3]
%1: float32[2] = reduceL2(%x, axes=[1], keepDimensions=false)
output y = %1
`,
    `
%x = input float32[2,3]
%1: float32[2,3] = mul(%x, %x)
%2: float32[2] = reduceSum(%1, axes=[1], keepDimensions=false)
%3: float32[2] = sqrt(%2)
output y = %3
`,
  ],
  [
    "decompose",
    "padding by reflection gathers",
    (b, s) => b.pad(s.input("x", "float32", [3]), [2], [1], { mode: "reflection" }),
    `
%x = input float32[3]
%1: float32[6] = pad(%x, beginningPadding=[2], endingPadding=[1], mode=reflection, value=0)
output y = %1
`,
    `
%x = input float32[3]
%1: float32[6] = gather(%x, (const int32[6]), axis=0)
output y = %1
`,
  ],
  [
    "decompose",
    "resample2d over axes that are apart",
    (b, s) =>
      b.resample2d(s.input("x", "float32", [2, 3, 2, 1]), {
        sizes: [4, 4],
        axes: [0, 2],
        mode: "linear",
      }),
    `
%x = input float32[2,3,2,1]
%1: float32[4,3,4,1] = resample2d(%x, axes=[0,2], mode=linear, sizes=[4,4])
output y = %1
`,
    `
%x = input float32[2,3,2,1]
%1: float32[2,2,3,1] = transpose(%x, permutation=[0,2,1,3])
%2: float32[4,4,3,1] = resizeLinear(%1, geometry={batch:1 height:2 width:2 outHeight:4 outWidth:4 channels:3}, rows={indices:[0,0,0,1] weights:[0,0.25,0.75,0]}, columns={indices:[0,0,0,1] weights:[0,0.25,0.75,0]})
%3: float32[4,3,4,1] = transpose(%2, permutation=[0,2,1,3])
output y = %3
`,
  ],
  [
    "fold constants",
    "a constant is seen through reshape",
    (b, s) =>
      b.add(
        s.input("x", "float32", [2, 2]),
        b.reshape(s.constant("float32", [4], [1, 2, 3, 4]), [2, 2]),
      ),
    `
%x = input float32[2,2]
%1: float32[2,2] = reshape((const float32[4] 1 2 3 4), newShape=[2,2])
%2: float32[2,2] = add(%x, %1)
output y = %2
`,
    `
%x = input float32[2,2]
%1: float32[2,2] = add(%x, (const float32[2,2] 1 2 3 4))
output y = %1
`,
  ],
]);
