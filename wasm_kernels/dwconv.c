// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution: per output pixel one pointer per tap (to the input or to a row of zeros),
// then a sweep over the channels.
#include "common.h"
#include "kernels.h"

// Pointers to the taps of output pixel (batch, oy, ox); taps outside read `zeros`.
#define TAP_POINTERS(taps, x, zeros, s, batch, oy, ox)                                  \
  do {                                                                                  \
    const int32_t top = (oy) * (s)->stride_height - (s)->pad_top;                       \
    const int32_t left = (ox) * (s)->stride_width - (s)->pad_left;                      \
    int32_t tap = 0;                                                                    \
    for (int32_t ky = 0; ky < (s)->kernel_height; ky++) {                               \
      const int32_t iy = top + ky * (s)->dilation_height;                               \
      const int row_inside = iy >= 0 && iy < (s)->in_height;                            \
      const ptrdiff_t row = (ptrdiff_t)((batch) * (s)->in_height + iy) * (s)->in_width; \
      for (int32_t kx = 0; kx < (s)->kernel_width; kx++) {                              \
        const int32_t ix = left + kx * (s)->dilation_width;                             \
        (taps)[tap++] = row_inside && ix >= 0 && ix < (s)->in_width                     \
                            ? (x) + (row + ix) * (s)->x_stride                          \
                            : (zeros);                                                  \
      }                                                                                 \
    }                                                                                   \
  } while (0)

// ---------------------------------------------------------------------------
// float32

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

// ---------------------------------------------------------------------------
// uint8: two taps at a time, interleaved per channel, by the int16 dot

static void qu8_pixel(uint8_t* y, const uint8_t* const* taps, const int32_t tap_count,
                      const char* w, const requantizer* q, const int32_t channels) {
  const int32_t pairs = divide_up(tap_count, 2);
  const size_t block_bytes = (size_t)(2 + pairs) * 32;
  for (int32_t c = 0; c < channels; c += 8, w += block_bytes) {
    const int32_t lanes = min_i32(channels - c, 8);
    i32x4 low = i32x4_load((const int32_t*)(const void*)w);
    i32x4 high = i32x4_load((const int32_t*)(const void*)(w + 16));
    const int16_t* b = (const int16_t*)(const void*)(w + 64);
    for (int32_t t = 0; t < 2 * pairs; t += 2, b += 16) {
      i16x8 v0, v1;
      if (lanes == 8) {
        v0 = i16x8_load_u8(taps[t] + c);
        v1 = i16x8_load_u8(taps[t + 1] + c);
      } else {
        v0 = i16x8_load_u8_n(taps[t] + c, lanes);
        v1 = i16x8_load_u8_n(taps[t + 1] + c, lanes);
      }
      low = i32x4_dot_add(low, i16x8_zip_low(v0, v1), i16x8_load(b));
      high = i32x4_dot_add(high, i16x8_zip_high(v0, v1), i16x8_load(b + 8));
    }
    const f32x4 scale_low = f32x4_load((const float*)(const void*)(w + 32));
    const f32x4 scale_high = f32x4_load((const float*)(const void*)(w + 48));
    u8x8_store_n(y + c,
                 u8x8_from_i32x4(requantize(f32x4_from_i32x4(low) * scale_low, q),
                                 requantize(f32x4_from_i32x4(high) * scale_high, q)),
                 lanes);
  }
}

void qu8_dwconv(uint8_t* y, const uint8_t* x, const void* w, const int32_t x_zero_point,
                const int32_t y_zero_point, const int32_t lo, const int32_t hi,
                const window_shape* shape, void* scratch, const int32_t begin, const int32_t end) {
  const int32_t channels = shape->groups;
  const int32_t tap_count = shape->kernel_height * shape->kernel_width;
  const uint8_t** taps = scratch;
  uint8_t* zeros = (uint8_t*)scratch + 8 * (size_t)(tap_count + 1);
  memset(zeros, x_zero_point, (size_t)channels);
  taps[tap_count] = zeros;  // the missing tap of an odd count; its weights are zero
  const requantizer q = make_requantizer(y_zero_point, lo, hi);
  for (int32_t row = begin; row < end; row++) {
    const int32_t batch = row / shape->out_height, oy = row % shape->out_height;
    for (int32_t ox = 0; ox < shape->out_width; ox++) {
      TAP_POINTERS(taps, x, zeros, shape, batch, oy, ox);
      qu8_pixel(y + ((ptrdiff_t)row * shape->out_width + ox) * shape->y_stride, taps, tap_count, w,
                &q, channels);
    }
  }
}
