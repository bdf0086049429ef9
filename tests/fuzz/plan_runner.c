// SPDX-License-Identifier: Apache-2.0
// Runs whole plans natively, for AddressSanitizer and UBSan: plan_runner PLANS, as plans.js writes
// them. Each region of a plan is allocated at its exact size, so that a kernel that leaves it is
// stopped. Inputs are random bytes, twice: indices out of range and NaNs are among them.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../wasm_kernels/plan.h"

enum { REGION_BINDINGS = 3, RUNS = 2 };

typedef struct {
  const int32_t* at;
  const int32_t* end;
} reader;

typedef struct {
  plan_step* steps;
  plan_word* words;
  int32_t count;
} program;

static void fail(const char* message) {
  fprintf(stderr, "plan_runner: %s\n", message);
  exit(2);
}

static const int32_t* take(reader* from, const size_t words) {
  if ((size_t)(from->end - from->at) < words) fail("the file ends early");
  const int32_t* taken = from->at;
  from->at += words;
  return taken;
}

static int32_t take_word(reader* from) { return *take(from, 1); }

static void* allocate(const size_t bytes) {
  void* memory = malloc(bytes);
  if (!memory) fail("out of memory");
  return memory;
}

static void fill_random(void* memory, const size_t bytes, uint32_t* state) {
  uint8_t* to = memory;
  for (size_t i = 0; i < bytes; i++) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    to[i] = (uint8_t)*state;
  }
}

static program read_program(reader* from, char** regions) {
  const int32_t step_words = take_word(from);
  const int32_t* steps = take(from, (size_t)step_words);
  const int32_t word_count = take_word(from);
  const int32_t* words = take(from, (size_t)word_count);
  const int32_t relocation_words = take_word(from);
  const int32_t* relocations = take(from, (size_t)relocation_words);
  program p = {allocate((size_t)step_words * 4), allocate((size_t)word_count * sizeof(plan_word)),
               step_words / 4};
  memcpy(p.steps, steps, (size_t)step_words * 4);
  for (int32_t i = 0; i < word_count; i++) p.words[i] = (plan_word)(intptr_t)words[i];
  for (int32_t i = 0; i < relocation_words; i += 2) {
    const int32_t word = relocations[i];
    p.words[word] = (plan_word)(regions[relocations[i + 1]] + words[word]);
  }
  return p;
}

static void free_program(program p) {
  free(p.steps);
  free(p.words);
}

static void run_plan(reader* from) {
  fprintf(stderr, "round %d\n", take_word(from));
  const int32_t* sizes = take(from, REGION_BINDINGS);
  const size_t scratch_bytes = (size_t)take_word(from);
  const int32_t binding_count = take_word(from);
  const int32_t* bindings = take(from, (size_t)binding_count);
  char** regions = allocate((size_t)(REGION_BINDINGS + binding_count) * sizeof(char*));
  for (int32_t i = 0; i < REGION_BINDINGS; i++) regions[i] = allocate((size_t)sizes[i]);
  for (int32_t i = 0; i < binding_count; i++) {
    regions[REGION_BINDINGS + i] = allocate((size_t)bindings[i]);
  }
  for (int32_t uploads = take_word(from); uploads > 0; uploads--) {
    const int32_t region = take_word(from), offset = take_word(from), bytes = take_word(from);
    memcpy(regions[region] + offset, take(from, ((size_t)bytes + 3) / 4), (size_t)bytes);
  }
  void* scratch = allocate(scratch_bytes);
  program prepare = read_program(from, regions);
  plan_run(prepare.steps, prepare.words, scratch, 0, prepare.count);
  free_program(prepare);
  free(regions[1]);  // staging lives no longer than this
  program dispatch = read_program(from, regions);
  uint32_t state = 0x9e3779b9;
  for (int run = 0; run < RUNS; run++) {
    for (int32_t i = 0; i < binding_count; i++) {
      fill_random(regions[REGION_BINDINGS + i], (size_t)bindings[i], &state);
    }
    plan_run(dispatch.steps, dispatch.words, scratch, 0, dispatch.count);
  }
  free_program(dispatch);
  free(scratch);
  for (int32_t i = 0; i < REGION_BINDINGS + binding_count; i++) {
    if (i != 1) free(regions[i]);
  }
  free(regions);
}

int main(const int argc, char** argv) {
  if (argc != 2) fail("usage: plan_runner PLANS");
  FILE* file = fopen(argv[1], "rb");
  if (!file) fail("cannot open the file");
  fseek(file, 0, SEEK_END);
  const size_t bytes = (size_t)ftell(file);
  rewind(file);
  int32_t* words = allocate(bytes);
  if (fread(words, 1, bytes, file) != bytes) fail("cannot read the file");
  fclose(file);
  reader from = {words, words + bytes / 4};
  for (int32_t plans = take_word(&from); plans > 0; plans--) run_plan(&from);
  free(words);
  return 0;
}
