// SPDX-License-Identifier: Apache-2.0
// The plan interpreter and its thread pool; see plan.h.
#include "plan.h"

#include "common.h"
#include "kernels.h"

static void run_step(const plan_step* step, const plan_word* words, void* scratch,
                     const int32_t begin, const int32_t end) {
  const plan_word* a = words + step->args;
#define POINTER(i) ((void*)a[i])
#define INTEGER(i) ((int32_t)a[i])
#define FLOAT(i) (float_of((uint32_t)a[i]))
  switch (step->kernel) {
#include "plan_kernels.inc"
    default:
      __builtin_trap();
  }
}

void plan_run(const plan_step* steps, const plan_word* words, void* scratch, const int32_t first,
              const int32_t count) {
  for (int32_t i = first; i < first + count; i++) {
    run_step(&steps[i], words, scratch, 0, steps[i].extent);
  }
}

#if defined(__wasm_atomics__)

// Turns of an empty loop before a thread sleeps: some 50 microseconds.
#define SPINS 20000

INLINE uint32_t has_failed(const plan_pool* pool) {
  return __atomic_load_n(&pool->failed, __ATOMIC_SEQ_CST);
}

static void run_together(const plan_pool* pool, const int32_t thread) {
  void* scratch = pool->scratch + (ptrdiff_t)thread * pool->scratch_bytes;
  for (int32_t i = 0; i < pool->step_count; i++) {
    const plan_step* step = &pool->steps[i];
    uint32_t *taken = &pool->progress[2 * i], *done = taken + 1;
    const uint32_t chunks = (uint32_t)divide_up(step->extent, step->grain);
    for (;;) {
      const uint32_t chunk = __atomic_fetch_add(taken, 1, __ATOMIC_SEQ_CST);
      if (chunk >= chunks) break;
      const int32_t begin = (int32_t)chunk * step->grain;
      run_step(step, pool->words, scratch, begin, min_i32(begin + step->grain, step->extent));
      __atomic_fetch_add(done, 1, __ATOMIC_SEQ_CST);
    }
    while (__atomic_load_n(done, __ATOMIC_SEQ_CST) < chunks) {
      if (has_failed(pool)) return;
    }
  }
}

// Set in `inside` while there is no run to enter.
#define CLOSED 0x80000000u

void pool_run(plan_pool* pool) {
  if (!__atomic_load_n(&pool->epoch, __ATOMIC_SEQ_CST)) {
    __atomic_store_n(&pool->inside, CLOSED, __ATOMIC_SEQ_CST);
  }
  memset(pool->progress, 0, (size_t)pool->step_count * 2 * sizeof(uint32_t));
  __atomic_fetch_and(&pool->inside, ~CLOSED, __ATOMIC_SEQ_CST);
  __atomic_fetch_add(&pool->epoch, 1, __ATOMIC_SEQ_CST);
  __builtin_wasm_memory_atomic_notify((int*)&pool->epoch, UINT32_MAX);
  run_together(pool, 0);
  // All work is done. Who is inside only has to see that; who is not, stays out.
  __atomic_fetch_or(&pool->inside, CLOSED, __ATOMIC_SEQ_CST);
  while (__atomic_load_n(&pool->inside, __ATOMIC_SEQ_CST) != CLOSED && !has_failed(pool)) {
  }
}

void pool_serve(plan_pool* pool, const int32_t thread) {
  uint32_t seen = 0;
  for (;;) {
    uint32_t epoch = seen;
    for (int32_t i = 0; i < SPINS && epoch == seen; i++) {
      epoch = __atomic_load_n(&pool->epoch, __ATOMIC_SEQ_CST);
    }
    while (epoch == seen) {
      __builtin_wasm_memory_atomic_wait32((int*)&pool->epoch, (int)seen, -1);
      epoch = __atomic_load_n(&pool->epoch, __ATOMIC_SEQ_CST);
    }
    seen = epoch;
    if (__atomic_load_n(&pool->quit, __ATOMIC_SEQ_CST)) return;
    // Too late for this run: the plan may be gone already.
    if (!(__atomic_fetch_add(&pool->inside, 1, __ATOMIC_SEQ_CST) & CLOSED)) {
      run_together(pool, thread);
    }
    __atomic_fetch_sub(&pool->inside, 1, __ATOMIC_SEQ_CST);
  }
}

#endif
