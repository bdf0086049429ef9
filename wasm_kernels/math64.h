// SPDX-License-Identifier: Apache-2.0
// Elementary functions on float32 vectors that are computed in float64: with 29 bits to spare a
// plain series is within 0.51 ULP of float32, also where float32 alone would cancel. All of it is
// IEEE operations one at a time, so every variant and CPU gives the same bits.
#ifndef OCTET_MATH64_H_
#define OCTET_MATH64_H_

#include "common.h"

// y = FUNCTION(v) on both halves.
#define F32_BY_F64(FUNCTION, v) f32x4_from_f64x2(FUNCTION(f64x2_low(v)), FUNCTION(f64x2_high(v)))

// Adding 1.5 * 2^52 leaves an integral double in the low mantissa bits.
#define ROUNDING_MAGIC_64 6755399441055744.0
#define ROUNDING_MAGIC_64_BITS 0x4338000000000000

INLINE f64x2 step_polynomial_64(const f64x2 p, const f64x2 x, const double c) {
  return p * x + f64x2_splat(c);
}

INLINE f64x2 f64x2_abs(const f64x2 v) { return (f64x2)((i64x2)v & i64x2_splat(INT64_MAX)); }

// ---------------------------------------------------------------------------
// exp and log

// exp(x) for |x| <= 700, and what is as good as 0 or infinity in float32 beyond. x = n ln 2 + r;
// the series of exp(r), |r| <= ln 2 / 2, ends where its rest is below 2^-37.
COMPACT f64x2 f64x2_exp(const f64x2 v) {
  const f64x2 x = f64x2_min(f64x2_max(v, f64x2_splat(-700.0)), f64x2_splat(700.0));
  const f64x2 n = f64x2_round_even(x * f64x2_splat(1.4426950408889634));
  const f64x2 r = x - n * f64x2_splat(0.69314718055994531);
  f64x2 p = f64x2_splat(1.0 / 362880);
  p = step_polynomial_64(p, r, 1.0 / 40320);
  p = step_polynomial_64(p, r, 1.0 / 5040);
  p = step_polynomial_64(p, r, 1.0 / 720);
  p = step_polynomial_64(p, r, 1.0 / 120);
  p = step_polynomial_64(p, r, 1.0 / 24);
  p = step_polynomial_64(p, r, 1.0 / 6);
  p = step_polynomial_64(p, r, 0.5);
  p = step_polynomial_64(p, r, 1.0);
  p = step_polynomial_64(p, r, 1.0);
  const i64x2 power = ((i64x2)(n + f64x2_splat(ROUNDING_MAGIC_64)) + i64x2_splat(1023)) << 52;
  return p * (f64x2)power;
}

// exp(x) - 1 for x <= 0; near 0, where that cancels, by its own series.
INLINE f64x2 f64x2_expm1(const f64x2 x) {
  f64x2 p = f64x2_splat(1.0 / 24);
  p = step_polynomial_64(p, x, 1.0 / 6);
  p = step_polynomial_64(p, x, 0.5);
  p = step_polynomial_64(p, x, 1.0);
  const i64x2 small = (i64x2)(f64x2_abs(x) < f64x2_splat(0x1p-10));
  return f64x2_select(small, p * x, f64x2_exp(x) - f64x2_splat(1.0));
}

// ln(x) for positive, normal, finite x. x = m 2^e, m in [sqrt(1/2), sqrt(2)); ln m = 2 artanh(s).
COMPACT f64x2 f64x2_log_positive(const f64x2 x) {
  const i64x2 bits = (i64x2)x;
  const i64x2 e = (bits - i64x2_splat(0x3fe6a09e667f3bcd)) >> 52;
  const f64x2 m = (f64x2)(bits - (e << 52));
  const f64x2 s = (m - f64x2_splat(1.0)) / (m + f64x2_splat(1.0));
  const f64x2 z = s * s;
  f64x2 p = f64x2_splat(2.0 / 13);
  p = step_polynomial_64(p, z, 2.0 / 11);
  p = step_polynomial_64(p, z, 2.0 / 9);
  p = step_polynomial_64(p, z, 2.0 / 7);
  p = step_polynomial_64(p, z, 2.0 / 5);
  p = step_polynomial_64(p, z, 2.0 / 3);
  p = step_polynomial_64(p, z, 2.0);
  const f64x2 exponent =
      (f64x2)(e + i64x2_splat(ROUNDING_MAGIC_64_BITS)) - f64x2_splat(ROUNDING_MAGIC_64);
  return exponent * f64x2_splat(0.69314718055994531) + s * p;
}

// ln(x): -infinity of 0, NaN of what is below, infinity of itself.
INLINE f64x2 f64x2_log(const f64x2 x) {
  const f64x2 zero = f64x2_splat(0.0), infinity = f64x2_splat(INFINITY);
  const f64x2 edge = f64x2_select((i64x2)(x == zero), -infinity,
                                  f64x2_select((i64x2)(x == infinity), x, f64x2_splat(NAN)));
  const i64x2 inside = (i64x2)(x > zero) & (i64x2)(x < infinity);
  return f64x2_select(inside, f64x2_log_positive(x), edge);
}

// ln(1 + exp(x)) = max(x, 0) + ln(1 + u), u = exp(-|x|); the sum's rounding error is put back.
INLINE f64x2 f64x2_softplus(const f64x2 x) {
  const f64x2 one = f64x2_splat(1.0), zero = f64x2_splat(0.0);
  const f64x2 u = f64x2_exp(-f64x2_abs(x));
  const f64x2 sum = one + u;
  const f64x2 rest = f64x2_log_positive(sum) + (u - (sum - one)) / sum;
  return f64x2_select((i64x2)(x < zero), zero, x) + rest;
}

COMPACT f32x4 f32x4_log(const f32x4 v) { return F32_BY_F64(f64x2_log, v); }
COMPACT f32x4 f32x4_softplus(const f32x4 v) { return F32_BY_F64(f64x2_softplus, v); }

// x where x >= 0, alpha * (exp(x) - 1) below.
COMPACT f32x4 f32x4_elu(const f32x4 v, const f32x4 alpha) {
  return f32x4_select((i32x4)(v < f32x4_splat(0.0f)), alpha * F32_BY_F64(f64x2_expm1, v), v);
}

// ---------------------------------------------------------------------------
// erf

// erf(x) for |x| < 1: the series up to where its rest is below 2^-37.
COMPACT f64x2 f64x2_erf_small(const f64x2 x) {
  const f64x2 z = x * x;
  f64x2 p = f64x2_splat(9.422759064650411e-11);
  p = step_polynomial_64(p, z, -1.2290555301717926e-09);
  p = step_polynomial_64(p, z, 1.4807192815879218e-08);
  p = step_polynomial_64(p, z, -1.6365844691234924e-07);
  p = step_polynomial_64(p, z, 1.6462114365889246e-06);
  p = step_polynomial_64(p, z, -1.492565035840625e-05);
  p = step_polynomial_64(p, z, 0.00012055332981789664);
  p = step_polynomial_64(p, z, -0.0008548327023450852);
  p = step_polynomial_64(p, z, 0.005223977625442188);
  p = step_polynomial_64(p, z, -0.026866170645131252);
  p = step_polynomial_64(p, z, 0.11283791670955126);
  p = step_polynomial_64(p, z, -0.37612638903183754);
  p = step_polynomial_64(p, z, 1.1283791670955126);
  return p * x;
}

// 1 - erf(x) for x >= 1: exp(-x^2) t P(t), t = 1 / (x + 2), P fitted at Chebyshev points of
// 1 <= x <= 10.3 to within 2^-31 of the whole; further out it is 0 in float32.
COMPACT f64x2 f64x2_erfc_large(const f64x2 x) {
  const f64x2 t = f64x2_splat(1.0) / (x + f64x2_splat(2.0));
  f64x2 p = f64x2_splat(-7.358030872291e+01);
  p = step_polynomial_64(p, t, 1.159797827893e+02);
  p = step_polynomial_64(p, t, -5.210300922417e+01);
  p = step_polynomial_64(p, t, -2.442635777504e+00);
  p = step_polynomial_64(p, t, 1.474608704606e-01);
  p = step_polynomial_64(p, t, 2.432822934356e+00);
  p = step_polynomial_64(p, t, 2.860417201689e+00);
  p = step_polynomial_64(p, t, 1.971378937513e+00);
  p = step_polynomial_64(p, t, 1.128523037781e+00);
  p = step_polynomial_64(p, t, 5.641869613529e-01);
  return f64x2_exp(-(x * x)) * t * p;
}

INLINE f64x2 f64x2_copysign(const f64x2 magnitude, const f64x2 sign) {
  return (f64x2)((i64x2)magnitude | ((i64x2)sign & i64x2_splat(INT64_MIN)));
}

INLINE f64x2 f64x2_erf(const f64x2 x) {
  const f64x2 magnitude = f64x2_abs(x), one = f64x2_splat(1.0);
  const f64x2 large = f64x2_copysign(one - f64x2_erfc_large(magnitude), x);
  return f64x2_select((i64x2)(magnitude < one), f64x2_erf_small(x), large);
}

// x / 2 * (1 + erf(x / sqrt(2))); below -sqrt(2) by the complement, which does not cancel.
INLINE f64x2 f64x2_gelu(const f64x2 x) {
  const f64x2 z = x * f64x2_splat(0.70710678118654752), one = f64x2_splat(1.0);
  const f64x2 magnitude = f64x2_abs(z), rest = f64x2_erfc_large(magnitude);
  const f64x2 large = f64x2_select((i64x2)(z < f64x2_splat(0.0)), rest, f64x2_splat(2.0) - rest);
  const f64x2 factor = f64x2_select((i64x2)(magnitude < one), one + f64x2_erf_small(z), large);
  return x * f64x2_splat(0.5) * factor;
}

COMPACT f32x4 f32x4_erf(const f32x4 v) { return F32_BY_F64(f64x2_erf, v); }
COMPACT f32x4 f32x4_gelu(const f32x4 v) { return F32_BY_F64(f64x2_gelu, v); }

// ---------------------------------------------------------------------------
// pow

// a^b as IEEE 754 defines it: through |a|, then the sign and the cases that logarithms do not know.
COMPACT f32x4 f32x4_pow(const f32x4 a, const f32x4 b) {
  const f32x4 zero = f32x4_splat(0.0f), one = f32x4_splat(1.0f), half = f32x4_splat(0.5f);
  const f32x4 base = f32x4_abs(a);
  const f32x4 power = f32x4_from_f64x2(f64x2_exp(f64x2_low(b) * f64x2_log(f64x2_low(base))),
                                       f64x2_exp(f64x2_high(b) * f64x2_log(f64x2_high(base))));
  const f32x4 magnitude = f32x4_select((i32x4)(base == one), one, power);
  const i32x4 integral = (i32x4)(b == f32x4_floor(b));
  const i32x4 odd = integral & (i32x4)(b * half != f32x4_floor(b * half));
  const i32x4 sign = odd & (i32x4)a & i32x4_splat((int32_t)0x80000000);
  const i32x4 undefined = (i32x4)(a < zero) & (i32x4)(a > f32x4_splat(-INFINITY)) & ~integral;
  const f32x4 result = f32x4_select(undefined, f32x4_splat(NAN), (f32x4)((i32x4)magnitude ^ sign));
  return f32x4_select((i32x4)(b == zero) | (i32x4)(a == one), one, result);
}

// ---------------------------------------------------------------------------
// sin, cos, tan: one number at a time, for the branch on its size

// The binary digits of 2 / pi, after 32 zeros.
static const uint32_t TWO_OVER_PI[8] = {0,          0xa2f9836e, 0x4e441529, 0xfc2757d1,
                                        0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab};

// r of x = n pi/2 + r for a finite x of at least 2^20; n modulo 4 goes to *quadrant. x is m 2^e
// with m an integer: of m * 2/pi * 2^e only the two bits left of the binary point and 62 right of
// it matter, which take 96 digits of 2/pi.
INLINE double reduce_large_angle(const uint32_t bits, int32_t* quadrant) {
  const uint64_t m = (bits & 0x7fffff) | 0x800000;
  const int32_t digit = (int32_t)(bits >> 23) - 150 + 30;
  const uint32_t* words = TWO_OVER_PI + (digit >> 5);
  const int32_t shift = digit & 31;
  uint64_t part[3];
  for (int i = 0; i < 3; i++) {
    const uint64_t two = (uint64_t)words[i] << 32 | words[i + 1];
    part[i] = two >> (32 - shift) & 0xffffffff;
  }
  const uint64_t low = m * part[2], middle = m * part[1] + (low >> 32);
  const uint64_t high = m * part[0] + (middle >> 32);
  const uint64_t turns = high << 32 | (middle & 0xffffffff);  // quarter turns, times 2^62
  const uint64_t n = (turns + (1ull << 61)) >> 62;
  *quadrant = (int32_t)(n & 3);
  return (double)(int64_t)(turns - (n << 62)) * (0x1p-62 * 1.5707963267948966);
}

INLINE double reduce_angle(const float x, int32_t* quadrant) {
  const uint32_t magnitude = bits_of(x) & 0x7fffffff;
  if (magnitude >= 0x49800000) {
    const double r = reduce_large_angle(magnitude, quadrant);
    if (x > 0) return r;
    *quadrant = -*quadrant & 3;
    return -r;
  }
  // n times the first part, pi/2 to 33 bits, is exact.
  const double n = __builtin_rint((double)x * 0.63661977236758134);
  *quadrant = (int32_t)n & 3;
  return (double)x - n * 1.57079632673412561417 - n * 6.07710050650619224932e-11;
}

// The series for |r| <= pi / 4, up to where their rest is below 2^-36.
INLINE double sin_reduced(const double r) {
  const double z = r * r;
  double p = 1.0 / 6227020800;
  p = p * z - 1.0 / 39916800;
  p = p * z + 1.0 / 362880;
  p = p * z - 1.0 / 5040;
  p = p * z + 1.0 / 120;
  p = p * z - 1.0 / 6;
  return r + r * (z * p);
}
INLINE double cos_reduced(const double r) {
  const double z = r * r;
  double p = 1.0 / 479001600;
  p = p * z - 1.0 / 3628800;
  p = p * z + 1.0 / 40320;
  p = p * z - 1.0 / 720;
  p = p * z + 1.0 / 24;
  p = p * z - 0.5;
  return 1.0 + z * p;
}

// sin(x), or cos(x) = sin(x + pi/2), or tan(x).
typedef enum { ANGLE_SIN, ANGLE_COS, ANGLE_TAN } angle_function;

INLINE float f32_of_angle(const float x, const angle_function function) {
  if (!(__builtin_fabsf(x) < INFINITY)) return NAN;
  if (x == 0) return function == ANGLE_COS ? 1.0f : x;  // sin(-0) and tan(-0) are -0
  int32_t quadrant;
  const double r = reduce_angle(x, &quadrant);
  if (function == ANGLE_TAN) {
    const double s = sin_reduced(r), c = cos_reduced(r);
    return (float)(quadrant & 1 ? -c / s : s / c);
  }
  if (function == ANGLE_COS) quadrant++;
  const double v = quadrant & 1 ? cos_reduced(r) : sin_reduced(r);
  return (float)(quadrant & 2 ? -v : v);
}

COMPACT f32x4 f32x4_of_angle(const f32x4 v, const angle_function function) {
  f32x4 y = v;
  for (int i = 0; i < 4; i++) y[i] = f32_of_angle(v[i], function);
  return y;
}

#endif  // OCTET_MATH64_H_
