#pragma once
#include <string.h>

#include "CScan.h"

// What every kernel does with a block once its bytes have been turned into bit masks. A kernel supplies the masks;
// the arithmetic on them is the same for all, so that only the loads and compares differ.
//
// Method: Langdale and Lemire, "Parsing gigabytes of JSON per second", VLDB Journal 28 (2019), sections 3.1 and 3.2.

#define SLUICE_INLINE static inline __attribute__((always_inline))
#define SLUICE_UNLIKELY(x) __builtin_expect(!!(x), 0)

/// Bit i describes byte i of the block.
typedef struct {
  uint64_t quote, backslash, apostrophe;
  uint64_t structural;  // { } [ ] : ,
  uint64_t space;       // the four blanks of JSON
  uint64_t control;     // below 0x20
} block_masks;

/// The bytes that follow an odd run of backslashes. Runs that start at even offsets and end at odd ones are odd, and
/// the other way round; adding a run's start to the run carries out at its end.
SLUICE_INLINE uint64_t escaped_bytes(uint64_t backslash, uint64_t *carry) {
  const uint64_t even = 0x5555555555555555ULL;
  uint64_t escaped = *carry;
  if (backslash == 0) {
    *carry = 0;
    return escaped;
  }
  uint64_t run = backslash & ~escaped;
  uint64_t start = run & ~(run << 1);
  unsigned long long from_even, from_odd;
  (void)__builtin_uaddll_overflow(run, start & even, &from_even);
  *carry = __builtin_uaddll_overflow(run, start & ~even, &from_odd);
  return escaped | (from_even & ~run & ~even) | (from_odd & ~run & even);
}

/// Bit i of the result is the parity of bits 0…i: inside a string or not, given its quotes.
SLUICE_INLINE uint64_t prefix_parity(uint64_t bits) {
  bits ^= bits << 1;
  bits ^= bits << 2;
  bits ^= bits << 4;
  bits ^= bits << 8;
  bits ^= bits << 16;
  bits ^= bits << 32;
  return bits;
}

/// Defines the function NAME, which writes the offsets of the set bits. It may write up to 63 entries too many: cheaper than a
/// branch per token. LOWEST(bits) is the place of the lowest, and anything when there is none.
#define SLUICE_DEFINE_WRITE(NAME, TARGET, LOWEST)                                \
  TARGET SLUICE_INLINE uint32_t *NAME(uint32_t *out, uint64_t bits, uint32_t base) { \
    int count = __builtin_popcountll(bits);                                      \
    SLUICE_STEP(0, LOWEST) SLUICE_STEP(1, LOWEST) SLUICE_STEP(2, LOWEST) SLUICE_STEP(3, LOWEST) \
    SLUICE_STEP(4, LOWEST) SLUICE_STEP(5, LOWEST) SLUICE_STEP(6, LOWEST) SLUICE_STEP(7, LOWEST) \
    if (count > 8) {                                                             \
      SLUICE_STEP(8, LOWEST) SLUICE_STEP(9, LOWEST) SLUICE_STEP(10, LOWEST) SLUICE_STEP(11, LOWEST) \
      SLUICE_STEP(12, LOWEST) SLUICE_STEP(13, LOWEST) SLUICE_STEP(14, LOWEST) SLUICE_STEP(15, LOWEST) \
      if (SLUICE_UNLIKELY(count > 16)) {                                         \
        for (int i = 16; i < count; i++) { SLUICE_STEP(i, LOWEST) }              \
      }                                                                          \
    }                                                                            \
    return out + count;                                                          \
  }
#define SLUICE_STEP(i, LOWEST)               \
  out[i] = base + (uint32_t)(LOWEST(bits));  \
  bits &= bits - 1;

#define SLUICE_LOWEST(bits) __builtin_ctzll((bits) | 1ULL << 63)
SLUICE_DEFINE_WRITE(write_positions, , SLUICE_LOWEST)

/// What a block amounts to: the tokens in it, and the bytes in it that are in error.
typedef struct {
  uint64_t tokens, in_string, escaped, bad;
} block_result;

/// `parity` is the kernel's prefix parity of the unescaped quotes.
SLUICE_INLINE block_result classify(sluice_scan_state *state, const block_masks *m, uint64_t escaped, uint64_t quote,
                                    uint64_t parity) {
  block_result r;
  r.escaped = escaped;
  r.in_string = parity ^ state->in_string;  // opening quotes in, closing quotes out
  state->in_string = (uint64_t)((int64_t)r.in_string >> 63);
  uint64_t string = r.in_string | quote;
  uint64_t bare = ~(string | m->structural | m->space);
  uint64_t bare_start = bare & ~(bare << 1 | state->bare);
  state->bare = bare >> 63;
  r.tokens = (m->structural & ~string) | (quote & r.in_string) | bare_start;
  r.bad = m->control & r.in_string;
  return r;
}

/// Notes the first of several errors.
void sluice_scan_fail(sluice_scan_state *state, uint32_t error, size_t offset);

/// Checks the \u escapes of a block, given the offsets of their `u`; returns false after noting an error.
int sluice_scan_unicode(sluice_scan_state *state, const uint8_t *bytes, size_t length, size_t base, uint64_t units);

/// Finds the first UTF-8 error before `to`, for the report; `state->error` is set if there is one.
void sluice_scan_utf8_report(sluice_scan_state *state, const uint8_t *bytes, size_t to, int final);

typedef size_t scan_function(sluice_scan_state *, const uint8_t *, size_t, size_t, int, uint32_t *, uint64_t *);

scan_function sluice_scan_portable;
#if defined(__x86_64__)
scan_function sluice_scan_sse2;
scan_function sluice_scan_avx2;
scan_function sluice_scan_avx512;

/// Non-zero when the 64 bytes at `p`, which are the block at `base`, or what hung over into them, are not UTF-8.
int sluice_utf8_block_avx2(const uint8_t *p, const uint8_t *bytes, size_t base);
#endif
