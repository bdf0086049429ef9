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

// A word of chunks taken: the share's owner counts from the front, the others from the back.
#define FROM_FRONT 1u
#define FROM_BACK 0x10000u
#define MAX_CHUNKS 0x8000

INLINE ptrdiff_t progress_row(const plan_pool* pool) { return (pool->step_count + 15) & ~15; }

static int32_t grain_of(const plan_step* step) {
  int32_t grain = step->grain;
  while (divide_up(step->extent, grain) > MAX_CHUNKS) grain *= 2;
  return grain;
}

// Takes chunks of `owner`'s share until none is left; returns how many it did.
static uint32_t run_share(const plan_pool* pool, const int32_t i, const int32_t chunks,
                          const int32_t owner, const int32_t thread) {
  const plan_step* step = &pool->steps[i];
  const int32_t threads = (int32_t)pool->threads, grain = grain_of(step);
  const int32_t first = divide_up(chunks * owner, threads);
  const uint32_t size = (uint32_t)(divide_up(chunks * (owner + 1), threads) - first);
  uint32_t* taken = pool->progress + (owner + 1) * progress_row(pool) + i;
  void* scratch = pool->scratch + (ptrdiff_t)thread * pool->scratch_bytes;
  for (uint32_t mine = 0;; mine++) {
    const uint32_t before =
        __atomic_fetch_add(taken, owner == thread ? FROM_FRONT : FROM_BACK, __ATOMIC_SEQ_CST);
    const uint32_t front = before % FROM_BACK, back = before / FROM_BACK;
    if (front + back >= size) return mine;
    const int32_t chunk = first + (int32_t)(owner == thread ? front : size - 1 - back);
    const int32_t begin = chunk * grain;
    run_step(step, pool->words, scratch, begin, min_i32(begin + grain, step->extent));
  }
}

static void run_together(plan_pool* pool, const int32_t thread) {
  const int32_t threads = (int32_t)pool->threads;
  for (int32_t i = 0; i < pool->step_count; i++) {
    const plan_step* step = &pool->steps[i];
    uint32_t* done = &pool->progress[i];
    const int32_t chunks = divide_up(step->extent, grain_of(step));
    if (load(done) >= (uint32_t)chunks) continue;
    uint32_t mine = 0;
    for (int32_t t = thread; t < thread + threads; t++) {
      mine += run_share(pool, i, chunks, t % threads, thread);
    }
    if (mine && __atomic_add_fetch(done, mine, __ATOMIC_SEQ_CST) == (uint32_t)chunks) {
      wake(pool, done);
    } else {
      await_step(pool, done, (uint32_t)chunks);
    }
    if (has_failed(pool)) return;
  }
}

// Set in `inside` while there is no run to enter.
#define CLOSED 0x80000000u

void pool_run(plan_pool* pool) {
  if (!__atomic_load_n(&pool->epoch, __ATOMIC_SEQ_CST)) {
    __atomic_store_n(&pool->inside, CLOSED, __ATOMIC_SEQ_CST);
  }
  memset(pool->progress, 0,
         (size_t)(pool->threads + 1) * (size_t)progress_row(pool) * sizeof(uint32_t));
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
