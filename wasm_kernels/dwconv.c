// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution in float32, four channels at a time.
//
// Filters of three columns slide along the output row: each input column is read once and adds to
// three outputs, whose sums stay in registers beside the weights. Other filters read every tap of
// every pixel. Both add up the products of a column, then the columns, so that they agree.
#include "filters.h"
#include "madd.h"

// ---------------------------------------------------------------------------
// Any filter

static void tap_pixel(float* y, const float* const* taps, const window_shape* s, const float* w,
                      const f32x4 lo, const f32x4 hi) {
  const int32_t channels = s->groups, tap_count = s->kernel_height * s->kernel_width;
  for (int32_t c = 0; c < channels; c += 4, w += 4 * (1 + tap_count)) {
    const int32_t lanes = channels - c;
    f32x4 acc = f32x4_load(w);
    for (int32_t kx = 0; kx < s->kernel_width; kx++) {
      f32x4 sum = f32x4_splat(0);
      for (int32_t t = kx; t < tap_count; t += s->kernel_width) {
        const f32x4 v = lanes >= 4 ? f32x4_load(taps[t] + c) : f32x4_load_n(taps[t] + c, lanes);
        sum = f32x4_madd(sum, v, f32x4_load(w + 4 + 4 * t));
      }
      acc += sum;
    }
    const f32x4 v = f32x4_clamp(acc, lo, hi);
    if (lanes >= 4) {
      f32x4_store(y + c, v);
    } else {
      f32x4_store_n(y + c, v, lanes);
    }
  }
}

static void tap_rows(float* y, const float* x, const float* w, const f32x4 lo, const f32x4 hi,
                     const window_shape* s, void* scratch, const int32_t begin, const int32_t end) {
  const float** taps = scratch;
  float* zeros = (float*)(void*)((char*)scratch + 8 * s->kernel_height * s->kernel_width);
  memset(zeros, 0, (size_t)s->groups * sizeof(float));
  for (int32_t row = begin; row < end; row++) {
    const int32_t batch = row / s->out_height, oy = row % s->out_height;
    for (int32_t ox = 0; ox < s->out_width; ox++) {
      TAP_POINTERS(taps, x, zeros, s, batch, oy, ox);
      tap_pixel(y + ((ptrdiff_t)row * s->out_width + ox) * s->y_stride, taps, s, w, lo, hi);
    }
  }
}

// ---------------------------------------------------------------------------
// Filters of 3 x 3: strides of 1 with any dilation, and of 2 without

// Three input rows at one block of channels; a row outside the input reads zeros again and again.
typedef struct {
  const float* row[3];
  ptrdiff_t step[3];  // from a column to the next that is read
} column_source;

// The next column if it is inside the input, else zeros.
INLINE void next_column(f32x4 v[3], column_source* x, const int inside) {
  for (int ky = 0; ky < 3; ky++) {
    v[ky] = inside ? f32x4_load(x->row[ky]) : f32x4_splat(0);
    if (inside) x->row[ky] += x->step[ky];
  }
}

// The products of one column with filter column w[0], w[1], w[2]. Sums of three columns wait for
// each other only when these are added.
INLINE f32x4 column_sum(const f32x4 v[3], const f32x4 w[3]) {
  return f32x4_madd(f32x4_madd(v[0] * w[0], v[1], w[1]), v[2], w[2]);
}

INLINE void load_filter(f32x4 w[3][3], const float* block) {
  for (int kx = 0; kx < 3; kx++) {
    for (int ky = 0; ky < 3; ky++) w[kx][ky] = f32x4_load(block + 4 + 4 * (3 * ky + kx));
  }
}

// The columns of a walk over `count` of them, from input column `start` in steps, that are inside.
INLINE void inside_walk(const int32_t start, const int32_t step, const int32_t count,
                        const int32_t in_width, int32_t* first, int32_t* last) {
  *first = start < 0 ? min_i32(divide_up(-start, step), count) : 0;
  *last = start < in_width ? min_i32(divide_up(in_width - start, step), count) : 0;
  if (*last < *first) *last = *first;
}

// Sums that have seen two columns of their three, and one.
typedef struct {
  f32x4 two, one;
} begun;

// Takes a column; returns the sum that is complete with it.
INLINE f32x4 slide(begun* sums, column_source* x, const f32x4 w[3][3], const f32x4 bias,
                   const int inside) {
  f32x4 v[3];
  next_column(v, x, inside);
  const f32x4 sum = sums->two + column_sum(v, w[2]);
  sums->two = sums->one + column_sum(v, w[1]);
  sums->one = bias + column_sum(v, w[0]);
  return sum;
}

// One block of 4 channels along one output row, stride 1. Outputs that are a dilation apart share
// columns: they are a row of their own.
static void slide_by_one(float* y, const column_source* x, const float* block, const f32x4 lo,
                         const f32x4 hi, const window_shape* s) {
  const int32_t d = s->dilation_width;
  const ptrdiff_t y_step = (ptrdiff_t)d * s->y_stride;
  const f32x4 bias = f32x4_load(block);
  f32x4 w[3][3];
  load_filter(w, block);
  for (int32_t start = 0; start < min_i32(d, s->out_width); start++) {
    const int32_t columns = divide_up(s->out_width - start, d) + 2;
    int32_t first, last;
    inside_walk(start - s->pad_left, d, columns, s->in_width, &first, &last);
    column_source from = *x;
    for (int ky = 0; ky < 3; ky++) {
      if (first < last) from.row[ky] += (start - s->pad_left + first * d) * from.step[ky];
      from.step[ky] *= d;
    }
    float* to = y + (ptrdiff_t)start * s->y_stride;
    begun sums = {bias, bias};
    for (int32_t i = 0; i < columns; i++) {
      const f32x4 sum = i >= first && i < last ? slide(&sums, &from, w, bias, 1)
                                               : slide(&sums, &from, w, bias, 0);
      if (i >= 2) {
        f32x4_store(to, f32x4_clamp(sum, lo, hi));
        to += y_step;
      }
    }
  }
}

// Takes the second and the third column of a sum whose first is in `one`, which begins the next.
INLINE f32x4 slide_pair(f32x4* one, column_source* x, const f32x4 w[3][3], const f32x4 bias,
                        const int second, const int third) {
  f32x4 v[3];
  next_column(v, x, second);
  const f32x4 two = *one + column_sum(v, w[1]);
  next_column(v, x, third);
  *one = bias + column_sum(v, w[0]);
  return two + column_sum(v, w[2]);
}

// The same for stride 2: every other column belongs to two outputs.
static void slide_by_two(float* y, const column_source* x, const float* block, const f32x4 lo,
                         const f32x4 hi, const window_shape* s) {
  const f32x4 bias = f32x4_load(block);
  f32x4 w[3][3];
  load_filter(w, block);
  int32_t first, last;
  inside_walk(-s->pad_left, 1, 2 * s->out_width + 1, s->in_width, &first, &last);
  column_source from = *x;
  if (first < last) {
    for (int ky = 0; ky < 3; ky++) from.row[ky] += (first - s->pad_left) * from.step[ky];
  }
  f32x4 v[3];
  next_column(v, &from, first == 0 && last > 0);
  f32x4 one = bias + column_sum(v, w[0]);
  for (int32_t i = 1; i <= 2 * s->out_width; i += 2, y += s->y_stride) {
    const f32x4 sum = i >= first && i + 1 < last
                          ? slide_pair(&one, &from, w, bias, 1, 1)
                          : slide_pair(&one, &from, w, bias, i >= first && i < last,
                                       i + 1 >= first && i + 1 < last);
    f32x4_store(y, f32x4_clamp(sum, lo, hi));
  }
}

static void slide_rows(float* y, const float* x, const float* w, const f32x4 lo, const f32x4 hi,
                       const window_shape* s, const int32_t begin, const int32_t end) {
  const float zeros[4] = {0, 0, 0, 0};
  for (int32_t row = begin; row < end; row++) {
    const int32_t top = row % s->out_height * s->stride_height - s->pad_top;
    const float* image =
        x + (ptrdiff_t)(row / s->out_height) * s->in_height * s->in_width * s->x_stride;
    for (int32_t c = 0; c < s->groups; c += 4) {
      column_source from;
      for (int32_t ky = 0; ky < 3; ky++) {
        const int32_t iy = top + ky * s->dilation_height;
        const int inside = iy >= 0 && iy < s->in_height;
        from.row[ky] = inside ? image + (ptrdiff_t)iy * s->in_width * s->x_stride + c : zeros;
        from.step[ky] = inside ? s->x_stride : 0;
      }
      float* to = y + (ptrdiff_t)row * s->out_width * s->y_stride + c;
      if (s->stride_width == 1) {
        slide_by_one(to, &from, w + c * 10, lo, hi, s);
      } else {
        slide_by_two(to, &from, w + c * 10, lo, hi, s);
      }
    }
  }
}

void f32_dwconv(float* y, const float* x, const void* w, const float lo, const float hi,
                const window_shape* shape, void* scratch, const int32_t begin, const int32_t end) {
  const window_shape* s = shape;
  const f32x4 lo4 = f32x4_splat(lo), hi4 = f32x4_splat(hi);
  const int slides = s->stride_width == 1 || (s->stride_width == 2 && s->dilation_width == 1);
  if (s->kernel_height == 3 && s->kernel_width == 3 && slides && s->groups % 4 == 0) {
    slide_rows(y, x, w, lo4, hi4, s, begin, end);
  } else {
    tap_rows(y, x, w, lo4, hi4, s, scratch, begin, end);
  }
}
