// SPDX-License-Identifier: Apache-2.0
// What the packing of quantized weights shares: reading them, the head of a block, and how much of
// them a dot product takes.
#ifndef OCTET_QWEIGHTS_H_
#define OCTET_QWEIGHTS_H_

#include "dots.h"
#include "filters.h"
#include "kernels.h"
#include "packed.h"

// Once in each file that packs.
#define SHARED static __attribute__((noinline))

// The arguments of a packing call.
typedef struct {
  const uint8_t* filter;
  const int32_t* bias;
  const float* scale;
  const int32_t* w_zero_point;
  int32_t x_zero_point, filter_signed;
  const filter_shape* shape;
  const uint8_t* order;  // in which pairs take k; null: as it comes
} weights;

// n weights next to each other, their zero point taken off.
SHARED void read_run(int16_t* v, const uint8_t* from, const int32_t n, const int32_t zero_point,
                     const int32_t is_signed) {
  // int8 with its top bit flipped is uint8, 128 higher.
  const uint8_t flip = is_signed ? 0x80 : 0;
  const int32_t offset = zero_point + flip;
  int32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const i16x8 raw = i16x8_load_u8(from + i) ^ i16x8_splat(flip);
    i16x8_store(v + i, raw - i16x8_splat((int16_t)offset));
  }
  for (; i < n; i++) v[i] = (int16_t)((from[i] ^ flip) - offset);
}

// The weights of one output channel: v[t * in_channels + i].
SHARED void read_channel(int16_t* v, const weights* w, const int32_t g, const int32_t o) {
  const filter_shape* s = w->shape;
  const int32_t zero_point = w->w_zero_point[g * s->out_channels + o];
  if (s->in_stride == 1) {
    const int is_one = s->tap_stride == s->in_channels;
    const int32_t runs = is_one ? 1 : s->taps,
                  n = is_one ? s->taps * s->in_channels : s->in_channels;
    for (int32_t t = 0; t < runs; t++, v += n) {
      read_run(v, w->filter + filter_at(s, g, o, t, 0), n, zero_point, w->filter_signed);
    }
    return;
  }
  for (int32_t t = 0; t < s->taps; t++) {
    const uint8_t* from = w->filter + filter_at(s, g, o, t, 0);
    for (int32_t i = 0; i < s->in_channels; i++, from += s->in_stride) {
      *v++ = (int16_t)((w->filter_signed ? (int32_t)(int8_t)*from : (int32_t)*from) - zero_point);
    }
  }
}

// Their sum, and the sum of their magnitudes.
SHARED void add_up(const int16_t* v, const int32_t k, int64_t* sum, int64_t* magnitude) {
  const i16x8 ones = i16x8_splat(1);
  int32_t i = 0;
  while (i + 8 <= k) {
    i32x4 sums = {0, 0, 0, 0}, magnitudes = sums;
    const int32_t end = min_i32(k - 7, i + (1 << 20));  // far from what int32 holds
    for (; i < end; i += 8) {
      const i16x8 x = i16x8_load(v + i), sign = x >> 15;
      sums = i32x4_dot_add(sums, x, ones);
      magnitudes = i32x4_dot_add(magnitudes, (x ^ sign) - sign, ones);
    }
    for (int j = 0; j < 4; j++) {
      *sum += sums[j];
      *magnitude += magnitudes[j];
    }
  }
  for (; i < k; i++) {
    *sum += v[i];
    *magnitude += v[i] < 0 ? -v[i] : v[i];
  }
}

// Bias and scale of a channel; x_zero_point is that of the activations as the kernel sees them.
// Returns whether no |accumulator * scale| reaches 2^22.
SHARED int put_channel(char* bias, char* scale, const weights* w, const int32_t channel,
                       const int32_t x_zero_point, const int16_t* v, const int32_t k) {
  int64_t sum = 0, magnitude = 0;
  add_up(v, k, &sum, &magnitude);
  const int64_t given = w->bias ? w->bias[channel] : 0;
  const int32_t b = (int32_t)((uint32_t)given - (uint32_t)x_zero_point * (uint32_t)sum);
  memcpy(bias, &b, 4);
  memcpy(scale, &w->scale[channel], 4);
  const int64_t most = 255 * magnitude + (given < 0 ? -given : given);
  return (double)most * (double)w->scale[channel] < 4194304.0;
}

// The zero point of activations as the format's kernels see them.
INLINE int32_t seen_zero_point(const int32_t x_zero_point, const int32_t format) {
  return format == FORMAT_DOT_SIGNED ? x_zero_point - 128 : x_zero_point;
}

#if defined(HAS_DOTS)

// ---------------------------------------------------------------------------
// What one dot product can take

// Whether the format adds two products in int16, which 255 * (sum of positive weights) and of
// negative ones must fit: the sums within 128.
INLINE int has_pairs(const int32_t format) {
  return format == FORMAT_PAIRS || format == FORMAT_PAIRS2;
}

// Takes from v[0..n) what the format's instruction can hold into part, and leaves the rest. n is 4,
// or 8 for PAIRS2, whose int16 lane j sums k with k % 4 / 2 == j. Where a sum is too large the
// largest weight gives way first.
SHARED void take_part(int16_t* v, int8_t* part, const int32_t n, const int32_t format) {
  for (int32_t i = 0; i < n; i++) {
    part[i] = (int8_t)clamp_i32(v[i], -128, 127);
    v[i] = (int16_t)(v[i] - part[i]);
  }
  if (!has_pairs(format)) return;
  for (int32_t lane = 0; lane < 2; lane++) {
    for (int32_t sign = -1; sign <= 1; sign += 2) {
      for (;;) {
        int32_t sum = 0, largest = -1;
        for (int32_t i = 0; i < n; i++) {
          if (i % 4 / 2 != lane || sign * part[i] <= 0) continue;
          sum += sign * part[i];
          if (largest < 0 || sign * part[i] > sign * part[largest]) largest = i;
        }
        if (sum <= 128) break;
        const int32_t excess = min_i32(sum - 128, sign * part[largest]);
        part[largest] = (int8_t)(part[largest] - sign * excess);
        v[largest] = (int16_t)(v[largest] + sign * excess);
      }
    }
  }
}

// Whether take_part would leave nothing, quickly.
INLINE int fits(const int16_t* v, const int32_t n, const int32_t format) {
  int32_t positive[2] = {0, 0}, negative[2] = {0, 0};
  int within = 1;
  for (int32_t i = 0; i < n; i++) {
    const int32_t lane = i % 4 / 2;
    within &= v[i] >= -128 && v[i] <= 127;
    positive[lane] += max_i32(v[i], 0);
    negative[lane] += min_i32(v[i], 0);
  }
  if (!has_pairs(format)) return within;
  return within && positive[0] <= 128 && positive[1] <= 128 && negative[0] >= -128 &&
         negative[1] >= -128;
}

INLINE int any(const int16_t* v, const int32_t n) {
  int32_t bits = 0;
  for (int32_t i = 0; i < n; i++) bits |= v[i];
  return bits != 0;
}

#endif

#endif  // OCTET_QWEIGHTS_H_
