// SPDX-License-Identifier: Apache-2.0
// Matrix products and convolutions: 4 rows x 8 columns of accumulators over packed weights.
//
// A convolution is the same product as a matrix multiplication; only the rows of A differ. For each
// tile of 4 output pixels the window is gathered into a panel of 4 rows of K (in cache, reused by
// all column blocks), so no im2col matrix exists and padding costs nothing in the inner loop.
#include "filters.h"

#define MR 4
#define NR 8

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
