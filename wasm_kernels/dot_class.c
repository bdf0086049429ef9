// SPDX-License-Identifier: Apache-2.0
// Which dot products of bytes this CPU has; see dots.h and plan.h.
#include "dots.h"
#include "kernels.h"
#include "plan.h"

#if defined(HAS_DOTS)

// Whether four sums of four products are exact with int8 weights and uint8 or int8 activations.
static int sums_match(const i32x4 got, const uint8_t* w, const uint8_t* x, const int is_signed) {
  for (int i = 0; i < 4; i++) {
    int32_t sum = 0;
    for (int j = 4 * i; j < 4 * i + 4; j++) {
      sum += (int8_t)w[j] * (is_signed ? (int32_t)(int8_t)x[j] : (int32_t)x[j]);
    }
    if (got[i] != sum) return 0;
  }
  return 1;
}

// Whether eight sums of two products are those that saturate in int16.
static int pairs_match(const i16x8 got, const uint8_t* w, const uint8_t* x) {
  for (int i = 0; i < 8; i++) {
    const int32_t sum = (int8_t)w[2 * i] * x[2 * i] + (int8_t)w[2 * i + 1] * x[2 * i + 1];
    if (got[i] != clamp_i32(sum, INT16_MIN, INT16_MAX)) return 0;
  }
  return 1;
}

int32_t dot_classes(const uint8_t* operands, const int32_t count) {
  int32_t classes = 1 << DOT_UNSIGNED | 1 << DOT_SIGNED | 1 << DOT_PAIRS;
  for (int32_t i = 0; i < count; i++, operands += 32) {
    const u8x16 w = u8x16_load(operands), x = u8x16_load(operands + 16);
    const i32x4 sums = i32x4_dot4u_add(i32x4_splat(0), w, x);
    if (!sums_match(sums, operands, operands + 16, 0)) classes &= ~(1 << DOT_UNSIGNED);
    if (!sums_match(sums, operands, operands + 16, 1)) classes &= ~(1 << DOT_SIGNED);
    if (!pairs_match(i16x8_pair_dot(w, x), operands, operands + 16)) classes &= ~(1 << DOT_PAIRS);
  }
  return classes;
}

#endif
