// SPDX-License-Identifier: Apache-2.0
// Kernels that read or write where a tensor of indices says. No index leads outside: a negative one
// counts from the end, and one that is still outside is clamped.
#include "common.h"
#include "kernels.h"

// Index i of the list, counted from the end if negative, clamped into [0, size).
INLINE int64_t index_at(const void* indices, const int32_t type, const int32_t size,
                        const ptrdiff_t i) {
  int64_t index = type == TYPE_INT64    ? ((const int64_t*)indices)[i]
                  : type == TYPE_UINT32 ? (int64_t)((const uint32_t*)indices)[i]
                                        : (int64_t)((const int32_t*)indices)[i];
  if (index < 0) index += size;
  return index < 0 ? 0 : index >= size ? size - 1 : index;
}

// ---------------------------------------------------------------------------
// Along one axis

void gather(void* y, const void* x, const void* indices, const int32_t indices_type,
            const int32_t axis_size, const int32_t count, const int32_t inner_bytes,
            const int32_t begin, const int32_t end) {
  for (int32_t unit = begin; unit < end; unit++) {
    const ptrdiff_t from = (ptrdiff_t)(unit / count) * axis_size +
                           (ptrdiff_t)index_at(indices, indices_type, axis_size, unit % count);
    memcpy((char*)y + (ptrdiff_t)unit * inner_bytes, (const char*)x + from * inner_bytes,
           (size_t)inner_bytes);
  }
}

INLINE void copy_element(void* y, const ptrdiff_t to, const void* x, const ptrdiff_t from,
                         const int32_t bytes) {
  switch (bytes) {
    case 1:
      ((uint8_t*)y)[to] = ((const uint8_t*)x)[from];
      break;
    case 2:
      ((uint16_t*)y)[to] = ((const uint16_t*)x)[from];
      break;
    case 4:
      ((uint32_t*)y)[to] = ((const uint32_t*)x)[from];
      break;
    case 8:
      ((uint64_t*)y)[to] = ((const uint64_t*)x)[from];
      break;
    default:
      assert(0);
  }
}

void gather_elements(void* y, const void* x, const void* indices, const int32_t indices_type,
                     const int32_t element_bytes, const int32_t axis_size, const int32_t count,
                     const int32_t inner, const int32_t begin, const int32_t end) {
  for (int32_t unit = begin; unit < end; unit++) {
    const ptrdiff_t first = (ptrdiff_t)(unit / count) * axis_size;
    for (int32_t j = 0; j < inner; j++) {
      const ptrdiff_t at = (ptrdiff_t)unit * inner + j;
      const ptrdiff_t row = first + (ptrdiff_t)index_at(indices, indices_type, axis_size, at);
      copy_element(y, at, x, row * inner + j, element_bytes);
    }
  }
}

void scatter_elements(void* y, const void* updates, const void* indices, const int32_t indices_type,
                      const int32_t element_bytes, const int32_t axis_size, const int32_t count,
                      const int32_t inner, const int32_t begin, const int32_t end) {
  for (int32_t o = begin; o < end; o++) {
    for (int32_t i = 0; i < count; i++) {
      for (int32_t j = 0; j < inner; j++) {
        const ptrdiff_t at = ((ptrdiff_t)o * count + i) * inner + j;
        const ptrdiff_t row =
            (ptrdiff_t)o * axis_size + (ptrdiff_t)index_at(indices, indices_type, axis_size, at);
        copy_element(y, row * inner + j, updates, at, element_bytes);
      }
    }
  }
}

// ---------------------------------------------------------------------------
// By coordinates

// The row that coordinate tuple `i` names.
INLINE ptrdiff_t row_at(const void* indices, const int32_t type, const index_shape* s,
                        const int32_t i) {
  ptrdiff_t row = 0;
  for (int32_t d = 0; d < s->depth; d++) {
    row = row * s->dims[d] +
          (ptrdiff_t)index_at(indices, type, s->dims[d], (ptrdiff_t)i * s->depth + d);
  }
  return row;
}

void gather_nd(void* y, const void* x, const void* indices, const int32_t indices_type,
               const int32_t inner_bytes, const index_shape* shape, const int32_t begin,
               const int32_t end) {
  for (int32_t i = begin; i < end; i++) {
    const ptrdiff_t row = row_at(indices, indices_type, shape, i);
    memcpy((char*)y + (ptrdiff_t)i * inner_bytes, (const char*)x + row * inner_bytes,
           (size_t)inner_bytes);
  }
}

void scatter_nd(void* y, const void* updates, const void* indices, const int32_t indices_type,
                const int32_t inner_bytes, const int32_t count, const index_shape* shape,
                const int32_t begin, const int32_t end) {
  if (begin >= end) return;
  for (int32_t i = 0; i < count; i++) {
    const ptrdiff_t row = row_at(indices, indices_type, shape, i);
    memcpy((char*)y + row * inner_bytes, (const char*)updates + (ptrdiff_t)i * inner_bytes,
           (size_t)inner_bytes);
  }
}
