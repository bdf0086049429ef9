// SPDX-License-Identifier: Apache-2.0
// Vector types and the few operations the kernels need, under one name on every target.
//
// With -msimd128 each name is one or two wasm instructions. Without it (scalar wasm, native test
// build) the same name is a loop over lanes, written so that every lane computes the same bits: the
// portable half of this file is the specification, the intrinsic half its translation.
#ifndef OCTET_SIMD_H_
#define OCTET_SIMD_H_

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

typedef float f32x4 __attribute__((vector_size(16)));
typedef double f64x2 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef int64_t i64x2 __attribute__((vector_size(16)));
typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef int16_t i16x8 __attribute__((vector_size(16)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));

#define INLINE static inline __attribute__((always_inline))

// ---------------------------------------------------------------------------
// Loads, stores, splats: no alignment is ever required.

#define DEFINE_MEMORY_OPS(type, element)      \
  INLINE type type##_load(const element* p) { \
    type v;                                   \
    memcpy(&v, p, sizeof v);                  \
    return v;                                 \
  }                                           \
  INLINE void type##_store(element* p, const type v) { memcpy(p, &v, sizeof v); }

DEFINE_MEMORY_OPS(f32x4, float)
DEFINE_MEMORY_OPS(i32x4, int32_t)
DEFINE_MEMORY_OPS(i16x8, int16_t)
DEFINE_MEMORY_OPS(u8x16, uint8_t)

// The low eight bytes, the high ones, and bytes 4 * lane to 4 * lane + 3.
INLINE void u8x8_store(uint8_t* p, const u8x16 v) { memcpy(p, &v, 8); }
#if defined(__wasm_simd128__)
INLINE void u8x8_store_high(uint8_t* p, const u8x16 v) { wasm_v128_store64_lane(p, (v128_t)v, 1); }
#define u8x4_store_lane(p, v, lane) wasm_v128_store32_lane(p, (v128_t)(v), lane)
#else
INLINE void u8x8_store_high(uint8_t* p, const u8x16 v) { memcpy(p, (const char*)&v + 8, 8); }
#define u8x4_store_lane(p, v, lane) memcpy(p, (const char*)&(v) + 4 * (lane), 4)
#endif

INLINE f32x4 f32x4_splat(const float v) { return (f32x4){v, v, v, v}; }
INLINE f64x2 f64x2_splat(const double v) { return (f64x2){v, v}; }
INLINE i32x4 i32x4_splat(const int32_t v) { return (i32x4){v, v, v, v}; }
INLINE i16x8 i16x8_splat(const int16_t v) { return (i16x8){v, v, v, v, v, v, v, v}; }
INLINE i64x2 i64x2_splat(const int64_t v) { return (i64x2){v, v}; }
INLINE u8x16 u8x16_splat(const uint8_t v) {
  return (u8x16){v, v, v, v, v, v, v, v, v, v, v, v, v, v, v, v};
}

INLINE i32x4 i32x4_swap_halves(const i32x4 v) { return (i32x4){v[2], v[3], v[0], v[1]}; }
INLINE i32x4 i32x4_even(const i32x4 a, const i32x4 b) { return (i32x4){a[0], a[2], b[0], b[2]}; }
INLINE i32x4 i32x4_odd(const i32x4 a, const i32x4 b) { return (i32x4){a[1], a[3], b[1], b[3]}; }

// The pair p[0], p[1] in every 32-bit lane: the left operand of an i16 dot.
INLINE i16x8 i16x8_splat_pair(const int16_t* p) {
  int32_t pair;
  memcpy(&pair, p, sizeof pair);
  return (i16x8)i32x4_splat(pair);
}

// ---------------------------------------------------------------------------
// Widening loads of eight bytes or eight halves.

#if defined(__wasm_simd128__)

INLINE i16x8 i16x8_load_u8(const uint8_t* p) { return (i16x8)wasm_u16x8_load8x8(p); }
INLINE i32x4 i32x4_low(const i16x8 v) { return (i32x4)wasm_i32x4_extend_low_i16x8((v128_t)v); }
INLINE i32x4 i32x4_high(const i16x8 v) { return (i32x4)wasm_i32x4_extend_high_i16x8((v128_t)v); }
INLINE i16x8 i16x8_low_u8(const u8x16 v) { return (i16x8)wasm_u16x8_extend_low_u8x16((v128_t)v); }
INLINE i16x8 i16x8_high_u8(const u8x16 v) { return (i16x8)wasm_u16x8_extend_high_u8x16((v128_t)v); }

#else

INLINE i16x8 i16x8_load_u8(const uint8_t* p) {
  return (i16x8){p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]};
}
INLINE i32x4 i32x4_low(const i16x8 v) { return (i32x4){v[0], v[1], v[2], v[3]}; }
INLINE i32x4 i32x4_high(const i16x8 v) { return (i32x4){v[4], v[5], v[6], v[7]}; }
INLINE i16x8 i16x8_low_u8(const u8x16 v) {
  return (i16x8){v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]};
}
INLINE i16x8 i16x8_high_u8(const u8x16 v) {
  return (i16x8){v[8], v[9], v[10], v[11], v[12], v[13], v[14], v[15]};
}

#endif

// ---------------------------------------------------------------------------
// Arithmetic that C operators on vectors do not name.

#if defined(__wasm_simd128__)

INLINE f32x4 f32x4_min(const f32x4 a, const f32x4 b) {
  return (f32x4)wasm_f32x4_pmin((v128_t)a, (v128_t)b);
}
INLINE f32x4 f32x4_max(const f32x4 a, const f32x4 b) {
  return (f32x4)wasm_f32x4_pmax((v128_t)a, (v128_t)b);
}
INLINE i32x4 i32x4_min(const i32x4 a, const i32x4 b) {
  return (i32x4)wasm_i32x4_min((v128_t)a, (v128_t)b);
}
INLINE i32x4 i32x4_max(const i32x4 a, const i32x4 b) {
  return (i32x4)wasm_i32x4_max((v128_t)a, (v128_t)b);
}
INLINE u8x16 u8x16_max(const u8x16 a, const u8x16 b) {
  return (u8x16)wasm_u8x16_max((v128_t)a, (v128_t)b);
}
INLINE u8x16 u8x16_min(const u8x16 a, const u8x16 b) {
  return (u8x16)wasm_u8x16_min((v128_t)a, (v128_t)b);
}
INLINE f32x4 f32x4_from_i32x4(const i32x4 v) { return (f32x4)wasm_f32x4_convert_i32x4((v128_t)v); }
INLINE f32x4 f32x4_round_even(const f32x4 v) { return (f32x4)wasm_f32x4_nearest((v128_t)v); }

// acc[i] + a[2i] * b[2i] + a[2i+1] * b[2i+1], all in int32.
INLINE i32x4 i32x4_dot_add(const i32x4 acc, const i16x8 a, const i16x8 b) {
  return acc + (i32x4)wasm_i32x4_dot_i16x8((v128_t)a, (v128_t)b);
}

// Saturating narrowing: eight int32 to int16, sixteen int16 to uint8.
INLINE i16x8 i16x8_narrow(const i32x4 low, const i32x4 high) {
  return (i16x8)wasm_i16x8_narrow_i32x4((v128_t)low, (v128_t)high);
}
INLINE u8x16 u8x16_narrow(const i16x8 low, const i16x8 high) {
  return (u8x16)wasm_u8x16_narrow_i16x8((v128_t)low, (v128_t)high);
}

// Sixteen int16 to int8, saturating; the bytes as they are stored.
INLINE u8x16 i8x16_narrow(const i16x8 low, const i16x8 high) {
  return (u8x16)wasm_i8x16_narrow_i16x8((v128_t)low, (v128_t)high);
}
INLINE int i32x4_any_negative(const i32x4 v) { return wasm_i32x4_bitmask((v128_t)v) != 0; }

// The top bit of each byte.
INLINE uint32_t u8x16_top_bits(const u8x16 v) { return wasm_i8x16_bitmask((v128_t)v); }

// Byte from[i] of v at i, zero where from[i] is 16 or more.
INLINE u8x16 u8x16_take(const u8x16 v, const u8x16 from) {
  return (u8x16)wasm_i8x16_swizzle((v128_t)v, (v128_t)from);
}

// a0 b0 a1 b1 ... of the low or high halves.
INLINE i16x8 i16x8_zip_low(const i16x8 a, const i16x8 b) {
  return (i16x8)wasm_i16x8_shuffle((v128_t)a, (v128_t)b, 0, 8, 1, 9, 2, 10, 3, 11);
}
INLINE i16x8 i16x8_zip_high(const i16x8 a, const i16x8 b) {
  return (i16x8)wasm_i16x8_shuffle((v128_t)a, (v128_t)b, 4, 12, 5, 13, 6, 14, 7, 15);
}
INLINE u8x16 u8x16_zip_low(const u8x16 a, const u8x16 b) {
  return (u8x16)wasm_i8x16_shuffle((v128_t)a, (v128_t)b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21,
                                   6, 22, 7, 23);
}
INLINE u8x16 u8x16_zip_high(const u8x16 a, const u8x16 b) {
  return (u8x16)wasm_i8x16_shuffle((v128_t)a, (v128_t)b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13,
                                   29, 14, 30, 15, 31);
}

#else

#define DEFINE_LANEWISE_SELECT(type, name, lanes, op)                  \
  INLINE type type##_##name(const type a, const type b) {              \
    type v;                                                            \
    for (int i = 0; i < lanes; i++) v[i] = b[i] op a[i] ? b[i] : a[i]; \
    return v;                                                          \
  }

DEFINE_LANEWISE_SELECT(f32x4, min, 4, <)
DEFINE_LANEWISE_SELECT(f32x4, max, 4, >)
DEFINE_LANEWISE_SELECT(i32x4, min, 4, <)
DEFINE_LANEWISE_SELECT(i32x4, max, 4, >)
DEFINE_LANEWISE_SELECT(u8x16, max, 16, >)
DEFINE_LANEWISE_SELECT(u8x16, min, 16, <)

INLINE f32x4 f32x4_from_i32x4(const i32x4 v) {
  return (f32x4){(float)v[0], (float)v[1], (float)v[2], (float)v[3]};
}
INLINE f32x4 f32x4_round_even(const f32x4 v) {
  return (f32x4){__builtin_rintf(v[0]), __builtin_rintf(v[1]), __builtin_rintf(v[2]),
                 __builtin_rintf(v[3])};
}
INLINE i32x4 i32x4_dot_add(const i32x4 acc, const i16x8 a, const i16x8 b) {
  i32x4 v;
  for (int i = 0; i < 4; i++) {
    // Through uint32: int32 accumulation wraps, as in wasm.
    v[i] = (int32_t)((uint32_t)acc[i] + (uint32_t)(a[2 * i] * b[2 * i]) +
                     (uint32_t)(a[2 * i + 1] * b[2 * i + 1]));
  }
  return v;
}
INLINE int16_t saturate_i16(const int32_t v) {
  return (int16_t)(v < INT16_MIN ? INT16_MIN : v > INT16_MAX ? INT16_MAX : v);
}
INLINE uint8_t saturate_u8(const int32_t v) { return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v); }
INLINE i16x8 i16x8_narrow(const i32x4 low, const i32x4 high) {
  i16x8 v;
  for (int i = 0; i < 4; i++) {
    v[i] = saturate_i16(low[i]);
    v[i + 4] = saturate_i16(high[i]);
  }
  return v;
}
INLINE u8x16 u8x16_narrow(const i16x8 low, const i16x8 high) {
  u8x16 v;
  for (int i = 0; i < 8; i++) {
    v[i] = saturate_u8(low[i]);
    v[i + 8] = saturate_u8(high[i]);
  }
  return v;
}
INLINE u8x16 i8x16_narrow(const i16x8 low, const i16x8 high) {
  u8x16 v;
  for (int i = 0; i < 16; i++) {
    const int16_t lane = i < 8 ? low[i] : high[i - 8];
    v[i] = (uint8_t)(lane < -128 ? -128 : lane > 127 ? 127 : lane);
  }
  return v;
}
INLINE int i32x4_any_negative(const i32x4 v) {
  return v[0] < 0 || v[1] < 0 || v[2] < 0 || v[3] < 0;
}
INLINE uint32_t u8x16_top_bits(const u8x16 v) {
  uint32_t bits = 0;
  for (int i = 0; i < 16; i++) bits |= (uint32_t)(v[i] >> 7) << i;
  return bits;
}
INLINE u8x16 u8x16_take(const u8x16 v, const u8x16 from) {
  u8x16 taken;
  for (int i = 0; i < 16; i++) taken[i] = from[i] < 16 ? v[from[i]] : 0;
  return taken;
}
INLINE i16x8 i16x8_zip_low(const i16x8 a, const i16x8 b) {
  return (i16x8){a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3]};
}
INLINE i16x8 i16x8_zip_high(const i16x8 a, const i16x8 b) {
  return (i16x8){a[4], b[4], a[5], b[5], a[6], b[6], a[7], b[7]};
}
INLINE u8x16 u8x16_zip_low(const u8x16 a, const u8x16 b) {
  u8x16 v;
  for (int i = 0; i < 16; i++) v[i] = i % 2 ? b[i / 2] : a[i / 2];
  return v;
}
INLINE u8x16 u8x16_zip_high(const u8x16 a, const u8x16 b) {
  u8x16 v;
  for (int i = 0; i < 16; i++) v[i] = i % 2 ? b[8 + i / 2] : a[8 + i / 2];
  return v;
}

#endif

// Note on min and max of floats: "b < a ? b : a", so a NaN in `a` survives and one in `b` does not.
INLINE f32x4 f32x4_clamp(const f32x4 v, const f32x4 lo, const f32x4 hi) {
  return f32x4_min(f32x4_max(v, lo), hi);
}

// Lanes of a where the mask is all ones, of b where it is zero.
INLINE f32x4 f32x4_select(const i32x4 mask, const f32x4 a, const f32x4 b) {
  return (f32x4)(((i32x4)a & mask) | ((i32x4)b & ~mask));
}
INLINE f32x4 f32x4_abs(const f32x4 v) { return (f32x4)((i32x4)v & i32x4_splat(0x7fffffff)); }

// ---------------------------------------------------------------------------
// Rounding and roots, and float64 for the elementary functions of math64.h.

INLINE f64x2 f64x2_select(const i64x2 mask, const f64x2 a, const f64x2 b) {
  return (f64x2)(((i64x2)a & mask) | ((i64x2)b & ~mask));
}

#if defined(__wasm_simd128__)

INLINE f32x4 f32x4_ceil(const f32x4 v) { return (f32x4)wasm_f32x4_ceil((v128_t)v); }
INLINE f32x4 f32x4_floor(const f32x4 v) { return (f32x4)wasm_f32x4_floor((v128_t)v); }
INLINE f32x4 f32x4_sqrt(const f32x4 v) { return (f32x4)wasm_f32x4_sqrt((v128_t)v); }
INLINE f64x2 f64x2_round_even(const f64x2 v) { return (f64x2)wasm_f64x2_nearest((v128_t)v); }
INLINE f64x2 f64x2_min(const f64x2 a, const f64x2 b) {
  return (f64x2)wasm_f64x2_pmin((v128_t)a, (v128_t)b);
}
INLINE f64x2 f64x2_max(const f64x2 a, const f64x2 b) {
  return (f64x2)wasm_f64x2_pmax((v128_t)a, (v128_t)b);
}

// The low or high half as float64; two halves back, rounded to nearest even.
INLINE f64x2 f64x2_low(const f32x4 v) { return (f64x2)wasm_f64x2_promote_low_f32x4((v128_t)v); }
INLINE f64x2 f64x2_high(const f32x4 v) {
  return f64x2_low((f32x4)wasm_i32x4_shuffle((v128_t)v, (v128_t)v, 2, 3, 2, 3));
}
INLINE f32x4 f32x4_from_f64x2(const f64x2 low, const f64x2 high) {
  return (f32x4)wasm_i32x4_shuffle(wasm_f32x4_demote_f64x2_zero((v128_t)low),
                                   wasm_f32x4_demote_f64x2_zero((v128_t)high), 0, 1, 4, 5);
}

#else

#define DEFINE_LANEWISE_CALL(name, function)                                        \
  INLINE f32x4 f32x4_##name(const f32x4 v) {                                        \
    return (f32x4){function(v[0]), function(v[1]), function(v[2]), function(v[3])}; \
  }

DEFINE_LANEWISE_CALL(ceil, __builtin_ceilf)
DEFINE_LANEWISE_CALL(floor, __builtin_floorf)
DEFINE_LANEWISE_CALL(sqrt, __builtin_sqrtf)

INLINE f64x2 f64x2_round_even(const f64x2 v) {
  return (f64x2){__builtin_rint(v[0]), __builtin_rint(v[1])};
}
DEFINE_LANEWISE_SELECT(f64x2, min, 2, <)
DEFINE_LANEWISE_SELECT(f64x2, max, 2, >)
INLINE f64x2 f64x2_low(const f32x4 v) { return (f64x2){v[0], v[1]}; }
INLINE f64x2 f64x2_high(const f32x4 v) { return (f64x2){v[2], v[3]}; }
INLINE f32x4 f32x4_from_f64x2(const f64x2 low, const f64x2 high) {
  return (f32x4){(float)low[0], (float)low[1], (float)high[0], (float)high[1]};
}

#endif

#endif  // OCTET_SIMD_H_
