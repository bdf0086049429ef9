// SPDX-License-Identifier: Apache-2.0
// Walking a broadcast_shape: the range of binary kernels is pieces of the innermost dimension.
#ifndef OCTET_BROADCAST_H_
#define OCTET_BROADCAST_H_

#include "common.h"
#include "kernels.h"

#define PIECE 4096

// A piece of the innermost dimension: where it starts in y, a and b, and how long it is.
typedef struct {
  ptrdiff_t y, a, b;
  int32_t n;
} piece;

INLINE piece piece_at(const broadcast_shape* s, const int32_t unit) {
  const int32_t inner = s->rank ? s->dims[s->rank - 1] : 1;
  const int32_t pieces = divide_up(inner, PIECE);
  const int32_t first = unit % pieces * PIECE;
  int32_t row = unit / pieces;
  piece p = {(ptrdiff_t)row * inner + first, 0, 0, min_i32(inner - first, PIECE)};
  if (s->rank) {
    p.a = (ptrdiff_t)first * s->a_strides[s->rank - 1];
    p.b = (ptrdiff_t)first * s->b_strides[s->rank - 1];
  }
  for (int32_t d = s->rank - 2; d >= 0; d--) {
    const int32_t i = row % s->dims[d];
    row /= s->dims[d];
    p.a += (ptrdiff_t)i * s->a_strides[d];
    p.b += (ptrdiff_t)i * s->b_strides[d];
  }
  return p;
}

// Steps of a and b along the innermost dimension.
INLINE ptrdiff_t a_step(const broadcast_shape* s) {
  return s->rank ? s->a_strides[s->rank - 1] : 0;
}
INLINE ptrdiff_t b_step(const broadcast_shape* s) {
  return s->rank ? s->b_strides[s->rank - 1] : 0;
}

#endif  // OCTET_BROADCAST_H_
