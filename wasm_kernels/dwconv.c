// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution: per output pixel one pointer per tap (to the input or to a row of zeros),
// then a sweep over the channels.
#include "filters.h"

static void f32_pixel(float* y, const float* const* taps, const int32_t tap_count, const float* w,
                      const f32x4 lo, const f32x4 hi, const int32_t channels) {
  for (int32_t c = 0; c < channels; c += 4, w += 4 * (1 + tap_count)) {
    const int32_t lanes = channels - c;
    f32x4 acc = f32x4_load(w);
    if (lanes >= 4) {
      for (int32_t t = 0; t < tap_count; t++) {
        acc += f32x4_load(taps[t] + c) * f32x4_load(w + 4 + 4 * t);
      }
      f32x4_store(y + c, f32x4_clamp(acc, lo, hi));
    } else {
      for (int32_t t = 0; t < tap_count; t++) {
        acc += f32x4_load_n(taps[t] + c, lanes) * f32x4_load(w + 4 + 4 * t);
      }
      f32x4_store_n(y + c, f32x4_clamp(acc, lo, hi), lanes);
    }
  }
}

void f32_dwconv(float* y, const float* x, const void* w, const float lo, const float hi,
                const window_shape* shape, void* scratch, const int32_t begin, const int32_t end) {
  const int32_t channels = shape->groups;
  const int32_t tap_count = shape->kernel_height * shape->kernel_width;
  const float** taps = scratch;
  float* zeros = (float*)(void*)((char*)scratch + 8 * (size_t)tap_count);
  memset(zeros, 0, (size_t)channels * sizeof(float));
  const f32x4 lo4 = f32x4_splat(lo), hi4 = f32x4_splat(hi);
  for (int32_t row = begin; row < end; row++) {
    const int32_t batch = row / shape->out_height, oy = row % shape->out_height;
    for (int32_t ox = 0; ox < shape->out_width; ox++) {
      TAP_POINTERS(taps, x, zeros, shape, batch, oy, ox);
      f32_pixel(y + ((ptrdiff_t)row * shape->out_width + ox) * shape->y_stride, taps, tap_count, w,
                lo4, hi4, channels);
    }
  }
}
