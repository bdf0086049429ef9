// SPDX-License-Identifier: Apache-2.0
// Conversions between element types: cast, quantize, dequantize.
#include "common.h"
#include "elements.h"
#include "kernels.h"

// ---------------------------------------------------------------------------
// cast: a chunk is read as float (from the float types) or int64 (from the others), then written

// Truncation with saturation; the bounds are exact floats. uint64 comes back as its bits.
INLINE int64_t integer_from_float(const float v, const int32_t type) {
  if (v != v) return 0;
  switch (type) {
    case TYPE_INT8:
      return v <= -128.0f ? -128 : v >= 127.0f ? 127 : (int64_t)v;
    case TYPE_UINT8:
      return v <= 0.0f ? 0 : v >= 255.0f ? 255 : (int64_t)v;
    case TYPE_INT32:
      return v <= -0x1p31f ? INT32_MIN : v >= 0x1p31f ? INT32_MAX : (int64_t)v;
    case TYPE_UINT32:
      return v <= 0.0f ? 0 : v >= 0x1p32f ? UINT32_MAX : (int64_t)v;
    case TYPE_INT64:
      return v <= -0x1p63f ? INT64_MIN : v >= 0x1p63f ? INT64_MAX : (int64_t)v;
    default:
      return v <= 0.0f ? 0 : v >= 0x1p64f ? -1 : (int64_t)(uint64_t)v;
  }
}

void cast(void* y, const void* x, const int32_t y_type, const int32_t x_type, const int32_t begin,
          const int32_t end) {
  float floats[CHUNK];
  int64_t integers[CHUNK];
  for (int32_t at = begin; at < end; at += CHUNK) {
    const int32_t n = min_i32(end - at, CHUNK);
    if (is_float(x_type)) {
      read_floats(floats, x, x_type, at, 1, n);
      if (!is_float(y_type)) {
        for (int32_t i = 0; i < n; i++) integers[i] = integer_from_float(floats[i], y_type);
      }
    } else {
      read_integers(integers, x, x_type, at, 1, n);
      if (is_float(y_type)) {
        for (int32_t i = 0; i < n; i++) {
          floats[i] = x_type == TYPE_UINT64 ? (float)(uint64_t)integers[i] : (float)integers[i];
        }
      }
    }
    if (is_float(y_type)) {
      write_floats(y, floats, y_type, at, n);
    } else {
      write_integers(y, integers, y_type, at, n);
    }
  }
}

// ---------------------------------------------------------------------------
// One scale for all

// NaN equals nothing, so its mask is zero. Quotients can be NaN without any NaN in x: 0 / 0.
INLINE f32x4 zero_from_nan(const f32x4 v) { return (f32x4)((i32x4)v & (i32x4)(v == v)); }

void f32_qu8_quantize(uint8_t* y, const float* x, const float scale, const int32_t zero_point,
                      const int32_t begin, const int32_t end) {
  const requantizer q = make_requantizer(zero_point, 0, 255);
  const f32x4 s = f32x4_splat(scale);
  for (int32_t i = begin; i < end; i += 8) {
    const int32_t n = end - i;
    const f32x4 low = n >= 4 ? f32x4_load(x + i) : f32x4_load_n(x + i, n);
    const f32x4 high = n >= 8 ? f32x4_load(x + i + 4) : f32x4_load_n(x + i + 4, max_i32(n - 4, 0));
    const f32x4 v0 = zero_from_nan(low / s), v1 = zero_from_nan(high / s);
    u8x8_store_n(y + i, u8x8_from_i32x4(requantize(v0, &q), requantize(v1, &q)), n);
  }
}

void qu8_f32_dequantize(float* y, const uint8_t* x, const float scale, const int32_t zero_point,
                        const int32_t begin, const int32_t end) {
  const f32x4 s = f32x4_splat(scale);
  const i32x4 z = i32x4_splat(zero_point);
  for (int32_t i = begin; i < end; i += 8) {
    const int32_t n = end - i;
    const i16x8 v = n >= 8 ? i16x8_load_u8(x + i) : i16x8_load_u8_n(x + i, n);
    const f32x4 low = f32x4_from_i32x4(i32x4_low(v) - z) * s;
    const f32x4 high = f32x4_from_i32x4(i32x4_high(v) - z) * s;
    if (n >= 8) {
      f32x4_store(y + i, low);
      f32x4_store(y + i + 4, high);
    } else {
      f32x4_store_n(y + i, low, min_i32(n, 4));
      f32x4_store_n(y + i + 4, high, max_i32(n - 4, 0));
    }
  }
}

// ---------------------------------------------------------------------------
// Parameters as tensors: one entry per block of elements

// The entry of element (row, i), where row counts all dimensions but the last.
INLINE ptrdiff_t entry_of_row(const quantization_shape* s, int32_t row) {
  ptrdiff_t at = 0;
  for (int32_t d = s->rank - 2; d >= 0; d--) {
    at += (ptrdiff_t)(row % s->dims[d] / s->blocks[d]) * s->strides[d];
    row /= s->dims[d];
  }
  return at;
}

INLINE int64_t integer_at(const void* x, const int32_t type, const ptrdiff_t at) {
  switch (type) {
    case TYPE_INT8:
      return ((const int8_t*)x)[at];
    case TYPE_UINT8:
      return ((const uint8_t*)x)[at];
    case TYPE_INT32:
      return ((const int32_t*)x)[at];
    default:
      return ((const uint32_t*)x)[at];
  }
}

INLINE double saturate(const double v, const int32_t type) {
  const double lo = type == TYPE_INT8 ? -128 : type == TYPE_INT32 ? INT32_MIN : 0;
  const double hi = type == TYPE_INT8    ? 127
                    : type == TYPE_UINT8 ? 255
                    : type == TYPE_INT32 ? INT32_MAX
                                         : UINT32_MAX;
  return v < lo ? lo : v > hi ? hi : v;
}

void quantize_nd(void* y, const float* x, const float* scale, const void* zero_point,
                 const int32_t y_type, const quantization_shape* shape, const int32_t begin,
                 const int32_t end) {
  const int32_t last = shape->rank - 1;
  const int32_t n = shape->rank ? shape->dims[last] : 1;
  for (int32_t row = begin; row < end; row++) {
    const ptrdiff_t entry = entry_of_row(shape, row);
    for (int32_t i = 0; i < n; i++) {
      const ptrdiff_t at = (ptrdiff_t)row * n + i;
      const ptrdiff_t p =
          shape->rank ? entry + (ptrdiff_t)(i / shape->blocks[last]) * shape->strides[last] : 0;
      const float quotient = x[at] / scale[p];
      const double rounded = quotient != quotient ? 0.0 : __builtin_rintf(quotient);
      const double v = saturate(rounded + (double)integer_at(zero_point, y_type, p), y_type);
      switch (y_type) {
        case TYPE_INT8:
          ((int8_t*)y)[at] = (int8_t)v;
          break;
        case TYPE_UINT8:
          ((uint8_t*)y)[at] = (uint8_t)v;
          break;
        case TYPE_INT32:
          ((int32_t*)y)[at] = (int32_t)v;
          break;
        default:
          ((uint32_t*)y)[at] = (uint32_t)v;
      }
    }
  }
}

void dequantize_nd(float* y, const void* x, const float* scale, const void* zero_point,
                   const int32_t x_type, const quantization_shape* shape, const int32_t begin,
                   const int32_t end) {
  const int32_t last = shape->rank - 1;
  const int32_t n = shape->rank ? shape->dims[last] : 1;
  for (int32_t row = begin; row < end; row++) {
    const ptrdiff_t entry = entry_of_row(shape, row);
    for (int32_t i = 0; i < n; i++) {
      const ptrdiff_t at = (ptrdiff_t)row * n + i;
      const ptrdiff_t p =
          shape->rank ? entry + (ptrdiff_t)(i / shape->blocks[last]) * shape->strides[last] : 0;
      const int64_t difference = integer_at(x, x_type, at) - integer_at(zero_point, x_type, p);
      y[at] = (float)((double)difference * (double)scale[p]);
    }
  }
}
