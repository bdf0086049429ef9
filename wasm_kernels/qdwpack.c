// SPDX-License-Identifier: Apache-2.0
// Packing of quantized depthwise weights. packed.h has the layout.
#include "qweights.h"

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
  const weights w = {filter, bias, scale, w_zero_point, x_zero_point, filter_signed, shape, NULL};
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
