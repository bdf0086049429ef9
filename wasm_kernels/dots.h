// SPDX-License-Identifier: Apache-2.0
// Dot products of bytes: the relaxed SIMD instructions behind names, one for each thing that CPUs
// make of them.
//
// The standard leaves open what the instructions do with a second operand above 127, but every CPU
// does one thing always. Which one is probed once (dot_class in plan.c), weights are packed for it,
// and then the results are exact:
//
//   UNSIGNED  four products of int8 weights and uint8 activations, summed in int32    (AVX-VNNI)
//   SIGNED    the same with int8 activations                                          (ARM,
//   AVX-VNNI-INT8) PAIRS     two products of int8 weights and uint8 activations, summed in int16
//   with saturation, which
//             weights that are packed for it never reach                              (other x86)
//
// Without relaxed SIMD the test build has the same functions in plain C, so that every class is
// tested on every machine; the scalar and simd modules have none of this.
#ifndef OCTET_DOTS_H_
#define OCTET_DOTS_H_

#include "common.h"

#if defined(__wasm_relaxed_simd__)

#define HAS_DOTS 1

INLINE i32x4 i32x4_dot4u_add(const i32x4 acc, const u8x16 w, const u8x16 x) {
  return (i32x4)wasm_i32x4_relaxed_dot_i8x16_i7x16_add((v128_t)w, (v128_t)x, (v128_t)acc);
}
INLINE i32x4 i32x4_dot4s_add(const i32x4 acc, const u8x16 w, const u8x16 x) {
  return i32x4_dot4u_add(acc, w, x);
}
INLINE i16x8 i16x8_pair_dot(const u8x16 w, const u8x16 x) {
  return (i16x8)wasm_i16x8_relaxed_dot_i8x16_i7x16((v128_t)w, (v128_t)x);
}

#elif defined(OCTET_REFERENCE_DOTS)

#define HAS_DOTS 1

INLINE i32x4 i32x4_dot4u_add(const i32x4 acc, const u8x16 w, const u8x16 x) {
  i32x4 v = acc;
  for (int i = 0; i < 16; i++) v[i / 4] += (int8_t)w[i] * x[i];
  return v;
}
INLINE i32x4 i32x4_dot4s_add(const i32x4 acc, const u8x16 w, const u8x16 x) {
  i32x4 v = acc;
  for (int i = 0; i < 16; i++) v[i / 4] += (int8_t)w[i] * (int8_t)x[i];
  return v;
}
INLINE i16x8 i16x8_pair_dot(const u8x16 w, const u8x16 x) {
  i16x8 v;
  for (int i = 0; i < 8; i++) {
    v[i] = saturate_i16((int8_t)w[2 * i] * x[2 * i] + (int8_t)w[2 * i + 1] * x[2 * i + 1]);
  }
  return v;
}

#endif

// The four bytes at p in every 32-bit lane.
INLINE u8x16 u8x16_splat_quad(const uint8_t* p) {
  int32_t quad;
  memcpy(&quad, p, sizeof quad);
  return (u8x16)i32x4_splat(quad);
}

#endif  // OCTET_DOTS_H_
