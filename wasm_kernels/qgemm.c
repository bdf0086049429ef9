// SPDX-License-Identifier: Apache-2.0
// Quantized matrix products and convolutions over the formats of packed.h.
//
// Rows of A are read where they lie when their bytes suit the format; otherwise each unit of rows
// is first brought into a panel in scratch: gathered from its window, widened to int16 for HALVES,
// its sign flipped for DOT_SIGNED. A panel is reused by all column blocks.
#include "dots.h"
#include "qpanel.h"

#define UNIT 12  // rows of a unit of the range; a multiple of both heights of tiles
#define NR 8
#define ALONE 4  // blocks that a single row takes together

// Rows of a tile: what 15 vector registers hold beside the weights and one quad of A. Dot products
// of four need two accumulators a row and nothing else; the others need registers for parts.
INLINE int tile_rows(const int format) {
  return format == FORMAT_DOT_UNSIGNED || format == FORMAT_DOT_SIGNED ? 6 : 4;
}
#define MOST_ROWS 6

INLINE i32x4 load_i32x4(const char* p) { return i32x4_load((const int32_t*)(const void*)p); }
INLINE f32x4 load_f32x4(const char* p) { return f32x4_load((const float*)(const void*)p); }
INLINE u8x16 load_u8x16(const char* p) { return u8x16_load((const uint8_t*)p); }

// ---------------------------------------------------------------------------
// Accumulation. A tile is a few rows of one block, or one row of a few blocks.
// `a` are rows of bytes, or of int16 for HALVES.

// acc + one step of weights times one row's activations at k.
INLINE i32x4 step(const int format, const i32x4 acc, const char* w, const uint8_t* a,
                  const i16x8 ones) {
  (void)ones;
  switch (format) {
#if defined(HAS_DOTS)
    case FORMAT_DOT_UNSIGNED:
      return i32x4_dot4u_add(acc, load_u8x16(w), u8x16_splat_quad(a));
    case FORMAT_DOT_SIGNED:
      return i32x4_dot4s_add(acc, load_u8x16(w), u8x16_splat_quad(a));
    case FORMAT_PAIRS:
      return i32x4_dot_add(acc, i16x8_pair_dot(load_u8x16(w), u8x16_splat_quad(a)), ones);
    case FORMAT_PAIRS2:
      return i32x4_dot_add(acc,
                           i16x8_pair_dot(load_u8x16(w), u8x16_splat_quad(a)) +
                               i16x8_pair_dot(load_u8x16(w + 32), u8x16_splat_quad(a + 4)),
                           ones);
#endif
    default:
      return i32x4_dot_add(acc, (i16x8)u8x16_splat_quad(a), (i16x8)load_u8x16(w));
  }
}

// Bytes of weights, and of a row of A, that a step takes.
INLINE int step_weights(const int format) { return format == FORMAT_PAIRS2 ? 64 : 32; }
INLINE int step_row(const int format) { return format == FORMAT_PAIRS2 ? 8 : 4; }

// All steps, at least one, of one block for the rows of a tile.
INLINE void accumulate_rows(const int format, i32x4 acc[MOST_ROWS][2], const uint8_t* const* a,
                            const char* w, const int32_t steps, const i16x8 ones) {
  const uint8_t* row[MOST_ROWS];
  for (int r = 0; r < tile_rows(format); r++) row[r] = a[r];
  int32_t i = 0;
  do {
    const int32_t k = i * step_row(format);
    for (int r = 0; r < tile_rows(format); r++) {
      acc[r][0] = step(format, acc[r][0], w, row[r] + k, ones);
      acc[r][1] = step(format, acc[r][1], w + 16, row[r] + k, ones);
    }
    w += step_weights(format);
  } while (++i < steps);
}

// All steps of several blocks for one row.
INLINE void accumulate_blocks(const int format, i32x4 acc[ALONE][2], const uint8_t* a,
                              const char* w, const size_t block_bytes, const int32_t steps,
                              const i16x8 ones) {
  for (int32_t i = 0; i < steps; i++, a += step_row(format), w += step_weights(format)) {
    for (int j = 0; j < ALONE; j++) {
      acc[j][0] = step(format, acc[j][0], w + (size_t)j * block_bytes, a, ones);
      acc[j][1] = step(format, acc[j][1], w + (size_t)j * block_bytes + 16, a, ones);
    }
  }
}

// ---------------------------------------------------------------------------
// Requantization of a tile

// What all tiles of a call share.
typedef struct {
  const char* packed;  // header
  const char* blocks;  // of the group
  size_t block_bytes;
  const int32_t* index;  // of remainders, at the group's first half block
  const uint8_t* order;  // null: as k comes
  int32_t steps, n, y_stride;
  int is_free;  // products are bounded and results are not
  requantizer q;
} product;

// The first n < 8 bytes of eight. Written out: a loop would become a call of memory.copy.
INLINE void store_some(uint8_t* y, uint64_t eight, const int32_t n) {
  if (n & 4) {
    memcpy(y, &eight, 4);
    y += 4;
    eight >>= 32;
  }
  if (n & 2) {
    memcpy(y, &eight, 2);
    y += 2;
    eight >>= 16;
  }
  if (n & 1) *y = (uint8_t)eight;
}

// Two rows of up to 8 columns, at y and, with `both`, at y_next.
INLINE void store_rows(uint8_t* y, uint8_t* y_next, const i32x4 acc[2], const i32x4 acc_next[2],
                       const char* block, const product* p, const int32_t columns, const int both) {
  const f32x4 scale0 = load_f32x4(block + 32), scale1 = load_f32x4(block + 48);
  const f32x4 products[4] = {f32x4_from_i32x4(acc[0]) * scale0, f32x4_from_i32x4(acc[1]) * scale1,
                             f32x4_from_i32x4(acc_next[0]) * scale0,
                             f32x4_from_i32x4(acc_next[1]) * scale1};
  const u8x16 v =
      p->is_free ? requantize_freely(products, &p->q) : requantize_bytes(products, &p->q);
  if (columns >= NR) {
    u8x8_store(y, v);
    if (both) u8x8_store_high(y_next, v);
  } else {
    uint64_t halves[2];
    memcpy(halves, &v, sizeof halves);
    store_some(y, halves[0], columns);
    if (both) store_some(y_next, halves[1], columns);
  }
}

#if defined(HAS_DOTS)

// sums += the remainders of the half blocks `half` and half + 1 (their numbers within the group)
// for `count` rows.
INLINE void add_remainders(const int format, i32x4 sums[][2], const uint8_t* const* a,
                           const int count, const product* p, const int32_t half) {
  const packed_header* header = (const packed_header*)(const void*)p->packed;
  const char* entries = p->packed + header->entries_at;
  const i16x8 ones = i16x8_load(header->ones);
  const uint8_t* row[MOST_ROWS];
  for (int r = 0; r < count; r++) row[r] = a[r];
  for (int h = 0; h < 2; h++) {
    const char* entry = entries + p->index[half + h] * ENTRY_BYTES;
    const char* end = entries + p->index[half + h + 1] * ENTRY_BYTES;
    if (entry == end) continue;
    i32x4 v[MOST_ROWS];
    for (int r = 0; r < count; r++) v[r] = sums[r][h];
    do {
      int32_t k;
      memcpy(&k, entry, 4);
      for (int r = 0; r < count; r++) v[r] = step(format, v[r], entry + 4, row[r] + k, ones);
      entry += ENTRY_BYTES;
    } while (entry < end);
    for (int r = 0; r < count; r++) sums[r][h] = v[r];
  }
}

#define DEFINE_REMAINDERS(name, format)                                                \
  static __attribute__((noinline)) void name(i32x4 sums[][2], const uint8_t* const* a, \
                                             const int count, const product* p,        \
                                             const int32_t half) {                     \
    if (count == 1) {                                                                  \
      add_remainders(format, sums, a, 1, p, half);                                     \
    } else {                                                                           \
      add_remainders(format, sums, a, tile_rows(format), p, half);                     \
    }                                                                                  \
  }

DEFINE_REMAINDERS(add_unsigned_remainders, FORMAT_DOT_UNSIGNED)
DEFINE_REMAINDERS(add_signed_remainders, FORMAT_DOT_SIGNED)
DEFINE_REMAINDERS(add_pairs_remainders, FORMAT_PAIRS)

// Registers hold the sums; only where there are remainders do they go through memory.
INLINE void finish_sums(const int format, i32x4 acc[][2], const uint8_t* const* a,
                        const int32_t count, const product* p, const int32_t b) {
  if (p->index[2 * b] == p->index[2 * b + 2]) return;
  i32x4 sums[MOST_ROWS][2];
  for (int r = 0; r < count; r++) {
    sums[r][0] = acc[r][0];
    sums[r][1] = acc[r][1];
  }
  if (format == FORMAT_DOT_UNSIGNED) {
    add_unsigned_remainders(sums, a, count, p, 2 * b);
  } else if (format == FORMAT_DOT_SIGNED) {
    add_signed_remainders(sums, a, count, p, 2 * b);
  } else {
    add_pairs_remainders(sums, a, count, p, 2 * b);
  }
  for (int r = 0; r < count; r++) {
    acc[r][0] = sums[r][0];
    acc[r][1] = sums[r][1];
  }
}

#endif

// ---------------------------------------------------------------------------
// Tiles

// Block b of up to tile_rows(format) rows.
INLINE void row_tile(const int format, uint8_t* y, const uint8_t* const* a, const product* p,
                     const int32_t rows, const int32_t b, const i16x8 ones) {
  const int most = tile_rows(format);
  const char* block = p->blocks + (size_t)b * p->block_bytes;
  const i32x4 bias0 = load_i32x4(block), bias1 = load_i32x4(block + 16);
  i32x4 acc[MOST_ROWS][2];
  for (int r = 0; r < most; r++) {
    acc[r][0] = bias0;
    acc[r][1] = bias1;
  }
  accumulate_rows(format, acc, a, block + BLOCK_HEAD_BYTES, p->steps, ones);
#if defined(HAS_DOTS)
  if (format != FORMAT_HALVES) finish_sums(format, acc, a, most, p, b);
#endif
  const int32_t columns = p->n - b * NR;
  y += b * NR;
  const ptrdiff_t pair = 2 * (ptrdiff_t)p->y_stride;
  store_rows(y, y + p->y_stride, acc[0], acc[1], block, p, columns, rows > 1);
  if (rows > 2) {
    store_rows(y + pair, y + pair + p->y_stride, acc[2], acc[3], block, p, columns, rows > 3);
  }
  if (most > 4 && rows > 4) {
    y += 2 * pair;
    store_rows(y, y + p->y_stride, acc[4], acc[5], block, p, columns, rows > 5);
  }
}

// Column blocks [first, last) of one row, a few at a time.
INLINE void single_row(const int format, uint8_t* y, const uint8_t* a, const product* p,
                       const int32_t first, const int32_t last, const i16x8 ones) {
  const size_t block_bytes = p->block_bytes;
  int32_t b = first;
  for (; b + ALONE <= last; b += ALONE) {
    const char* block = p->blocks + (size_t)b * block_bytes;
    i32x4 acc[ALONE][2];
    for (int j = 0; j < ALONE; j++) {
      acc[j][0] = load_i32x4(block + (size_t)j * block_bytes);
      acc[j][1] = load_i32x4(block + (size_t)j * block_bytes + 16);
    }
    accumulate_blocks(format, acc, a, block + BLOCK_HEAD_BYTES, block_bytes, p->steps, ones);
#if defined(HAS_DOTS)
    for (int j = 0; format != FORMAT_HALVES && j < ALONE; j++) {
      finish_sums(format, acc + j, &a, 1, p, b + j);
    }
#endif
    for (int j = 0; j < ALONE; j++) {
      uint8_t* to = y + (b + j) * NR;
      store_rows(to, to, acc[j], acc[j], block + (size_t)j * block_bytes, p, p->n - (b + j) * NR,
                 0);
    }
  }
  const uint8_t* const same[MOST_ROWS] = {a, a, a, a, a, a};
  for (; b < last; b++) row_tile(format, y, same, p, 1, b, ones);
}

// Column blocks [first, last) of up to UNIT rows: block by block, so that a block of weights serves
// all rows from the first-level cache. One or two rows are cheaper alone than as part of a tile.
INLINE void unit_rows(const int format, uint8_t* y, const uint8_t* const a[UNIT], const product* p,
                      const int32_t rows, const int32_t first, const int32_t last) {
  // From memory: V8 rebuilds constants in every iteration of a loop.
  const i16x8 ones = i16x8_load(((const packed_header*)(const void*)p->packed)->ones);
  const int most = tile_rows(format);
  const int32_t alone = rows % most <= 2 ? rows % most : 0;
  for (int32_t r = 0; r < rows - alone; r += most) {
    for (int32_t b = first; b < last; b++) {
      row_tile(format, y + (ptrdiff_t)r * p->y_stride, a + r, p, rows - r, b, ones);
    }
  }
  for (int32_t r = rows - alone; r < rows; r++) {
    single_row(format, y + (ptrdiff_t)r * p->y_stride, a[r], p, first, last, ones);
  }
}

#define DEFINE_UNIT(name, format)                                                       \
  static __attribute__((noinline)) void name(uint8_t* y, const uint8_t* const a[UNIT],  \
                                             const product* p, const int32_t rows,      \
                                             const int32_t first, const int32_t last) { \
    unit_rows(format, y, a, p, rows, first, last);                                      \
  }

DEFINE_UNIT(halves_unit, FORMAT_HALVES)
#if defined(HAS_DOTS)
DEFINE_UNIT(unsigned_unit, FORMAT_DOT_UNSIGNED)
DEFINE_UNIT(signed_unit, FORMAT_DOT_SIGNED)
DEFINE_UNIT(pairs_unit, FORMAT_PAIRS)
DEFINE_UNIT(pairs2_unit, FORMAT_PAIRS2)
#endif

// Up to UNIT rows; tiles read rows beyond the last one, so `a` repeats it.
static void run_unit(uint8_t* y, const uint8_t* const a[UNIT], const product* p, const int32_t rows,
                     const int32_t first, const int32_t last) {
  switch (((const packed_header*)(const void*)p->packed)->format) {
#if defined(HAS_DOTS)
    case FORMAT_DOT_UNSIGNED:
      unsigned_unit(y, a, p, rows, first, last);
      break;
    case FORMAT_DOT_SIGNED:
      signed_unit(y, a, p, rows, first, last);
      break;
    case FORMAT_PAIRS:
      pairs_unit(y, a, p, rows, first, last);
      break;
    case FORMAT_PAIRS2:
      pairs2_unit(y, a, p, rows, first, last);
      break;
#endif
    default:
      halves_unit(y, a, p, rows, first, last);
  }
}

// ---------------------------------------------------------------------------
// Kernels

// The order of k that packed weights have, if it is one of their own.
INLINE const uint8_t* order_of(const packed_header* header) {
#if defined(HAS_DOTS)
  if (header->order_at) return (const uint8_t*)header + header->order_at;
#endif
  (void)header;
  return NULL;
}

// The product with the weights of the first group.
INLINE product make_product(const void* w, const int32_t y_zero_point, const int32_t lo,
                            const int32_t hi, const int32_t n, const int32_t y_stride) {
  const packed_header* header = w;
  return (product){.packed = w,
                   .blocks = (const char*)w + PACKED_HEADER_BYTES,
                   .block_bytes = (size_t)header->block_bytes,
                   .index = (const int32_t*)(const void*)((const char*)w + header->index_at),
                   .order = order_of(header),
                   .steps = (header->block_bytes - BLOCK_HEAD_BYTES) / step_weights(header->format),
                   .n = n,
                   .y_stride = y_stride,
                   .is_free = header->bounded && lo == 0 && hi == 255,
                   .q = make_requantizer(y_zero_point, lo, hi)};
}

void qu8_gemm(uint8_t* y, const uint8_t* a, const void* w, const int32_t y_zero_point,
              const int32_t lo, const int32_t hi, const int32_t m, const int32_t n, const int32_t k,
              const int32_t splits, const int32_t a_stride, const int32_t y_stride, void* scratch,
              const int32_t begin, const int32_t end) {
  const int32_t blocks = divide_up(n, NR), shares = divide_up(blocks, ALONE);
  const int32_t format = ((const packed_header*)w)->format;
  const product p = make_product(w, y_zero_point, lo, hi, n, y_stride);
  const uint8_t* a_end = a + (ptrdiff_t)(m - 1) * a_stride + k;
  const int direct = !p.order && ((format == FORMAT_DOT_UNSIGNED && k % 4 == 0) ||
                                  (format == FORMAT_PAIRS && k % 4 == 0) ||
                                  (format == FORMAT_PAIRS2 && k % 8 == 0));
  int32_t in_panel = -1;  // the first of the rows that are in the panel
  for (int32_t unit = begin; unit < end; unit++) {
    const int32_t row = unit / splits * UNIT, split = unit % splits;
    const int32_t rows = min_i32(m - row, UNIT);
    const uint8_t* unit_rows[UNIT];
    for (int r = 0; r < UNIT; r++) {
      const int32_t at = min_i32(r, rows - 1);
      const uint8_t* from = a + (ptrdiff_t)(row + at) * a_stride;
      uint8_t* to = panel_row(scratch, at, k, format);
      unit_rows[r] = direct ? from : to;
      if (direct || r >= rows || in_panel == row) continue;
      if (p.order) {
        put_ordered(to, from, k, a_end, p.order);
      } else {
        put_bytes(to, 0, from, k, a_end, format);
      }
    }
    in_panel = row;
    run_unit(y + (ptrdiff_t)row * y_stride, unit_rows, &p, rows, shares * split / splits * ALONE,
             min_i32(shares * (split + 1) / splits * ALONE, blocks));
  }
}

// Bytes from a group's first channel to the end of its last pixel.
INLINE ptrdiff_t window_bytes(const window_shape* s) {
  return (ptrdiff_t)(s->batch * s->in_height * s->in_width - 1) * s->x_stride + s->in_channels;
}

void qu8_igemm(uint8_t* y, const uint8_t* x, const void* w, const int32_t x_zero_point,
               const int32_t y_zero_point, const int32_t lo, const int32_t hi,
               const window_shape* shape, void* scratch, const int32_t begin, const int32_t end) {
  const int32_t m = shape->batch * shape->out_height * shape->out_width;
  const int32_t k = shape->kernel_height * shape->kernel_width * shape->in_channels;
  const int32_t n = shape->out_channels, blocks = divide_up(n, NR);
  const packed_header* header = w;
  const product whole = make_product(w, y_zero_point, lo, hi, n, shape->y_stride);
  product p = whole;
  for (int32_t unit = begin; unit < end; unit++) {
    const int32_t row = unit / shape->groups * UNIT, g = unit % shape->groups;
    const int32_t rows = min_i32(m - row, UNIT);
    const uint8_t* from = x + g * shape->in_channels;
    const uint8_t* x_end = from + window_bytes(shape);
    const uint8_t* a[UNIT];
    window_origin o = origin_of(shape, row);
    for (int r = 0; r < UNIT; r++) {
      uint8_t* to = panel_row(scratch, min_i32(r, rows - 1), k, header->format);
      a[r] = to;
      if (r >= rows) continue;
      if (is_narrow(from, x_end, shape, o)) {
        gather_narrow(to, from, shape, o, header->format);
      } else {
        gather_window(to, from, x_end, shape, o, (uint8_t)x_zero_point, header->format);
      }
      if (p.order) put_ordered(to, to, k, to + round_up(k, 16), p.order);
      advance(&o, shape);
    }
    p.index = whole.index + 2 * g * blocks;
    p.blocks = whole.blocks + (size_t)(g * blocks) * whole.block_bytes;
    run_unit(y + (ptrdiff_t)row * shape->y_stride + g * n, a, &p, rows, 0, blocks);
  }
}
