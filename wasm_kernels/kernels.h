// SPDX-License-Identifier: Apache-2.0
// THE catalogue: every kernel with its contract. People, the compiler, the tests and the code
// generator read this one file; exports, JavaScript bindings, the plan interpreter's cases and the
// test runners are derived from it (octet/codegen). What the parser accepts: the structs, enums and
// `void name(type name, ...);` prototypes below, and nothing else.
//
// Common rules
//   Arguments    outputs, inputs, parameters, sizes, strides, scratch, range: in this order.
//   Sizes        in elements unless called bytes; a stride too. Activations are NHWC.
//   Range        `begin, end` is a half-open part of the kernel's parallel extent, which each
//                contract names ("Range: ..."). Any split of the extent gives the same bits.
//   Scratch      private to the calling thread; SCRATCH lines give its size in bytes.
//   Memory       no kernel allocates, keeps state, or touches a byte outside its operands.
//                Pointers are aligned to their elements (packed weights to 4 bytes, scratch to 8)
//                and no further. Outputs do not overlap inputs except where "in place" is said.
//   Names        <types>_<kernel>. qu8: uint8 with scale and zero point.
//                u8, x8: bytes without meaning.
//                int8 tensors reach the kernels as uint8 with zero point + 128 (x8_flip converts).
//
// Numeric contract (octet's integer results are these formulas, to the bit, on every machine)
//   acc          int32, exact. The compiler proves that the final sum fits; order never matters.
//   requantize   q = clamp(round_half_even(float32(acc) * scale) + zero_point, lo, hi), float32
//                multiplication rounded once, no fused multiply-add. lo, hi lie in [0, 255].
//   float32      one IEEE operation at a time, in the order the contract gives.
//   max, min     of floats a, b: b > a ? b : a and b < a ? b : a; so a, where one is NaN or both
//                are zeros. clamp(v, lo, hi) = min(max(v, lo), hi): NaN stays NaN.
//                Only the bits of a NaN may differ between machines.
#ifndef OCTET_KERNELS_H_
#define OCTET_KERNELS_H_

#include <stdint.h>

// ---------------------------------------------------------------------------
// Vocabulary

// The element types of WebNN, numbered for kernels that take a type as an argument.
typedef enum {
  TYPE_FLOAT32,
  TYPE_FLOAT16,
  TYPE_INT32,
  TYPE_UINT32,
  TYPE_INT64,
  TYPE_UINT64,
  TYPE_INT8,
  TYPE_UINT8
} element_type;

typedef enum {
  BINARY_ADD,
  BINARY_SUB,
  BINARY_MUL,
  BINARY_DIV,
  BINARY_MAX,
  BINARY_MIN,
  BINARY_POW,
  BINARY_PRELU
} binary_op;

typedef enum {
  COMPARE_EQUAL,
  COMPARE_NOT_EQUAL,
  COMPARE_GREATER,
  COMPARE_GREATER_OR_EQUAL,
  COMPARE_AND,
  COMPARE_OR,
  COMPARE_XOR
} compare_op;

typedef enum {
  UNARY_CLAMP,
  UNARY_SIGMOID,
  UNARY_EXP,
  UNARY_TANH,
  UNARY_ABS,
  UNARY_NEG,
  UNARY_SIGN,
  UNARY_CEIL,
  UNARY_FLOOR,
  UNARY_ROUND_EVEN,
  UNARY_SQRT,
  UNARY_RECIPROCAL,
  UNARY_LOG,
  UNARY_SIN,
  UNARY_COS,
  UNARY_TAN,
  UNARY_ERF,
  UNARY_GELU,
  UNARY_ELU,
  UNARY_SOFTPLUS,
  UNARY_SOFTSIGN,
  UNARY_LINEAR,
  UNARY_LEAKY_RELU,
  UNARY_HARD_SIGMOID,
  UNARY_HARD_SWISH
} unary_op;

typedef enum { REDUCE_SUM, REDUCE_MEAN, REDUCE_MAX, REDUCE_MIN, REDUCE_PRODUCT } reduce_op;

// A convolution or a pooling window over x[batch, in_height, in_width, channels].
// Group g reads channels [g * in_channels, (g + 1) * in_channels) and writes
// [g * out_channels, (g + 1) * out_channels): both counts are per group.
// Output pixel (oy, ox), tap (ky, kx) reads input row oy * stride_height - pad_top + ky *
// dilation_height, column likewise; outside the input it reads zero (the zero point, for qu8).
typedef struct {
  int32_t batch;
  int32_t in_height;
  int32_t in_width;
  int32_t in_channels;
  int32_t out_height;
  int32_t out_width;
  int32_t out_channels;
  int32_t groups;
  int32_t kernel_height;
  int32_t kernel_width;
  int32_t stride_height;
  int32_t stride_width;
  int32_t dilation_height;
  int32_t dilation_width;
  int32_t pad_top;
  int32_t pad_left;
  int32_t x_stride;  // between pixels of x
  int32_t y_stride;  // between pixels of y
} window_shape;

// Where a filter's elements lie: filter[g * group_stride + o * out_stride + t * tap_stride +
// i * in_stride] for output channel o and input channel i of group g, tap t = ky * kernel_width +
// kx.
typedef struct {
  int32_t groups;
  int32_t out_channels;  // per group
  int32_t in_channels;   // per group
  int32_t taps;
  int32_t group_stride;
  int32_t out_stride;
  int32_t tap_stride;
  int32_t in_stride;
} filter_shape;

// Two operands broadcast to a contiguous output of dims[0..rank): stride 0 repeats.
typedef struct {
  int32_t rank;
  int32_t dims[8];
  int32_t a_strides[8];
  int32_t b_strides[8];
} broadcast_shape;

// The same for the three operands of select_nd.
typedef struct {
  int32_t rank;
  int32_t dims[8];
  int32_t condition_strides[8];
  int32_t a_strides[8];
  int32_t b_strides[8];
} select_shape;

// Coordinates into dims[0..depth), the leading dimensions of a tensor.
typedef struct {
  int32_t depth;
  int32_t dims[8];
} index_shape;

// A strided copy: element i of dims[0..rank) goes from x to y.
typedef struct {
  int32_t rank;
  int32_t element_bytes;  // 1, 2, 4 or 8
  int32_t dims[8];
  int32_t y_strides[8];
  int32_t x_strides[8];
} copy_shape;

// Quantization parameters laid over a tensor of dims[0..rank): stride 0 where they do not vary.
// `blocks[d]` consecutive elements of dimension d share an entry.
typedef struct {
  int32_t rank;
  int32_t dims[8];
  int32_t blocks[8];
  int32_t strides[8];
} quantization_shape;

// Linear resampling of x[batch, in_height, in_width, channels]: see f32_resize_linear.
typedef struct {
  int32_t batch;
  int32_t in_height;
  int32_t in_width;
  int32_t out_height;
  int32_t out_width;
  int32_t channels;
} resize_shape;

// ---------------------------------------------------------------------------
// Matrix products and convolutions
//
// K = taps * in_channels runs over taps, then input channels; K2 = ceil(K / 2). Weights are packed
// once.
//
// f32: for each group, for each block of 8 output channels, [bias f32 x 8] [K steps of f32 x 8];
// channels beyond out_channels are zero.
//
// qu8: the layout is private (packed.h) and depends on the dot product that the CPU has and on the
// weights; the products are the same whatever it is. Weights are taken as w - w_zero_point, which
// needs no correction at run time; the input's zero point is folded into the bias: bias -
// x_zero_point * sum(w - w_zero_point).

// What relaxed SIMD dot products do on this CPU (dots.h): none are used, the second operand is
// uint8, it is int8, or pairs of products saturate. plan.h's dot_class() finds out.
typedef enum { DOT_NONE, DOT_UNSIGNED, DOT_SIGNED, DOT_PAIRS } dot_product;

// Bytes: groups * ceil(out_channels / 8) * 32 * (1 + K). `bias` may be null (zeros).
// Range: blocks of all groups, groups * ceil(out_channels / 8).
void f32_pack(void* packed, const float* filter, const float* bias, const filter_shape* shape,
              int32_t begin, int32_t end);

// Bytes: 68 + groups * ceil(out_channels / 8) * (128 + 32 * K2). `bias` may be null (zeros).
// filter is uint8 or, with filter_signed, int8. scale and w_zero_point have one entry per output
// channel of all groups; scale = x_scale * w_scale / y_scale. A variant without relaxed SIMD takes
// any dot_class for DOT_NONE. SCRATCH: 8 * (K + 7) + 33 * (K + 15). Range: 1.
void qu8_pack(void* packed, const uint8_t* filter, const int32_t* bias, const float* scale,
              const int32_t* w_zero_point, int32_t x_zero_point, int32_t filter_signed,
              int32_t dot_class, const filter_shape* shape, void* scratch, int32_t begin,
              int32_t end);

// y[i, j] = clamp(bias[j] + sum_k a[i, k] * w[k, j], lo, hi), summed in the order of k; the relaxed
// variant may round each product and sum together (madd.h).
// a: m rows of k, a_stride apart; y: m rows of n, y_stride apart; w: f32_pack with one group.
// Range: ceil(m / 12) row tiles * splits; a split is a share of the column blocks,
// in fours.
void f32_gemm(float* y, const float* a, const void* w, float lo, float hi, int32_t m, int32_t n,
              int32_t k, int32_t splits, int32_t a_stride, int32_t y_stride, int32_t begin,
              int32_t end);

// The same over the window of each output pixel: a convolution of any shape.
// SCRATCH: 48 * K + 12. Range: ceil(batch * out_height * out_width / 12) tiles * groups.
void f32_igemm(float* y, const float* x, const void* w, float lo, float hi,
               const window_shape* shape, void* scratch, int32_t begin, int32_t end);

// y[i, j] = requantize(sum_k (a[i, k] - x_zero_point) * (w[k, j] - w_zero_point[j]) + bias[j]).
// Operands as for f32_gemm, w by qu8_pack. SCRATCH: 48 * K2 + 64. Range: ceil(m / 12) row tiles *
// splits.
void qu8_gemm(uint8_t* y, const uint8_t* a, const void* w, int32_t y_zero_point, int32_t lo,
              int32_t hi, int32_t m, int32_t n, int32_t k, int32_t splits, int32_t a_stride,
              int32_t y_stride, void* scratch, int32_t begin, int32_t end);

// SCRATCH: 48 * K2 + 64. Range: ceil(batch * out_height * out_width / 12) tiles * groups.
void qu8_igemm(uint8_t* y, const uint8_t* x, const void* w, int32_t x_zero_point,
               int32_t y_zero_point, int32_t lo, int32_t hi, const window_shape* shape,
               void* scratch, int32_t begin, int32_t end);

// ---------------------------------------------------------------------------
// Depthwise convolution: groups == channels, one filter per channel. shape->in_channels and
// out_channels are 1.
//
// f32 weights are packed per 4 channels: [bias f32 x 4] [taps of f32 x 4]. The layout of qu8
// weights is private, as for qu8_pack.

// Bytes: ceil(groups / 4) * 16 * (1 + taps). Range: blocks.
void f32_dwpack(void* packed, const float* filter, const float* bias, const filter_shape* shape,
                int32_t begin, int32_t end);

// Arguments as for qu8_pack. Bytes: 64 + ceil(groups / 4) * (64 + 16 * taps + 128 * kernel_width).
// SCRATCH: 2 * taps. Range: 1.
void qu8_dwpack(void* packed, const uint8_t* filter, const int32_t* bias, const float* scale,
                const int32_t* w_zero_point, int32_t x_zero_point, int32_t filter_signed,
                int32_t dot_class, int32_t kernel_width, const filter_shape* shape, void* scratch,
                int32_t begin, int32_t end);

// y = clamp(bias + sum over taps x * w, lo, hi) per channel, summed column by column, down each;
// rounding as for f32_gemm.
// SCRATCH: 4 * groups + 8 * taps. Range: batch * out_height rows.
void f32_dwconv(float* y, const float* x, const void* w, float lo, float hi,
                const window_shape* shape, void* scratch, int32_t begin, int32_t end);

// SCRATCH: groups + 8 * (taps + 1) + 64 * Q. Range: batch * out_height rows. Q is the width of what
// a row of outputs reads: (out_width - 1) * stride_width + (kernel_width - 1) * dilation_width + 1.
void qu8_dwconv(uint8_t* y, const uint8_t* x, const void* w, int32_t x_zero_point,
                int32_t y_zero_point, int32_t lo, int32_t hi, const window_shape* shape,
                void* scratch, int32_t begin, int32_t end);

// ---------------------------------------------------------------------------
// Elementwise. Range of the binary kernels: pieces of at most 4096 elements of the innermost
// dimension; product(dims[0..rank-1)) * ceil(dims[rank-1] / 4096). y may be a or b where that
// operand is not broadcast. Unary kernels: Range: elements; in place.

// y = a op b. pow is that of IEEE 754, within 0.51 ULP; prelu = a < 0 ? a * b : a.
void f32_binary(float* y, const float* a, const float* b, int32_t op, const broadcast_shape* shape,
                int32_t begin, int32_t end);

// acc = bias + a * a_multiplier + b * b_multiplier in int32, y = clamp((acc >> shift) +
// y_zero_point, lo, hi). With multipliers round(scale ratio * 2^shift) and bias 2^(shift-1) - the
// zero points' share this is a sum rounded once, half up: XNNPACK's addition, to the bit. A
// negative b_multiplier subtracts.
void qu8_add(uint8_t* y, const uint8_t* a, const uint8_t* b, int32_t a_multiplier,
             int32_t b_multiplier, int32_t bias, int32_t shift, int32_t y_zero_point, int32_t lo,
             int32_t hi, const broadcast_shape* shape, int32_t begin, int32_t end);

// acc = (a - a_zero_point) * (b - b_zero_point), requantized.
void qu8_mul(uint8_t* y, const uint8_t* a, const uint8_t* b, float scale, int32_t a_zero_point,
             int32_t b_zero_point, int32_t y_zero_point, int32_t lo, int32_t hi,
             const broadcast_shape* shape, int32_t begin, int32_t end);

// y = a op b of an integer type: add, sub, mul and pow keep the low bits; div truncates towards
// zero. x / 0 = 0; a negative exponent gives 0, but for the bases 1 and -1. No prelu.
void int_binary(void* y, const void* a, const void* b, int32_t op, int32_t type,
                const broadcast_shape* shape, int32_t begin, int32_t end);

// y = a op b as 0 or 1, of any type. NaN is equal to nothing; and, or, xor take a nonzero element
// as true. y is neither a nor b unless they are bytes.
void compare(uint8_t* y, const void* a, const void* b, int32_t op, int32_t type,
             const broadcast_shape* shape, int32_t begin, int32_t end);

// y = condition ? a : b, elements of 1, 2, 4 or 8 bytes. Range: product(dims[0..rank-1)).
void select_nd(void* y, const uint8_t* condition, const void* a, const void* b,
               int32_t element_bytes, const select_shape* shape, int32_t begin, int32_t end);

// y = op(x, p0, p1), with p = p0, q = p1:
//   clamp to [p, q]; neg; sign (-1, 0, 1; 0 of NaN); linear p * x + q; reciprocal 1 / x;
//   softsign x / (1 + |x|); leaky_relu x < 0 ? p * x : x; hard_sigmoid clamp(p * x + q, 0, 1);
//   hard_swish x * clamp(x + 3, 0, 6) / 6: each float32 operation by itself.
//   exp, 1 / (1 + exp(-x)), tanh: within 1, 2.5 and 1.5 ULP, tanh odd to the bit (math32.h).
//   log, sin, cos, tan, erf, softplus ln(1 + exp(x)), gelu x / 2 * (1 + erf(x / sqrt(2))): within
//   0.51 ULP for any x; elu x < 0 ? p * (exp(x) - 1) : x, one ULP more (math64.h).
// The polynomials are mirrored by the NumPy model.
void f32_unary(float* y, const float* x, int32_t op, float p0, float p1, int32_t begin,
               int32_t end);

// y = table[x].
void x8_lut(uint8_t* y, const uint8_t* x, const uint8_t* table, int32_t begin, int32_t end);

// y = x ^ 0x80: uint8 to int8 with the zero point moved by 128, and back.
void x8_flip(uint8_t* y, const uint8_t* x, int32_t begin, int32_t end);

// acc = x - x_zero_point, requantized with scale = x_scale / y_scale.
void qu8_requantize(uint8_t* y, const uint8_t* x, float scale, int32_t x_zero_point,
                    int32_t y_zero_point, int32_t lo, int32_t hi, int32_t begin, int32_t end);

// ---------------------------------------------------------------------------
// Pooling over the window of shape (groups = channels, in_channels = out_channels = 1). Padding is
// never the maximum and never counted. Range: batch * out_height rows.

// y = clamp(sum / count, lo, hi), summed from 0 in the order of taps. A window wholly in the
// padding gives NaN. SCRATCH: 4 * groups.
void f32_avgpool(float* y, const float* x, float lo, float hi, const window_shape* shape,
                 void* scratch, int32_t begin, int32_t end);

// acc = sum(x - x_zero_point), requantized with scale / count (one float32 division). A window
// wholly in the padding gives y_zero_point. SCRATCH: 4 * groups.
void qu8_avgpool(uint8_t* y, const uint8_t* x, float scale, int32_t x_zero_point,
                 int32_t y_zero_point, int32_t lo, int32_t hi, const window_shape* shape,
                 void* scratch, int32_t begin, int32_t end);

// The mean of the bytes themselves, for equal parameters on both sides: q = clamp(origin +
// round_half_away((sum(x) - count * origin) / count), lo, hi), as TFLite rounds it; origin is 128
// for what was int8, else 0. A window wholly in the padding gives origin. SCRATCH: 4 * groups.
void u8_avgpool(uint8_t* y, const uint8_t* x, int32_t origin, int32_t lo, int32_t hi,
                const window_shape* shape, void* scratch, int32_t begin, int32_t end);

// y = clamp(maximum, lo, hi), from -infinity in the order of taps: NaN is never the maximum.
void f32_maxpool(float* y, const float* x, float lo, float hi, const window_shape* shape,
                 int32_t begin, int32_t end);

// y = clamp(maximum, lo, hi); a window wholly in the padding gives lo.
void u8_maxpool(uint8_t* y, const uint8_t* x, int32_t lo, int32_t hi, const window_shape* shape,
                int32_t begin, int32_t end);

// ---------------------------------------------------------------------------
// Reductions of x[outer, n, inner] over n. Range: outer.

// Sums run from 0 and products from 1 in the order of n; mean = sum / n. Maxima run from -infinity,
// minima from infinity: NaN is neither. SCRATCH: 4 * inner.
void f32_reduce(float* y, const float* x, int32_t op, int32_t outer, int32_t n, int32_t inner,
                void* scratch, int32_t begin, int32_t end);

// The same of an integer type: sum and product keep the low bits; no mean.
void int_reduce(void* y, const void* x, int32_t op, int32_t type, int32_t outer, int32_t n,
                int32_t inner, int32_t begin, int32_t end);

// y[o, i, j] = the sum of x[o, 0..i, j], from 0 in the order of n: element i included or, with
// exclusive, not. With reversed, from the last i on downwards. float32, or integers that wrap.
void cumulative_sum(void* y, const void* x, int32_t type, int32_t exclusive, int32_t reversed,
                    int32_t outer, int32_t n, int32_t inner, int32_t begin, int32_t end);

// acc = sum(x - x_zero_point), requantized with scale / n. SCRATCH: 4 * inner.
void qu8_mean(uint8_t* y, const uint8_t* x, float scale, int32_t x_zero_point, int32_t y_zero_point,
              int32_t lo, int32_t hi, int32_t outer, int32_t n, int32_t inner, void* scratch,
              int32_t begin, int32_t end);

// y[outer, inner] = index of the first largest (or, with is_min, smallest) x. A NaN is neither,
// unless it comes first: then nothing is larger. x_type: all but float16; y_type: int32 or int64.
void arg_reduce(void* y, const void* x, int32_t x_type, int32_t y_type, int32_t is_min,
                int32_t outer, int32_t n, int32_t inner, int32_t begin, int32_t end);

// ---------------------------------------------------------------------------
// Softmax over rows of n. Range: rows.

// y = e * (1 / S), e = exp(x - max) as in f32_unary. S = (s0 + s1) + (s2 + s3), where s[i % 4] sums
// the e[i] from 0 in the order of i.
void f32_softmax(float* y, const float* x, int32_t n, int32_t begin, int32_t end);

// table[d] = round_half_even(exp(float32(-d) * x_scale) * 2^23), d = 0..255. Range: 1.
void qu8_softmax_table(uint32_t* table, float x_scale, int32_t begin, int32_t end);

// e = table[max - x], S = sum(e) (exact), y = clamp(round_half_even(float32(e) *
// (1 / (float32(S) * y_scale))) + y_zero_point, lo, hi).
void qu8_softmax(uint8_t* y, const uint8_t* x, const uint32_t* table, float y_scale,
                 int32_t y_zero_point, int32_t lo, int32_t hi, int32_t n, int32_t begin,
                 int32_t end);

// ---------------------------------------------------------------------------
// Resampling. Coordinates come as tables, one entry per output row or column: the lower input index
// (its neighbour is the next one, at most the last) and the weight of the neighbour. So one kernel
// serves every coordinate rule. Range: batch * out_height rows.

// v = a + (b - a) * row_weight for the two rows, then across columns likewise.
// SCRATCH: 4 * in_width * channels.
void f32_resize_linear(float* y, const float* x, const int32_t* rows, const float* row_weights,
                       const int32_t* columns, const float* column_weights,
                       const resize_shape* shape, void* scratch, int32_t begin, int32_t end);

// The same on float32(x - x_zero_point); v * scale is then requantized. SCRATCH: as above.
void qu8_resize_linear(uint8_t* y, const uint8_t* x, const int32_t* rows, const float* row_weights,
                       const int32_t* columns, const float* column_weights, float scale,
                       int32_t x_zero_point, int32_t y_zero_point, int32_t lo, int32_t hi,
                       const resize_shape* shape, void* scratch, int32_t begin, int32_t end);

// y pixel = x pixel (rows[oy], columns[ox]); shape->channels counts bytes.
void x8_resize_nearest(uint8_t* y, const uint8_t* x, const int32_t* rows, const int32_t* columns,
                       const resize_shape* shape, int32_t begin, int32_t end);

// ---------------------------------------------------------------------------
// Data movement

// Strides may be 0 (repeat, x only) or negative (x and y point to element 0).
// Range: product(dims[0..rank-1)).
void copy_nd(void* y, const void* x, const copy_shape* shape, int32_t begin, int32_t end);

// y[i] = the element whose bytes are those of (low, high), little-endian. Range: elements.
void fill(void* y, int32_t low, int32_t high, int32_t element_bytes, int32_t begin, int32_t end);

// ---------------------------------------------------------------------------
// Indexing. A negative index counts from the end of its dimension; one that is still outside is
// clamped into it. indices_type: int32, uint32 or int64.

// y[o, i, :] = x[o, clamp(indices[i]), :] for o < outer, i < count; rows of inner_bytes.
// Range: outer * count.
void gather(void* y, const void* x, const void* indices, int32_t indices_type, int32_t axis_size,
            int32_t count, int32_t inner_bytes, int32_t begin, int32_t end);

// y[o, i, j] = x[o, indices[o, i, j], j] for i < count, j < inner; x has axis_size rows. Elements
// of 1, 2, 4 or 8 bytes. Range: outer * count.
void gather_elements(void* y, const void* x, const void* indices, int32_t indices_type,
                     int32_t element_bytes, int32_t axis_size, int32_t count, int32_t inner,
                     int32_t begin, int32_t end);

// y[o, indices[o, i, j], j] = updates[o, i, j] for i < count, in the order of i; the rest of y
// stays. Range: outer.
void scatter_elements(void* y, const void* updates, const void* indices, int32_t indices_type,
                      int32_t element_bytes, int32_t axis_size, int32_t count, int32_t inner,
                      int32_t begin, int32_t end);

// y[i, :] = x[indices[i, 0], ..., indices[i, depth - 1], :], rows of inner_bytes. Range: tuples.
void gather_nd(void* y, const void* x, const void* indices, int32_t indices_type,
               int32_t inner_bytes, const index_shape* shape, int32_t begin, int32_t end);

// y[indices[i, 0], ..., indices[i, depth - 1], :] = updates[i, :] for i < count, in the order of i;
// the rest of y stays. Range: 1.
void scatter_nd(void* y, const void* updates, const void* indices, int32_t indices_type,
                int32_t inner_bytes, int32_t count, const index_shape* shape, int32_t begin,
                int32_t end);

// ---------------------------------------------------------------------------
// Conversions. Range: elements, unless said.

// The cast operator: float to integer truncates and saturates, NaN gives 0; integer to narrower
// integer keeps the low bits; to float rounds to nearest even. In place when sizes are equal.
void cast(void* y, const void* x, int32_t y_type, int32_t x_type, int32_t begin, int32_t end);

// y = clamp(round_half_even(x / scale) + zero_point, 0, 255); a NaN quotient gives zero_point.
void f32_qu8_quantize(uint8_t* y, const float* x, float scale, int32_t zero_point, int32_t begin,
                      int32_t end);

// y = float32(x - zero_point) * scale.
void qu8_f32_dequantize(float* y, const uint8_t* x, float scale, int32_t zero_point, int32_t begin,
                        int32_t end);

// The two with parameters as tensors laid over the elements; y_type (x_type) is int8, uint8, int32
// or uint32. Range: product(dims[0..rank-1)).

// The quotient is a float32; the zero point is added exactly, then the type saturates.
void quantize_nd(void* y, const float* x, const float* scale, const void* zero_point,
                 int32_t y_type, const quantization_shape* shape, int32_t begin, int32_t end);

// y = float32(float64(x - zero_point) * float64(scale)), the difference exact.
void dequantize_nd(float* y, const void* x, const float* scale, const void* zero_point,
                   int32_t x_type, const quantization_shape* shape, int32_t begin, int32_t end);

#endif  // OCTET_KERNELS_H_
