#include "drive.h"

// The kernel for any processor, the choice between kernels, and the slow paths they share.

void sluice_scan_begin(sluice_scan_state *state) {
  memset(state, 0, sizeof *state);
  state->low_surrogate = ~0ULL;
}

void sluice_scan_fail(sluice_scan_state *state, uint32_t error, size_t offset) {
  if (state->error != 0 && state->error_offset <= offset) return;
  state->error = error;
  state->error_offset = (uint32_t)offset;
}

size_t sluice_utf8_check(const uint8_t *bytes, size_t from, size_t to) {
  size_t at = from;
  while (at < to) {
    uint8_t lead = bytes[at];
    if (lead < 0x80) {
      at++;
      continue;
    }
    unsigned more;
    uint8_t low = 0x80, high = 0xBF;  // range of the second byte: Unicode table 3-7
    if (lead >= 0xC2 && lead <= 0xDF) {
      more = 1;
    } else if ((lead & 0xF0) == 0xE0) {
      more = 2;
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      more = 3;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    } else {
      return at;
    }
    if (at + more >= to) return at;
    if (bytes[at + 1] < low || bytes[at + 1] > high) return at;
    for (unsigned i = 2; i <= more; i++) {
      if ((bytes[at + i] & 0xC0) != 0x80) return at;
    }
    at += more + 1;
  }
  return to;
}

/// Whether the bytes at `at`, which break off at `to`, may still become a sequence.
static int is_cut_off(const uint8_t *bytes, size_t at, size_t to) {
  size_t need = bytes[at] >= 0xF0 ? 4 : bytes[at] >= 0xE0 ? 3 : 2;
  if (bytes[at] < 0xC2 || bytes[at] > 0xF4 || at + need <= to) return 0;
  uint8_t rest[4] = {bytes[at], bytes[at] == 0xE0 ? 0xA0 : bytes[at] == 0xF0 ? 0x90 : 0x80, 0x80, 0x80};
  for (size_t i = at + 1; i < to; i++) rest[i - at] = bytes[i];
  return sluice_utf8_check(rest, 0, need) == need;
}

void sluice_scan_utf8_report(sluice_scan_state *state, const uint8_t *bytes, size_t to, int final) {
  size_t at = sluice_utf8_check(bytes, 0, to);
  if (at == to || (!final && is_cut_off(bytes, at, to))) return;
  sluice_scan_fail(state, sluice_scan_error_utf8, at);
}

static int hex_digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  byte |= 0x20;
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  return -1;
}

/// The code unit written in the four digits at `at`, or -1.
static int hex_unit(const uint8_t *bytes, size_t length, size_t at) {
  if (at + 4 > length) return -1;
  int unit = 0;
  for (int i = 0; i < 4; i++) {
    int digit = hex_digit(bytes[at + i]);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

int sluice_scan_unicode(sluice_scan_state *state, const uint8_t *bytes, size_t length, size_t base, uint64_t units) {
  for (; units != 0; units &= units - 1) {
    size_t at = base + (size_t)__builtin_ctzll(units);
    int unit = hex_unit(bytes, length, at + 1);
    if (unit < 0) {
      sluice_scan_fail(state, sluice_scan_error_unicode, at);
      return 0;
    }
    if ((unit & 0xFC00) == 0xD800) {
      int low = at + 7 <= length && bytes[at + 5] == '\\' && bytes[at + 6] == 'u' ? hex_unit(bytes, length, at + 7) : -1;
      if ((low & ~0x3FF) != 0xDC00) {
        sluice_scan_fail(state, sluice_scan_error_surrogate, at);
        return 0;
      }
      state->low_surrogate = at + 6;
    } else if ((unit & 0xFC00) == 0xDC00) {
      if (state->low_surrogate != at) {
        sluice_scan_fail(state, sluice_scan_error_surrogate, at);
        return 0;
      }
    }
  }
  return 1;
}

// The portable kernel: a class per byte value, eight bytes folded into eight bits at a time.

enum { class_quote = 1, class_backslash = 2, class_apostrophe = 4, class_structural = 8, class_space = 16,
       class_control = 32, class_high = 64 };

static const uint8_t byte_class[256] = {
  [0x00 ... 0x08] = class_control, ['\t'] = class_control | class_space, ['\n'] = class_control | class_space,
  [0x0B ... 0x0C] = class_control, ['\r'] = class_control | class_space, [0x0E ... 0x1F] = class_control,
  [' '] = class_space, ['"'] = class_quote, ['\\'] = class_backslash, ['\''] = class_apostrophe,
  ['{'] = class_structural, ['}'] = class_structural, ['['] = class_structural, [']'] = class_structural,
  [':'] = class_structural, [','] = class_structural, [0x80 ... 0xFF] = class_high,
};

SLUICE_INLINE uint64_t portable_masks(const uint8_t *p, block_masks *m) {
  uint64_t high = 0;
  memset(m, 0, sizeof *m);
  for (unsigned i = 0; i < 64; i++) {
    uint64_t c = byte_class[p[i]];
    m->quote |= (c & 1) << i;
    m->backslash |= (c >> 1 & 1) << i;
    m->apostrophe |= (c >> 2 & 1) << i;
    m->structural |= (c >> 3 & 1) << i;
    m->space |= (c >> 4 & 1) << i;
    m->control |= (c >> 5 & 1) << i;
    high |= c >> 6 & 1;
  }
  return high;
}

/// UTF-8 byte by byte, from the last place known to be a boundary.
static inline int scalar_utf8(sluice_scan_state *state, const uint8_t *bytes, const uint8_t *p, size_t base, int high) {
  if (!high && state->utf8_valid == base) {
    state->utf8_valid = base + 64;
    return 0;
  }
  int tail = p != bytes + base;  // the padded copy: its blanks end every sequence
  size_t from = state->utf8_valid, at;
  if (tail) {
    uint8_t joined[68];
    size_t before = base - from;
    memcpy(joined, bytes + from, before);
    memcpy(joined + before, p, 64);
    at = from + sluice_utf8_check(joined, 0, before + 64);
  } else {
    at = sluice_utf8_check(bytes, from, base + 64);
  }
  state->utf8_valid = at;
  if (at == base + 64) return 0;
  // Cut off by the block's end, perhaps: then the next block tells.
  if (!tail && is_cut_off(bytes, at, base + 64)) return 0;
  return 1;
}

#define PORTABLE_LOAD(p, m) uint64_t high = portable_masks(p, &m)
#define PORTABLE_UTF8(state, bytes, p, base) scalar_utf8(state, bytes, p, base, high != 0)
#define SCALAR_ESCAPES(p, e, legal, unit)                                             \
  legal = 0;                                                                          \
  for (uint64_t rest = e; rest != 0; rest &= rest - 1) {                              \
    uint8_t byte = p[__builtin_ctzll(rest)];                                          \
    if (byte == 'u') unit |= rest & (0 - rest);                                       \
    if (strchr("\"\\/bfnrtu", byte) != NULL && byte != 0) legal |= rest & (0 - rest); \
  }
SLUICE_DEFINE_SCAN(sluice_scan_portable, , PORTABLE_LOAD, prefix_parity, SCALAR_ESCAPES, PORTABLE_UTF8,
                   write_positions)

#if defined(__x86_64__)
#include <emmintrin.h>

// SSE2: every x86-64 has it. Four compares of sixteen bytes per class; UTF-8 as in the portable kernel, because
// the vector method needs byte shuffles.

typedef struct { __m128i v[4]; } sse_block;

SLUICE_INLINE uint64_t sse_equal(const sse_block *b, char byte) {
  __m128i wanted = _mm_set1_epi8(byte);
  uint64_t bits = 0;
  for (int i = 0; i < 4; i++) {
    bits |= (uint64_t)(uint16_t)_mm_movemask_epi8(_mm_cmpeq_epi8(b->v[i], wanted)) << (16 * i);
  }
  return bits;
}

SLUICE_INLINE uint64_t sse_masks(const uint8_t *p, block_masks *m) {
  sse_block b, folded;
  uint64_t high = 0;
  m->control = 0;
  for (int i = 0; i < 4; i++) {
    b.v[i] = _mm_loadu_si128((const __m128i *)(p + 16 * i));
    folded.v[i] = _mm_or_si128(b.v[i], _mm_set1_epi8(0x20));  // [ ] become { }
    high |= (uint64_t)_mm_movemask_epi8(b.v[i]);
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(b.v[i], _mm_set1_epi8(0x1F)), b.v[i]);
    m->control |= (uint64_t)(uint16_t)_mm_movemask_epi8(low) << (16 * i);
  }
  m->quote = sse_equal(&b, '"');
  m->backslash = sse_equal(&b, '\\');
  m->apostrophe = sse_equal(&b, '\'');
  m->structural = sse_equal(&folded, '{') | sse_equal(&folded, '}') | sse_equal(&b, ':') | sse_equal(&b, ',');
  m->space = sse_equal(&b, ' ');
  if (m->control != 0) m->space |= sse_equal(&b, '\n') | sse_equal(&b, '\t') | sse_equal(&b, '\r');
  return high;
}

#define SSE_LOAD(p, m) uint64_t high = sse_masks(p, &m)
SLUICE_DEFINE_SCAN(sluice_scan_sse2, , SSE_LOAD, prefix_parity, SCALAR_ESCAPES, PORTABLE_UTF8,
                   write_positions)
#endif

int sluice_scan_kernel_runs(int kernel) {
  switch (kernel) {
    case sluice_scan_kernel_portable: return 1;
#if defined(__x86_64__)
    case sluice_scan_kernel_sse2: return 1;
    case sluice_scan_kernel_avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("bmi") &&
             __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
    case sluice_scan_kernel_avx512:
      return sluice_scan_kernel_runs(sluice_scan_kernel_avx2) && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
             __builtin_cpu_supports("avx512vbmi2");
#endif
    default: return 0;
  }
}

int sluice_scan_best_kernel(void) {
  int kernel = sluice_scan_kernel_count - 1;
  while (!sluice_scan_kernel_runs(kernel)) kernel--;
  return kernel;
}

size_t sluice_scan(int kernel, sluice_scan_state *state, const uint8_t *bytes, size_t length, size_t limit, int final,
                   uint32_t *positions, uint64_t *marks) {
  switch (kernel) {
#if defined(__x86_64__)
    case sluice_scan_kernel_avx512: return sluice_scan_avx512(state, bytes, length, limit, final, positions, marks);
    case sluice_scan_kernel_avx2: return sluice_scan_avx2(state, bytes, length, limit, final, positions, marks);
    case sluice_scan_kernel_sse2: return sluice_scan_sse2(state, bytes, length, limit, final, positions, marks);
#endif
    default: return sluice_scan_portable(state, bytes, length, limit, final, positions, marks);
  }
}
