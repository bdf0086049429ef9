// SPDX-License-Identifier: Apache-2.0
// Small things every kernel family shares: integer helpers, partial loads and stores,
// requantization.
#ifndef OCTET_COMMON_H_
#define OCTET_COMMON_H_

#include <assert.h>
#include <stddef.h>

#include "simd.h"

// For functions that run rarely, or long enough per call: small code instead of a copy in each
// caller.
#if defined(__clang__)
#define COMPACT static __attribute__((noinline, minsize, unused))
#else
#define COMPACT static __attribute__((noinline, unused))
#endif

INLINE int32_t min_i32(const int32_t a, const int32_t b) { return a < b ? a : b; }
INLINE int32_t max_i32(const int32_t a, const int32_t b) { return a > b ? a : b; }
INLINE int32_t clamp_i32(const int32_t v, const int32_t lo, const int32_t hi) {
  return v < lo ? lo : v > hi ? hi : v;
}
INLINE int32_t divide_up(const int32_t a, const int32_t b) { return (a + b - 1) / b; }
INLINE int32_t round_up(const int32_t a, const int32_t multiple) {
  return divide_up(a, multiple) * multiple;
}

INLINE uint32_t bits_of(const float v) {
  uint32_t bits;
  memcpy(&bits, &v, sizeof bits);
  return bits;
}
INLINE float float_of(const uint32_t bits) {
  float v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

// ---------------------------------------------------------------------------
// Tails: the first `n` elements of a vector; what lies behind them is neither read nor written.

INLINE f32x4 f32x4_load_n(const float* p, const int32_t n) {
  float lanes[4] = {0, 0, 0, 0};
  memcpy(lanes, p, (size_t)n * sizeof(float));
  return f32x4_load(lanes);
}
INLINE void f32x4_store_n(float* p, const f32x4 v, const int32_t n) {
  float lanes[4];
  f32x4_store(lanes, v);
  memcpy(p, lanes, (size_t)n * sizeof(float));
}
INLINE i16x8 i16x8_load_u8_n(const uint8_t* p, const int32_t n) {
  uint8_t lanes[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  memcpy(lanes, p, (size_t)n);
  return i16x8_load_u8(lanes);
}
INLINE u8x16 u8x16_load_n(const uint8_t* p, const int32_t n) {
  uint8_t lanes[16] = {0};
  memcpy(lanes, p, (size_t)n);
  return u8x16_load(lanes);
}
INLINE void u8x16_store_n(uint8_t* p, const u8x16 v, const int32_t n) {
  uint8_t lanes[16];
  u8x16_store(lanes, v);
  memcpy(p, lanes, (size_t)n);
}

// The first n of eight bytes, n in 1..8.
INLINE void u8x8_store_n(uint8_t* p, const u8x16 v, const int32_t n) {
  if (n >= 8) {
    u8x8_store(p, v);
  } else {
    u8x16_store_n(p, v, n);
  }
}

// ---------------------------------------------------------------------------
// Requantization, the numeric contract of kernels.h:
//
//   q = clamp(round_half_even(v) + zero_point, lo, hi)      v a float32, lo and hi within the type
//
// Adding 1.5 * 2^23 to v leaves round_half_even(v) in the low mantissa bits while |v| < 2^22.
// Beyond that the sum's bits, read as int32, still grow with v, so clamping them gives lo or hi as
// it must.

#define ROUNDING_MAGIC 12582912.0f      // 1.5 * 2^23
#define ROUNDING_MAGIC_BITS 0x4B400000  // its bits

typedef struct {
  f32x4 magic;
  i32x4 min, max, offset;  // of the magic bits: bits(lo), bits(hi), bits(0)
} requantizer;

INLINE requantizer make_requantizer(const int32_t zero_point, const int32_t lo, const int32_t hi) {
  return (requantizer){f32x4_splat(ROUNDING_MAGIC),
                       i32x4_splat(ROUNDING_MAGIC_BITS + lo - zero_point),
                       i32x4_splat(ROUNDING_MAGIC_BITS + hi - zero_point),
                       i32x4_splat(ROUNDING_MAGIC_BITS - zero_point)};
}

// Four results, in int32 lanes within [lo, hi].
INLINE i32x4 requantize(const f32x4 v, const requantizer* r) {
  const i32x4 bits = (i32x4)(v + r->magic);
  return i32x4_min(i32x4_max(bits, r->min), r->max) - r->offset;
}

// Sixteen results as bytes.
INLINE u8x16 requantize_bytes(const f32x4 v[4], const requantizer* r) {
  return u8x16_narrow(i16x8_narrow(requantize(v[0], r), requantize(v[1], r)),
                      i16x8_narrow(requantize(v[2], r), requantize(v[3], r)));
}

// The same for |v| < 2^22 where lo is 0 and hi 255: narrowing saturates.
INLINE u8x16 requantize_freely(const f32x4 v[4], const requantizer* r) {
  const i32x4 i0 = (i32x4)(v[0] + r->magic) - r->offset;
  const i32x4 i1 = (i32x4)(v[1] + r->magic) - r->offset;
  const i32x4 i2 = (i32x4)(v[2] + r->magic) - r->offset;
  const i32x4 i3 = (i32x4)(v[3] + r->magic) - r->offset;
  return u8x16_narrow(i16x8_narrow(i0, i1), i16x8_narrow(i2, i3));
}

// requantize for one value; NaN gives lo or hi by its sign.
INLINE int32_t requantize_1(const float v, const int32_t zero_point, const int32_t lo,
                            const int32_t hi) {
  const int32_t bits = (int32_t)bits_of(v + ROUNDING_MAGIC);
  return clamp_i32(bits, ROUNDING_MAGIC_BITS + lo - zero_point,
                   ROUNDING_MAGIC_BITS + hi - zero_point) -
         (ROUNDING_MAGIC_BITS - zero_point);
}

// Eight int32 in [0, 255] to the low eight bytes.
INLINE u8x16 u8x8_from_i32x4(const i32x4 low, const i32x4 high) {
  const i16x8 v = i16x8_narrow(low, high);
  return u8x16_narrow(v, v);
}

#endif  // OCTET_COMMON_H_
