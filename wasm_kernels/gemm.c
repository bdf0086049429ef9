// SPDX-License-Identifier: Apache-2.0
// Matrix products and convolutions in float32: tiles of rows x 8 columns of accumulators over
// packed weights.
//
// A convolution is the same product as a matrix multiplication; only the rows of A differ. They
// come in parts, a row of the window each, and are read where they lie. Windows that hang over the
// edge or have gaps are gathered into a panel (in cache, reused by all column blocks), so no im2col
// matrix exists and padding costs nothing in the inner loop.
#include "filters.h"
#include "madd.h"

#define UNIT 12  // rows of a unit of the range; a multiple of MR
#define NR 8
#define ALONE 4  // blocks that a single row takes together

// Rows of a tile: what 15 vector registers hold beside two of weights and one of A. Without a fused
// multiply-add the products take registers too.
#if defined(FUSED_MADD)
#define MR 6
#else
#define MR 4
#endif

// ---------------------------------------------------------------------------
// Tiles

// acc += the products of all k of one block for MR rows.
INLINE void multiply_rows(f32x4 acc[MR][2], const float* const a[MR], const float* w,
                          const int32_t k) {
  const float* row[MR];
  for (int r = 0; r < MR; r++) row[r] = a[r];
  for (int32_t i = 0; i < k; i++, w += NR) {
    const f32x4 w0 = f32x4_load(w), w1 = f32x4_load(w + 4);
    for (int r = 0; r < MR; r++) {
      const f32x4 v = f32x4_splat(row[r][i]);
      acc[r][0] = f32x4_madd(acc[r][0], v, w0);
      acc[r][1] = f32x4_madd(acc[r][1], v, w1);
    }
  }
}

// The same for one row and several blocks, `step` floats apart.
INLINE void multiply_blocks(f32x4 acc[ALONE][2], const float* a, const float* w, const size_t step,
                            const int32_t k) {
  for (int32_t i = 0; i < k; i++, w += NR) {
    const f32x4 v = f32x4_splat(a[i]);
    for (int j = 0; j < ALONE; j++) {
      acc[j][0] = f32x4_madd(acc[j][0], v, f32x4_load(w + (size_t)j * step));
      acc[j][1] = f32x4_madd(acc[j][1], v, f32x4_load(w + (size_t)j * step + 4));
    }
  }
}

// What all tiles of a call share. k is `parts` times `part`.
typedef struct {
  const float* w;  // of the group
  int32_t n, k, y_stride, parts, part;
  f32x4 lo, hi;
} product;

INLINE size_t block_floats(const product* p) { return (size_t)(1 + p->k) * NR; }

INLINE void store_row(float* y, const f32x4 acc[2], const product* p, const int32_t columns) {
  const f32x4 v0 = f32x4_clamp(acc[0], p->lo, p->hi), v1 = f32x4_clamp(acc[1], p->lo, p->hi);
  if (columns >= NR) {
    f32x4_store(y, v0);
    f32x4_store(y + 4, v1);
  } else {
    f32x4_store_n(y, v0, min_i32(columns, 4));
    f32x4_store_n(y + 4, v1, max_i32(columns - 4, 0));
  }
}

// One block of up to MR rows, whose parts are `steps` floats apart; without steps, in one piece.
INLINE void row_tile(float* y, const float* const a[MR], const ptrdiff_t* steps, const product* p,
                     const int32_t rows, const int32_t block) {
  const float* w = p->w + (size_t)block * block_floats(p);
  const f32x4 bias0 = f32x4_load(w), bias1 = f32x4_load(w + 4);
  f32x4 acc[MR][2];
  for (int r = 0; r < MR; r++) {
    acc[r][0] = bias0;
    acc[r][1] = bias1;
  }
  if (!steps) {
    multiply_rows(acc, a, w + NR, p->k);
  } else {
    w += NR;
    for (int32_t i = 0; i < p->parts; i++, w += p->part * NR) {
      const float* part[MR];
      for (int r = 0; r < MR; r++) part[r] = a[r] + i * steps[r];
      multiply_rows(acc, part, w, p->part);
    }
  }
  for (int r = 0; r < MR; r++) {
    if (r < rows) {
      store_row(y + (ptrdiff_t)r * p->y_stride + block * NR, acc[r], p, p->n - block * NR);
    }
  }
}

// Column blocks [first, last) of one row, a few at a time.
static void single_row(float* y, const float* a, const product* p, const int32_t first,
                       const int32_t last) {
  const size_t step = block_floats(p);
  int32_t b = first;
  for (; b + ALONE <= last; b += ALONE) {
    const float* w = p->w + (size_t)b * step;
    f32x4 acc[ALONE][2];
    for (int j = 0; j < ALONE; j++) {
      acc[j][0] = f32x4_load(w + (size_t)j * step);
      acc[j][1] = f32x4_load(w + (size_t)j * step + 4);
    }
    multiply_blocks(acc, a, w + NR, step, p->k);
    for (int j = 0; j < ALONE; j++) store_row(y + (b + j) * NR, acc[j], p, p->n - (b + j) * NR);
  }
  const float* same[MR];
  for (int r = 0; r < MR; r++) same[r] = a;
  for (; b < last; b++) row_tile(y, same, NULL, p, 1, b);
}

// Column blocks [first, last) of up to UNIT rows: block by block, so that a block of weights serves
// all rows from the first-level cache. One or two rows are cheaper alone than as part of a tile.
static void unit_rows(float* y, const float* const a[UNIT], const product* p, const int32_t rows,
                      const int32_t first, const int32_t last) {
  const int32_t alone = rows % MR <= 2 ? rows % MR : 0;
  for (int32_t b = first; b < last; b++) {
    for (int32_t r = 0; r < rows - alone; r += MR) {
      row_tile(y + (ptrdiff_t)r * p->y_stride, a + r, NULL, p, rows - r, b);
    }
  }
  for (int32_t r = rows - alone; r < rows; r++) {
    single_row(y + (ptrdiff_t)r * p->y_stride, a[r], p, first, last);
  }
}

void f32_gemm(float* y, const float* a, const void* w, const float lo, const float hi,
              const int32_t m, const int32_t n, const int32_t k, const int32_t splits,
              const int32_t a_stride, const int32_t y_stride, const int32_t begin,
              const int32_t end) {
  const int32_t blocks = divide_up(n, NR), shares = divide_up(blocks, ALONE);
  const product p = {w, n, k, y_stride, 1, k, f32x4_splat(lo), f32x4_splat(hi)};
  for (int32_t unit = begin; unit < end; unit++) {
    const int32_t row = unit / splits * UNIT, split = unit % splits;
    const float* rows[UNIT];
    for (int r = 0; r < UNIT; r++) rows[r] = a + (ptrdiff_t)min_i32(row + r, m - 1) * a_stride;
    unit_rows(y + (ptrdiff_t)row * y_stride, rows, &p, min_i32(m - row, UNIT),
              shares * split / splits * ALONE,
              min_i32(shares * (split + 1) / splits * ALONE, blocks));
  }
}

// ---------------------------------------------------------------------------
// Windows

// n floats, four at a time, also beyond n where x has that many before `x_end`: what follows in the
// panel is written later.
INLINE void put_floats(float* to, const float* x, const int32_t n, const float* x_end) {
  for (int32_t i = 0; i < n; i += 4) {
    f32x4_store(to + i, x_end - x - i >= 4 ? f32x4_load(x + i) : f32x4_load_n(x + i, n - i));
  }
}

// n zeros; up to three more may follow, which are written over later.
INLINE void put_zeros(float* to, const int32_t n) {
  for (int32_t i = 0; i < n; i += 4) f32x4_store(to + i, f32x4_splat(0));
}

// Whether a window lies inside the input, its rows without gaps.
INLINE int is_inside(const window_shape* s, const window_origin o) {
  return s->dilation_width == 1 && s->x_stride == s->in_channels && o.x >= 0 && o.y >= 0 &&
         o.x + s->kernel_width <= s->in_width &&
         o.y + (s->kernel_height - 1) * s->dilation_height < s->in_height;
}

static void gather_window(float* row, const float* x, const float* x_end, const window_shape* s,
                          const window_origin o) {
  const int32_t c = s->in_channels, kernel_row = s->kernel_width * c;
  const int dense = s->dilation_width == 1 && s->x_stride == c;
  int32_t first, last;
  inside_columns(s, o.x, &first, &last);
  for (int32_t ky = 0; ky < s->kernel_height; ky++, row += kernel_row) {
    const int32_t iy = o.y + ky * s->dilation_height;
    if (iy < 0 || iy >= s->in_height || first == last) {
      put_zeros(row, kernel_row);
      continue;
    }
    const ptrdiff_t start = (ptrdiff_t)(o.batch * s->in_height + iy) * s->in_width + o.x;
    put_zeros(row, first * c);
    if (dense) {
      put_floats(row + first * c, x + (start + first) * c, (last - first) * c, x_end);
    } else {
      for (int32_t kx = first; kx < last; kx++) {
        put_floats(row + kx * c, x + (start + (ptrdiff_t)kx * s->dilation_width) * s->x_stride, c,
                   x_end);
      }
    }
    put_zeros(row + last * c, (s->kernel_width - last) * c);
  }
}

// UNIT rows in parts.
static void window_rows(float* y, const float* const a[UNIT], const ptrdiff_t steps[UNIT],
                        const product* p, const int32_t blocks) {
  for (int32_t b = 0; b < blocks; b++) {
    for (int32_t r = 0; r < UNIT; r += MR) {
      row_tile(y + (ptrdiff_t)r * p->y_stride, a + r, steps + r, p, MR, b);
    }
  }
}

void f32_igemm(float* y, const float* x, const void* w, const float lo, const float hi,
               const window_shape* shape, void* scratch, const int32_t begin, const int32_t end) {
  const window_shape* s = shape;
  const int32_t m = s->batch * s->out_height * s->out_width;
  const int32_t part = s->kernel_width * s->in_channels;
  const int32_t k = s->kernel_height * part, n = s->out_channels, blocks = divide_up(n, NR);
  const ptrdiff_t line = (ptrdiff_t)s->in_width * s->x_stride;
  product p = {w, n, k, s->y_stride, s->kernel_height, part, f32x4_splat(lo), f32x4_splat(hi)};
  float* panel = scratch;
  for (int32_t unit = begin; unit < end; unit++) {
    const int32_t row = unit / s->groups * UNIT, g = unit % s->groups;
    const int32_t rows = min_i32(m - row, UNIT);
    const float* from = x + g * s->in_channels;
    const float* x_end = from +
                         (ptrdiff_t)(s->batch * s->in_height * s->in_width - 1) * s->x_stride +
                         s->in_channels;
    const float* a[UNIT];
    ptrdiff_t steps[UNIT];
    window_origin o = origin_of(s, row);
    for (int r = 0; r < UNIT; r++) {
      a[r] = panel + (ptrdiff_t)min_i32(r, rows - 1) * k;
      steps[r] = part;
      if (r >= rows) continue;
      if (rows == UNIT && is_inside(s, o)) {
        a[r] = from + (o.batch * s->in_height + o.y) * line + (ptrdiff_t)o.x * s->x_stride;
        steps[r] = s->dilation_height * line;
      } else {
        gather_window(panel + (ptrdiff_t)r * k, from, x_end, s, o);
      }
      advance(&o, s);
    }
    p.w = (const float*)w + (size_t)(g * blocks) * block_floats(&p);
    float* to = y + (ptrdiff_t)row * s->y_stride + g * n;
    if (rows == UNIT) {
      window_rows(to, a, steps, &p, blocks);
    } else {
      unit_rows(to, a, &p, rows, 0, blocks);
    }
  }
}
