// SPDX-License-Identifier: Apache-2.0
// Runs kernel cases natively, for AddressSanitizer and UBSan: native_runner REQUEST RESPONSE.
//
// Both files are little-endian 32-bit words with byte blobs padded to words; exchange.py states
// their layout. Each buffer is allocated at its exact size and scratch at the bytes the contract
// names, so that any access outside is an error. A case runs twice: whole, by plan_run, and in
// parts, in the order the request gives, by the same generated calls.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../wasm_kernels/kernels.h"
#include "../../wasm_kernels/plan.h"

enum { STATUS_OK, STATUS_INPUT_CHANGED };
enum { WORD_VALUE, WORD_ADDRESS };
enum { ROLE_INPUT, ROLE_OUTPUT, ROLE_PREPARED };

typedef struct {
  const uint32_t* at;
  const uint32_t* end;
} reader;

typedef struct {
  uint32_t bytes, role, skew;
  const void* data;
  char* memory;   // the allocation: skew bytes, then the buffer
  char* address;  // of the buffer
} buffer;

typedef struct {
  uint32_t kernel, extent, scratch_bytes, part_count, buffer_count, word_count;
  // The call that comes first; no kernel: none.
  int32_t prepare_kernel;
  uint32_t prepare_scratch_bytes, prepare_word_count;
  const uint32_t* parts;  // begin, end of each
  buffer* buffers;
  plan_word *words, *prepare_words;
} test_case;

static void fail(const char* message) {
  fprintf(stderr, "native_runner: %s\n", message);
  exit(2);
}

static const uint32_t* take(reader* from, const size_t words) {
  if ((size_t)(from->end - from->at) < words) fail("the request ends early");
  const uint32_t* taken = from->at;
  from->at += words;
  return taken;
}

static uint32_t take_word(reader* from) { return *take(from, 1); }

static void* allocate(const size_t bytes) {
  void* memory = malloc(bytes);
  if (!memory) fail("out of memory");
  return memory;
}

static plan_word* read_words(reader* from, const test_case* c, const uint32_t count) {
  plan_word* words = allocate(count * sizeof(plan_word));
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t kind = take_word(from), value = take_word(from), offset = take_word(from);
    words[i] = kind == WORD_ADDRESS ? (plan_word)(c->buffers[value].address + offset) : value;
  }
  return words;
}

static void read_case(reader* from, test_case* c) {
  const uint32_t* head = take(from, 10);  // head[2], the grain, is for thread pools
  *c = (test_case){head[0], head[1], head[3], head[4], head[5], head[6], (int32_t)head[7],
                   head[8], head[9], NULL,    NULL,    NULL,    NULL};
  c->parts = take(from, 2 * (size_t)c->part_count);
  c->buffers = allocate(c->buffer_count * sizeof(buffer));
  for (uint32_t i = 0; i < c->buffer_count; i++) {
    buffer* b = &c->buffers[i];
    b->bytes = take_word(from);
    b->role = take_word(from);
    b->skew = take_word(from);
    b->data = take(from, (b->bytes + 3) / 4);
    b->memory = allocate(b->skew + b->bytes);
    b->address = b->memory + b->skew;
  }
  c->words = read_words(from, c, c->word_count);
  c->prepare_words = read_words(from, c, c->prepare_word_count);
}

static void free_case(test_case* c) {
  for (uint32_t i = 0; i < c->buffer_count; i++) free(c->buffers[i].memory);
  free(c->buffers);
  free(c->words);
  free(c->prepare_words);
}

static void fill_buffers(const test_case* c) {
  for (uint32_t i = 0; i < c->buffer_count; i++) {
    memcpy(c->buffers[i].address, c->buffers[i].data, c->buffers[i].bytes);
  }
}

// The generated calls of the plan interpreter, here with a range.
static void run_part(const uint32_t kernel, const plan_word* a, void* scratch, const int32_t begin,
                     const int32_t end) {
  float v;
#define POINTER(i) ((void*)a[i])
#define INTEGER(i) ((int32_t)a[i])
#define FLOAT(i) (memcpy(&v, &a[i], sizeof v), v)
  switch (kernel) {
#include "plan_kernels.inc"
    default:
      fail("no such kernel");
  }
}

static void run_whole(const test_case* c, void* scratch) {
  // The step in the middle of a plan, its words behind others, so that indices matter.
  plan_word* words = allocate((3 + c->word_count) * sizeof(plan_word));
  memset(words, 0x5a, 3 * sizeof(plan_word));
  memcpy(words + 3, c->words, c->word_count * sizeof(plan_word));
  const plan_step other = {-1, 0, 1, 1};
  const plan_step steps[3] = {other, {(int32_t)c->kernel, 3, (int32_t)c->extent, 1}, other};
  plan_run(steps, words, scratch, 1, 1);
  free(words);
}

static void prepare(const test_case* c) {
  if (c->prepare_kernel < 0) return;
  void* scratch = allocate(c->prepare_scratch_bytes);
  memset(scratch, 0x5a, c->prepare_scratch_bytes);
  run_part((uint32_t)c->prepare_kernel, c->prepare_words, scratch, 0, 1);
  free(scratch);
}

static void write_outputs(FILE* to, const test_case* c) {
  const uint32_t zero = 0;
  uint32_t status = STATUS_OK;
  for (uint32_t i = 0; i < c->buffer_count; i++) {
    const buffer* b = &c->buffers[i];
    if (b->role == ROLE_INPUT && memcmp(b->address, b->data, b->bytes))
      status = STATUS_INPUT_CHANGED;
  }
  fwrite(&status, sizeof status, 1, to);
  for (uint32_t i = 0; i < c->buffer_count; i++) {
    const buffer* b = &c->buffers[i];
    if (b->role != ROLE_OUTPUT) continue;
    fwrite(b->address, 1, b->bytes, to);
    fwrite(&zero, 1, -b->bytes & 3, to);
  }
}

static void run_case(FILE* to, const test_case* c) {
  for (int whole = 1; whole >= 0; whole--) {
    // What scratch holds before a call differs from run to run.
    void* scratch = allocate(c->scratch_bytes);
    memset(scratch, whole ? 0xa5 : 0x7f, c->scratch_bytes);
    fill_buffers(c);
    prepare(c);
    if (whole) {
      run_whole(c, scratch);
    } else {
      for (uint32_t i = 0; i < c->part_count; i++) {
        run_part(c->kernel, c->words, scratch, (int32_t)c->parts[2 * i],
                 (int32_t)c->parts[2 * i + 1]);
      }
    }
    write_outputs(to, c);
    free(scratch);
  }
}

int main(const int argc, char** argv) {
  if (argc != 3) fail("usage: native_runner REQUEST RESPONSE");
  FILE* request = fopen(argv[1], "rb");
  FILE* response = fopen(argv[2], "wb");
  if (!request || !response) fail("cannot open the request or the response");
  fseek(request, 0, SEEK_END);
  const size_t bytes = (size_t)ftell(request);
  rewind(request);
  uint32_t* words = allocate(bytes);
  if (fread(words, 1, bytes, request) != bytes) fail("cannot read the request");
  fclose(request);
  reader from = {words, words + bytes / 4};
  const uint32_t count = take_word(&from);
  for (uint32_t i = 0; i < count; i++) {
    test_case c;
    read_case(&from, &c);
    fprintf(stderr, "case %u\n", i);
    run_case(response, &c);
    free_case(&c);
  }
  free(words);
  return fclose(response);
}
