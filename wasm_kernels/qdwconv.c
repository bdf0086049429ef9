// SPDX-License-Identifier: Apache-2.0
// Quantized depthwise convolution over the formats of packed.h.
//
// HALVES: per output pixel one pointer per tap, then two taps at a time by the int16 dot.
//
// Byte formats: four input rows are interleaved byte by byte, so that a 32-bit lane holds a column
// of one channel and one dot product takes a whole column of taps. Four rows serve two output rows
// (of filters up to three rows high): the upper one with the filter at rows 0 to 2, the lower one
// at rows 1 to 3. Sixteen channels at a time go through scratch, which so stays in the first-level
// cache.
#include "dots.h"
#include "filters.h"
#include "packed.h"

INLINE f32x4 load_f32x4(const char* p) { return f32x4_load((const float*)(const void*)p); }
INLINE i32x4 load_i32x4(const char* p) { return i32x4_load((const int32_t*)(const void*)p); }

// ---------------------------------------------------------------------------
// HALVES

static void halves_pixel(uint8_t* y, const uint8_t* const* taps, const int32_t tap_count,
                         const char* w, const requantizer* q, const int32_t channels) {
  const int32_t pairs = divide_up(tap_count, 2);
  const size_t block_bytes = BLOCK_HEAD_BYTES + (size_t)pairs * 32;
  for (int32_t c = 0; c < channels; c += 8, w += block_bytes) {
    const int32_t lanes = min_i32(channels - c, 8);
    i32x4 low = load_i32x4(w), high = load_i32x4(w + 16);
    const int16_t* b = (const int16_t*)(const void*)(w + BLOCK_HEAD_BYTES);
    for (int32_t t = 0; t < 2 * pairs; t += 2, b += 16) {
      i16x8 v0, v1;
      if (lanes == 8) {
        v0 = i16x8_load_u8(taps[t] + c);
        v1 = i16x8_load_u8(taps[t + 1] + c);
      } else {
        v0 = i16x8_load_u8_n(taps[t] + c, lanes);
        v1 = i16x8_load_u8_n(taps[t + 1] + c, lanes);
      }
      low = i32x4_dot_add(low, i16x8_zip_low(v0, v1), i16x8_load(b));
      high = i32x4_dot_add(high, i16x8_zip_high(v0, v1), i16x8_load(b + 8));
    }
    u8x8_store_n(y + c,
                 u8x8_from_i32x4(requantize(f32x4_from_i32x4(low) * load_f32x4(w + 32), q),
                                 requantize(f32x4_from_i32x4(high) * load_f32x4(w + 48), q)),
                 lanes);
  }
}

static void halves_rows(uint8_t* y, const uint8_t* x, const char* w, const int32_t x_zero_point,
                        const requantizer* q, const window_shape* shape, void* scratch,
                        const int32_t begin, const int32_t end) {
  const int32_t channels = shape->groups;
  const int32_t tap_count = shape->kernel_height * shape->kernel_width;
  const uint8_t** taps = scratch;
  uint8_t* zeros = (uint8_t*)scratch + 8 * (size_t)(tap_count + 1);
  memset(zeros, x_zero_point, (size_t)channels);
  taps[tap_count] = zeros;  // the missing tap of an odd count; its weights are zero
  for (int32_t row = begin; row < end; row++) {
    const int32_t batch = row / shape->out_height, oy = row % shape->out_height;
    for (int32_t ox = 0; ox < shape->out_width; ox++) {
      TAP_POINTERS(taps, x, zeros, shape, batch, oy, ox);
      halves_pixel(y + ((ptrdiff_t)row * shape->out_width + ox) * shape->y_stride, taps, tap_count,
                   w, q, channels);
    }
  }
}

#if defined(HAS_DOTS)

// ---------------------------------------------------------------------------
// Byte formats: interleaving

#define SLAB 16  // channels that go through scratch together

// Columns of quads that a row of outputs reads, the padding on both sides included.
INLINE int32_t quad_columns(const window_shape* s) {
  return (s->out_width - 1) * s->stride_width + (s->kernel_width - 1) * s->dilation_width + 1;
}

// Interleaves 16 channels of four rows: quads[b] gets channels 4b .. 4b + 3 of one column.
INLINE void put_quads(uint8_t* quads, const ptrdiff_t stride, const u8x16 r[4]) {
  const u8x16 low01 = u8x16_zip_low(r[0], r[1]), high01 = u8x16_zip_high(r[0], r[1]);
  const u8x16 low23 = u8x16_zip_low(r[2], r[3]), high23 = u8x16_zip_high(r[2], r[3]);
  u8x16_store(quads, (u8x16)i16x8_zip_low((i16x8)low01, (i16x8)low23));
  u8x16_store(quads + stride, (u8x16)i16x8_zip_high((i16x8)low01, (i16x8)low23));
  u8x16_store(quads + 2 * stride, (u8x16)i16x8_zip_low((i16x8)high01, (i16x8)high23));
  u8x16_store(quads + 3 * stride, (u8x16)i16x8_zip_high((i16x8)high01, (i16x8)high23));
}

// Four input rows (null: padding) of up to 16 channels into scratch: four runs of quad_columns
// quads. `padding` are sixteen bytes of the zero point, the sign not flipped yet.
static void interleave(uint8_t* scratch, const uint8_t* const rows[4], const window_shape* s,
                       const int32_t channels, const uint8_t* padding, const u8x16 flip) {
  const int32_t columns = quad_columns(s);
  const ptrdiff_t stride = (ptrdiff_t)columns * 16;
  const int32_t inside = clamp_i32(s->pad_left, 0, columns);
  const int32_t behind = clamp_i32(s->pad_left + s->in_width, inside, columns);
  const u8x16 zeros = u8x16_load(padding) ^ flip;
  const u8x16 column[4] = {zeros, zeros, zeros, zeros};
  int32_t i = 0;
  for (; i < inside; i++, scratch += 16) put_quads(scratch, stride, column);
  if (rows[0] && rows[1] && rows[2] && rows[3] && channels >= SLAB) {
    const uint8_t *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3];
    for (ptrdiff_t at = 0; i < behind; i++, scratch += 16, at += s->x_stride) {
      const u8x16 r[4] = {u8x16_load(r0 + at) ^ flip, u8x16_load(r1 + at) ^ flip,
                          u8x16_load(r2 + at) ^ flip, u8x16_load(r3 + at) ^ flip};
      put_quads(scratch, stride, r);
    }
  }
  for (ptrdiff_t at = 0; i < behind; i++, scratch += 16, at += s->x_stride) {
    u8x16 r[4];
    for (int j = 0; j < 4; j++) {
      r[j] = !rows[j]           ? zeros
             : channels >= SLAB ? u8x16_load(rows[j] + at) ^ flip
                                : u8x16_load_n(rows[j] + at, channels) ^ flip;
    }
    put_quads(scratch, stride, r);
  }
  for (; i < columns; i++, scratch += 16) put_quads(scratch, stride, column);
}

// ---------------------------------------------------------------------------
// Byte formats: one block of 4 channels along one or two output rows

INLINE i32x4 dot_quads(const int format, const i32x4 acc, const u8x16 w, const u8x16 x,
                       const i16x8 ones) {
  if (format == FORMAT_DOT_UNSIGNED) return i32x4_dot4u_add(acc, w, x);
  if (format == FORMAT_DOT_SIGNED) return i32x4_dot4s_add(acc, w, x);
  return i32x4_dot_add(acc, i16x8_pair_dot(w, x), ones);
}

// What the blocks of a call share.
typedef struct {
  const window_shape* shape;
  requantizer q;
  i16x8 ones;
  int is_simple;  // products are bounded, and the output range is the full one
} depthwise;

INLINE u8x16 requantize_pixel(const i32x4 upper, const i32x4 lower, const f32x4 scale,
                              const depthwise* d) {
  const f32x4 v0 = f32x4_from_i32x4(upper) * scale, v1 = f32x4_from_i32x4(lower) * scale;
  return u8x8_from_i32x4(requantize(v0, &d->q), requantize(v1, &d->q));
}

// The first of four bytes for the upper row, the next four for the lower one.
INLINE void store_pixel(uint8_t* upper, uint8_t* lower, const u8x16 v, const int32_t channels,
                        const int both) {
  if (channels >= 4) {
    u8x4_store_lane(upper, v, 0);
    if (both) u8x4_store_lane(lower, v, 1);
    return;
  }
  uint8_t lanes[16];
  u8x16_store(lanes, v);
  for (int32_t i = 0; i < channels; i++) upper[i] = lanes[i];
  for (int32_t i = 0; both && i < channels; i++) lower[i] = lanes[4 + i];
}

// Filters three columns wide whose weights are one part and whose products are bounded, four
// channels: the weights stay in registers.
INLINE void narrow_block(const int format, const int both, uint8_t* upper, uint8_t* lower,
                         const uint8_t* quads, const char* block, const depthwise* d) {
  const window_shape* s = d->shape;
  const uint8_t* w = (const uint8_t*)block + DW_BLOCK_HEAD_BYTES;
  u8x16 w0[3], w1[3];
  for (int kx = 0; kx < 3; kx++) {
    w0[kx] = u8x16_load(w + 16 * kx);
    w1[kx] = u8x16_load(w + 48 + 16 * kx);
  }
  const i32x4 bias = load_i32x4(block);
  const f32x4 scale = load_f32x4(block + 16);
  const i16x8 ones = d->ones;
  const f32x4 magic = d->q.magic;
  const i32x4 offset = d->q.offset;
  const ptrdiff_t tap = (ptrdiff_t)s->dilation_width * 16, pixel = (ptrdiff_t)s->stride_width * 16;
  for (int32_t ox = s->out_width; ox > 0; ox--, quads += pixel) {
    const u8x16 x0 = u8x16_load(quads), x1 = u8x16_load(quads + tap);
    const u8x16 x2 = u8x16_load(quads + 2 * tap);
    i32x4 acc0 = dot_quads(format, bias, w0[0], x0, ones);
    acc0 = dot_quads(format, acc0, w0[1], x1, ones);
    acc0 = dot_quads(format, acc0, w0[2], x2, ones);
    i32x4 acc1 = acc0;
    if (both) {
      acc1 = dot_quads(format, bias, w1[0], x0, ones);
      acc1 = dot_quads(format, acc1, w1[1], x1, ones);
      acc1 = dot_quads(format, acc1, w1[2], x2, ones);
    }
    const i32x4 q0 = (i32x4)(f32x4_from_i32x4(acc0) * scale + magic) - offset;
    const i32x4 q1 = both ? (i32x4)(f32x4_from_i32x4(acc1) * scale + magic) - offset : q0;
    store_pixel(upper, lower, u8x8_from_i32x4(q0, q1), 4, both);
    upper += s->y_stride;
    if (both) lower += s->y_stride;
  }
}

// Any filter up to three rows high, any number of parts and channels.
INLINE void wide_block(const int format, const int both, uint8_t* upper, uint8_t* lower,
                       const uint8_t* quads, const char* block, const int32_t parts,
                       const depthwise* d, const int32_t channels) {
  const window_shape* s = d->shape;
  const i32x4 bias = load_i32x4(block);
  const f32x4 scale = load_f32x4(block + 16);
  const ptrdiff_t shift = (ptrdiff_t)s->kernel_width * 16;
  for (int32_t ox = 0; ox < s->out_width; ox++) {
    const uint8_t* from = quads + (ptrdiff_t)ox * s->stride_width * 16;
    i32x4 acc0 = bias, acc1 = bias;
    for (int32_t kx = 0; kx < s->kernel_width; kx++) {
      const u8x16 v = u8x16_load(from + (ptrdiff_t)kx * s->dilation_width * 16);
      const uint8_t* w = (const uint8_t*)block + DW_BLOCK_HEAD_BYTES + (ptrdiff_t)kx * 16;
      for (int32_t p = 0; p < parts; p++, w += 2 * shift) {
        acc0 = dot_quads(format, acc0, u8x16_load(w), v, d->ones);
        if (both) acc1 = dot_quads(format, acc1, u8x16_load(w + shift), v, d->ones);
      }
    }
    const u8x16 v = requantize_pixel(acc0, acc1, scale, d);
    store_pixel(upper, lower, v, channels, both);
    upper += s->y_stride;
    if (both) lower += s->y_stride;
  }
}

INLINE void run_block(const int format, uint8_t* upper, uint8_t* lower, const uint8_t* quads,
                      const char* block, const depthwise* d, const int32_t channels) {
  int32_t parts;
  memcpy(&parts, block + 32, 4);
  if (parts > 1 || d->shape->kernel_width != 3 || !d->is_simple || channels < 4) {
    if (lower) {
      wide_block(format, 1, upper, lower, quads, block, parts, d, channels);
    } else {
      wide_block(format, 0, upper, lower, quads, block, parts, d, channels);
    }
  } else if (lower) {
    narrow_block(format, 1, upper, lower, quads, block, d);
  } else {
    narrow_block(format, 0, upper, lower, quads, block, d);
  }
}

#define DEFINE_BLOCK(name, format)                                                                 \
  static __attribute__((noinline)) void name(uint8_t* upper, uint8_t* lower, const uint8_t* quads, \
                                             const char* block, const depthwise* d,                \
                                             const int32_t channels) {                             \
    run_block(format, upper, lower, quads, block, d, channels);                                    \
  }

DEFINE_BLOCK(unsigned_block, FORMAT_DOT_UNSIGNED)
DEFINE_BLOCK(signed_block, FORMAT_DOT_SIGNED)
DEFINE_BLOCK(pairs_block, FORMAT_PAIRS)

// ---------------------------------------------------------------------------
// Byte formats: rows

// The output row that shares its input rows with `row`, one dilation below; -1 where there is none
// within [begin, end) of the same image, or where strides keep rows apart.
INLINE int32_t partner_of(const window_shape* s, const int32_t row, const int32_t end) {
  if (s->stride_height != 1) return -1;
  const int32_t partner = row + s->dilation_height;
  return partner < end && partner / s->out_height == row / s->out_height ? partner : -1;
}

// Whether `row` was taken along as the partner of an earlier one: rows pair up within runs of twice
// the dilation.
INLINE int is_taken(const window_shape* s, const int32_t row, const int32_t begin) {
  if (s->stride_height != 1) return 0;
  const int32_t image = row / s->out_height * s->out_height;
  const int32_t first = max_i32(begin, image);
  return (row - first) / s->dilation_height % 2 == 1;
}

static void byte_rows(uint8_t* y, const uint8_t* x, const char* packed, const int32_t x_zero_point,
                      const depthwise* d, void* scratch, const int32_t begin, const int32_t end) {
  const packed_header* header = (const packed_header*)(const void*)packed;
  const window_shape* s = d->shape;
  const u8x16 flip = u8x16_splat(header->format == FORMAT_DOT_SIGNED ? 0x80 : 0);
  uint8_t padding[16];
  memset(padding, x_zero_point, sizeof padding);
  const ptrdiff_t run = (ptrdiff_t)quad_columns(s) * 16;
  for (int32_t row = begin; row < end; row++) {
    if (is_taken(s, row, begin)) continue;
    const int32_t partner = partner_of(s, row, end);
    const int32_t top = row % s->out_height * s->stride_height - s->pad_top;
    const uint8_t* image =
        x + (ptrdiff_t)(row / s->out_height) * s->in_height * s->in_width * s->x_stride;
    for (int32_t c = 0; c < s->groups; c += SLAB) {
      const uint8_t* rows[4];
      for (int32_t j = 0; j < 4; j++) {
        // Rows beyond the filter have weights of zero; any row will do.
        const int32_t ky = min_i32(j, s->kernel_height - (partner < 0));
        const int32_t iy = top + ky * s->dilation_height;
        rows[j] = iy >= 0 && iy < s->in_height
                      ? image + (ptrdiff_t)iy * s->in_width * s->x_stride + c
                      : NULL;
      }
      interleave(scratch, rows, s, s->groups - c, padding, flip);
      for (int32_t b = 0; b < SLAB && c + b < s->groups; b += 4) {
        uint8_t* upper = y + (ptrdiff_t)row * s->out_width * s->y_stride + c + b;
        uint8_t* lower =
            partner < 0 ? NULL : y + (ptrdiff_t)partner * s->out_width * s->y_stride + c + b;
        const uint8_t* quads = (const uint8_t*)scratch + b / 4 * run;
        const char* block =
            packed + PACKED_HEADER_BYTES + (ptrdiff_t)((c + b) / 4) * header->block_bytes;
        const int32_t channels = s->groups - c - b;
        switch (header->format) {
          case FORMAT_DOT_UNSIGNED:
            unsigned_block(upper, lower, quads, block, d, channels);
            break;
          case FORMAT_DOT_SIGNED:
            signed_block(upper, lower, quads, block, d, channels);
            break;
          default:
            pairs_block(upper, lower, quads, block, d, channels);
        }
      }
    }
  }
}

#endif

void qu8_dwconv(uint8_t* y, const uint8_t* x, const void* w, const int32_t x_zero_point,
                const int32_t y_zero_point, const int32_t lo, const int32_t hi,
                const window_shape* shape, void* scratch, const int32_t begin, const int32_t end) {
  const packed_header* header = w;
  const requantizer q = make_requantizer(y_zero_point, lo, hi);
#if defined(HAS_DOTS)
  if (header->format != FORMAT_HALVES) {
    const depthwise d = {shape, q, i16x8_load(header->ones),
                         header->bounded && lo == 0 && hi == 255};
    byte_rows(y, x, w, x_zero_point, &d, scratch, begin, end);
    return;
  }
#endif
  (void)header;
  halves_rows(y, x, (const char*)w + PACKED_HEADER_BYTES, x_zero_point, &q, shape, scratch, begin,
              end);
}
