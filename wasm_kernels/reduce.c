// SPDX-License-Identifier: Apache-2.0
// Reductions over the middle dimension of x[outer, n, inner], and the index of an extreme.
#include "common.h"
#include "elements.h"
#include "kernels.h"

// On vectors even for single elements: clang 22 turns "v > acc ? v : acc" into relaxed_max, see
// pool.c.
INLINE f32x4 reduce_step(const f32x4 acc, const f32x4 v, const int32_t op) {
  switch (op) {
    case REDUCE_MAX:
      return f32x4_max(acc, v);
    case REDUCE_MIN:
      return f32x4_min(acc, v);
    case REDUCE_PRODUCT:
      return acc * v;
    default:
      return acc + v;
  }
}

// acc[j] = step(acc[j], row[j]) for j < n.
INLINE void reduce_row(float* acc, const float* row, const int32_t op, const int32_t n) {
  int32_t j = 0;
  for (; j + 4 <= n; j += 4) {
    f32x4_store(acc + j, reduce_step(f32x4_load(acc + j), f32x4_load(row + j), op));
  }
  for (; j < n; j++) acc[j] = reduce_step(f32x4_splat(acc[j]), f32x4_splat(row[j]), op)[0];
}

void f32_reduce(float* y, const float* x, const int32_t op, const int32_t outer, const int32_t n,
                const int32_t inner, void* scratch, const int32_t begin, const int32_t end) {
  (void)outer;
  float* acc = scratch;
  const float start = op == REDUCE_MAX       ? -INFINITY
                      : op == REDUCE_MIN     ? INFINITY
                      : op == REDUCE_PRODUCT ? 1.0f
                                             : 0.0f;
  for (int32_t o = begin; o < end; o++) {
    for (int32_t j = 0; j < inner; j++) acc[j] = start;
    const float* row = x + (ptrdiff_t)o * n * inner;
    for (int32_t i = 0; i < n; i++, row += inner) {
      reduce_row(acc, row, op, inner);
    }
    for (int32_t j = 0; j < inner; j++) {
      y[(ptrdiff_t)o * inner + j] = op == REDUCE_MEAN ? acc[j] / (float)n : acc[j];
    }
  }
}

void qu8_mean(uint8_t* y, const uint8_t* x, const float scale, const int32_t x_zero_point,
              const int32_t y_zero_point, const int32_t lo, const int32_t hi, const int32_t outer,
              const int32_t n, const int32_t inner, void* scratch, const int32_t begin,
              const int32_t end) {
  (void)outer;
  int32_t* sum = scratch;
  const float s = scale / (float)n;
  for (int32_t o = begin; o < end; o++) {
    for (int32_t j = 0; j < inner; j++) sum[j] = -x_zero_point * n;
    const uint8_t* row = x + (ptrdiff_t)o * n * inner;
    for (int32_t i = 0; i < n; i++, row += inner) {
      for (int32_t j = 0; j < inner; j++) sum[j] += row[j];
    }
    for (int32_t j = 0; j < inner; j++) {
      y[(ptrdiff_t)o * inner + j] = (uint8_t)requantize_1((float)sum[j] * s, y_zero_point, lo, hi);
    }
  }
}

// ---------------------------------------------------------------------------
// Running sums, a chunk of columns at a time

void cumulative_sum(void* y, const void* x, const int32_t type, const int32_t exclusive,
                    const int32_t reversed, const int32_t outer, const int32_t n,
                    const int32_t inner, const int32_t begin, const int32_t end) {
  (void)outer;
  float float_sum[CHUNK], float_row[CHUNK];
  int64_t sum[CHUNK], row[CHUNK];
  for (int32_t o = begin; o < end; o++) {
    for (int32_t j = 0; j < inner; j += CHUNK) {
      const int32_t columns = min_i32(inner - j, CHUNK);
      memset(float_sum, 0, sizeof float_sum);
      memset(sum, 0, sizeof sum);
      for (int32_t i = 0; i < n; i++) {
        const int32_t from = reversed ? n - 1 - i : i;
        const ptrdiff_t at = ((ptrdiff_t)o * n + from) * inner + j;
        if (type == TYPE_FLOAT32) {
          read_floats(float_row, x, type, at, 1, columns);
          if (exclusive) write_floats(y, float_sum, type, at, columns);
          for (int32_t c = 0; c < columns; c++) float_sum[c] += float_row[c];
          if (!exclusive) write_floats(y, float_sum, type, at, columns);
        } else {
          read_integers(row, x, type, at, 1, columns);
          if (exclusive) write_integers(y, sum, type, at, columns);
          for (int32_t c = 0; c < columns; c++)
            sum[c] = (int64_t)((uint64_t)sum[c] + (uint64_t)row[c]);
          if (!exclusive) write_integers(y, sum, type, at, columns);
        }
      }
    }
  }
}

// ---------------------------------------------------------------------------
// The index of the first extreme. A comparison with NaN is false, so NaN never wins after the
// start.

#define ARG_REDUCE(type)                                              \
  do {                                                                \
    const type* from = (const type*)x + (ptrdiff_t)o * n * inner + j; \
    type best = from[0];                                              \
    for (int32_t i = 1; i < n; i++) {                                 \
      const type v = from[(ptrdiff_t)i * inner];                      \
      if (is_min ? v < best : v > best) {                             \
        best = v;                                                     \
        index = i;                                                    \
      }                                                               \
    }                                                                 \
  } while (0)

void arg_reduce(void* y, const void* x, const int32_t x_type, const int32_t y_type,
                const int32_t is_min, const int32_t outer, const int32_t n, const int32_t inner,
                const int32_t begin, const int32_t end) {
  (void)outer;
  for (int32_t o = begin; o < end; o++) {
    for (int32_t j = 0; j < inner; j++) {
      int32_t index = 0;
      switch (x_type) {
        case TYPE_FLOAT32:
          ARG_REDUCE(float);
          break;
        case TYPE_INT32:
          ARG_REDUCE(int32_t);
          break;
        case TYPE_UINT32:
          ARG_REDUCE(uint32_t);
          break;
        case TYPE_INT64:
          ARG_REDUCE(int64_t);
          break;
        case TYPE_UINT64:
          ARG_REDUCE(uint64_t);
          break;
        case TYPE_INT8:
          ARG_REDUCE(int8_t);
          break;
        case TYPE_UINT8:
          ARG_REDUCE(uint8_t);
          break;
        default:
          assert(0);
      }
      const ptrdiff_t at = (ptrdiff_t)o * inner + j;
      if (y_type == TYPE_INT64) {
        ((int64_t*)y)[at] = index;
      } else {
        ((int32_t*)y)[at] = index;
      }
    }
  }
}
