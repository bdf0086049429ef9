// SPDX-License-Identifier: Apache-2.0
// Average and maximum over windows. The taps inside the input are a rectangle [ky0, ky1) x [kx0,
// kx1); padding is never visited.
#include "common.h"
#include "kernels.h"

typedef struct {
  ptrdiff_t pixel;  // of tap (0, 0), in elements of x; may lie outside
  ptrdiff_t row_step, column_step;
  int32_t ky0, ky1, kx0, kx1;
} window;

INLINE void inside(const int32_t start, const int32_t extent, const int32_t taps,
                   const int32_t dilation, int32_t* first, int32_t* last) {
  *first = start < 0 ? min_i32(divide_up(-start, dilation), taps) : 0;
  *last = extent <= start ? 0 : min_i32(divide_up(extent - start, dilation), taps);
  if (*last < *first) *last = *first;
}

INLINE window window_at(const window_shape* s, const int32_t row, const int32_t ox) {
  const int32_t top = row % s->out_height * s->stride_height - s->pad_top;
  const int32_t left = ox * s->stride_width - s->pad_left;
  window w;
  w.row_step = (ptrdiff_t)s->dilation_height * s->in_width * s->x_stride;
  w.column_step = (ptrdiff_t)s->dilation_width * s->x_stride;
  w.pixel =
      ((ptrdiff_t)(row / s->out_height * s->in_height + top) * s->in_width + left) * s->x_stride;
  inside(top, s->in_height, s->kernel_height, s->dilation_height, &w.ky0, &w.ky1);
  inside(left, s->in_width, s->kernel_width, s->dilation_width, &w.kx0, &w.kx1);
  return w;
}

// In elements of x; only for taps inside, so that no pointer is formed outside the input.
INLINE ptrdiff_t tap_at(const window* w, const int32_t ky, const int32_t kx) {
  return w->pixel + ky * w->row_step + kx * w->column_step;
}

INLINE int32_t tap_count(const window* w) { return (w->ky1 - w->ky0) * (w->kx1 - w->kx0); }

#define FOR_EACH_TAP(w)                          \
  for (int32_t ky = (w).ky0; ky < (w).ky1; ky++) \
    for (int32_t kx = (w).kx0; kx < (w).kx1; kx++)

#define FOR_EACH_PIXEL(s)                     \
  for (int32_t row = begin; row < end; row++) \
    for (int32_t ox = 0; ox < (s)->out_width; ox++)

void f32_avgpool(float* y, const float* x, const float lo, const float hi,
                 const window_shape* shape, void* scratch, const int32_t begin, const int32_t end) {
  const int32_t channels = shape->groups;
  const f32x4 lo4 = f32x4_splat(lo), hi4 = f32x4_splat(hi);
  float* sum = scratch;
  FOR_EACH_PIXEL(shape) {
    const window w = window_at(shape, row, ox);
    memset(sum, 0, (size_t)channels * sizeof(float));
    FOR_EACH_TAP(w) {
      const float* p = x + tap_at(&w, ky, kx);
      for (int32_t c = 0; c < channels; c++) sum[c] += p[c];
    }
    const f32x4 count = f32x4_splat((float)tap_count(&w));
    float* to = y + ((ptrdiff_t)row * shape->out_width + ox) * shape->y_stride;
    int32_t c = 0;
    for (; c + 4 <= channels; c += 4) {
      f32x4_store(to + c, f32x4_clamp(f32x4_load(sum + c) / count, lo4, hi4));
    }
    for (; c < channels; c++) {
      to[c] = f32x4_clamp(f32x4_splat(sum[c]) / count, lo4, hi4)[0];
    }
  }
}

// sum[c] = start + the bytes of channel c inside the window.
static void sum_bytes(int32_t* sum, const uint8_t* x, const window* w, const int32_t channels,
                      const int32_t start) {
  for (int32_t c = 0; c < channels; c++) sum[c] = start;
  FOR_EACH_TAP(*w) {
    const uint8_t* p = x + tap_at(w, ky, kx);
    for (int32_t c = 0; c < channels; c++) sum[c] += p[c];
  }
}

void qu8_avgpool(uint8_t* y, const uint8_t* x, const float scale, const int32_t x_zero_point,
                 const int32_t y_zero_point, const int32_t lo, const int32_t hi,
                 const window_shape* shape, void* scratch, const int32_t begin, const int32_t end) {
  const int32_t channels = shape->groups;
  int32_t* sum = scratch;
  FOR_EACH_PIXEL(shape) {
    const window w = window_at(shape, row, ox);
    const int32_t count = tap_count(&w);
    sum_bytes(sum, x, &w, channels, -x_zero_point * count);
    // A window wholly in the padding has no mean; it gives the zero point.
    const float s = count ? scale / (float)count : 0.0f;
    uint8_t* to = y + ((ptrdiff_t)row * shape->out_width + ox) * shape->y_stride;
    for (int32_t c = 0; c < channels; c++) {
      to[c] = (uint8_t)requantize_1((float)sum[c] * s, y_zero_point, lo, hi);
    }
  }
}

void u8_avgpool(uint8_t* y, const uint8_t* x, const int32_t origin, const int32_t lo,
                const int32_t hi, const window_shape* shape, void* scratch, const int32_t begin,
                const int32_t end) {
  const int32_t channels = shape->groups;
  int32_t* sum = scratch;
  FOR_EACH_PIXEL(shape) {
    const window w = window_at(shape, row, ox);
    const int32_t count = max_i32(tap_count(&w), 1);
    sum_bytes(sum, x, &w, channels, -origin * tap_count(&w));
    uint8_t* to = y + ((ptrdiff_t)row * shape->out_width + ox) * shape->y_stride;
    for (int32_t c = 0; c < channels; c++) {
      const int32_t half = sum[c] < 0 ? -(count / 2) : count / 2;
      to[c] = (uint8_t)clamp_i32(origin + (sum[c] + half) / count, lo, hi);
    }
  }
}

void f32_maxpool(float* y, const float* x, const float lo, const float hi,
                 const window_shape* shape, const int32_t begin, const int32_t end) {
  const int32_t channels = shape->groups;
  const f32x4 lo4 = f32x4_splat(lo), hi4 = f32x4_splat(hi);
  FOR_EACH_PIXEL(shape) {
    const window w = window_at(shape, row, ox);
    float* to = y + ((ptrdiff_t)row * shape->out_width + ox) * shape->y_stride;
    for (int32_t c = 0; c < channels; c++) to[c] = -INFINITY;
    FOR_EACH_TAP(w) {
      const float* p = x + tap_at(&w, ky, kx);
      int32_t c = 0;
      for (; c + 4 <= channels; c += 4) {
        f32x4_store(to + c, f32x4_max(f32x4_load(to + c), f32x4_load(p + c)));
      }
      for (; c < channels; c++) to[c] = f32x4_max(f32x4_splat(to[c]), f32x4_splat(p[c]))[0];
    }
    int32_t c = 0;
    for (; c + 4 <= channels; c += 4) {
      f32x4_store(to + c, f32x4_clamp(f32x4_load(to + c), lo4, hi4));
    }
    for (; c < channels; c++) to[c] = f32x4_clamp(f32x4_splat(to[c]), lo4, hi4)[0];
  }
}

void u8_maxpool(uint8_t* y, const uint8_t* x, const int32_t lo, const int32_t hi,
                const window_shape* shape, const int32_t begin, const int32_t end) {
  const int32_t channels = shape->groups;
  FOR_EACH_PIXEL(shape) {
    const window w = window_at(shape, row, ox);
    uint8_t* to = y + ((ptrdiff_t)row * shape->out_width + ox) * shape->y_stride;
    memset(to, lo, (size_t)channels);
    FOR_EACH_TAP(w) {
      const uint8_t* p = x + tap_at(&w, ky, kx);
      int32_t c = 0;
      for (; c + 16 <= channels; c += 16) {
        u8x16_store(to + c, u8x16_max(u8x16_load(to + c), u8x16_load(p + c)));
      }
      for (; c < channels; c++) to[c] = p[c] > to[c] ? p[c] : to[c];
    }
    for (int32_t c = 0; c < channels; c++) to[c] = to[c] > hi ? (uint8_t)hi : to[c];
  }
}
