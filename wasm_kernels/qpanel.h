// SPDX-License-Identifier: Apache-2.0
// Panels of the quantized products: rows of activations in the form and the order that packed
// weights have.
#ifndef OCTET_QPANEL_H_
#define OCTET_QPANEL_H_

#include "filters.h"
#include "packed.h"
#include "simd.h"

// Where row r of a panel starts: rows of int16, or of bytes padded to whole steps.
INLINE uint8_t* panel_row(void* panel, const int32_t r, const int32_t k, const int32_t format) {
  return (uint8_t*)panel +
         (ptrdiff_t)r * (format == FORMAT_HALVES ? 4 * divide_up(k, 2) : round_up(k, 8));
}

// n bytes of A into a panel at element `at`, in the form of the format; sixteen at a time, also
// beyond n where x has that many before `x_end`: what follows in the panel is written later.
INLINE void put_bytes(uint8_t* row, const int32_t at, const uint8_t* x, const int32_t n,
                      const uint8_t* x_end, const int32_t format) {
  const u8x16 flip = u8x16_splat(format == FORMAT_DOT_SIGNED ? 0x80 : 0);
  for (int32_t i = 0; i < n; i += 16) {
    const u8x16 v = (x_end - x - i >= 16 ? u8x16_load(x + i) : u8x16_load_n(x + i, n - i)) ^ flip;
    if (format == FORMAT_HALVES) {
      int16_t* to = (int16_t*)(void*)row + at + i;
      i16x8_store(to, i16x8_low_u8(v));
      i16x8_store(to + 8, i16x8_high_u8(v));
    } else {
      u8x16_store(row + at + i, v);
    }
  }
}

// A row of k bytes in the order that the weights have.
INLINE void put_ordered(uint8_t* row, const uint8_t* x, const int32_t k, const uint8_t* x_end,
                        const uint8_t* order) {
  for (int32_t i = 0; i < k; i += 16) {
    const u8x16 v = x_end - x - i >= 16 ? u8x16_load(x + i) : u8x16_load_n(x + i, k - i);
    u8x16_store(row + i, u8x16_take(v, u8x16_load(order + i)));
  }
}

INLINE void put_padding(uint8_t* row, const int32_t at, const uint8_t zero_point, const int32_t n,
                        const int32_t format) {
  if (format == FORMAT_HALVES) {
    int16_t* to = (int16_t*)(void*)row + at;
    for (int32_t i = 0; i < n; i++) to[i] = zero_point;
  } else {
    const uint8_t byte = format == FORMAT_DOT_SIGNED ? zero_point ^ 0x80 : zero_point;
    for (int32_t i = 0; i < n; i++) row[at + i] = byte;
  }
}

// Whether every tap of the window at `o` is inside the input, its rows are runs of at most 16
// bytes, and 16 can be read wherever one starts.
INLINE int is_narrow(const uint8_t* x, const uint8_t* x_end, const window_shape* s,
                     const window_origin o) {
  const int32_t c = s->in_channels;
  const int32_t last_y = o.y + (s->kernel_height - 1) * s->dilation_height;
  return s->kernel_width * c <= 16 && s->dilation_width == 1 && s->x_stride == c && o.x >= 0 &&
         o.x + s->kernel_width <= s->in_width && o.y >= 0 && last_y < s->in_height &&
         x_end - x - (ptrdiff_t)((o.batch * s->in_height + last_y) * s->in_width + o.x) * c >= 16;
}

// The window of a first convolution, mostly.
INLINE void gather_narrow(uint8_t* row, const uint8_t* x, const window_shape* s,
                          const window_origin o, const int32_t format) {
  const u8x16 flip = u8x16_splat(format == FORMAT_DOT_SIGNED ? 0x80 : 0);
  const ptrdiff_t below = (ptrdiff_t)s->dilation_height * s->in_width * s->x_stride;
  const int32_t run = s->kernel_width * s->in_channels;
  x += ((ptrdiff_t)(o.batch * s->in_height + o.y) * s->in_width + o.x) * s->x_stride;
  for (int32_t ky = s->kernel_height; ky > 0; ky--, x += below) {
    const u8x16 v = u8x16_load(x) ^ flip;
    if (format == FORMAT_HALVES) {
      i16x8_store((int16_t*)(void*)row, i16x8_low_u8(v));
      i16x8_store((int16_t*)(void*)row + 8, i16x8_high_u8(v));
      row += 2 * run;
    } else {
      u8x16_store(row, v);
      row += run;
    }
  }
}

// The window that starts at `o`, tap after tap. What a panel has behind it is multiplied with
// zeros.
static void gather_window(uint8_t* row, const uint8_t* x, const uint8_t* x_end,
                          const window_shape* s, const window_origin o, const uint8_t zero_point,
                          const int32_t format) {
  const int32_t c = s->in_channels, kernel_row = s->kernel_width * c;
  const int dense = s->dilation_width == 1 && s->x_stride == c;
  int32_t first = 0, last = s->kernel_width, at = 0;
  if (o.x < 0 || o.x + (s->kernel_width - 1) * s->dilation_width >= s->in_width) {
    inside_columns(s, o.x, &first, &last);
  }
  for (int32_t ky = 0; ky < s->kernel_height; ky++, at += kernel_row) {
    const int32_t iy = o.y + ky * s->dilation_height;
    if (iy < 0 || iy >= s->in_height || first == last) {
      put_padding(row, at, zero_point, kernel_row, format);
      continue;
    }
    put_padding(row, at, zero_point, first * c, format);
    const ptrdiff_t start = (ptrdiff_t)(o.batch * s->in_height + iy) * s->in_width + o.x;
    if (dense) {
      put_bytes(row, at + first * c, x + (start + first) * c, (last - first) * c, x_end, format);
    } else {
      for (int32_t kx = first; kx < last; kx++) {
        put_bytes(row, at + kx * c, x + (start + (ptrdiff_t)kx * s->dilation_width) * s->x_stride,
                  c, x_end, format);
      }
    }
    put_padding(row, at + last * c, zero_point, (s->kernel_width - last) * c, format);
  }
}

#endif  // OCTET_QPANEL_H_
