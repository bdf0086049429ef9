// SPDX-License-Identifier: Apache-2.0
// Softmax over contiguous rows.
#include "kernels.h"
#include "math32.h"

INLINE float sum_of(const f32x4 v) { return (v[0] + v[1]) + (v[2] + v[3]); }

void f32_softmax(float* y, const float* x, const int32_t n, const int32_t begin,
                 const int32_t end) {
  for (int32_t row = begin; row < end; row++) {
    const float* from = x + (ptrdiff_t)row * n;
    float* to = y + (ptrdiff_t)row * n;
    float max = from[0];
    for (int32_t i = 1; i < n; i++) max = from[i] > max ? from[i] : max;
    // Four partial sums: lane i % 4 takes element i, the tail included.
    f32x4 sums = f32x4_splat(0.0f);
    const f32x4 max4 = f32x4_splat(max);
    int32_t i = 0;
    for (; i + 4 <= n; i += 4) {
      const f32x4 e = f32x4_exp(f32x4_load(from + i) - max4);
      f32x4_store(to + i, e);
      sums += e;
    }
    if (i < n) {
      f32x4_store_n(to + i, f32x4_exp(f32x4_load_n(from + i, n - i) - max4), n - i);
      sums += f32x4_load_n(to + i, n - i);
    }
    const float inverse = 1.0f / sum_of(sums);
    for (int32_t j = 0; j < n; j++) to[j] *= inverse;
  }
}

void qu8_softmax_table(uint32_t* table, const float x_scale, const int32_t begin,
                       const int32_t end) {
  if (begin >= end) return;
  for (int32_t d = 0; d < 256; d++) {
    const float e = f32x4_exp(f32x4_splat((float)-d * x_scale))[0];
    table[d] = (uint32_t)__builtin_rintf(e * 8388608.0f);
  }
}

void qu8_softmax(uint8_t* y, const uint8_t* x, const uint32_t* table, const float y_scale,
                 const int32_t y_zero_point, const int32_t lo, const int32_t hi, const int32_t n,
                 const int32_t begin, const int32_t end) {
  for (int32_t row = begin; row < end; row++) {
    const uint8_t* from = x + (ptrdiff_t)row * n;
    int32_t max = 0;
    for (int32_t i = 0; i < n; i++) max = max_i32(max, from[i]);
    const uint32_t* entry = table + max;
    uint64_t sum = 0;
    for (int32_t i = 0; i < n; i++) sum += *(entry - from[i]);
    const float scale = 1.0f / ((float)sum * y_scale);
    for (int32_t i = 0; i < n; i++) {
      y[(ptrdiff_t)row * n + i] =
          (uint8_t)requantize_1((float)*(entry - from[i]) * scale, y_zero_point, lo, hi);
    }
  }
}
