// SPDX-License-Identifier: Apache-2.0
// Packing of quantized weights: zero points folded, bytes arranged for the dot product the CPU has,
// and what that dot product cannot take put into remainders. packed.h has the layout.
#include "qorder.h"

#define NR 8

#if defined(HAS_DOTS)

// ---------------------------------------------------------------------------
// Byte formats of qu8_pack

// Where a half block's steps and remainders go; null pointers to count remainders only.
typedef struct {
  char* steps;
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
      const int32_t single = format == FORMAT_PAIRS2 ? FORMAT_PAIRS : format, first = k + i;
      for (int32_t j = 0; j < 4; j++) take_part(v[j] + i, entry + 4 * j, 4, single);
      if (to->entries) {
        memcpy(to->entries + count * ENTRY_BYTES, &first, 4);
        memcpy(to->entries + count * ENTRY_BYTES + 4, entry, 16);
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
    if (w->order) reorder(rows + j * length, w->order, length);
  }
  int32_t count = 0, i = 0;
  while (i < length) {
    int16_t* const v[4] = {rows + i, rows + length + i, rows + 2 * length + i,
                           rows + 3 * length + i};
    if (i + 8 <= length && put_chunk(to, v, i, o % NR / 4, format)) {
      i += 8;
      continue;
    }
    const destination at = {to->steps, to->entries ? to->entries + count * ENTRY_BYTES : NULL};
    count += put_step(&at, v, i, n, o % NR / 4, format);
    i += n;
  }
  return count;
}

// How many remainders these weights take; INT32_MAX, found soon, where the first ones let expect
// twice as many as `most`.
static int32_t count_remainders(const weights* w, int16_t* rows, const int32_t format,
                                const double most) {
  const destination nowhere = {NULL, NULL};
  const double each = most / (w->shape->groups * divide_up(w->shape->out_channels, 4));
  int32_t count = 0, done = 0;
  for (int32_t g = 0; g < w->shape->groups; g++) {
    for (int32_t o = 0; o < w->shape->out_channels; o += 4) {
      count += put_half_block(&nowhere, w, rows, g, o, format);
      if (++done > 3 && count > 2 * each * done) return INT32_MAX;
    }
  }
  return count;
}

// How weights are to be packed, and the work of 16 products: x64 instructions, counted in the loops
// that V8 makes.
typedef struct {
  int32_t format;
  int32_t entries;  // remainders
  int32_t ordered;  // whether pairs take k in an order of their own
  double work;
} packing;

#define HALVES_WORK 7.7
INLINE double step_work(const int32_t format) {
  return format == FORMAT_PAIRS2 ? 4.4 : format == FORMAT_PAIRS ? 5.0 : 1.7;
}
INLINE double entry_work(const int32_t format) { return has_pairs(format) ? 6.4 : 4.0; }

// Replaces `best` if the format takes less work and the packed bytes have room for it; returns the
// remainders of a step of half a block.
static double try_format(packing* best, const weights* w, int16_t* rows, const int32_t format) {
  const filter_shape* s = w->shape;
  const int32_t k = s->taps * s->in_channels, length = padded_k(k, format);
  const int32_t blocks = s->groups * divide_up(s->out_channels, NR);
  // kernels.h grants each block 128 + 32 * ceil(k / 2) bytes.
  const int64_t granted = (int64_t)blocks * (128 + 32 * divide_up(k, 2));
  const double step = step_work(format), entry = entry_work(format);
  const int32_t steps = blocks * (length / 2);  // of half blocks
  const int32_t count = count_remainders(w, rows, format, (best->work - step) / entry * steps);
  const int64_t needed = (int64_t)blocks * (BLOCK_HEAD_BYTES + 8 * length + 8) + 4 +
                         (int64_t)count * ENTRY_BYTES + (w->order ? round_up(k, WINDOW) : 0);
  const double each = (double)count / steps;
  // Three instructions bring 16 bytes into their order for all output channels.
  const double ordering = w->order ? 3.0 / s->out_channels : 0;
  const double work = step + entry * each + ordering;
  if (needed <= granted && work < best->work) {
    *best = (packing){format, count, w->order != NULL, work};
  }
  return each;
}

// The packing with the least work for these weights. `room` is for an order and what it takes to
// find one.
static packing choose_packing(weights* w, int16_t* rows, const int32_t dot_class, char* room) {
  packing best = {FORMAT_HALVES, 0, 0, HALVES_WORK};
  if (dot_class == DOT_UNSIGNED) try_format(&best, w, rows, FORMAT_DOT_UNSIGNED);
  if (dot_class == DOT_SIGNED) try_format(&best, w, rows, FORMAT_DOT_SIGNED);
  if (dot_class != DOT_PAIRS) return best;
  const double each = try_format(&best, w, rows, FORMAT_PAIRS2);
  if (each < 0.01) return best;
  if (w->shape->groups > 1) {
    try_format(&best, w, rows, FORMAT_PAIRS);
    return best;
  }
  const int32_t windows = divide_up(w->shape->taps * w->shape->in_channels, WINDOW);
  window_strain* strains = (window_strain*)(void*)room;
  uint8_t* order = (uint8_t*)(strains + windows);
  const int32_t format = each < 0.3 ? FORMAT_PAIRS2 : FORMAT_PAIRS;
  choose_order(order, strains, rows, w, format);
  w->order = order;
  try_format(&best, w, rows, format);
  if (!best.ordered) w->order = NULL;
  return best;
}

static void put_byte_blocks(char* packed, const weights* w, int16_t* rows, packed_header* header,
                            const int32_t total) {
  const filter_shape* s = w->shape;
  const int32_t blocks = divide_up(s->out_channels, NR);
  const int32_t halves = 2 * s->groups * blocks;
  header->index_at = PACKED_HEADER_BYTES + s->groups * blocks * header->block_bytes;
  header->entries_at = header->index_at + 4 * (halves + 1);
  if (w->order) {
    header->order_at = header->entries_at + ENTRY_BYTES * total;
    memcpy(packed + header->order_at, w->order, (size_t)round_up(s->taps * s->in_channels, WINDOW));
  }
  int32_t* index = (int32_t*)(void*)(packed + header->index_at);
  int32_t count = 0, half = 0;
  for (int32_t g = 0; g < s->groups; g++) {
    for (int32_t o = 0; o < blocks * NR; o += 4, half++) {
      index[half] = count;
      if (o >= s->out_channels) continue;
      const destination to = {packed + PACKED_HEADER_BYTES + BLOCK_HEAD_BYTES +
                                  (ptrdiff_t)(half / 2) * header->block_bytes,
                              packed + header->entries_at + count * ENTRY_BYTES};
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
  weights w = {filter, bias, scale, w_zero_point, x_zero_point, filter_signed, shape, NULL};
  const int32_t blocks = divide_up(shape->out_channels, NR);
  const int32_t k = shape->taps * shape->in_channels;
  int16_t* rows = scratch;
  packed_header header = {.bounded = 1, .ones = {1, 1, 1, 1, 1, 1, 1, 1}};
#if defined(HAS_DOTS)
  const packing chosen = choose_packing(&w, rows, dot_class, (char*)(rows + 4 * (k + 7)));
  header.format = chosen.format;
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
  if (header.format != FORMAT_HALVES) put_byte_blocks(packed, &w, rows, &header, chosen.entries);
#endif
  if (header.format == FORMAT_HALVES) put_halves(packed, &w, rows, &header);
  memcpy(packed, &header, sizeof header);
}
