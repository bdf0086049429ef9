// SPDX-License-Identifier: Apache-2.0
// Passes over layouts and float operators, before and after, as text.

import { testPasses } from "../support/passes.js";

/** Weighted sums of neighbours along an axis: how resampling by other coordinates is written. */
function linearly(b, s, x, axis, i = [0, 0, 1], j = [1, 1, 1]) {
  const indices = (list) => s.constant("int32", [list.length], list);
  const shape = x.shape.map((_, d) => (d === axis ? i.length : 1));
  const weight = s.constant(
    "float32",
    shape,
    i.map((_, k) => k / 4),
  );
  const lower = b.gather(x, indices(i), { axis });
  return b.add(lower, b.mul(b.sub(b.gather(x, indices(j), { axis }), lower), weight));
}

testPasses([
  [
    "channels last",
    "conv2d over NCHW",
    (b, s) =>
      b.conv2d(s.input("x", "float32", [1, 2, 4, 4]), s.filled("float32", [3, 2, 3, 3]), {
        padding: [1, 1, 1, 1],
      }),
    `
%x = input float32[1,2,4,4]
%1: float32[1,3,4,4] = conv2d(%x, (const float32[3,2,3,3]), filterLayout=oihw, groups=1, inputLayout=nchw, padding=[1,1,1,1], strides=[1,1], dilations=[1,1])
output y = %1
`,
    `
%x = input float32[1,2,4,4]
%1: float32[1,4,4,2] = transpose(%x, permutation=[0,2,3,1])
%2: float32[1,4,4,3] = conv2d(%1, (const float32[3,2,3,3]), filterLayout=oihw, groups=1, inputLayout=nhwc, padding=[1,1,1,1], strides=[1,1], dilations=[1,1])
%3: float32[1,3,4,4] = transpose(%2, permutation=[0,3,1,2])
output y = %3
`,
  ],
  [
    "channels last",
    "pools alike; what is NHWC stays",
    (b, s) => {
      const x = s.input("x", "float32", [1, 2, 4, 4]);
      const pooled = b.maxPool2d(x, { windowDimensions: [2, 2] });
      return { y: pooled, z: b.averagePool2d(x, { layout: "nhwc" }) };
    },
    `
%x = input float32[1,2,4,4]
%1: float32[1,1,1,4] = averagePool2d(%x, layout=nhwc, outputShapeRounding=floor, windowDimensions=[2,4], padding=[0,0,0,0], strides=[1,1], dilations=[1,1])
%2: float32[1,2,3,3] = maxPool2d(%x, layout=nchw, outputShapeRounding=floor, windowDimensions=[2,2], padding=[0,0,0,0], strides=[1,1], dilations=[1,1])
output y = %2
output z = %1
`,
    `
%x = input float32[1,2,4,4]
%1: float32[1,1,1,4] = averagePool2d(%x, layout=nhwc, outputShapeRounding=floor, windowDimensions=[2,4], padding=[0,0,0,0], strides=[1,1], dilations=[1,1])
%2: float32[1,4,4,2] = transpose(%x, permutation=[0,2,3,1])
%3: float32[1,3,3,2] = maxPool2d(%2, layout=nhwc, outputShapeRounding=floor, windowDimensions=[2,2], padding=[0,0,0,0], strides=[1,1], dilations=[1,1])
%4: float32[1,2,3,3] = transpose(%3, permutation=[0,3,1,2])
output y = %4
output z = %1
`,
  ],
  [
    "recognise resize",
    "two weighted sums of gathers",
    (b, s) => linearly(b, s, linearly(b, s, s.input("x", "float32", [1, 2, 2, 3]), 1), 2),
    `
%x = input float32[1,2,2,3]
%1: float32[1,3,2,3] = gather(%x, (const int32[3] 0 0 1), axis=1)
%2: float32[1,3,2,3] = gather(%x, (const int32[3] 1 1 1), axis=1)
%3: float32[1,3,2,3] = sub(%2, %1)
%4: float32[1,3,2,3] = mul(%3, (const float32[1,3,1,1] 0 0.25 0.5))
%5: float32[1,3,2,3] = add(%1, %4)
%6: float32[1,3,3,3] = gather(%5, (const int32[3] 0 0 1), axis=2)
%7: float32[1,3,3,3] = gather(%5, (const int32[3] 1 1 1), axis=2)
%8: float32[1,3,3,3] = sub(%7, %6)
%9: float32[1,3,3,3] = mul(%8, (const float32[1,1,3,1] 0 0.25 0.5))
%10: float32[1,3,3,3] = add(%6, %9)
output y = %10
`,
    `
%x = input float32[1,2,2,3]
%1: float32[1,3,3,3] = resizeLinear(%x, geometry={batch:1 height:2 width:2 outHeight:3 outWidth:3 channels:3}, rows={indices:[0,0,1] weights:[0,0.25,0.5]}, columns={indices:[0,0,1] weights:[0,0.25,0.5]})
output y = %1
`,
  ],
  [
    "recognise resize",
    "one of them, over other axes",
    (b, s) => linearly(b, s, s.input("x", "float32", [2, 5]), 0),
    `
%x = input float32[2,5]
%1: float32[3,5] = gather(%x, (const int32[3] 0 0 1), axis=0)
%2: float32[3,5] = gather(%x, (const int32[3] 1 1 1), axis=0)
%3: float32[3,5] = sub(%2, %1)
%4: float32[3,5] = mul(%3, (const float32[3,1] 0 0.25 0.5))
%5: float32[3,5] = add(%1, %4)
output y = %5
`,
    `
%x = input float32[2,5]
%1: float32[3,5] = resizeLinear(%x, geometry={batch:1 height:2 width:1 outHeight:3 outWidth:1 channels:5}, rows={indices:[0,0,1] weights:[0,0.25,0.5]}, columns={indices:[0] weights:[0]})
output y = %1
`,
  ],
  [
    "recognise resize",
    "not where the upper neighbour is another",
    (b, s) => linearly(b, s, s.input("x", "float32", [3, 1]), 0, [0, 0], [2, 2]),
    `
%x = input float32[3,1]
%1: float32[2,1] = gather(%x, (const int32[2] 0 0), axis=0)
%2: float32[2,1] = gather(%x, (const int32[2] 2 2), axis=0)
%3: float32[2,1] = sub(%2, %1)
%4: float32[2,1] = mul(%3, (const float32[2,1] 0 0.25))
%5: float32[2,1] = add(%1, %4)
output y = %5
`,
  ],
  [
    "sink transposes",
    "through elementwise operators, until they cancel",
    (b, s) => {
      const x = b.transpose(s.input("x", "float32", [2, 3, 4]), { permutation: [2, 0, 1] });
      return b.transpose(b.relu(x), { permutation: [1, 2, 0] });
    },
    `
%x = input float32[2,3,4]
%1: float32[4,2,3] = transpose(%x, permutation=[2,0,1])
%2: float32[4,2,3] = relu(%1)
%3: float32[2,3,4] = transpose(%2, permutation=[1,2,0])
output y = %3
`,
    `
%x = input float32[2,3,4]
%1: float32[2,3,4] = relu(%x)
output y = %1
`,
  ],
  [
    "sink transposes",
    "through sums, past constants",
    (b, s) => {
      const options = { permutation: [0, 3, 1, 2] };
      const x = b.transpose(s.input("x", "float32", [1, 2, 2, 3]), options);
      const y = b.transpose(s.input("y", "float32", [1, 2, 2, 3]), options);
      return b.mul(b.add(x, y), s.constant("float32", [3, 1, 1], [1, 2, 3]));
    },
    `
%x = input float32[1,2,2,3]
%y = input float32[1,2,2,3]
%2: float32[1,3,2,2] = transpose(%y, permutation=[0,3,1,2])
%3: float32[1,3,2,2] = transpose(%x, permutation=[0,3,1,2])
%4: float32[1,3,2,2] = add(%3, %2)
%5: float32[1,3,2,2] = mul(%4, (const float32[3,1,1] 1 2 3))
output y = %5
`,
    `
%x = input float32[1,2,2,3]
%y = input float32[1,2,2,3]
%2: float32[1,2,2,3] = add(%x, %y)
%3: float32[1,2,2,3] = mul(%2, (const float32[1,1,1,3] 1 2 3))
%4: float32[1,3,2,2] = transpose(%3, permutation=[0,3,1,2])
output y = %4
`,
  ],
  [
    "sink transposes",
    "through concat",
    (b, s) => {
      const turned = (name) =>
        b.transpose(s.input(name, "float32", [1, 2, 2, 3]), { permutation: [0, 3, 1, 2] });
      return b.concat([turned("x"), turned("y")], 1);
    },
    `
%x = input float32[1,2,2,3]
%y = input float32[1,2,2,3]
%2: float32[1,3,2,2] = transpose(%y, permutation=[0,3,1,2])
%3: float32[1,3,2,2] = transpose(%x, permutation=[0,3,1,2])
%4: float32[1,6,2,2] = concat(%3, %2, axis=1)
output y = %4
`,
    `
%x = input float32[1,2,2,3]
%y = input float32[1,2,2,3]
%2: float32[1,2,2,6] = concat(%x, %y, axis=3)
%3: float32[1,6,2,2] = transpose(%2, permutation=[0,3,1,2])
output y = %3
`,
  ],
  [
    "sink transposes",
    "not through a sum of two layouts",
    (b, s) => {
      const x = b.transpose(s.input("x", "float32", [2, 2]));
      return b.add(x, s.input("y", "float32", [2, 2]));
    },
    `
%x = input float32[2,2]
%y = input float32[2,2]
%2: float32[2,2] = transpose(%x, permutation=[1,0])
%3: float32[2,2] = add(%2, %y)
output y = %3
`,
  ],
  [
    "simplify",
    "what does nothing goes",
    (b, s) => {
      const x = b.identity(s.input("x", "float32", [1, 2, 3]));
      const flat = b.reshape(b.reshape(x, [3, 2]), [6]);
      const turned = b.transpose(x, { permutation: [1, 0, 2] });
      return { same: b.relu(b.reshape(x, [1, 2, 3])), flat: b.abs(flat), turned: b.neg(turned) };
    },
    `
%x = input float32[1,2,3]
%1: float32[1,2,3] = identity(%x)
%2: float32[1,2,3] = neg(%1)
%3: float32[2,1,3] = transpose(%2, permutation=[1,0,2])
%4: float32[3,2] = reshape(%1, newShape=[3,2])
%5: float32[6] = reshape(%4, newShape=[6])
%6: float32[6] = abs(%5)
%7: float32[1,2,3] = reshape(%1, newShape=[1,2,3])
%8: float32[1,2,3] = relu(%7)
output same = %8
output flat = %6
output turned = %3
`,
    `
%x = input float32[1,2,3]
%1: float32[1,2,3] = neg(%x)
%2: float32[2,1,3] = reshape(%1, newShape=[2,1,3])
%3: float32[6] = reshape(%x, newShape=[6])
%4: float32[6] = abs(%3)
%5: float32[1,2,3] = relu(%x)
output same = %5
output flat = %4
output turned = %2
`,
  ],
  [
    "fuse float",
    "pad → conv2d → relu → clamp",
    (b, s) => {
      const x = b.pad(s.input("x", "float32", [1, 4, 4, 1]), [0, 1, 1, 0], [0, 1, 2, 0]);
      const w = s.filled("float32", [2, 3, 3, 1]);
      const y = b.conv2d(x, w, {
        inputLayout: "nhwc",
        filterLayout: "ohwi",
        padding: [1, 0, 0, 0],
      });
      return b.clamp(b.relu(y), { minValue: -1, maxValue: 6 });
    },
    `
%x = input float32[1,4,4,1]
%1: float32[1,6,7,1] = pad(%x, beginningPadding=[0,1,1,0], endingPadding=[0,1,2,0], mode=constant, value=0)
%2: float32[1,5,5,2] = conv2d(%1, (const float32[2,3,3,1]), filterLayout=ohwi, groups=1, inputLayout=nhwc, padding=[1,0,0,0], strides=[1,1], dilations=[1,1])
%3: float32[1,5,5,2] = relu(%2)
%4: float32[1,5,5,2] = clamp(%3, maxValue=6, minValue=-1)
output y = %4
`,
    `
%x = input float32[1,4,4,1]
%1: float32[1,5,5,2] = conv2d(%x, (const float32[2,3,3,1]), filterLayout=ohwi, groups=1, inputLayout=nhwc, padding=[2,1,1,2], strides=[1,1], dilations=[1,1], minValue=0, maxValue=6)
output y = %1
`,
  ],
  [
    "fuse float",
    "not a pad by another number, nor a clamp of what others read",
    (b, s) => {
      const x = b.pad(s.input("x", "float32", [1, 2, 2, 1]), [0, 1, 1, 0], [0, 1, 1, 0], {
        value: 1,
      });
      const w = s.filled("float32", [1, 1, 1, 1]);
      const y = b.conv2d(x, w, { inputLayout: "nhwc", filterLayout: "ohwi" });
      return { y: b.relu(y), z: b.abs(y) };
    },
    `
%x = input float32[1,2,2,1]
%1: float32[1,4,4,1] = pad(%x, beginningPadding=[0,1,1,0], endingPadding=[0,1,1,0], mode=constant, value=1)
%2: float32[1,4,4,1] = conv2d(%1, (const float32[1,1,1,1] 0), filterLayout=ohwi, groups=1, inputLayout=nhwc, padding=[0,0,0,0], strides=[1,1], dilations=[1,1])
%3: float32[1,4,4,1] = abs(%2)
%4: float32[1,4,4,1] = relu(%2)
output y = %4
output z = %3
`,
  ],
]);
