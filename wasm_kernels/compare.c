// SPDX-License-Identifier: Apache-2.0
// Comparisons and logic, whose result is a byte that is 0 or 1, and the choice by such a byte.
#include "broadcast.h"
#include "common.h"
#include "elements.h"
#include "kernels.h"

// The loop of one operator; TRUTH is an expression of a[i] and b[i].
#define TRUTH_LOOP(TRUTH)                                    \
  do {                                                       \
    for (int32_t i = 0; i < n; i++) y[i] = (uint8_t)(TRUTH); \
  } while (0)

// All operators over elements that C compares as they are.
#define COMPARE(y, a, b, op, n)                \
  do {                                         \
    switch (op) {                              \
      case COMPARE_EQUAL:                      \
        TRUTH_LOOP(a[i] == b[i]);              \
        break;                                 \
      case COMPARE_NOT_EQUAL:                  \
        TRUTH_LOOP(a[i] != b[i]);              \
        break;                                 \
      case COMPARE_GREATER:                    \
        TRUTH_LOOP(a[i] > b[i]);               \
        break;                                 \
      case COMPARE_GREATER_OR_EQUAL:           \
        TRUTH_LOOP(a[i] >= b[i]);              \
        break;                                 \
      case COMPARE_AND:                        \
        TRUTH_LOOP((a[i] != 0) & (b[i] != 0)); \
        break;                                 \
      case COMPARE_OR:                         \
        TRUTH_LOOP((a[i] != 0) | (b[i] != 0)); \
        break;                                 \
      case COMPARE_XOR:                        \
        TRUTH_LOOP((a[i] != 0) ^ (b[i] != 0)); \
        break;                                 \
      default:                                 \
        assert(0);                             \
    }                                          \
  } while (0)

COMPACT void compare_floats(uint8_t* y, const float* a, const float* b, const int32_t op,
                            const int32_t n) {
  COMPARE(y, a, b, op, n);
}
COMPACT void compare_signed(uint8_t* y, const int64_t* a, const int64_t* b, const int32_t op,
                            const int32_t n) {
  COMPARE(y, a, b, op, n);
}
COMPACT void compare_unsigned(uint8_t* y, const uint64_t* a, const uint64_t* b, const int32_t op,
                              const int32_t n) {
  COMPARE(y, a, b, op, n);
}

void compare(uint8_t* y, const void* a, const void* b, const int32_t op, const int32_t type,
             const broadcast_shape* shape, const int32_t begin, const int32_t end) {
  const ptrdiff_t sa = a_step(shape), sb = b_step(shape);
  float fa[CHUNK], fb[CHUNK];
  int64_t ia[CHUNK], ib[CHUNK];
  for (int32_t unit = begin; unit < end; unit++) {
    const piece p = piece_at(shape, unit);
    for (int32_t i = 0; i < p.n; i += CHUNK) {
      const int32_t n = min_i32(p.n - i, CHUNK);
      uint8_t* to = y + p.y + i;
      if (is_float(type)) {
        read_floats(fa, a, type, p.a + i * sa, sa, n);
        read_floats(fb, b, type, p.b + i * sb, sb, n);
        compare_floats(to, fa, fb, op, n);
        continue;
      }
      read_integers(ia, a, type, p.a + i * sa, sa, n);
      read_integers(ib, b, type, p.b + i * sb, sb, n);
      if (type == TYPE_UINT64) {
        compare_unsigned(to, (const uint64_t*)ia, (const uint64_t*)ib, op, n);
      } else {
        compare_signed(to, ia, ib, op, n);
      }
    }
  }
}

// ---------------------------------------------------------------------------
// select

#define SELECT_ROW(type)                                                                   \
  do {                                                                                     \
    const type *true_row = (const type*)a + a_at, *false_row = (const type*)b + b_at;      \
    type* to = (type*)y + (ptrdiff_t)unit * n;                                             \
    for (int32_t i = 0; i < n; i++) {                                                      \
      to[i] = condition[c_at + i * c_step] ? true_row[i * a_step] : false_row[i * b_step]; \
    }                                                                                      \
  } while (0)

void select_nd(void* y, const uint8_t* condition, const void* a, const void* b,
               const int32_t element_bytes, const select_shape* shape, const int32_t begin,
               const int32_t end) {
  const int32_t last = shape->rank - 1;
  const int32_t n = shape->rank ? shape->dims[last] : 1;
  const ptrdiff_t c_step = shape->rank ? shape->condition_strides[last] : 0;
  const ptrdiff_t a_step = shape->rank ? shape->a_strides[last] : 0;
  const ptrdiff_t b_step = shape->rank ? shape->b_strides[last] : 0;
  for (int32_t unit = begin; unit < end; unit++) {
    ptrdiff_t c_at = 0, a_at = 0, b_at = 0;
    int32_t row = unit;
    for (int32_t d = last - 1; d >= 0; d--) {
      const int32_t i = row % shape->dims[d];
      row /= shape->dims[d];
      c_at += (ptrdiff_t)i * shape->condition_strides[d];
      a_at += (ptrdiff_t)i * shape->a_strides[d];
      b_at += (ptrdiff_t)i * shape->b_strides[d];
    }
    switch (element_bytes) {
      case 1:
        SELECT_ROW(uint8_t);
        break;
      case 2:
        SELECT_ROW(uint16_t);
        break;
      case 4:
        SELECT_ROW(uint32_t);
        break;
      case 8:
        SELECT_ROW(uint64_t);
        break;
      default:
        assert(0);
    }
  }
}
