// SPDX-License-Identifier: Apache-2.0
// Packing of quantized weights: zero points folded, bytes arranged for the dot product the CPU has,
// and what that dot product cannot take put into remainders. packed.h has the layout.
#include "dots.h"
#include "filters.h"
#include "kernels.h"
#include "packed.h"

#define NR 8

// The arguments of a packing call.
typedef struct {
  const uint8_t* filter;
  const int32_t* bias;
  const float* scale;
  const int32_t* w_zero_point;
  int32_t x_zero_point, filter_signed;
  const filter_shape* shape;
} weights;

// The weights of one output channel, their zero point taken off: v[t * in_channels + i].
static void read_channel(int16_t* v, const weights* w, const int32_t g, const int32_t o) {
  const filter_shape* s = w->shape;
  const int32_t zero_point = w->w_zero_point[g * s->out_channels + o];
  for (int32_t t = 0; t < s->taps; t++) {
    const uint8_t* from = w->filter + filter_at(s, g, o, t, 0);
    for (int32_t i = 0; i < s->in_channels; i++, from += s->in_stride) {
      *v++ = (int16_t)((w->filter_signed ? (int32_t)(int8_t)*from : (int32_t)*from) - zero_point);
    }
  }
}

// Bias and scale of a channel; x_zero_point is that of the activations as the kernel sees them.
// Returns whether no |accumulator * scale| reaches 2^22.
static int put_channel(char* bias, char* scale, const weights* w, const int32_t channel,
                       const int32_t x_zero_point, const int16_t* v, const int32_t k) {
  int64_t sum = 0, magnitude = 0;
  for (int32_t i = 0; i < k; i++) {
    sum += v[i];
    magnitude += v[i] < 0 ? -v[i] : v[i];
  }
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
static void take_part(int16_t* v, int8_t* part, const int32_t n, const int32_t format) {
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
  int32_t count = 0;
  for (int32_t i = 0; i < length; i += n) {
    int16_t* const v[4] = {rows + i, rows + length + i, rows + 2 * length + i,
                           rows + 3 * length + i};
    const destination at = {to->steps, to->offsets ? to->offsets + count : NULL,
                            to->entries ? to->entries + count * 16 : NULL};
    count += put_step(&at, v, i, n, o % NR / 4, format);
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

// The format with the least work for these weights that the packed bytes have room for.
static int32_t choose_format(const weights* w, int16_t* rows, const int32_t dot_class) {
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
    }
  }
  return best;
}

static void put_byte_blocks(char* packed, const weights* w, int16_t* rows, packed_header* header) {
  const filter_shape* s = w->shape;
  const int32_t blocks = divide_up(s->out_channels, NR);
  const int32_t total = count_remainders(w, rows, header->format);
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
  header.format = choose_format(&w, rows, dot_class);
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
  if (header.format != FORMAT_HALVES) put_byte_blocks(packed, &w, rows, &header);
#endif
  if (header.format == FORMAT_HALVES) put_halves(packed, &w, rows, &header);
  memcpy(packed, &header, sizeof header);
}

// ---------------------------------------------------------------------------
// qu8_dwpack

#if defined(HAS_DOTS)

// The quad of filter column kx: row r of the filter at lane r + shift.
static void read_quad(int16_t quad[4], const int16_t* v, const int32_t kernel_height,
                      const int32_t kernel_width, const int32_t kx, const int32_t shift) {
  for (int32_t lane = 0; lane < 4; lane++) {
    const int32_t ky = lane - shift;
    quad[lane] = ky >= 0 && ky < kernel_height ? v[ky * kernel_width + kx] : 0;
  }
}

// Writes the parts of channel j of a block (or counts them only); returns how many there are.
static int32_t put_parts(char* steps, const int16_t* v, const int32_t j, const int32_t taps,
                         const int32_t kernel_width, const int32_t format) {
  int32_t most = 1;
  for (int32_t shift = 0; shift < 2; shift++) {
    for (int32_t kx = 0; kx < kernel_width; kx++) {
      int16_t quad[4];
      read_quad(quad, v, taps / kernel_width, kernel_width, kx, shift);
      for (int32_t p = 0; p < DW_MAX_PARTS && (p == 0 || any(quad, 4)); p++) {
        int8_t part[4];
        take_part(quad, part, 4, format);
        if (steps) memcpy(steps + ((p * 2 + shift) * kernel_width + kx) * 16 + j * 4, part, 4);
        most = max_i32(most, p + 1);
      }
    }
  }
  return most;
}

// The byte format for the dot class, unless its parts would cost more than halves.
static int32_t choose_dw_format(const weights* w, int16_t* v, const int32_t kernel_width,
                                const int32_t dot_class) {
  const int32_t taps = w->shape->taps, groups = w->shape->groups;
  const int32_t formats[4] = {FORMAT_HALVES, FORMAT_DOT_UNSIGNED, FORMAT_DOT_SIGNED, FORMAT_PAIRS};
  const int32_t format = formats[dot_class];
  if (format == FORMAT_HALVES || taps / kernel_width > 3) return FORMAT_HALVES;
  int64_t parts = 0;
  for (int32_t g = 0; g < groups; g += 4) {
    int32_t most = 1;
    for (int32_t j = 0; j < min_i32(groups - g, 4); j++) {
      read_channel(v, w, g + j, 0);
      most = max_i32(most, put_parts(NULL, v, j, taps, kernel_width, format));
    }
    parts += most;
  }
  // Per block, pixel and pair of rows: 23 instructions and 2 * kernel_width dots (a pair dot is
  // three instructions) against 36 and 3.5 for each tap. A second part brings a loop over parts.
  const double dots = 2.0 * kernel_width * (format == FORMAT_PAIRS ? 3 : 1);
  const double average = (double)parts / (double)divide_up(groups, 4);
  const double loops = (average - 1) * 6.0 * kernel_width;
  return 23 + average * dots + loops < 36 + 3.5 * taps ? format : FORMAT_HALVES;
}

#endif

static int put_dw_halves(char* packed, const weights* w, int16_t* v, packed_header* header) {
  const filter_shape* s = w->shape;
  int bounded = 1;
  header->block_bytes = BLOCK_HEAD_BYTES + divide_up(s->taps, 2) * 32;
  memset(packed + PACKED_HEADER_BYTES, 0,
         (size_t)divide_up(s->groups, 8) * (size_t)header->block_bytes);
  for (int32_t g = 0; g < s->groups; g++) {
    char* block =
        packed + PACKED_HEADER_BYTES + g % 8 * 4 + (ptrdiff_t)(g / 8) * header->block_bytes;
    read_channel(v, w, g, 0);
    bounded &= put_channel(block, block + 32, w, g, w->x_zero_point, v, s->taps);
    for (int32_t t = 0; t < s->taps; t++) {
      memcpy(block + BLOCK_HEAD_BYTES + t / 2 * 32 + (t & 1) * 2, v + t, 2);
    }
  }
  return bounded;
}

#if defined(HAS_DOTS)

static int put_dw_bytes(char* packed, const weights* w, int16_t* v, const int32_t kernel_width,
                        packed_header* header) {
  const filter_shape* s = w->shape;
  const int32_t zero_point = seen_zero_point(w->x_zero_point, header->format);
  int bounded = 1;
  header->block_bytes = DW_BLOCK_HEAD_BYTES + DW_MAX_PARTS * 2 * kernel_width * 16;
  memset(packed + PACKED_HEADER_BYTES, 0,
         (size_t)divide_up(s->groups, 4) * (size_t)header->block_bytes);
  for (int32_t g = 0; g < s->groups; g++) {
    const int32_t j = g % 4;
    char* block = packed + PACKED_HEADER_BYTES + (ptrdiff_t)(g / 4) * header->block_bytes;
    read_channel(v, w, g, 0);
    bounded &= put_channel(block + j * 4, block + 16 + j * 4, w, g, zero_point, v, s->taps);
    int32_t parts;
    memcpy(&parts, block + 32, 4);
    parts = max_i32(
        parts, put_parts(block + DW_BLOCK_HEAD_BYTES, v, j, s->taps, kernel_width, header->format));
    memcpy(block + 32, &parts, 4);
  }
  return bounded;
}

#endif

void qu8_dwpack(void* packed, const uint8_t* filter, const int32_t* bias, const float* scale,
                const int32_t* w_zero_point, const int32_t x_zero_point,
                const int32_t filter_signed, const int32_t dot_class, const int32_t kernel_width,
                const filter_shape* shape, void* scratch, const int32_t begin, const int32_t end) {
  if (begin >= end) return;
  const weights w = {filter, bias, scale, w_zero_point, x_zero_point, filter_signed, shape};
  packed_header header = {.ones = {1, 1, 1, 1, 1, 1, 1, 1}};
#if defined(HAS_DOTS)
  header.format = choose_dw_format(&w, scratch, kernel_width, dot_class);
  if (header.format != FORMAT_HALVES) {
    header.bounded = put_dw_bytes(packed, &w, scratch, kernel_width, &header);
  }
#else
  (void)dot_class;
  (void)kernel_width;
#endif
  if (header.format == FORMAT_HALVES) header.bounded = put_dw_halves(packed, &w, scratch, &header);
  memcpy(packed, &header, sizeof header);
}
