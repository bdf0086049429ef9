// SPDX-License-Identifier: Apache-2.0
// What packed quantized weights look like inside: written by qpack.c and qdwpack.c, read by qgemm.c
// and qdwconv.c.
//
// qu8_pack: a header, then for each group and block of 8 output channels
//     [bias i32 x 8] [scale f32 x 8] [steps]
//   a step being, by format,
//     HALVES         2 k: (2 x i16) x 8 outputs, 32 bytes
//     DOT_*, PAIRS   4 k: (4 x i8) x 8 outputs, 32 bytes
//     PAIRS2         8 k: two such, whose int16 sums may be added before they are widened
//   Byte formats hold what the dot product takes; the little that is left over stands in a list of
//   remainders behind the blocks: for each half block (4 outputs) entries of an int32, the first of
//   4 k, and 16 bytes of weights for them, applied after the steps by the same instruction. An
//   index holds the number of entries before each half block, and their total. Pairs may take k in
//   an order of their own (qorder.h), the same in all blocks: a byte for each k says where in its
//   window of 16 it comes from.
//
// qu8_dwpack, HALVES: per block of 8 channels
//     [bias i32 x 8] [scale f32 x 8] [2 taps: (2 x i16) x 8] ...
//   byte formats: per block of 4 channels
//     [bias i32 x 4] [scale f32 x 4] [parts i32, 0, 0, 0] [part][shift][kx]: (4 rows x i8) x 4
//     channels
//   Shift 0 has the rows of the filter at rows 0, 1, 2 of the quad, shift 1 at 1, 2, 3; a weight is
//   the sum of its parts.
#ifndef OCTET_PACKED_H_
#define OCTET_PACKED_H_

#include <stdint.h>

typedef enum {
  FORMAT_HALVES,
  FORMAT_DOT_UNSIGNED,
  FORMAT_DOT_SIGNED,
  FORMAT_PAIRS,
  FORMAT_PAIRS2
} packed_format;

typedef struct {
  int32_t format;
  int32_t bounded;      // no |accumulator * scale| reaches 2^22: requantization needs no clamp
  int32_t block_bytes;  // from one block to the next
  int32_t index_at;     // byte offsets from the header: the index of remainders, int32 each,
  int32_t entries_at;   // and the remainders
  int32_t order_at;     // in which k is taken, see qorder.h; 0: as it comes
  int32_t reserved[6];
  int16_t ones[8];  // what pair sums are multiplied with to be widened
} packed_header;

#define PACKED_HEADER_BYTES 64
#define ENTRY_BYTES 20

// Bytes of the head of a block: bias and scale of 8 channels; of 4 channels and the number of
// parts.
#define BLOCK_HEAD_BYTES 64
#define DW_BLOCK_HEAD_BYTES 48

// Parts that a depthwise weight may need: 2 * 255 by sums of at most 128.
#define DW_MAX_PARTS 4

#endif  // OCTET_PACKED_H_
