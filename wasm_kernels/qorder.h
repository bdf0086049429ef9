// SPDX-License-Identifier: Apache-2.0
// The order in which pairs of products take k.
//
// Weights of one sign whose sum passes what int16 holds need a remainder. Which weights meet is
// free as long as activations come in the same order, and one instruction reorders 16 bytes of
// them. So each window of 16 k gets an order in which few weights meet that do not go together.
#ifndef OCTET_QORDER_H_
#define OCTET_QORDER_H_

#include "qweights.h"

#if defined(HAS_DOTS)

#define WINDOW 16

// Output channels that are looked at; more are sampled. So no sum passes int16.
#define MOST_CHANNELS 192

// How badly k i and j of a window go together: strain[i][j] + strain[j][i].
typedef int16_t window_strain[WINDOW][WINDOW];

// Adds the strain of one output channel, whose weights in the window are v. In pairs it counts what
// does not fit; four weights of a sum strain it by what two of them have above 80.
static void add_strain(window_strain strain, const int16_t* v, const int32_t format) {
  const int is_pair = format == FORMAT_PAIRS;
  const int16_t most = is_pair ? 128 : 80;
  const i16x8 half = i16x8_splat(most / 2);
  const i16x8 row[2] = {i16x8_load(v), i16x8_load(v + 8)};
  const i16x8 large[2] = {(row[0] > half) | (row[0] < -half), (row[1] > half) | (row[1] < -half)};
  // Small weights go together with each other.
  uint32_t left = u8x16_top_bits(i8x16_narrow(large[0], large[1]));
  for (; left; left &= left - 1) {
    const int32_t i = __builtin_ctz(left);
    const int16_t weight = v[i], room = (int16_t)(most - (weight < 0 ? -weight : weight));
    // A weight that fits with nothing has no preference.
    if (is_pair && room < 0) continue;
    for (int h = 0; h < 2; h++) {
      const i16x8 toward = weight < 0 ? -row[h] : row[h];
      const i16x8 above = toward - i16x8_splat(room);
      const i16x8 counted = (toward > i16x8_splat(0)) & (above > i16x8_splat(0));
      const i16x8 amount = is_pair ? i16x8_splat(1) : above >> 4;
      // Two large weights meet twice here.
      const i16x8 twice = amount + (amount & ~large[h]);
      int16_t* to = strain[i] + 8 * h;
      i16x8_store(to, i16x8_load(to) + (twice & counted));
    }
  }
}

// Deals out the first n places of a window, a multiple of `size`, to groups of `size`: exchanges
// members as long as that helps.
static void order_window(uint8_t order[WINDOW], window_strain strain, const int32_t n,
                         const int32_t size) {
  for (int32_t i = 0; i < WINDOW; i++) order[i] = (uint8_t)i;
  for (int32_t i = 0; i < WINDOW; i++) {
    strain[i][i] = 0;
    for (int32_t j = 0; j < i; j++) {
      strain[i][j] = strain[j][i] = (int16_t)(strain[i][j] + strain[j][i]);
    }
  }
  int changed = 1;
  for (int32_t round = 0; changed && round < 8; round++) {
    changed = 0;
    for (int32_t p = 0; p < n; p++) {
      for (int32_t q = p - p % size + size; q < n; q++) {
        const int16_t* a = strain[order[p]];
        const int16_t* b = strain[order[q]];
        const int32_t p_group = p - p % size, q_group = q - q % size;
        int32_t gain = 0;
        for (int32_t i = 0; i < size; i++) {
          if (p_group + i != p) gain += a[order[p_group + i]] - b[order[p_group + i]];
          if (q_group + i != q) gain += b[order[q_group + i]] - a[order[q_group + i]];
        }
        if (gain <= 0) continue;
        const uint8_t kept = order[p];
        order[p] = order[q];
        order[q] = kept;
        changed = 1;
      }
    }
  }
}

// Sorts the groups of a window, so that those with strain meet in the same remainders.
static void sort_groups(uint8_t order[WINDOW], window_strain strain, const int32_t n,
                        const int32_t size) {
  int32_t sums[WINDOW];
  for (int32_t g = 0; g < n; g += size) {
    int32_t sum = 0;
    for (int32_t i = g; i < g + size; i++) {
      for (int32_t j = g; j < i; j++) sum += strain[order[i]][order[j]];
    }
    int32_t at = g;
    uint8_t group[4];
    memcpy(group, order + g, (size_t)size);
    for (; at > 0 && sums[(at - size) / size] > sum; at -= size) {
      sums[at / size] = sums[(at - size) / size];
      memmove(order + at, order + at - size, (size_t)size);
    }
    sums[at / size] = sum;
    memcpy(order + at, group, (size_t)size);
  }
}

// An order for the format, of one group of channels: order[w + i] says which of the 16 k from w on
// stands at w + i. `strains` is room for each window, `row` for all k of a channel in whole
// windows.
static void choose_order(uint8_t* order, window_strain* strains, int16_t* row, const weights* w,
                         const int32_t format) {
  const filter_shape* s = w->shape;
  const int32_t k = s->taps * s->in_channels, windows = divide_up(k, WINDOW);
  const int32_t size = format == FORMAT_PAIRS ? 2 : 4;
  memset(strains, 0, (size_t)windows * sizeof *strains);
  memset(row, 0, (size_t)(windows * WINDOW) * sizeof *row);
  const int32_t every = divide_up(s->out_channels, MOST_CHANNELS);
  for (int32_t o = 0; o < s->out_channels; o += every) {
    read_channel(row, w, 0, o);
    for (int32_t i = 0; i < windows; i++) add_strain(strains[i], row + i * WINDOW, format);
  }
  for (int32_t i = 0; i < windows; i++) {
    uint8_t* to = order + i * WINDOW;
    // What lies beyond k may only be exchanged within the same step.
    const int32_t n = min_i32(WINDOW, round_up(k - i * WINDOW, 2 * size));
    order_window(to, strains[i], n, size);
    sort_groups(to, strains[i], n, size);
    if (size == 2) continue;
    // Two groups interleave in a step of PAIRS2: int16 lane j sums k with k % 4 / 2 == j.
    for (int32_t g = 0; g < n; g += 8) {
      uint8_t middle[4];
      memcpy(middle, to + g + 2, 4);
      memcpy(to + g + 2, middle + 2, 2);
      memcpy(to + g + 4, middle, 2);
    }
  }
}

// Brings n weights into the order. Whole windows are read and written; beyond n nothing changes.
static void reorder(int16_t* v, const uint8_t* order, const int32_t n) {
  for (int32_t i = 0; i < n; i += WINDOW) {
    const u8x16 first = u8x16_load(order + i) + u8x16_load(order + i);
    const u8x16 second = first + u8x16_splat(1);
    const u8x16 from[2] = {u8x16_zip_low(first, second), u8x16_zip_high(first, second)};
    const u8x16 low = (u8x16)i16x8_load(v + i), high = (u8x16)i16x8_load(v + i + 8);
    for (int h = 0; h < 2; h++) {
      const u8x16 taken = u8x16_take(low, from[h]) | u8x16_take(high, from[h] - u8x16_splat(16));
      i16x8_store(v + i + 8 * h, (i16x8)taken);
    }
  }
}

#endif

#endif  // OCTET_QORDER_H_
