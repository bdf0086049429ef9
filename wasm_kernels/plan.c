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

// Turns of an empty loop, some 50 microseconds, before a thread sleeps. Waking it costs about as
// much; and who is waited for may need this very core.
#define SPINS 20000

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

// Until all of a step is done, or never will be.
static void await_step(plan_pool* pool, uint32_t* done, const uint32_t extent) {
  for (int32_t i = 0; i < SPINS; i++) {
    if (load(done) >= extent) return;
  }
  for (;;) {
    const uint32_t seen = load(done);
    if (seen >= extent || has_failed(pool)) return;
    sleep_on(pool, done, seen);
  }
}

// A word of chunks taken: the share's owner counts from the front, the others from the back.
#define FROM_FRONT 1u
#define FROM_BACK 0x10000u
#define MAX_CHUNKS 0x8000

INLINE ptrdiff_t progress_row(const plan_pool* pool) { return (pool->step_count + 15) & ~15; }

// Units of a step's extent.
typedef struct {
  int32_t begin, end, grain;
} plan_share;

// What thread `owner` should do of a step: nothing where others suffice.
static plan_share share_of(const plan_pool* pool, const plan_step* step, const int32_t owner) {
  const int32_t extent = step->extent, grain = step->grain;
  const int32_t owners = min_i32((int32_t)pool->threads, divide_up(extent, grain));
  if (owner >= owners) return (plan_share){0, 0, 1};
  const int32_t begin = (int32_t)((int64_t)extent * owner / owners);
  const int32_t end = (int32_t)((int64_t)extent * (owner + 1) / owners);
  return (plan_share){begin, end, max_i32(grain, divide_up(end - begin, MAX_CHUNKS))};
}

// Takes chunks of `owner`'s share until none is left; returns how many units it did.
static int32_t run_share(const plan_pool* pool, const int32_t i, const int32_t owner,
                         const int32_t thread) {
  const plan_step* step = &pool->steps[i];
  const plan_share share = share_of(pool, step, owner);
  const uint32_t chunks = (uint32_t)divide_up(share.end - share.begin, share.grain);
  uint32_t* taken = pool->progress + (owner + 1) * progress_row(pool) + i;
  void* scratch = pool->scratch + (ptrdiff_t)thread * pool->scratch_bytes;
  for (int32_t units = 0;;) {
    const uint32_t way = owner == thread ? FROM_FRONT : FROM_BACK;
    const uint32_t before = __atomic_fetch_add(taken, way, __ATOMIC_SEQ_CST);
    const uint32_t front = before % FROM_BACK, back = before / FROM_BACK;
    if (front + back >= chunks) return units;
    const uint32_t chunk = way == FROM_FRONT ? front : chunks - 1 - back;
    const int32_t begin = share.begin + (int32_t)chunk * share.grain;
    const int32_t end = min_i32(begin + share.grain, share.end);
    run_step(step, pool->words, scratch, begin, end);
    units += end - begin;
  }
}

static void run_together(plan_pool* pool, const int32_t thread) {
  const int32_t threads = (int32_t)pool->threads;
  for (int32_t i = 0; i < pool->step_count; i++) {
    const uint32_t extent = (uint32_t)pool->steps[i].extent;
    uint32_t* done = &pool->progress[i];
    if (load(done) >= extent) continue;
    int32_t units = 0;
    for (int32_t t = thread; t < thread + threads; t++) {
      units += run_share(pool, i, t % threads, thread);
    }
    if (units && __atomic_add_fetch(done, (uint32_t)units, __ATOMIC_SEQ_CST) >= extent) {
      wake(pool, done);
    } else {
      await_step(pool, done, extent);
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
    if (i >= SPINS) sleep_on(pool, &pool->inside, inside);
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
