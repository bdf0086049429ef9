// SPDX-License-Identifier: Apache-2.0
// Resampling by coordinate tables: first between two input rows (into scratch), then across
// columns.
#include "common.h"
#include "kernels.h"

// The two input rows of an output row and the weight of the second.
typedef struct {
  ptrdiff_t upper, lower;
  float weight;
} row_pair;

INLINE row_pair row_pair_at(const resize_shape* s, const int32_t* rows, const float* weights,
                            const int32_t row) {
  const int32_t batch = row / s->out_height, oy = row % s->out_height;
  const ptrdiff_t row_elements = (ptrdiff_t)s->in_width * s->channels;
  const ptrdiff_t first = (ptrdiff_t)batch * s->in_height;
  return (row_pair){(first + rows[oy]) * row_elements,
                    (first + min_i32(rows[oy] + 1, s->in_height - 1)) * row_elements, weights[oy]};
}

INLINE f32x4 mix(const f32x4 a, const f32x4 b, const f32x4 weight) { return a + (b - a) * weight; }

// The neighbours of output column ox in the mixed row.
INLINE void columns_at(const resize_shape* s, const float* mixed, const int32_t* columns,
                       const int32_t ox, const float** left, const float** right) {
  *left = mixed + (ptrdiff_t)columns[ox] * s->channels;
  *right = mixed + (ptrdiff_t)min_i32(columns[ox] + 1, s->in_width - 1) * s->channels;
}

void f32_resize_linear(float* y, const float* x, const int32_t* rows, const float* row_weights,
                       const int32_t* columns, const float* column_weights,
                       const resize_shape* shape, void* scratch, const int32_t begin,
                       const int32_t end) {
  const int32_t channels = shape->channels, row_elements = shape->in_width * channels;
  float* mixed = scratch;
  for (int32_t row = begin; row < end; row++) {
    const row_pair pair = row_pair_at(shape, rows, row_weights, row);
    const float *upper = x + pair.upper, *lower = x + pair.lower;
    const f32x4 wy = f32x4_splat(pair.weight);
    int32_t i = 0;
    for (; i + 4 <= row_elements; i += 4) {
      f32x4_store(mixed + i, mix(f32x4_load(upper + i), f32x4_load(lower + i), wy));
    }
    if (i < row_elements) {
      const int32_t n = row_elements - i;
      f32x4_store_n(mixed + i, mix(f32x4_load_n(upper + i, n), f32x4_load_n(lower + i, n), wy), n);
    }
    float* to = y + (ptrdiff_t)row * shape->out_width * channels;
    for (int32_t ox = 0; ox < shape->out_width; ox++, to += channels) {
      const float *left, *right;
      columns_at(shape, mixed, columns, ox, &left, &right);
      const f32x4 wx = f32x4_splat(column_weights[ox]);
      int32_t c = 0;
      for (; c + 4 <= channels; c += 4) {
        f32x4_store(to + c, mix(f32x4_load(left + c), f32x4_load(right + c), wx));
      }
      if (c < channels && channels >= 4) {
        c = channels - 4;  // some of them again
        f32x4_store(to + c, mix(f32x4_load(left + c), f32x4_load(right + c), wx));
      } else if (c < channels) {
        f32x4_store_n(to, mix(f32x4_load_n(left, channels), f32x4_load_n(right, channels), wx),
                      channels);
      }
    }
  }
}

INLINE void put_eight(uint8_t* to, const float* left, const float* right, const f32x4 wx,
                      const f32x4 scale, const requantizer* q) {
  const f32x4 low = mix(f32x4_load(left), f32x4_load(right), wx);
  const f32x4 high = mix(f32x4_load(left + 4), f32x4_load(right + 4), wx);
  u8x8_store(to, u8x8_from_i32x4(requantize(low * scale, q), requantize(high * scale, q)));
}

void qu8_resize_linear(uint8_t* y, const uint8_t* x, const int32_t* rows, const float* row_weights,
                       const int32_t* columns, const float* column_weights, const float scale,
                       const int32_t x_zero_point, const int32_t y_zero_point, const int32_t lo,
                       const int32_t hi, const resize_shape* shape, void* scratch,
                       const int32_t begin, const int32_t end) {
  const int32_t channels = shape->channels, row_elements = shape->in_width * channels;
  const requantizer q = make_requantizer(y_zero_point, lo, hi);
  const f32x4 s = f32x4_splat(scale);
  const i32x4 zero_point = i32x4_splat(x_zero_point);
  float* mixed = scratch;
  for (int32_t row = begin; row < end; row++) {
    const row_pair pair = row_pair_at(shape, rows, row_weights, row);
    const uint8_t *upper = x + pair.upper, *lower = x + pair.lower;
    const f32x4 wy = f32x4_splat(pair.weight);
    for (int32_t i = 0; i < row_elements; i += 8) {
      const int32_t n = row_elements - i;
      const i16x8 a = n >= 8 ? i16x8_load_u8(upper + i) : i16x8_load_u8_n(upper + i, n);
      const i16x8 b = n >= 8 ? i16x8_load_u8(lower + i) : i16x8_load_u8_n(lower + i, n);
      const f32x4 low = mix(f32x4_from_i32x4(i32x4_low(a) - zero_point),
                            f32x4_from_i32x4(i32x4_low(b) - zero_point), wy);
      const f32x4 high = mix(f32x4_from_i32x4(i32x4_high(a) - zero_point),
                             f32x4_from_i32x4(i32x4_high(b) - zero_point), wy);
      if (n >= 8) {
        f32x4_store(mixed + i, low);
        f32x4_store(mixed + i + 4, high);
      } else {
        f32x4_store_n(mixed + i, low, min_i32(n, 4));
        f32x4_store_n(mixed + i + 4, high, max_i32(n - 4, 0));
      }
    }
    uint8_t* to = y + (ptrdiff_t)row * shape->out_width * channels;
    for (int32_t ox = 0; ox < shape->out_width; ox++, to += channels) {
      const float *left, *right;
      columns_at(shape, mixed, columns, ox, &left, &right);
      const f32x4 wx = f32x4_splat(column_weights[ox]);
      int32_t c = 0;
      for (; c + 8 <= channels; c += 8) put_eight(to + c, left + c, right + c, wx, s, &q);
      if (c < channels && channels >= 8) {
        c = channels - 8;  // some of them again
        put_eight(to + c, left + c, right + c, wx, s, &q);
        continue;
      }
      for (; c < channels; c += 4) {
        const int32_t n = min_i32(channels - c, 4);
        const i32x4 v =
            requantize(mix(f32x4_load_n(left + c, n), f32x4_load_n(right + c, n), wx) * s, &q);
        u8x16_store_n(to + c, u8x8_from_i32x4(v, v), n);
      }
    }
  }
}

void x8_resize_nearest(uint8_t* y, const uint8_t* x, const int32_t* rows, const int32_t* columns,
                       const resize_shape* shape, const int32_t begin, const int32_t end) {
  const ptrdiff_t pixel = shape->channels;
  for (int32_t row = begin; row < end; row++) {
    const int32_t batch = row / shape->out_height, oy = row % shape->out_height;
    const uint8_t* from =
        x + ((ptrdiff_t)batch * shape->in_height + rows[oy]) * shape->in_width * pixel;
    uint8_t* to = y + (ptrdiff_t)row * shape->out_width * pixel;
    for (int32_t ox = 0; ox < shape->out_width; ox++, to += pixel) {
      memcpy(to, from + columns[ox] * pixel, (size_t)pixel);
    }
  }
}
