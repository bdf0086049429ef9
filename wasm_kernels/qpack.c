// SPDX-License-Identifier: Apache-2.0
// Packing of quantized weights: zero points folded, bytes arranged for the dot product the CPU has,
// and what that dot product cannot take put into remainders. packed.h has the layout.
#include "qweights.h"

#define NR 8

#if defined(HAS_DOTS)

// ---------------------------------------------------------------------------
// Byte formats of qu8_pack

// Where a half block's steps and remainders go; null pointers to count remainders only.
typedef struct {
  char* steps;
  int32_t* offsets;
  char* entries;
} destination;

// One step of `n` k of a half block: v[j] is channel j's weights. Returns the remainders it needed.
static int32_t put_step(const destination* to, int16_t* const v[4], const int32_t k,
                        const int32_t n, const int32_t half, const int32_t format) {
  int32_t count = 0;
  int over = 0;
  for (int32_t j = 0; j < 4; j++) {
    int8_t part[8];
    if (fits(v[j], n, format)) {
      for (int32_t i = 0; i < n; i++) part[i] = (int8_t)v[j][i];
    } else {
      take_part(v[j], part, n, format);
      over |= 1 << j;
    }
    for (int32_t i = 0; to->steps && i < n; i += 4) {
      memcpy(to->steps + (k + i) / 4 * 32 + half * 16 + j * 4, part + i, 4);
    }
  }
  if (!over) return 0;
  for (int32_t j = 0; j < 4; j++) {
    if (!(over & 1 << j)) memset(v[j], 0, (size_t)n * sizeof *v[j]);
  }
  for (int32_t i = 0; i < n; i += 4) {
    while (any(v[0] + i, 4) || any(v[1] + i, 4) || any(v[2] + i, 4) || any(v[3] + i, 4)) {
      int8_t entry[16];
      const int32_t single = format == FORMAT_PAIRS2 ? FORMAT_PAIRS : format;
      for (int32_t j = 0; j < 4; j++) take_part(v[j] + i, entry + 4 * j, 4, single);
      if (to->entries) {
        to->offsets[count] = k + i;
        memcpy(to->entries + count * 16, entry, 16);
      }
      count++;
    }
  }
  return count;
}

// Eight k of a half block at once: quads of four channels. Returns whether they need no remainders
// and are written.
static int put_chunk(const destination* to, int16_t* const v[4], const int32_t k,
                     const int32_t half, const int32_t format) {
  const i16x8 zeros = i16x8_splat(0), ones = i16x8_splat(1);
  const i32x4 most = i32x4_splat(128), none = i32x4_splat(0);
  i16x8 row[4], high_bits = zeros;
  i32x4 excess = none;  // negative where a pair's sum is too large
  for (int j = 0; j < 4; j++) {
    row[j] = i16x8_load(v[j]);
    high_bits |= row[j] + i16x8_splat(128);
    if (!has_pairs(format)) continue;
    i32x4 positive = i32x4_dot_add(none, row[j] & (row[j] > zeros), ones);
    i32x4 negative = i32x4_dot_add(none, row[j] & (row[j] < zeros), ones);
    if (format == FORMAT_PAIRS2) {
      positive += i32x4_swap_halves(positive);
      negative += i32x4_swap_halves(negative);
    }
    excess |= (most - positive) | (most + negative);
  }
  // Within int8 where adding 128 leaves the high byte zero.
  const i32x4 above = (i32x4)(high_bits & i16x8_splat(-256));
  if (i32x4_any_negative(excess | (above != none))) return 0;
  if (!to->steps) return 1;
  const i32x4 low = (i32x4)i8x16_narrow(row[0], row[1]), high = (i32x4)i8x16_narrow(row[2], row[3]);
  char* step = to->steps + k / 4 * 32 + half * 16;
  u8x16_store((uint8_t*)step, (u8x16)i32x4_even(low, high));
  u8x16_store((uint8_t*)step + 32, (u8x16)i32x4_odd(low, high));
  return 1;
}

// k rounded up to whole steps.
INLINE int32_t padded_k(const int32_t k, const int32_t format) {
  return round_up(k, format == FORMAT_HALVES ? 2 : format == FORMAT_PAIRS2 ? 8 : 4);
}

// All steps and remainders of half block (g, first channel o); `rows` is room for 4 padded
// channels.
static int32_t put_half_block(const destination* to, const weights* w, int16_t* rows,
                              const int32_t g, const int32_t o, const int32_t format) {
  const int32_t k = w->shape->taps * w->shape->in_channels, length = padded_k(k, format);
  const int32_t n = format == FORMAT_PAIRS2 ? 8 : 4;
  memset(rows, 0, (size_t)length * 4 * sizeof *rows);
  for (int32_t j = 0; j < min_i32(w->shape->out_channels - o, 4); j++) {
    read_channel(rows + j * length, w, g, o + j);
  }
  int32_t count = 0, i = 0;
  while (i < length) {
    int16_t* const v[4] = {rows + i, rows + length + i, rows + 2 * length + i,
                           rows + 3 * length + i};
    if (i + 8 <= length && put_chunk(to, v, i, o % NR / 4, format)) {
      i += 8;
      continue;
    }
    const destination at = {to->steps, to->offsets ? to->offsets + count : NULL,
                            to->entries ? to->entries + count * 16 : NULL};
    count += put_step(&at, v, i, n, o % NR / 4, format);
    i += n;
  }
  return count;
}

static int32_t count_remainders(const weights* w, int16_t* rows, const int32_t format) {
  const destination nowhere = {NULL, NULL, NULL};
  int32_t count = 0;
  for (int32_t g = 0; g < w->shape->groups; g++) {
    for (int32_t o = 0; o < w->shape->out_channels; o += 4) {
      count += put_half_block(&nowhere, w, rows, g, o, format);
    }
  }
  return count;
}

// The format with the least work for these weights that the packed bytes have room for; entries is
// how many remainders they have in it.
static int32_t choose_format(const weights* w, int16_t* rows, const int32_t dot_class,
                             int32_t* entries) {
  const filter_shape* s = w->shape;
  const int32_t k = s->taps * s->in_channels;
  const int32_t blocks = s->groups * divide_up(s->out_channels, NR);
  // kernels.h grants each block 128 + 32 * ceil(k / 2) bytes; an entry takes 20.
  const int64_t granted = (int64_t)blocks * (128 + 32 * divide_up(k, 2));
  const int32_t candidates[4][2] = {{FORMAT_HALVES, FORMAT_HALVES},
                                    {FORMAT_DOT_UNSIGNED, FORMAT_HALVES},
                                    {FORMAT_DOT_SIGNED, FORMAT_HALVES},
                                    {FORMAT_PAIRS2, FORMAT_PAIRS}};
  int32_t best = FORMAT_HALVES;
  // Work of 16 products: halves take 6.9 instructions, pairs 4.6, two pairs 3.7, a dot product 2.4;
  // an entry is a step of half a block, with a loop around it.
  double least = 6.9;
  for (int32_t c = 0; c < 2; c++) {
    const int32_t format = candidates[dot_class][c];
    if (format == FORMAT_HALVES) break;
    const int32_t steps = blocks * padded_k(k, format) / 4;
    const int32_t count = count_remainders(w, rows, format);
    const int64_t needed = (int64_t)blocks * (BLOCK_HEAD_BYTES + 8 * padded_k(k, format) + 8) + 4 +
                           (int64_t)count * 20;
    const double step = format == FORMAT_PAIRS2 ? 3.7 : format == FORMAT_PAIRS ? 4.6 : 2.4;
    const double entry = has_pairs(format) ? 8.0 : 2.4;
    const double work = step + entry * (double)count / (2.0 * (double)steps);
    if (needed <= granted && work < least) {
      best = format;
      least = work;
      *entries = count;
    }
  }
  return best;
}

static void put_byte_blocks(char* packed, const weights* w, int16_t* rows, packed_header* header,
                            const int32_t total) {
  const filter_shape* s = w->shape;
  const int32_t blocks = divide_up(s->out_channels, NR);
  const int32_t halves = 2 * s->groups * blocks;
  header->index_at = PACKED_HEADER_BYTES + s->groups * blocks * header->block_bytes;
  header->offsets_at = header->index_at + 4 * (halves + 1);
  header->entries_at = header->offsets_at + 4 * total;
  int32_t* index = (int32_t*)(void*)(packed + header->index_at);
  int32_t* offsets = (int32_t*)(void*)(packed + header->offsets_at);
  int32_t count = 0, half = 0;
  for (int32_t g = 0; g < s->groups; g++) {
    for (int32_t o = 0; o < blocks * NR; o += 4, half++) {
      index[half] = count;
      if (o >= s->out_channels) continue;
      const destination to = {packed + PACKED_HEADER_BYTES + BLOCK_HEAD_BYTES +
                                  (ptrdiff_t)(half / 2) * header->block_bytes,
                              offsets + count, packed + header->entries_at + count * 16};
      count += put_half_block(&to, w, rows, g, o, header->format);
    }
  }
  index[half] = count;
}

#endif

// ---------------------------------------------------------------------------
// qu8_pack

static void put_halves(char* packed, const weights* w, int16_t* rows, const packed_header* header) {
  const filter_shape* s = w->shape;
  const int32_t blocks = divide_up(s->out_channels, NR), k = s->taps * s->in_channels;
  for (int32_t g = 0; g < s->groups; g++) {
    for (int32_t o = 0; o < s->out_channels; o++) {
      char* steps = packed + PACKED_HEADER_BYTES + BLOCK_HEAD_BYTES + o % NR * 4 +
                    (ptrdiff_t)(g * blocks + o / NR) * header->block_bytes;
      read_channel(rows, w, g, o);
      for (int32_t i = 0; i < k; i++) memcpy(steps + i / 2 * 32 + (i & 1) * 2, rows + i, 2);
    }
  }
}

void qu8_pack(void* packed, const uint8_t* filter, const int32_t* bias, const float* scale,
              const int32_t* w_zero_point, const int32_t x_zero_point, const int32_t filter_signed,
              const int32_t dot_class, const filter_shape* shape, void* scratch,
              const int32_t begin, const int32_t end) {
  if (begin >= end) return;
  const weights w = {filter, bias, scale, w_zero_point, x_zero_point, filter_signed, shape};
  const int32_t blocks = divide_up(shape->out_channels, NR);
  const int32_t k = shape->taps * shape->in_channels;
  int16_t* rows = scratch;
  packed_header header = {.bounded = 1, .ones = {1, 1, 1, 1, 1, 1, 1, 1}};
#if defined(HAS_DOTS)
  int32_t entries = 0;
  header.format = choose_format(&w, rows, dot_class, &entries);
  const int32_t step_bytes =
      header.format == FORMAT_HALVES ? divide_up(k, 2) * 32 : padded_k(k, header.format) * 8;
#else
  (void)dot_class;
  const int32_t step_bytes = divide_up(k, 2) * 32;
#endif
  header.block_bytes = BLOCK_HEAD_BYTES + step_bytes;
  memset((char*)packed + PACKED_HEADER_BYTES, 0,
         (size_t)(shape->groups * blocks) * (size_t)header.block_bytes);
  for (int32_t g = 0; g < shape->groups; g++) {
    for (int32_t o = 0; o < shape->out_channels; o++) {
      char* head = (char*)packed + PACKED_HEADER_BYTES + o % NR * 4 +
                   (ptrdiff_t)(g * blocks + o / NR) * header.block_bytes;
      read_channel(rows, &w, g, o);
      header.bounded &= put_channel(head, head + 32, &w, g * shape->out_channels + o,
                                    seen_zero_point(x_zero_point, header.format), rows, k);
    }
  }
#if defined(HAS_DOTS)
  if (header.format != FORMAT_HALVES) put_byte_blocks(packed, &w, rows, &header, entries);
#endif
  if (header.format == FORMAT_HALVES) put_halves(packed, &w, rows, &header);
  memcpy(packed, &header, sizeof header);
}
