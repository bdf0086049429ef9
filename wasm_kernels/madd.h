// SPDX-License-Identifier: Apache-2.0
// acc + a * b in float32: rounded once where the CPU fuses it, else twice.
//
// Float results may therefore differ in the last bits between CPUs, in the relaxed variant only;
// never between threads or runs. Quantized kernels do not use it.
#ifndef OCTET_MADD_H_
#define OCTET_MADD_H_

#include "simd.h"

#if defined(__wasm_relaxed_simd__)

#define FUSED_MADD 1

INLINE f32x4 f32x4_madd(const f32x4 acc, const f32x4 a, const f32x4 b) {
  return (f32x4)wasm_f32x4_relaxed_madd((v128_t)a, (v128_t)b, (v128_t)acc);
}

#else

INLINE f32x4 f32x4_madd(const f32x4 acc, const f32x4 a, const f32x4 b) { return acc + a * b; }

#endif

#endif  // OCTET_MADD_H_
