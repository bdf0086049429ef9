// SPDX-License-Identifier: Apache-2.0
// The plan interpreter: what wasm exports. One call runs a whole dispatch.
//
// A plan is an array of steps and an array of argument words. A word is a pointer, an int32 or the
// bits of a float, in the order of the kernel's prototype without its scratch and range arguments.
// The runtime writes both arrays into linear memory (polyfill/runtime/plan.js knows the layout).
#ifndef OCTET_PLAN_H_
#define OCTET_PLAN_H_

#include <stdint.h>

typedef uintptr_t plan_word;

typedef struct {
  int32_t kernel;  // index in kernels.h's order
  int32_t args;    // index of the first argument word
  int32_t extent;  // the kernel's parallel extent
  int32_t grain;   // units a thread takes at a time
} plan_step;

// Runs steps[first .. first + count) on the calling thread.
void plan_run(const plan_step* steps, const plan_word* words, void* scratch, int32_t first,
              int32_t count);

// A pool of threads that run the same plan together. Thread 0 is whoever calls pool_run; the others
// sit in pool_serve until `quit`. A step's extent is dealt out evenly and in order, so that a
// thread works on what it wrote in the step before, which its own cache still holds. Each thread
// takes its share in chunks from the front, then what others have left from the back, then waits
// for the chunks others hold, spinning first, then asleep: no thread is ever waited for before it
// took work. Once pool_run has returned, no thread looks at the plan any more: steps, words,
// scratch and progress may change or go. To end the threads: set quit, add 1 to epoch, notify it.
//
// A thread that trapped in a kernel cannot finish its chunk, and who waits for it hangs: whoever
// catches the trap sets `failed`. Then pool_run returns without a result, the others leave the run,
// and the pool, its plan and its memory must not be used again.
typedef struct {
  uint32_t epoch;  // grows by one per run; what sleeping threads wait on
  uint32_t quit;
  uint32_t inside;   // threads in the current run, thread 0 left out; pool_run's own, as is epoch
  uint32_t threads;  // all of them, thread 0 included
  const plan_step* steps;
  const plan_word* words;
  char* scratch;       // scratch_bytes for each thread
  uint32_t* progress;  // of the run; see below
  int32_t scratch_bytes;
  int32_t step_count;
  uint32_t failed;
  uint32_t sleepers;  // threads asleep in a run; pool_run's own, as is epoch
} plan_pool;

// Room for the progress of a run: per step one word of units done, and one per thread of chunks
// taken from its share; rows of words start 64 bytes apart or more, so that no two threads' words
// share a cache line.
//   (threads + 1) * round_up(4 * step_count, 64)

void pool_run(plan_pool* pool);
void pool_serve(plan_pool* pool, int32_t thread);

// The dot products of bytes that this CPU has, as bits 1 << dot_product (kernels.h), found by
// trying them on `count` pairs of operands: 16 bytes of weights, 16 of activations each. The caller
// fills them in, so that no compiler can work out the answer. Only in variants with relaxed SIMD.
int32_t dot_classes(const uint8_t* operands, int32_t count);

#endif  // OCTET_PLAN_H_
