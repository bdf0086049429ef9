// SPDX-License-Identifier: Apache-2.0
// Packing: float filters of any layout into the blocks that gemm.c and dwconv.c read (see
// kernels.h).
#include "filters.h"

// ---------------------------------------------------------------------------
// Blocks of 8 output channels

void f32_pack(void* packed, const float* filter, const float* bias, const filter_shape* shape,
              const int32_t begin, const int32_t end) {
  const int32_t blocks = divide_up(shape->out_channels, 8);
  const int32_t k = shape->taps * shape->in_channels;
  for (int32_t block = begin; block < end; block++) {
    const int32_t g = block / blocks, first = block % blocks * 8;
    const int32_t columns = min_i32(shape->out_channels - first, 8);
    float* to = (float*)packed + (ptrdiff_t)block * (1 + k) * 8;
    memset(to, 0, (size_t)(1 + k) * 8 * sizeof(float));
    for (int32_t j = 0; j < columns; j++) {
      const int32_t o = first + j;
      if (bias) to[j] = bias[g * shape->out_channels + o];
      float* step = to + 8 + j;
      for (int32_t t = 0; t < shape->taps; t++) {
        for (int32_t i = 0; i < shape->in_channels; i++, step += 8) {
          *step = filter[filter_at(shape, g, o, t, i)];
        }
      }
    }
  }
}

// ---------------------------------------------------------------------------
// Blocks of depthwise channels

void f32_dwpack(void* packed, const float* filter, const float* bias, const filter_shape* shape,
                const int32_t begin, const int32_t end) {
  for (int32_t block = begin; block < end; block++) {
    float* to = (float*)packed + (ptrdiff_t)block * (1 + shape->taps) * 4;
    memset(to, 0, (size_t)(1 + shape->taps) * 4 * sizeof(float));
    for (int32_t j = 0; j < min_i32(shape->groups - block * 4, 4); j++) {
      const int32_t g = block * 4 + j;
      if (bias) to[j] = bias[g];
      for (int32_t t = 0; t < shape->taps; t++) {
        to[4 + t * 4 + j] = filter[filter_at(shape, g, 0, t, 0)];
      }
    }
  }
}
