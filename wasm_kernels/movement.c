// SPDX-License-Identifier: Apache-2.0
// Kernels that move elements without looking at them.
#include "common.h"
#include "kernels.h"

#define COPY_STRIDED(type)                                                     \
  do {                                                                         \
    const type* from = (const type*)x + x_at;                                  \
    type* to = (type*)y + y_at;                                                \
    for (int32_t i = 0; i < n; i++, from += x_step, to += y_step) *to = *from; \
  } while (0)

void copy_nd(void* y, const void* x, const copy_shape* shape, const int32_t begin,
             const int32_t end) {
  const int32_t last = shape->rank - 1;
  const int32_t n = shape->rank ? shape->dims[last] : 1;
  const ptrdiff_t y_step = shape->rank ? shape->y_strides[last] : 1;
  const ptrdiff_t x_step = shape->rank ? shape->x_strides[last] : 1;
  const size_t bytes = (size_t)shape->element_bytes;
  for (int32_t unit = begin; unit < end; unit++) {
    ptrdiff_t y_at = 0, x_at = 0;
    int32_t row = unit;
    for (int32_t d = last - 1; d >= 0; d--) {
      const int32_t i = row % shape->dims[d];
      row /= shape->dims[d];
      y_at += (ptrdiff_t)i * shape->y_strides[d];
      x_at += (ptrdiff_t)i * shape->x_strides[d];
    }
    if (y_step == 1 && x_step == 1) {
      memcpy((char*)y + y_at * (ptrdiff_t)bytes, (const char*)x + x_at * (ptrdiff_t)bytes,
             (size_t)n * bytes);
      continue;
    }
    switch (bytes) {
      case 1:
        COPY_STRIDED(uint8_t);
        break;
      case 2:
        COPY_STRIDED(uint16_t);
        break;
      case 4:
        COPY_STRIDED(uint32_t);
        break;
      case 8:
        COPY_STRIDED(uint64_t);
        break;
      default:
        assert(0);
    }
  }
}

void fill(void* y, const int32_t low, const int32_t high, const int32_t element_bytes,
          const int32_t begin, const int32_t end) {
  switch (element_bytes) {
    case 1:
      memset((char*)y + begin, low, (size_t)(end - begin));
      break;
    case 2:
      for (int32_t i = begin; i < end; i++) ((uint16_t*)y)[i] = (uint16_t)low;
      break;
    case 4:
      for (int32_t i = begin; i < end; i++) ((int32_t*)y)[i] = low;
      break;
    case 8: {
      const uint64_t value = (uint64_t)(uint32_t)high << 32 | (uint32_t)low;
      for (int32_t i = begin; i < end; i++) ((uint64_t*)y)[i] = value;
      break;
    }
    default:
      assert(0);
  }
}
