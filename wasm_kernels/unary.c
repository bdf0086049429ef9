// SPDX-License-Identifier: Apache-2.0
// Elementwise operations of one operand.
#include "kernels.h"
#include "math32.h"
#include "math64.h"

// The loop of one operator; VECTOR is an expression of the vector v.
#define F32_LOOP(VECTOR)                            \
  do {                                              \
    int32_t i = begin;                              \
    for (; i + 4 <= end; i += 4) {                  \
      const f32x4 v = f32x4_load(x + i);            \
      f32x4_store(y + i, VECTOR);                   \
    }                                               \
    if (i < end) {                                  \
      const f32x4 v = f32x4_load_n(x + i, end - i); \
      f32x4_store_n(y + i, VECTOR, end - i);        \
    }                                               \
  } while (0)

// -1, 0 or 1; 0 of NaN.
INLINE f32x4 f32x4_sign(const f32x4 v) {
  const f32x4 zero = f32x4_splat(0.0f), one = f32x4_splat(1.0f);
  const f32x4 positive = f32x4_select((i32x4)(v > zero), one, zero);
  return f32x4_select((i32x4)(v < zero), -one, positive);
}

void f32_unary(float* y, const float* x, const int32_t op, const float p0, const float p1,
               const int32_t begin, const int32_t end) {
  const f32x4 a = f32x4_splat(p0), b = f32x4_splat(p1);
  const f32x4 zero = f32x4_splat(0.0f), one = f32x4_splat(1.0f);
  const f32x4 three = f32x4_splat(3.0f), six = f32x4_splat(6.0f);
  switch (op) {
    case UNARY_CLAMP:
      F32_LOOP(f32x4_clamp(v, a, b));
      break;
    case UNARY_SIGMOID:
      F32_LOOP(f32x4_sigmoid(v));
      break;
    case UNARY_EXP:
      F32_LOOP(f32x4_exp(v));
      break;
    case UNARY_TANH:
      F32_LOOP(f32x4_tanh(v));
      break;
    case UNARY_ABS:
      F32_LOOP(f32x4_abs(v));
      break;
    case UNARY_NEG:
      F32_LOOP(-v);
      break;
    case UNARY_SIGN:
      F32_LOOP(f32x4_sign(v));
      break;
    case UNARY_CEIL:
      F32_LOOP(f32x4_ceil(v));
      break;
    case UNARY_FLOOR:
      F32_LOOP(f32x4_floor(v));
      break;
    case UNARY_ROUND_EVEN:
      F32_LOOP(f32x4_round_even(v));
      break;
    case UNARY_SQRT:
      F32_LOOP(f32x4_sqrt(v));
      break;
    case UNARY_RECIPROCAL:
      F32_LOOP(one / v);
      break;
    case UNARY_LOG:
      F32_LOOP(f32x4_log(v));
      break;
    case UNARY_SIN:
      F32_LOOP(f32x4_of_angle(v, ANGLE_SIN));
      break;
    case UNARY_COS:
      F32_LOOP(f32x4_of_angle(v, ANGLE_COS));
      break;
    case UNARY_TAN:
      F32_LOOP(f32x4_of_angle(v, ANGLE_TAN));
      break;
    case UNARY_ERF:
      F32_LOOP(f32x4_erf(v));
      break;
    case UNARY_GELU:
      F32_LOOP(f32x4_gelu(v));
      break;
    case UNARY_ELU:
      F32_LOOP(f32x4_elu(v, a));
      break;
    case UNARY_SOFTPLUS:
      F32_LOOP(f32x4_softplus(v));
      break;
    case UNARY_SOFTSIGN:
      F32_LOOP(v / (one + f32x4_abs(v)));
      break;
    case UNARY_LINEAR:
      F32_LOOP(a * v + b);
      break;
    case UNARY_LEAKY_RELU:
      F32_LOOP(f32x4_select((i32x4)(v < zero), a * v, v));
      break;
    case UNARY_HARD_SIGMOID:
      F32_LOOP(f32x4_clamp(a * v + b, zero, one));
      break;
    case UNARY_HARD_SWISH:
      F32_LOOP(v * f32x4_clamp(v + three, zero, six) / six);
      break;
    default:
      assert(0);
  }
}

void x8_lut(uint8_t* y, const uint8_t* x, const uint8_t* table, const int32_t begin,
            const int32_t end) {
  for (int32_t i = begin; i < end; i++) y[i] = table[x[i]];
}

void x8_flip(uint8_t* y, const uint8_t* x, const int32_t begin, const int32_t end) {
  const u8x16 sign = u8x16_splat(0x80);
  int32_t i = begin;
  for (; i + 16 <= end; i += 16) u8x16_store(y + i, u8x16_load(x + i) ^ sign);
  for (; i < end; i++) y[i] = x[i] ^ 0x80;
}

void qu8_requantize(uint8_t* y, const uint8_t* x, const float scale, const int32_t x_zero_point,
                    const int32_t y_zero_point, const int32_t lo, const int32_t hi,
                    const int32_t begin, const int32_t end) {
  const requantizer q = make_requantizer(y_zero_point, lo, hi);
  const i32x4 zero_point = i32x4_splat(x_zero_point);
  const f32x4 s = f32x4_splat(scale);
  for (int32_t i = begin; i < end; i += 8) {
    const int32_t n = end - i;
    const i16x8 v = n >= 8 ? i16x8_load_u8(x + i) : i16x8_load_u8_n(x + i, n);
    u8x8_store_n(y + i,
                 u8x8_from_i32x4(requantize(f32x4_from_i32x4(i32x4_low(v) - zero_point) * s, &q),
                                 requantize(f32x4_from_i32x4(i32x4_high(v) - zero_point) * s, &q)),
                 n);
  }
}
