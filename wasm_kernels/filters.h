// SPDX-License-Identifier: Apache-2.0
// Where a filter's elements lie, and what of a window lies inside the input.
#ifndef OCTET_FILTERS_H_
#define OCTET_FILTERS_H_

#include "common.h"
#include "kernels.h"

INLINE ptrdiff_t filter_at(const filter_shape* s, const int32_t g, const int32_t o, const int32_t t,
                           const int32_t i) {
  return (ptrdiff_t)g * s->group_stride + (ptrdiff_t)o * s->out_stride +
         (ptrdiff_t)t * s->tap_stride + (ptrdiff_t)i * s->in_stride;
}

// An output pixel, and the input position of its tap (0, 0), which may be negative.
typedef struct {
  int32_t batch, oy, ox;
  int32_t y, x;
} window_origin;

INLINE void locate(window_origin* o, const window_shape* s) {
  o->y = o->oy * s->stride_height - s->pad_top;
  o->x = o->ox * s->stride_width - s->pad_left;
}

// The pixel with index `pixel` over batch, oy, ox.
INLINE window_origin origin_of(const window_shape* s, const int32_t pixel) {
  const int32_t row = pixel / s->out_width;
  window_origin o = {row / s->out_height, row % s->out_height, pixel % s->out_width, 0, 0};
  locate(&o, s);
  return o;
}

// On to the next pixel, without a division.
INLINE void advance(window_origin* o, const window_shape* s) {
  if (++o->ox == s->out_width) {
    o->ox = 0;
    if (++o->oy == s->out_height) {
      o->oy = 0;
      o->batch++;
    }
  }
  locate(o, s);
}

// Taps kx of a window row that fall inside the input: [first, last).
INLINE void inside_columns(const window_shape* s, const int32_t x, int32_t* first, int32_t* last) {
  *first = x < 0 ? min_i32(divide_up(-x, s->dilation_width), s->kernel_width) : 0;
  const int32_t room = s->in_width - x;
  *last = room <= 0 ? 0 : min_i32(divide_up(room, s->dilation_width), s->kernel_width);
  if (*last < *first) *last = *first;
}

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

#endif  // OCTET_FILTERS_H_
