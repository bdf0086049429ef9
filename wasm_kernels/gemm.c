// SPDX-License-Identifier: Apache-2.0
// Matrix products and convolutions: 4 rows x 8 columns of accumulators over packed weights.
//
// A convolution is the same product as a matrix multiplication; only the rows of A differ. For each
// tile of 4 output pixels the window is gathered into a panel of 4 rows of K (in cache, reused by
// all column blocks), so no im2col matrix exists and padding costs nothing in the inner loop.
#include "common.h"
#include "kernels.h"

#define MR 4
#define NR 8

// ---------------------------------------------------------------------------
// Where the windows of a tile come from

// The pixels of output row index `row` (over batch, oy, ox).
typedef struct {
  int32_t batch, y, x;  // x and y: the input position of tap (0, 0), may be negative
} window_origin;

INLINE window_origin origin_of(const window_shape* s, const int32_t row) {
  const int32_t ox = row % s->out_width;
  const int32_t oy = row / s->out_width % s->out_height;
  return (window_origin){row / (s->out_width * s->out_height), oy * s->stride_height - s->pad_top,
                         ox * s->stride_width - s->pad_left};
}

// Taps kx of a window row that fall inside the input: [first, last).
INLINE void inside_columns(const window_shape* s, const int32_t x, int32_t* first, int32_t* last) {
  *first = x < 0 ? min_i32(divide_up(-x, s->dilation_width), s->kernel_width) : 0;
  const int32_t room = s->in_width - x;
  *last = room <= 0 ? 0 : min_i32(divide_up(room, s->dilation_width), s->kernel_width);
  if (*last < *first) *last = *first;
}

// ---------------------------------------------------------------------------
// float32

INLINE void f32_tile(f32x4 acc[MR][2], const float* const a[MR], const float* w, const int32_t k) {
  for (int r = 0; r < MR; r++) {
    acc[r][0] = f32x4_load(w);
    acc[r][1] = f32x4_load(w + 4);
  }
  const float *a0 = a[0], *a1 = a[1], *a2 = a[2], *a3 = a[3];
  w += NR;
  for (int32_t i = 0; i < k; i++, w += NR) {
    const f32x4 w0 = f32x4_load(w);
    const f32x4 w1 = f32x4_load(w + 4);
    const f32x4 v0 = f32x4_splat(a0[i]);
    acc[0][0] += v0 * w0;
    acc[0][1] += v0 * w1;
    const f32x4 v1 = f32x4_splat(a1[i]);
    acc[1][0] += v1 * w0;
    acc[1][1] += v1 * w1;
    const f32x4 v2 = f32x4_splat(a2[i]);
    acc[2][0] += v2 * w0;
    acc[2][1] += v2 * w1;
    const f32x4 v3 = f32x4_splat(a3[i]);
    acc[3][0] += v3 * w0;
    acc[3][1] += v3 * w1;
  }
}

INLINE void f32_store_tile(float* y, const int32_t y_stride, f32x4 acc[MR][2], const f32x4 lo,
                           const f32x4 hi, const int32_t rows, const int32_t columns) {
  for (int r = 0; r < rows; r++, y += y_stride) {
    const f32x4 v0 = f32x4_clamp(acc[r][0], lo, hi);
    const f32x4 v1 = f32x4_clamp(acc[r][1], lo, hi);
    if (columns >= NR) {
      f32x4_store(y, v0);
      f32x4_store(y + 4, v1);
    } else {
      f32x4_store_n(y, v0, min_i32(columns, 4));
      f32x4_store_n(y + 4, v1, max_i32(columns - 4, 0));
    }
  }
}

// All column blocks [first, last) of one row tile.
static void f32_row_tile(float* y, const float* const a[MR], const char* w, const float lo,
                         const float hi, const int32_t rows, const int32_t n, const int32_t k,
                         const int32_t first, const int32_t last, const int32_t y_stride) {
  const size_t block_bytes = (size_t)(1 + k) * NR * sizeof(float);
  const f32x4 lo4 = f32x4_splat(lo), hi4 = f32x4_splat(hi);
  for (int32_t b = first; b < last; b++) {
    f32x4 acc[MR][2];
    f32_tile(acc, a, (const float*)(const void*)(w + (size_t)b * block_bytes), k);
    f32_store_tile(y + b * NR, y_stride, acc, lo4, hi4, rows, n - b * NR);
  }
}

void f32_gemm(float* y, const float* a, const void* w, const float lo, const float hi,
              const int32_t m, const int32_t n, const int32_t k, const int32_t splits,
              const int32_t a_stride, const int32_t y_stride, const int32_t begin,
              const int32_t end) {
  const int32_t blocks = divide_up(n, NR);
  for (int32_t unit = begin; unit < end; unit++) {
    const int32_t row = unit / splits * MR, split = unit % splits;
    const float* rows[MR];
    for (int r = 0; r < MR; r++) rows[r] = a + (ptrdiff_t)min_i32(row + r, m - 1) * a_stride;
    f32_row_tile(y + (ptrdiff_t)row * y_stride, rows, w, lo, hi, min_i32(m - row, MR), n, k,
                 (int32_t)((int64_t)blocks * split / splits),
                 (int32_t)((int64_t)blocks * (split + 1) / splits), y_stride);
  }
}

static void f32_gather(float* panel, const float* x, const window_shape* s, const int32_t row) {
  const window_origin o = origin_of(s, row);
  const int32_t c = s->in_channels;
  int32_t first, last;
  inside_columns(s, o.x, &first, &last);
  for (int32_t ky = 0; ky < s->kernel_height; ky++, panel += s->kernel_width * c) {
    const int32_t iy = o.y + ky * s->dilation_height;
    if (iy < 0 || iy >= s->in_height || first == last) {
      memset(panel, 0, (size_t)s->kernel_width * (size_t)c * sizeof(float));
      continue;
    }
    memset(panel, 0, (size_t)first * (size_t)c * sizeof(float));
    const ptrdiff_t pixel = (ptrdiff_t)(o.batch * s->in_height + iy) * s->in_width + o.x;
    for (int32_t kx = first; kx < last; kx++) {
      memcpy(panel + kx * c, x + (pixel + (ptrdiff_t)kx * s->dilation_width) * s->x_stride,
             (size_t)c * sizeof(float));
    }
    memset(panel + last * c, 0, (size_t)(s->kernel_width - last) * (size_t)c * sizeof(float));
  }
}

void f32_igemm(float* y, const float* x, const void* w, const float lo, const float hi,
               const window_shape* shape, void* scratch, const int32_t begin, const int32_t end) {
  const int32_t m = shape->batch * shape->out_height * shape->out_width;
  const int32_t k = shape->kernel_height * shape->kernel_width * shape->in_channels;
  const int32_t n = shape->out_channels;
  const int32_t blocks = divide_up(n, NR);
  const size_t group_bytes = (size_t)blocks * (size_t)(1 + k) * NR * sizeof(float);
  float* panel = scratch;
  for (int32_t unit = begin; unit < end; unit++) {
    const int32_t row = unit / shape->groups * MR, g = unit % shape->groups;
    const int32_t rows = min_i32(m - row, MR);
    const float* a[MR];
    for (int r = 0; r < MR; r++) {
      a[r] = panel + (ptrdiff_t)min_i32(r, rows - 1) * k;
      if (r < rows)
        f32_gather(panel + (ptrdiff_t)r * k, x + g * shape->in_channels, shape, row + r);
    }
    f32_row_tile(y + (ptrdiff_t)row * shape->y_stride + g * n, a,
                 (const char*)w + (size_t)g * group_bytes, lo, hi, rows, n, k, 0, blocks,
                 shape->y_stride);
  }
}

// ---------------------------------------------------------------------------
// uint8: the panel holds A widened to int16 pairs, so the inner loop is loads, dots and adds only

INLINE void qu8_tile(i32x4 acc[MR][2], const int16_t* const a[MR], const char* w,
                     const int32_t pairs) {
  const i32x4 bias0 = i32x4_load((const int32_t*)(const void*)w);
  const i32x4 bias1 = i32x4_load((const int32_t*)(const void*)(w + 16));
  for (int r = 0; r < MR; r++) {
    acc[r][0] = bias0;
    acc[r][1] = bias1;
  }
  const int16_t *a0 = a[0], *a1 = a[1], *a2 = a[2], *a3 = a[3];
  const int16_t* b = (const int16_t*)(const void*)(w + 64);
  for (int32_t i = 0; i < pairs; i++, b += 16) {
    const i16x8 b0 = i16x8_load(b);
    const i16x8 b1 = i16x8_load(b + 8);
    const i16x8 v0 = i16x8_splat_pair(a0 + 2 * i);
    acc[0][0] = i32x4_dot_add(acc[0][0], v0, b0);
    acc[0][1] = i32x4_dot_add(acc[0][1], v0, b1);
    const i16x8 v1 = i16x8_splat_pair(a1 + 2 * i);
    acc[1][0] = i32x4_dot_add(acc[1][0], v1, b0);
    acc[1][1] = i32x4_dot_add(acc[1][1], v1, b1);
    const i16x8 v2 = i16x8_splat_pair(a2 + 2 * i);
    acc[2][0] = i32x4_dot_add(acc[2][0], v2, b0);
    acc[2][1] = i32x4_dot_add(acc[2][1], v2, b1);
    const i16x8 v3 = i16x8_splat_pair(a3 + 2 * i);
    acc[3][0] = i32x4_dot_add(acc[3][0], v3, b0);
    acc[3][1] = i32x4_dot_add(acc[3][1], v3, b1);
  }
}

INLINE void qu8_store_tile(uint8_t* y, const int32_t y_stride, i32x4 acc[MR][2], const char* w,
                           const requantizer* q, const int32_t rows, const int32_t columns) {
  const f32x4 scale0 = f32x4_load((const float*)(const void*)(w + 32));
  const f32x4 scale1 = f32x4_load((const float*)(const void*)(w + 48));
  u8x16 out[MR];
  for (int r = 0; r < MR; r++) {
    out[r] = u8x8_from_i32x4(requantize(f32x4_from_i32x4(acc[r][0]) * scale0, q),
                             requantize(f32x4_from_i32x4(acc[r][1]) * scale1, q));
  }
  for (int r = 0; r < rows; r++, y += y_stride) u8x8_store_n(y, out[r], columns);
}

static void qu8_row_tile(uint8_t* y, const int16_t* const a[MR], const char* w,
                         const requantizer* q, const int32_t rows, const int32_t n,
                         const int32_t pairs, const int32_t first, const int32_t last,
                         const int32_t y_stride) {
  const size_t block_bytes = (size_t)(2 + pairs) * 32;
  for (int32_t b = first; b < last; b++) {
    const char* block = w + (size_t)b * block_bytes;
    i32x4 acc[MR][2];
    qu8_tile(acc, a, block, pairs);
    qu8_store_tile(y + b * NR, y_stride, acc, block, q, rows, n - b * NR);
  }
}

// n bytes to int16.
INLINE void widen(int16_t* y, const uint8_t* x, const int32_t n) {
  int32_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const u8x16 v = u8x16_load(x + i);
    i16x8_store(y + i, i16x8_low_u8(v));
    i16x8_store(y + i + 8, i16x8_high_u8(v));
  }
  for (; i < n; i++) y[i] = x[i];
}

INLINE void fill_i16(int16_t* y, const int16_t value, const int32_t n) {
  for (int32_t i = 0; i < n; i++) y[i] = value;
}

void qu8_gemm(uint8_t* y, const uint8_t* a, const void* w, const int32_t y_zero_point,
              const int32_t lo, const int32_t hi, const int32_t m, const int32_t n, const int32_t k,
              const int32_t splits, const int32_t a_stride, const int32_t y_stride, void* scratch,
              const int32_t begin, const int32_t end) {
  const int32_t blocks = divide_up(n, NR), pairs = divide_up(k, 2);
  const requantizer q = make_requantizer(y_zero_point, lo, hi);
  int16_t* panel = scratch;
  int32_t widened = -1;  // the row tile whose rows are in the panel
  for (int32_t unit = begin; unit < end; unit++) {
    const int32_t row = unit / splits * MR, split = unit % splits;
    const int32_t rows = min_i32(m - row, MR);
    const int16_t* panel_rows[MR];
    for (int r = 0; r < MR; r++) {
      int16_t* to = panel + (ptrdiff_t)min_i32(r, rows - 1) * pairs * 2;
      panel_rows[r] = to;
      if (r >= rows || widened == row) continue;
      widen(to, a + (ptrdiff_t)(row + r) * a_stride, k);
      if (k & 1) to[k] = 0;
    }
    widened = row;
    qu8_row_tile(y + (ptrdiff_t)row * y_stride, panel_rows, w, &q, rows, n, pairs,
                 (int32_t)((int64_t)blocks * split / splits),
                 (int32_t)((int64_t)blocks * (split + 1) / splits), y_stride);
  }
}

static void qu8_gather(int16_t* panel, const uint8_t* x, const window_shape* s,
                       const int16_t zero_point, const int32_t row) {
  const window_origin o = origin_of(s, row);
  const int32_t c = s->in_channels, kernel_row = s->kernel_width * c;
  const int dense = s->dilation_width == 1 && s->x_stride == c;
  int32_t first, last;
  inside_columns(s, o.x, &first, &last);
  for (int32_t ky = 0; ky < s->kernel_height; ky++, panel += kernel_row) {
    const int32_t iy = o.y + ky * s->dilation_height;
    if (iy < 0 || iy >= s->in_height || first == last) {
      fill_i16(panel, zero_point, kernel_row);
      continue;
    }
    fill_i16(panel, zero_point, first * c);
    const ptrdiff_t pixel = (ptrdiff_t)(o.batch * s->in_height + iy) * s->in_width + o.x;
    if (dense) {
      widen(panel + first * c, x + (pixel + first) * c, (last - first) * c);
    } else {
      for (int32_t kx = first; kx < last; kx++) {
        widen(panel + kx * c, x + (pixel + (ptrdiff_t)kx * s->dilation_width) * s->x_stride, c);
      }
    }
    fill_i16(panel + last * c, zero_point, (s->kernel_width - last) * c);
  }
}

void qu8_igemm(uint8_t* y, const uint8_t* x, const void* w, const int32_t x_zero_point,
               const int32_t y_zero_point, const int32_t lo, const int32_t hi,
               const window_shape* shape, void* scratch, const int32_t begin, const int32_t end) {
  const int32_t m = shape->batch * shape->out_height * shape->out_width;
  const int32_t k = shape->kernel_height * shape->kernel_width * shape->in_channels;
  const int32_t n = shape->out_channels;
  const int32_t blocks = divide_up(n, NR), pairs = divide_up(k, 2);
  const size_t group_bytes = (size_t)blocks * (size_t)(2 + pairs) * 32;
  const requantizer q = make_requantizer(y_zero_point, lo, hi);
  int16_t* panel = scratch;
  for (int32_t unit = begin; unit < end; unit++) {
    const int32_t row = unit / shape->groups * MR, g = unit % shape->groups;
    const int32_t rows = min_i32(m - row, MR);
    const int16_t* a[MR];
    for (int r = 0; r < MR; r++) {
      int16_t* to = panel + (ptrdiff_t)min_i32(r, rows - 1) * pairs * 2;
      a[r] = to;
      if (r >= rows) continue;
      qu8_gather(to, x + g * shape->in_channels, shape, (int16_t)x_zero_point, row + r);
      if (k & 1) to[k] = 0;
    }
    qu8_row_tile(y + (ptrdiff_t)row * shape->y_stride + g * n, a,
                 (const char*)w + (size_t)g * group_bytes, &q, rows, n, pairs, 0, blocks,
                 shape->y_stride);
  }
}
