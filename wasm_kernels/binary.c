// SPDX-License-Identifier: Apache-2.0
// Elementwise operations of two operands, with broadcasting.
#include "broadcast.h"
#include "common.h"
#include "kernels.h"
#include "math64.h"

// ---------------------------------------------------------------------------
// float32

INLINE f32x4 f32x4_load_strided(const float* p, const ptrdiff_t stride) {
  if (stride == 1) return f32x4_load(p);
  if (stride == 0) return f32x4_splat(*p);
  return (f32x4){p[0], p[stride], p[2 * stride], p[3 * stride]};
}

// The loop of one operator over one piece; VECTOR is an expression of the vectors a and b.
#define F32_LOOP(VECTOR)                                   \
  do {                                                     \
    int32_t i = 0;                                         \
    for (; i + 4 <= n; i += 4) {                           \
      const f32x4 a = f32x4_load_strided(pa + i * sa, sa); \
      const f32x4 b = f32x4_load_strided(pb + i * sb, sb); \
      f32x4_store(y + i, VECTOR);                          \
    }                                                      \
    for (; i < n; i++) {                                   \
      const f32x4 a = f32x4_splat(pa[i * sa]);             \
      const f32x4 b = f32x4_splat(pb[i * sb]);             \
      y[i] = (VECTOR)[0];                                  \
    }                                                      \
  } while (0)

INLINE void f32_piece(float* y, const float* pa, const float* pb, const int32_t op, const int32_t n,
                      const ptrdiff_t sa, const ptrdiff_t sb) {
  switch (op) {
    case BINARY_ADD:
      F32_LOOP(a + b);
      break;
    case BINARY_SUB:
      F32_LOOP(a - b);
      break;
    case BINARY_MUL:
      F32_LOOP(a * b);
      break;
    case BINARY_DIV:
      F32_LOOP(a / b);
      break;
    case BINARY_MAX:
      F32_LOOP(f32x4_max(a, b));
      break;
    case BINARY_MIN:
      F32_LOOP(f32x4_min(a, b));
      break;
    case BINARY_POW:
      F32_LOOP(f32x4_pow(a, b));
      break;
    case BINARY_PRELU:
      F32_LOOP(f32x4_select((i32x4)(a < f32x4_splat(0.0f)), a * b, a));
      break;
    default:
      assert(0);
  }
}

void f32_binary(float* y, const float* a, const float* b, const int32_t op,
                const broadcast_shape* shape, const int32_t begin, const int32_t end) {
  const ptrdiff_t sa = a_step(shape), sb = b_step(shape);
  for (int32_t unit = begin; unit < end; unit++) {
    const piece p = piece_at(shape, unit);
    f32_piece(y + p.y, a + p.a, b + p.b, op, p.n, sa, sb);
  }
}

// ---------------------------------------------------------------------------
// uint8

// Eight bytes as two float vectors, their zero point taken off.
typedef struct {
  f32x4 low, high;
} f32x8;

INLINE f32x8 centered(const i16x8 v, const i16x8 zero_point) {
  const i16x8 d = v - zero_point;
  return (f32x8){f32x4_from_i32x4(i32x4_low(d)), f32x4_from_i32x4(i32x4_high(d))};
}

INLINE i16x8 load_u8_strided(const uint8_t* p, const ptrdiff_t stride, const int32_t n) {
  if (stride == 1) return n >= 8 ? i16x8_load_u8(p) : i16x8_load_u8_n(p, n);
  if (stride == 0) return i16x8_splat(*p);
  i16x8 v = i16x8_splat(0);
  for (int32_t i = 0; i < min_i32(n, 8); i++) v[i] = p[i * stride];
  return v;
}

// The constants of a qu8_add call.
typedef struct {
  i32x4 a_multiplier, b_multiplier, bias, y_zero_point, lo, hi;
  int32_t shift;
} qu8_sum;

INLINE i32x4 qu8_add_4(const i32x4 a, const i32x4 b, const qu8_sum* p) {
  const i32x4 acc = p->bias + a * p->a_multiplier + b * p->b_multiplier;
  return i32x4_min(i32x4_max((acc >> p->shift) + p->y_zero_point, p->lo), p->hi);
}

INLINE u8x16 qu8_add_8(const i16x8 a, const i16x8 b, const qu8_sum* p) {
  return u8x8_from_i32x4(qu8_add_4(i32x4_low(a), i32x4_low(b), p),
                         qu8_add_4(i32x4_high(a), i32x4_high(b), p));
}

// The constants of a qu8_mul call.
typedef struct {
  i16x8 a_zero_point, b_zero_point;
  f32x4 scale;
  requantizer q;
} qu8_product;

// The products are exact: |a - za|, |b - zb| <= 255, so float32 holds them.
INLINE u8x16 qu8_mul_8(const i16x8 a, const i16x8 b, const qu8_product* p) {
  const f32x8 fa = centered(a, p->a_zero_point), fb = centered(b, p->b_zero_point);
  return u8x8_from_i32x4(requantize(fa.low * fb.low * p->scale, &p->q),
                         requantize(fa.high * fb.high * p->scale, &p->q));
}

#define QU8_PIECES(EIGHT)                                                     \
  do {                                                                        \
    const ptrdiff_t sa = shape->rank ? shape->a_strides[shape->rank - 1] : 0; \
    const ptrdiff_t sb = shape->rank ? shape->b_strides[shape->rank - 1] : 0; \
    for (int32_t unit = begin; unit < end; unit++) {                          \
      const piece at = piece_at(shape, unit);                                 \
      const uint8_t *pa = a + at.a, *pb = b + at.b;                           \
      for (int32_t i = 0; i < at.n; i += 8) {                                 \
        const i16x8 va = load_u8_strided(pa + i * sa, sa, at.n - i);          \
        const i16x8 vb = load_u8_strided(pb + i * sb, sb, at.n - i);          \
        u8x8_store_n(y + at.y + i, EIGHT(va, vb, &p), at.n - i);              \
      }                                                                       \
    }                                                                         \
  } while (0)

void qu8_add(uint8_t* y, const uint8_t* a, const uint8_t* b, const int32_t a_multiplier,
             const int32_t b_multiplier, const int32_t bias, const int32_t shift,
             const int32_t y_zero_point, const int32_t lo, const int32_t hi,
             const broadcast_shape* shape, const int32_t begin, const int32_t end) {
  const qu8_sum p = {i32x4_splat(a_multiplier),
                     i32x4_splat(b_multiplier),
                     i32x4_splat(bias),
                     i32x4_splat(y_zero_point),
                     i32x4_splat(lo),
                     i32x4_splat(hi),
                     shift};
  QU8_PIECES(qu8_add_8);
}

void qu8_mul(uint8_t* y, const uint8_t* a, const uint8_t* b, const float scale,
             const int32_t a_zero_point, const int32_t b_zero_point, const int32_t y_zero_point,
             const int32_t lo, const int32_t hi, const broadcast_shape* shape, const int32_t begin,
             const int32_t end) {
  const qu8_product p = {i16x8_splat(a_zero_point), i16x8_splat(b_zero_point), f32x4_splat(scale),
                         make_requantizer(y_zero_point, lo, hi)};
  QU8_PIECES(qu8_mul_8);
}
