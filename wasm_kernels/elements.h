// SPDX-License-Identifier: Apache-2.0
// Elements of any type, some at a time: the float types as float, the others as int64. So a kernel
// over all types is one loop between a read and a write.
#ifndef OCTET_ELEMENTS_H_
#define OCTET_ELEMENTS_H_

#include "common.h"
#include "kernels.h"

// Elements at a time.
#define CHUNK 64

INLINE int is_float(const int32_t type) { return type == TYPE_FLOAT32 || type == TYPE_FLOAT16; }

INLINE float float_from_half(const uint16_t h) {
  const uint32_t sign = (uint32_t)(h & 0x8000) << 16;
  const uint32_t rest = (uint32_t)(h & 0x7fff) << 13;
  // Moving the exponent by a multiplication handles subnormals; infinity and NaN need their own.
  if ((h & 0x7c00) == 0x7c00) return float_of(sign | 0x7f800000 | rest);
  return float_of(sign | bits_of(float_of(rest) * 0x1p112f));
}

// To nearest even; overflow to infinity; NaN stays NaN.
INLINE uint16_t half_from_float(const float v) {
  const uint32_t sign = bits_of(v) >> 16 & 0x8000;
  const uint32_t magnitude = bits_of(v) & 0x7fffffff;
  if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00);
  if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00);  // 65520 and above
  if (magnitude < 0x38800000) {  // below 2^-14: the adder rounds to the subnormal grid
    return (uint16_t)(sign | (bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f)));
  }
  const uint32_t odd = magnitude >> 13 & 1;
  return (uint16_t)(sign | ((magnitude + 0xfff + odd - 0x38000000) >> 13));
}

// Element i is x[at + i * step].
COMPACT void read_floats(float* to, const void* x, const int32_t type, const ptrdiff_t at,
                         const ptrdiff_t step, const int32_t n) {
  if (type == TYPE_FLOAT16) {
    const uint16_t* from = (const uint16_t*)x + at;
    for (int32_t i = 0; i < n; i++) to[i] = float_from_half(from[i * step]);
  } else if (step == 1) {
    memcpy(to, (const float*)x + at, (size_t)n * sizeof(float));
  } else {
    const float* from = (const float*)x + at;
    for (int32_t i = 0; i < n; i++) to[i] = from[i * step];
  }
}

#define READ_INTEGERS(c_type)                                        \
  do {                                                               \
    const c_type* from = (const c_type*)x + at;                      \
    for (int32_t i = 0; i < n; i++) to[i] = (int64_t)from[i * step]; \
  } while (0)

// uint64 keeps its bits.
COMPACT void read_integers(int64_t* to, const void* x, const int32_t type, const ptrdiff_t at,
                           const ptrdiff_t step, const int32_t n) {
  switch (type) {
    case TYPE_INT32:
      READ_INTEGERS(int32_t);
      break;
    case TYPE_UINT32:
      READ_INTEGERS(uint32_t);
      break;
    case TYPE_INT8:
      READ_INTEGERS(int8_t);
      break;
    case TYPE_UINT8:
      READ_INTEGERS(uint8_t);
      break;
    default:
      READ_INTEGERS(int64_t);
  }
}

COMPACT void write_floats(void* y, const float* from, const int32_t type, const ptrdiff_t at,
                          const int32_t n) {
  if (type == TYPE_FLOAT32) {
    memcpy((float*)y + at, from, (size_t)n * sizeof(float));
  } else {
    for (int32_t i = 0; i < n; i++) ((uint16_t*)y)[at + i] = half_from_float(from[i]);
  }
}

// Narrower types take the low bits.
COMPACT void write_integers(void* y, const int64_t* from, const int32_t type, const ptrdiff_t at,
                            const int32_t n) {
  switch (type) {
    case TYPE_INT32:
    case TYPE_UINT32:
      for (int32_t i = 0; i < n; i++) ((uint32_t*)y)[at + i] = (uint32_t)from[i];
      break;
    case TYPE_INT8:
    case TYPE_UINT8:
      for (int32_t i = 0; i < n; i++) ((uint8_t*)y)[at + i] = (uint8_t)from[i];
      break;
    default:
      memcpy((int64_t*)y + at, from, (size_t)n * sizeof(int64_t));
  }
}

#endif  // OCTET_ELEMENTS_H_
