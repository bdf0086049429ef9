// SPDX-License-Identifier: Apache-2.0
// Quantized matrix products and convolutions over the formats of packed.h.
//
// Rows of A are read where they lie when their bytes suit the format; otherwise each tile of rows
// is first brought into a panel in scratch: gathered from its window, widened to int16 for HALVES,
// its sign flipped for DOT_SIGNED. A panel is reused by all column blocks.
#include "dots.h"
#include "filters.h"
#include "packed.h"

#define MR 4
#define NR 8

INLINE i32x4 load_i32x4(const char* p) { return i32x4_load((const int32_t*)(const void*)p); }
INLINE f32x4 load_f32x4(const char* p) { return f32x4_load((const float*)(const void*)p); }
INLINE u8x16 load_u8x16(const char* p) { return u8x16_load((const uint8_t*)p); }

// ---------------------------------------------------------------------------
// Accumulation. A tile is MR rows of one block, or one row of MR blocks: 8 accumulators either way.
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

// All steps of one block for MR rows.
INLINE void accumulate_rows(const int format, i32x4 acc[MR][2], const uint8_t* const a[MR],
                            const char* w, const int32_t steps, const i16x8 ones) {
  const uint8_t *a0 = a[0], *a1 = a[1], *a2 = a[2], *a3 = a[3];
  for (int32_t i = 0; i < steps; i++, w += step_weights(format)) {
    const int32_t k = i * step_row(format);
    acc[0][0] = step(format, acc[0][0], w, a0 + k, ones);
    acc[0][1] = step(format, acc[0][1], w + 16, a0 + k, ones);
    acc[1][0] = step(format, acc[1][0], w, a1 + k, ones);
    acc[1][1] = step(format, acc[1][1], w + 16, a1 + k, ones);
    acc[2][0] = step(format, acc[2][0], w, a2 + k, ones);
    acc[2][1] = step(format, acc[2][1], w + 16, a2 + k, ones);
    acc[3][0] = step(format, acc[3][0], w, a3 + k, ones);
    acc[3][1] = step(format, acc[3][1], w + 16, a3 + k, ones);
  }
}

// All steps of MR blocks for one row.
INLINE void accumulate_blocks(const int format, i32x4 acc[MR][2], const uint8_t* a, const char* w,
                              const size_t block_bytes, const int32_t steps, const i16x8 ones) {
  const char *w0 = w, *w1 = w + block_bytes, *w2 = w1 + block_bytes, *w3 = w2 + block_bytes;
  for (int32_t i = 0; i < steps; i++, a += step_row(format)) {
    const int32_t at = i * step_weights(format);
    acc[0][0] = step(format, acc[0][0], w0 + at, a, ones);
    acc[0][1] = step(format, acc[0][1], w0 + at + 16, a, ones);
    acc[1][0] = step(format, acc[1][0], w1 + at, a, ones);
    acc[1][1] = step(format, acc[1][1], w1 + at + 16, a, ones);
    acc[2][0] = step(format, acc[2][0], w2 + at, a, ones);
    acc[2][1] = step(format, acc[2][1], w2 + at + 16, a, ones);
    acc[3][0] = step(format, acc[3][0], w3 + at, a, ones);
    acc[3][1] = step(format, acc[3][1], w3 + at + 16, a, ones);
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
  int32_t n, bounded;
  requantizer q;
} product;

// Eight results of a row as int16 within [lo, hi], or for bounded products within int16.
INLINE i16x8 requantize_row(const i32x4 acc[2], const f32x4 scale0, const f32x4 scale1,
                            const product* p) {
  const f32x4 v0 = f32x4_from_i32x4(acc[0]) * scale0, v1 = f32x4_from_i32x4(acc[1]) * scale1;
  if (!p->bounded) return i16x8_narrow(requantize(v0, &p->q), requantize(v1, &p->q));
  return i16x8_narrow(requantize_bounded(v0, &p->q), requantize_bounded(v1, &p->q));
}

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
  const u8x16 v = bytes_within(requantize_row(acc, scale0, scale1, p),
                               requantize_row(acc_next, scale0, scale1, p), &p->q);
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

// The remainders of half block `half` (its number within the group) for MR rows, or of MR half
// blocks two apart for one row: acc[r] is row or block r.
INLINE void add_remainders(const int format, i32x4* acc[MR], const uint8_t* const a[MR],
                           const product* p, const int32_t half, const int32_t apart,
                           const i16x8 ones) {
  const packed_header* header = (const packed_header*)(const void*)p->packed;
  const int32_t* offsets = (const int32_t*)(const void*)(p->packed + header->offsets_at);
  const char* entries = p->packed + header->entries_at;
  const int single = format == FORMAT_PAIRS2 ? FORMAT_PAIRS : format;
  if (apart) {
    for (int r = 0; r < MR; r++) {
      for (int32_t e = p->index[half + r * apart]; e < p->index[half + r * apart + 1]; e++) {
        *acc[r] = step(single, *acc[r], entries + e * 16, a[r] + offsets[e], ones);
      }
    }
    return;
  }
  for (int32_t e = p->index[half]; e < p->index[half + 1]; e++) {
    for (int r = 0; r < MR; r++) {
      *acc[r] = step(single, *acc[r], entries + e * 16, a[r] + offsets[e], ones);
    }
  }
}

#endif

// ---------------------------------------------------------------------------
// Tiles

// Column blocks [first, last) of `rows` rows.
INLINE void row_tile(const int format, uint8_t* y, const uint8_t* const a[MR], const product* p,
                     const int32_t rows, const int32_t first, const int32_t last,
                     const int32_t y_stride, const i16x8 ones) {
  const int32_t steps = (int32_t)(p->block_bytes - BLOCK_HEAD_BYTES) / step_weights(format);
  const char* block = p->blocks + (size_t)first * p->block_bytes;
  for (int32_t b = first; b < last; b++, block += p->block_bytes) {
    const i32x4 bias0 = load_i32x4(block), bias1 = load_i32x4(block + 16);
    i32x4 acc[MR][2];
    for (int r = 0; r < MR; r++) {
      acc[r][0] = bias0;
      acc[r][1] = bias1;
    }
    accumulate_rows(format, acc, a, block + BLOCK_HEAD_BYTES, steps, ones);
#if defined(HAS_DOTS)
    if (format != FORMAT_HALVES && p->index[2 * b] != p->index[2 * b + 2]) {
      for (int h = 0; h < 2; h++) {
        i32x4* column[MR] = {&acc[0][h], &acc[1][h], &acc[2][h], &acc[3][h]};
        add_remainders(format, column, a, p, 2 * b + h, 0, ones);
      }
    }
#endif
    uint8_t* to = y + b * NR;
    const int32_t columns = p->n - b * NR;
    store_rows(to, to + y_stride, acc[0], acc[1], block, p, columns, rows > 1);
    if (rows > 2) {
      store_rows(to + 2 * (ptrdiff_t)y_stride, to + 3 * (ptrdiff_t)y_stride, acc[2], acc[3], block,
                 p, columns, rows > 3);
    }
  }
}

// Column blocks [first, last) of one row, MR blocks at a time.
INLINE void single_row(const int format, uint8_t* y, const uint8_t* a, const product* p,
                       const int32_t first, const int32_t last, const i16x8 ones) {
  const size_t block_bytes = p->block_bytes;
  const int32_t steps = (int32_t)(block_bytes - BLOCK_HEAD_BYTES) / step_weights(format);
  const uint8_t* const same[MR] = {a, a, a, a};
  int32_t b = first;
  for (; b + MR <= last; b += MR) {
    const char* block = p->blocks + (size_t)b * block_bytes;
    i32x4 acc[MR][2];
    for (int j = 0; j < MR; j++) {
      acc[j][0] = load_i32x4(block + (size_t)j * block_bytes);
      acc[j][1] = load_i32x4(block + (size_t)j * block_bytes + 16);
    }
    accumulate_blocks(format, acc, a, block + BLOCK_HEAD_BYTES, block_bytes, steps, ones);
#if defined(HAS_DOTS)
    if (format != FORMAT_HALVES && p->index[2 * b] != p->index[2 * (b + MR)]) {
      for (int h = 0; h < 2; h++) {
        i32x4* column[MR] = {&acc[0][h], &acc[1][h], &acc[2][h], &acc[3][h]};
        add_remainders(format, column, same, p, 2 * b + h, 2, ones);
      }
    }
#endif
    for (int j = 0; j < MR; j++) {
      uint8_t* to = y + (b + j) * NR;
      store_rows(to, to, acc[j], acc[j], block + (size_t)j * block_bytes, p, p->n - (b + j) * NR,
                 0);
    }
  }
  if (b < last) row_tile(format, y, same, p, 1, b, last, 0, ones);
}

// One or two rows are cheaper alone than as part of a tile of four.
INLINE void tile(const int format, uint8_t* y, const uint8_t* const a[MR], const product* p,
                 const int32_t rows, const int32_t first, const int32_t last,
                 const int32_t y_stride) {
  // From memory: V8 rebuilds constants in every iteration of a loop.
  const i16x8 ones = i16x8_load(((const packed_header*)(const void*)p->packed)->ones);
  if (rows > 2) {
    row_tile(format, y, a, p, rows, first, last, y_stride, ones);
    return;
  }
  for (int32_t r = 0; r < rows; r++) {
    single_row(format, y + (ptrdiff_t)r * y_stride, a[r], p, first, last, ones);
  }
}

#define DEFINE_TILE(name, format)                                                   \
  static __attribute__((noinline)) void name(                                       \
      uint8_t* y, const uint8_t* const a[MR], const product* p, const int32_t rows, \
      const int32_t first, const int32_t last, const int32_t y_stride) {            \
    tile(format, y, a, p, rows, first, last, y_stride);                             \
  }

DEFINE_TILE(halves_tile, FORMAT_HALVES)
#if defined(HAS_DOTS)
DEFINE_TILE(unsigned_tile, FORMAT_DOT_UNSIGNED)
DEFINE_TILE(signed_tile, FORMAT_DOT_SIGNED)
DEFINE_TILE(pairs_tile, FORMAT_PAIRS)
DEFINE_TILE(pairs2_tile, FORMAT_PAIRS2)
#endif

static void run_tile(uint8_t* y, const uint8_t* const a[MR], const product* p, const int32_t rows,
                     const int32_t first, const int32_t last, const int32_t y_stride) {
  switch (((const packed_header*)(const void*)p->packed)->format) {
#if defined(HAS_DOTS)
    case FORMAT_DOT_UNSIGNED:
      unsigned_tile(y, a, p, rows, first, last, y_stride);
      break;
    case FORMAT_DOT_SIGNED:
      signed_tile(y, a, p, rows, first, last, y_stride);
      break;
    case FORMAT_PAIRS:
      pairs_tile(y, a, p, rows, first, last, y_stride);
      break;
    case FORMAT_PAIRS2:
      pairs2_tile(y, a, p, rows, first, last, y_stride);
      break;
#endif
    default:
      halves_tile(y, a, p, rows, first, last, y_stride);
  }
}

// ---------------------------------------------------------------------------
// Panels

// Where row r of a panel starts: rows of int16, or of bytes padded to whole steps.
INLINE uint8_t* panel_row(void* panel, const int32_t r, const int32_t k, const int32_t format) {
  return (uint8_t*)panel +
         (ptrdiff_t)r * (format == FORMAT_HALVES ? 4 * divide_up(k, 2) : round_up(k, 8));
}

// n bytes of A into a panel at element `at`, in the form of the format; sixteen at a time, also
// beyond n where x has that many before `x_end`: what follows in the panel is written later.
INLINE void put_bytes(uint8_t* row, const int32_t at, const uint8_t* x, const int32_t n,
                      const uint8_t* x_end, const int32_t format) {
  const u8x16 flip = u8x16_splat(format == FORMAT_DOT_SIGNED ? 0x80 : 0);
  for (int32_t i = 0; i < n; i += 16) {
    const u8x16 v = (x_end - x - i >= 16 ? u8x16_load(x + i) : u8x16_load_n(x + i, n - i)) ^ flip;
    if (format == FORMAT_HALVES) {
      int16_t* to = (int16_t*)(void*)row + at + i;
      i16x8_store(to, i16x8_low_u8(v));
      i16x8_store(to + 8, i16x8_high_u8(v));
    } else {
      u8x16_store(row + at + i, v);
    }
  }
}

INLINE void put_padding(uint8_t* row, const int32_t at, const uint8_t zero_point, const int32_t n,
                        const int32_t format) {
  if (format == FORMAT_HALVES) {
    int16_t* to = (int16_t*)(void*)row + at;
    for (int32_t i = 0; i < n; i++) to[i] = zero_point;
  } else {
    const uint8_t byte = format == FORMAT_DOT_SIGNED ? zero_point ^ 0x80 : zero_point;
    for (int32_t i = 0; i < n; i++) row[at + i] = byte;
  }
}

// Whether every tap of the window at `o` is inside the input, its rows are runs of at most 16 bytes,
// and 16 can be read wherever one starts.
INLINE int is_narrow(const uint8_t* x, const uint8_t* x_end, const window_shape* s,
                     const window_origin o) {
  const int32_t c = s->in_channels;
  const int32_t last_y = o.y + (s->kernel_height - 1) * s->dilation_height;
  return s->kernel_width * c <= 16 && s->dilation_width == 1 && s->x_stride == c && o.x >= 0 &&
         o.x + s->kernel_width <= s->in_width && o.y >= 0 && last_y < s->in_height &&
         x_end - x - (ptrdiff_t)((o.batch * s->in_height + last_y) * s->in_width + o.x) * c >= 16;
}

// The window of a first convolution, mostly.
INLINE void gather_narrow(uint8_t* row, const uint8_t* x, const window_shape* s,
                          const window_origin o, const int32_t format) {
  const u8x16 flip = u8x16_splat(format == FORMAT_DOT_SIGNED ? 0x80 : 0);
  const ptrdiff_t below = (ptrdiff_t)s->dilation_height * s->in_width * s->x_stride;
  const int32_t run = s->kernel_width * s->in_channels;
  x += ((ptrdiff_t)(o.batch * s->in_height + o.y) * s->in_width + o.x) * s->x_stride;
  for (int32_t ky = s->kernel_height; ky > 0; ky--, x += below) {
    const u8x16 v = u8x16_load(x) ^ flip;
    if (format == FORMAT_HALVES) {
      i16x8_store((int16_t*)(void*)row, i16x8_low_u8(v));
      i16x8_store((int16_t*)(void*)row + 8, i16x8_high_u8(v));
      row += 2 * run;
    } else {
      u8x16_store(row, v);
      row += run;
    }
  }
}

// The window that starts at `o`, tap after tap. What a panel has behind it is multiplied with zeros.
static void gather_window(uint8_t* row, const uint8_t* x, const uint8_t* x_end,
                          const window_shape* s, const window_origin o, const uint8_t zero_point,
                          const int32_t format) {
  const int32_t c = s->in_channels, kernel_row = s->kernel_width * c;
  const int dense = s->dilation_width == 1 && s->x_stride == c;
  int32_t first = 0, last = s->kernel_width, at = 0;
  if (o.x < 0 || o.x + (s->kernel_width - 1) * s->dilation_width >= s->in_width) {
    inside_columns(s, o.x, &first, &last);
  }
  for (int32_t ky = 0; ky < s->kernel_height; ky++, at += kernel_row) {
    const int32_t iy = o.y + ky * s->dilation_height;
    if (iy < 0 || iy >= s->in_height || first == last) {
      put_padding(row, at, zero_point, kernel_row, format);
      continue;
    }
    put_padding(row, at, zero_point, first * c, format);
    const ptrdiff_t start = (ptrdiff_t)(o.batch * s->in_height + iy) * s->in_width + o.x;
    if (dense) {
      put_bytes(row, at + first * c, x + (start + first) * c, (last - first) * c, x_end, format);
    } else {
      for (int32_t kx = first; kx < last; kx++) {
        put_bytes(row, at + kx * c, x + (start + (ptrdiff_t)kx * s->dilation_width) * s->x_stride,
                  c, x_end, format);
      }
    }
    put_padding(row, at + last * c, zero_point, (s->kernel_width - last) * c, format);
  }
}

// ---------------------------------------------------------------------------
// Kernels

// The product with the weights of the first group.
INLINE product make_product(const void* w, const int32_t y_zero_point, const int32_t lo,
                            const int32_t hi, const int32_t n) {
  const packed_header* header = w;
  return (product){.packed = w,
                   .blocks = (const char*)w + PACKED_HEADER_BYTES,
                   .block_bytes = (size_t)header->block_bytes,
                   .index = (const int32_t*)(const void*)((const char*)w + header->index_at),
                   .n = n,
                   .bounded = header->bounded,
                   .q = make_requantizer(y_zero_point, lo, hi)};
}

void qu8_gemm(uint8_t* y, const uint8_t* a, const void* w, const int32_t y_zero_point,
              const int32_t lo, const int32_t hi, const int32_t m, const int32_t n, const int32_t k,
              const int32_t splits, const int32_t a_stride, const int32_t y_stride, void* scratch,
              const int32_t begin, const int32_t end) {
  const int32_t blocks = divide_up(n, NR);
  const int32_t format = ((const packed_header*)w)->format;
  const product p = make_product(w, y_zero_point, lo, hi, n);
  const int direct = (format == FORMAT_DOT_UNSIGNED && k % 4 == 0) ||
                     (format == FORMAT_PAIRS && k % 4 == 0) ||
                     (format == FORMAT_PAIRS2 && k % 8 == 0);
  int32_t in_panel = -1;  // the row tile whose rows are in the panel
  for (int32_t unit = begin; unit < end; unit++) {
    const int32_t row = unit / splits * MR, split = unit % splits;
    const int32_t rows = min_i32(m - row, MR);
    const uint8_t* tile_rows[MR];
    for (int r = 0; r < MR; r++) {
      const int32_t at = min_i32(r, rows - 1);
      const uint8_t* from = a + (ptrdiff_t)(row + at) * a_stride;
      uint8_t* to = panel_row(scratch, at, k, format);
      tile_rows[r] = direct ? from : to;
      if (direct || r >= rows || in_panel == row) continue;
      put_bytes(to, 0, from, k, a + (ptrdiff_t)(m - 1) * a_stride + k, format);
    }
    in_panel = row;
    run_tile(y + (ptrdiff_t)row * y_stride, tile_rows, &p, rows,
             (int32_t)((int64_t)blocks * split / splits),
             (int32_t)((int64_t)blocks * (split + 1) / splits), y_stride);
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
  const product whole = make_product(w, y_zero_point, lo, hi, n);
  product p = whole;
  for (int32_t unit = begin; unit < end; unit++) {
    const int32_t row = unit / shape->groups * MR, g = unit % shape->groups;
    const int32_t rows = min_i32(m - row, MR);
    const uint8_t* from = x + g * shape->in_channels;
    const uint8_t* x_end = from + window_bytes(shape);
    const uint8_t* a[MR];
    window_origin o = origin_of(shape, row);
    for (int r = 0; r < MR; r++) {
      uint8_t* to = panel_row(scratch, min_i32(r, rows - 1), k, header->format);
      a[r] = to;
      if (r >= rows) continue;
      if (is_narrow(from, x_end, shape, o)) {
        gather_narrow(to, from, shape, o, header->format);
      } else {
        gather_window(to, from, x_end, shape, o, (uint8_t)x_zero_point, header->format);
      }
      advance(&o, shape);
    }
    p.index = whole.index + 2 * g * blocks;
    p.blocks = whole.blocks + (size_t)(g * blocks) * whole.block_bytes;
    run_tile(y + (ptrdiff_t)row * shape->y_stride + g * n, a, &p, rows, 0, blocks, shape->y_stride);
  }
}
