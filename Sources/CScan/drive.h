#pragma once
#include "block.h"

// The loop of every kernel, as a macro template: KERNEL(block) -> masks and so on must be inlined into a function with
// the kernel's own target attribute, which a shared function could not be.
//
//   NAME                   the function defined
//   TARGET                 its attributes
//   LOAD_MASKS(p, m)       fills m from the 64 bytes at p
//   PARITY(bits)           prefix parity
//   ESCAPE_MASKS(p, e, legal, unit)  of the escaped bytes e: which may be escaped, and which are `u`
//   UTF8_BLOCK(state, bytes, p, base)  non-zero when the block (or what hung over into it) is not UTF-8
//   WRITE(out, bits, base)  writes the offsets of the set bits and returns where the next go

#define SLUICE_DEFINE_SCAN(NAME, TARGET, LOAD_MASKS, PARITY, ESCAPE_MASKS, UTF8_BLOCK, WRITE)                      \
  TARGET static int NAME##_block(sluice_scan_state *state, const uint8_t *bytes, size_t length, const uint8_t *p,  \
                                 size_t base, uint32_t **out, uint64_t *marks);                                    \
  TARGET SLUICE_INLINE int NAME##_step(sluice_scan_state *state, const uint8_t *bytes, size_t length,              \
                                       const uint8_t *p, size_t base, uint32_t **out, uint64_t *marks) {           \
    block_masks m;                                                                                                 \
    LOAD_MASKS(p, m);                                                                                              \
    uint64_t escaped = escaped_bytes(m.backslash, &state->escaped);                                                \
    uint64_t quote = m.quote & ~escaped;                                                                           \
    block_result r = classify(state, &m, escaped, quote, PARITY(quote));                                           \
    marks[base >> 6] = m.backslash | m.apostrophe;                                                                 \
    int broken = UTF8_BLOCK(state, bytes, p, base);                                                                \
    uint64_t unit = 0;                                                                                             \
    uint64_t inside = r.escaped & r.in_string;                                                                     \
    if (inside != 0) {                                                                                             \
      uint64_t legal;                                                                                              \
      ESCAPE_MASKS(p, inside, legal, unit);                                                                        \
      r.bad |= inside & ~legal;                                                                                    \
    }                                                                                                              \
    if (SLUICE_UNLIKELY((r.bad | unit) != 0 || broken)) {                                                          \
      if (unit != 0) sluice_scan_unicode(state, bytes, length, base, unit);                                        \
      if (r.bad != 0) {                                                                                            \
        unsigned at = (unsigned)__builtin_ctzll(r.bad);                                                            \
        uint32_t why = m.control >> at & 1 ? sluice_scan_error_control : sluice_scan_error_escape;                 \
        sluice_scan_fail(state, why, base + at);                                                                   \
      }                                                                                                            \
      if (broken) {                                                                                                \
        size_t to = base + 64 < length ? base + 64 : length;                                                       \
        sluice_scan_utf8_report(state, bytes, to, to == length && p != bytes + base);                              \
      }                                                                                                            \
      if (state->error != 0) {                                                                                     \
        size_t at = state->error_offset;                                                                           \
        uint64_t before = at <= base ? 0 : at >= base + 64 ? ~0ULL : (1ULL << (at - base)) - 1;                    \
        *out = write_positions(*out, r.tokens & before, (uint32_t)base);                                           \
        return 0;                                                                                                  \
      }                                                                                                            \
    }                                                                                                              \
    *out = WRITE(*out, r.tokens, (uint32_t)base);                                                                  \
    return 1;                                                                                                      \
  }                                                                                                                \
  /* Out of line, for the tail. */                                                                                 \
  TARGET __attribute__((noinline)) static int NAME##_block(                                                        \
      sluice_scan_state *state, const uint8_t *bytes, size_t length, const uint8_t *p, size_t base,                \
      uint32_t **out, uint64_t *marks) {                                                                           \
    return NAME##_step(state, bytes, length, p, base, out, marks);                                                 \
  }                                                                                                                \
  TARGET size_t NAME(sluice_scan_state *carried, const uint8_t *bytes, size_t length, size_t limit, int final,     \
                     uint32_t *positions, uint64_t *marks) {                                                       \
    sluice_scan_state local = *carried, *state = &local;                                                           \
    uint32_t *out = positions;                                                                                     \
    size_t base = state->scanned;                                                                                  \
    while (base + 64 <= limit) {                                                                                   \
      if (!NAME##_step(state, bytes, length, bytes + base, base, &out, marks)) break;                              \
      base += 64;                                                                                                  \
    }                                                                                                              \
    state->scanned = base;                                                                                         \
    if (final && limit == length && state->error == 0) {                                                           \
      if (base < length) {                                                                                         \
        uint8_t tail[64];                                                                                          \
        memset(tail, ' ', sizeof tail);                                                                            \
        memcpy(tail, bytes + base, length - base);                                                                 \
        if (NAME##_block(state, bytes, length, tail, base, &out, marks)) state->scanned = length;                  \
      }                                                                                                            \
      if (state->error == 0) sluice_scan_finish(state, bytes, length);                                             \
    }                                                                                                              \
    *carried = local;                                                                                              \
    return (size_t)(out - positions);                                                                              \
  }

/// What can only be said at the end of the document.
static inline void sluice_scan_finish(sluice_scan_state *state, const uint8_t *bytes, size_t length) {
  if (state->in_string != 0) sluice_scan_fail(state, sluice_scan_error_unterminated, length);
  // A sequence that the end of the document cuts off: only its last three bytes can start one.
  size_t tail = length < 3 ? 0 : length - 3;
  for (size_t at = tail; at < length; at++) {
    unsigned need = bytes[at] >= 0xF0 ? 4 : bytes[at] >= 0xE0 ? 3 : bytes[at] >= 0xC0 ? 2 : 1;
    if (at + need > length) sluice_scan_fail(state, sluice_scan_error_utf8, at);
  }
}
