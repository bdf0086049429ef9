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

// Turns of an empty loop before a thread sleeps: between runs some 50 microseconds; within a run
// less, for who is waited for may need this very core.
#define SPINS 20000
#define STEP_SPINS 3000

// How long a thread sleeps in a run before it looks whether another one has trapped.
#define NAP_NANOSECONDS 20000000

INLINE uint32_t load(const uint32_t* word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }

INLINE uint32_t has_failed(const plan_pool* pool) { return load(&pool->failed); }

// Sleeps while `word` holds `value`, until it is woken or a nap is over.
static void sleep_on(plan_pool* pool, uint32_t* word, const uint32_t value) {
  __atomic_fetch_add(&pool->sleepers, 1, __ATOMIC_SEQ_CST);
  __builtin_wasm_memory_atomic_wait32((int*)word, (int)value, NAP_NANOSECONDS);
  __atomic_fetch_sub(&pool->sleepers, 1, __ATOMIC_SEQ_CST);
}

// After a change of `word` that somebody may sleep on.
INLINE void wake(plan_pool* pool, uint32_t* word) {
  if (load(&pool->sleepers)) __builtin_wasm_memory_atomic_notify((int*)word, UINT32_MAX);
}

// Until all chunks of a step are done, or never will be.
static void await_step(plan_pool* pool, uint32_t* done, const uint32_t chunks) {
  for (int32_t i = 0; i < STEP_SPINS; i++) {
    if (load(done) >= chunks) return;
  }
  for (;;) {
    const uint32_t seen = load(done);
    if (seen >= chunks || has_failed(pool)) return;
    sleep_on(pool, done, seen);
  }
}

static void run_together(plan_pool* pool, const int32_t thread) {
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
      if (__atomic_add_fetch(done, 1, __ATOMIC_SEQ_CST) == chunks) wake(pool, done);
    }
    await_step(pool, done, chunks);
    if (has_failed(pool)) return;
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
  for (int32_t i = 0;; i++) {
    const uint32_t inside = load(&pool->inside);
    if (inside == CLOSED || has_failed(pool)) return;
    if (i >= STEP_SPINS) sleep_on(pool, &pool->inside, inside);
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
    if (__atomic_sub_fetch(&pool->inside, 1, __ATOMIC_SEQ_CST) == CLOSED) wake(pool, &pool->inside);
  }
}

#endif
