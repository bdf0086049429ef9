// SPDX-License-Identifier: Apache-2.0
// Arithmetic on integer types: every type in 64 bits, a chunk at a time. Sums and products wrap,
// and nothing traps.
#include "broadcast.h"
#include "common.h"
#include "elements.h"
#include "kernels.h"

// Truncates towards zero; what has no quotient gives 0, and INT64_MIN / -1 wraps.
INLINE int64_t divide(const int64_t a, const int64_t b, const int is_unsigned) {
  if (b == 0) return 0;
  if (is_unsigned) return (int64_t)((uint64_t)a / (uint64_t)b);
  return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}

// By squaring. A negative exponent gives the reciprocal, truncated: 0 but for bases 1 and -1.
INLINE int64_t power(const int64_t base, const int64_t exponent, const int is_unsigned) {
  if (exponent < 0 && !is_unsigned) {
    return base == 1 ? 1 : base == -1 ? (exponent & 1 ? -1 : 1) : 0;
  }
  uint64_t result = 1, square = (uint64_t)base;
  for (uint64_t e = (uint64_t)exponent; e; e >>= 1, square *= square) {
    if (e & 1) result *= square;
  }
  return (int64_t)result;
}

INLINE int less(const int64_t a, const int64_t b, const int is_unsigned) {
  return is_unsigned ? (uint64_t)a < (uint64_t)b : a < b;
}

#define INTEGER_LOOP(VALUE)                       \
  do {                                            \
    for (int32_t i = 0; i < n; i++) y[i] = VALUE; \
  } while (0)

// Wrapping arithmetic goes through uint64_t.
COMPACT void combine(int64_t* y, const int64_t* a, const int64_t* b, const int32_t op,
                     const int is_unsigned, const int32_t n) {
  switch (op) {
    case BINARY_ADD:
      INTEGER_LOOP((int64_t)((uint64_t)a[i] + (uint64_t)b[i]));
      break;
    case BINARY_SUB:
      INTEGER_LOOP((int64_t)((uint64_t)a[i] - (uint64_t)b[i]));
      break;
    case BINARY_MUL:
      INTEGER_LOOP((int64_t)((uint64_t)a[i] * (uint64_t)b[i]));
      break;
    case BINARY_DIV:
      INTEGER_LOOP(divide(a[i], b[i], is_unsigned));
      break;
    case BINARY_MAX:
      INTEGER_LOOP(less(a[i], b[i], is_unsigned) ? b[i] : a[i]);
      break;
    case BINARY_MIN:
      INTEGER_LOOP(less(b[i], a[i], is_unsigned) ? b[i] : a[i]);
      break;
    case BINARY_POW:
      INTEGER_LOOP(power(a[i], b[i], is_unsigned));
      break;
    default:
      assert(0);
  }
}

void int_binary(void* y, const void* a, const void* b, const int32_t op, const int32_t type,
                const broadcast_shape* shape, const int32_t begin, const int32_t end) {
  const ptrdiff_t sa = a_step(shape), sb = b_step(shape);
  int64_t va[CHUNK], vb[CHUNK];
  for (int32_t unit = begin; unit < end; unit++) {
    const piece p = piece_at(shape, unit);
    for (int32_t i = 0; i < p.n; i += CHUNK) {
      const int32_t n = min_i32(p.n - i, CHUNK);
      read_integers(va, a, type, p.a + i * sa, sa, n);
      read_integers(vb, b, type, p.b + i * sb, sb, n);
      combine(va, va, vb, op, type == TYPE_UINT64, n);
      write_integers(y, va, type, p.y + i, n);
    }
  }
}

// ---------------------------------------------------------------------------
// Reductions

// What a reduction starts from, so that any element replaces or joins it.
static int64_t reduce_start(const int32_t op, const int is_unsigned) {
  switch (op) {
    case REDUCE_PRODUCT:
      return 1;
    case REDUCE_MAX:
      return is_unsigned ? 0 : INT64_MIN;
    case REDUCE_MIN:
      return is_unsigned ? -1 : INT64_MAX;
    default:
      return 0;
  }
}

static int32_t binary_of_reduce(const int32_t op) {
  switch (op) {
    case REDUCE_PRODUCT:
      return BINARY_MUL;
    case REDUCE_MAX:
      return BINARY_MAX;
    case REDUCE_MIN:
      return BINARY_MIN;
    default:
      return BINARY_ADD;
  }
}

void int_reduce(void* y, const void* x, const int32_t op, const int32_t type, const int32_t outer,
                const int32_t n, const int32_t inner, const int32_t begin, const int32_t end) {
  (void)outer;
  const int is_unsigned = type == TYPE_UINT64;
  const int64_t start = reduce_start(op, is_unsigned);
  const int32_t combining = binary_of_reduce(op);
  int64_t acc[CHUNK], row[CHUNK];
  for (int32_t o = begin; o < end; o++) {
    for (int32_t j = 0; j < inner; j += CHUNK) {
      const int32_t columns = min_i32(inner - j, CHUNK);
      for (int32_t c = 0; c < columns; c++) acc[c] = start;
      for (int32_t i = 0; i < n; i++) {
        read_integers(row, x, type, ((ptrdiff_t)o * n + i) * inner + j, 1, columns);
        combine(acc, acc, row, combining, is_unsigned, columns);
      }
      write_integers(y, acc, type, (ptrdiff_t)o * inner + j, columns);
    }
  }
}
