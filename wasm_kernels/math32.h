// SPDX-License-Identifier: Apache-2.0
// Elementary functions on float32 vectors, in float32: plain IEEE operations, so that every variant
// and CPU gives the same bits.
#ifndef OCTET_MATH32_H_
#define OCTET_MATH32_H_

#include "common.h"

// p * x + c, two roundings.
INLINE f32x4 step_polynomial(const f32x4 p, const f32x4 x, const float c) {
  return p * x + f32x4_splat(c);
}

// 2^n for integral n in [-126, 127].
INLINE f32x4 f32x4_exp2i(const i32x4 n) { return (f32x4)((n + i32x4_splat(127)) << 23); }

// exp(x), within 2 ULP; overflows to infinity, underflows through the subnormals.
// x = n ln 2 + r with |r| <= ln 2 / 2; exp(r) by the polynomial of Cephes' expf (Moshier).
INLINE f32x4 f32x4_exp(const f32x4 v) {
  const f32x4 x = f32x4_clamp(v, f32x4_splat(-104.0f), f32x4_splat(89.0f));
  const f32x4 n = f32x4_round_even(x * f32x4_splat(1.44269504088896341f));
  f32x4 r = x - n * f32x4_splat(0.693359375f);
  r = r - n * f32x4_splat(-2.12194440e-4f);
  f32x4 p = f32x4_splat(1.9875691500e-4f);
  p = step_polynomial(p, r, 1.3981999507e-3f);
  p = step_polynomial(p, r, 8.3334519073e-3f);
  p = step_polynomial(p, r, 4.1665795894e-2f);
  p = step_polynomial(p, r, 1.6666665459e-1f);
  p = step_polynomial(p, r, 5.0000001201e-1f);
  p = p * (r * r) + r + f32x4_splat(1.0f);
  // Two factors, because n reaches from -150 to 128.
  const i32x4 whole = (i32x4)(n + f32x4_splat(ROUNDING_MAGIC)) - i32x4_splat(ROUNDING_MAGIC_BITS);
  const i32x4 half = whole >> 1;
  return p * f32x4_exp2i(half) * f32x4_exp2i(whole - half);
}

// 1 / (1 + exp(-x)) without overflow: through exp(-|x|).
INLINE f32x4 f32x4_sigmoid(const f32x4 x) {
  const f32x4 one = f32x4_splat(1.0f);
  const f32x4 e = f32x4_exp(-f32x4_abs(x));
  const f32x4 numerator = f32x4_select((i32x4)(x < f32x4_splat(0.0f)), e, one);
  return numerator / (one + e);
}

// tanh(x): an odd polynomial (Cephes' tanhf) below 0.625, 1 - 2 / (exp(2|x|) + 1) above.
INLINE f32x4 f32x4_tanh(const f32x4 x) {
  const f32x4 magnitude = f32x4_abs(x);
  const f32x4 z = x * x;
  f32x4 p = f32x4_splat(-5.70498872745e-3f);
  p = step_polynomial(p, z, 2.06390887954e-2f);
  p = step_polynomial(p, z, -5.37397155531e-2f);
  p = step_polynomial(p, z, 1.33314422036e-1f);
  p = step_polynomial(p, z, -3.33332819422e-1f);
  const f32x4 small = p * z * magnitude + magnitude;
  const f32x4 one = f32x4_splat(1.0f);
  const f32x4 large = one - f32x4_splat(2.0f) / (f32x4_exp(magnitude + magnitude) + one);
  const i32x4 sign = (i32x4)x & i32x4_splat((int32_t)0x80000000);
  // The sign comes last, so that tanh(-0) is -0.
  return (f32x4)((i32x4)f32x4_select((i32x4)(magnitude < f32x4_splat(0.625f)), small, large) |
                 sign);
}

#endif  // OCTET_MATH32_H_
