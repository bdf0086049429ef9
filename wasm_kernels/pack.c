// SPDX-License-Identifier: Apache-2.0
// Packing: filters of any layout into the blocks that gemm.c and dwconv.c read (see kernels.h).
#include "common.h"
#include "kernels.h"

INLINE ptrdiff_t filter_at(const filter_shape* s, const int32_t g, const int32_t o, const int32_t t,
                           const int32_t i) {
  return (ptrdiff_t)g * s->group_stride + (ptrdiff_t)o * s->out_stride +
         (ptrdiff_t)t * s->tap_stride + (ptrdiff_t)i * s->in_stride;
}

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

// The weight as the kernels see it: its zero point taken off.
INLINE int32_t weight_at(const uint8_t* filter, const ptrdiff_t at, const int32_t is_signed,
                         const int32_t zero_point) {
  return (is_signed ? (int32_t)(int8_t)filter[at] : (int32_t)filter[at]) - zero_point;
}

// bias - x_zero_point * sum, modulo 2^32 as the accumulators are.
INLINE int32_t folded_bias(const int32_t* bias, const int32_t channel, const int32_t x_zero_point,
                           const int32_t sum) {
  const uint32_t b = bias ? (uint32_t)bias[channel] : 0;
  return (int32_t)(b - (uint32_t)x_zero_point * (uint32_t)sum);
}

void qu8_pack(void* packed, const uint8_t* filter, const int32_t* bias, const float* scale,
              const int32_t* w_zero_point, const int32_t x_zero_point, const int32_t filter_signed,
              const filter_shape* shape, const int32_t begin, const int32_t end) {
  const int32_t blocks = divide_up(shape->out_channels, 8);
  const int32_t pairs = divide_up(shape->taps * shape->in_channels, 2);
  const size_t block_bytes = (size_t)(2 + pairs) * 32;
  for (int32_t block = begin; block < end; block++) {
    const int32_t g = block / blocks, first = block % blocks * 8;
    const int32_t columns = min_i32(shape->out_channels - first, 8);
    char* to = (char*)packed + (size_t)block * block_bytes;
    memset(to, 0, block_bytes);
    for (int32_t j = 0; j < columns; j++) {
      const int32_t channel = g * shape->out_channels + first + j;
      int32_t sum = 0, k = 0;
      for (int32_t t = 0; t < shape->taps; t++) {
        for (int32_t i = 0; i < shape->in_channels; i++, k++) {
          const int32_t w = weight_at(filter, filter_at(shape, g, first + j, t, i), filter_signed,
                                      w_zero_point[channel]);
          const int16_t half = (int16_t)w;
          memcpy(to + 64 + (size_t)(k / 2) * 32 + (size_t)j * 4 + (size_t)(k & 1) * 2, &half, 2);
          sum += w;
        }
      }
      const int32_t b = folded_bias(bias, channel, x_zero_point, sum);
      memcpy(to + j * 4, &b, 4);
      memcpy(to + 32 + j * 4, &scale[channel], 4);
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

void qu8_dwpack(void* packed, const uint8_t* filter, const int32_t* bias, const float* scale,
                const int32_t* w_zero_point, const int32_t x_zero_point,
                const int32_t filter_signed, const filter_shape* shape, const int32_t begin,
                const int32_t end) {
  const size_t block_bytes = (size_t)(2 + divide_up(shape->taps, 2)) * 32;
  for (int32_t block = begin; block < end; block++) {
    char* to = (char*)packed + (size_t)block * block_bytes;
    memset(to, 0, block_bytes);
    for (int32_t j = 0; j < min_i32(shape->groups - block * 8, 8); j++) {
      const int32_t g = block * 8 + j;
      int32_t sum = 0;
      for (int32_t t = 0; t < shape->taps; t++) {
        const int32_t w =
            weight_at(filter, filter_at(shape, g, 0, t, 0), filter_signed, w_zero_point[g]);
        const int16_t half = (int16_t)w;
        memcpy(to + 64 + (size_t)(t / 2) * 32 + (size_t)j * 4 + (size_t)(t & 1) * 2, &half, 2);
        sum += w;
      }
      const int32_t b = folded_bias(bias, g, x_zero_point, sum);
      memcpy(to + j * 4, &b, 4);
      memcpy(to + 32 + j * 4, &scale[g], 4);
    }
  }
}
