#include "include/CScanHTTP.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

const uint8_t cscan_http_token_table[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
    ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1,  ['~'] = 1,
    ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1,  ['6'] = 1, ['7'] = 1,
    ['8'] = 1, ['9'] = 1,
    ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1, ['F'] = 1,  ['G'] = 1, ['H'] = 1,
    ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1,  ['O'] = 1, ['P'] = 1,
    ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1,  ['W'] = 1, ['X'] = 1,
    ['Y'] = 1, ['Z'] = 1,
    ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1,  ['g'] = 1, ['h'] = 1,
    ['i'] = 1, ['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1,  ['o'] = 1, ['p'] = 1,
    ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1, ['v'] = 1,  ['w'] = 1, ['x'] = 1,
    ['y'] = 1, ['z'] = 1,
};

const uint8_t cscan_http_target_table[256] = {
    ['/'] = CSCAN_HTTP_TARGET_SLASH, ['%'] = CSCAN_HTTP_TARGET_PERCENT,
    ['?'] = CSCAN_HTTP_TARGET_QUERY,
    // unreserved, sub-delims, ':' and '@'
    ['-'] = 1, ['.'] = 1, ['_'] = 1, ['~'] = 1, ['!'] = 1, ['$'] = 1, ['&'] = 1, ['\''] = 1,
    ['('] = 1, [')'] = 1, ['*'] = 1, ['+'] = 1, [','] = 1, [';'] = 1, ['='] = 1, [':'] = 1,
    ['@'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1,
    ['7'] = 1, ['8'] = 1, ['9'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1,
    ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1,
    ['N'] = 1, ['O'] = 1, ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1,
    ['V'] = 1, ['W'] = 1, ['X'] = 1, ['Y'] = 1, ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1,
    ['d'] = 1, ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1,
    ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1,
    ['t'] = 1, ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1,
};

// One block as a kernel sees it.
struct block {
  uint64_t line_feeds;
  uint64_t returns;
  uint64_t colons;
  uint64_t high;
  uint64_t control;  // control bytes other than HTAB, CR and LF; and DEL
};

static inline struct block block_portable(const uint8_t *bytes) {
  struct block block = {0, 0, 0, 0, 0};
  for (int i = 0; i < 64; i++) {
    uint64_t bit = (uint64_t)1 << i;
    uint8_t byte = bytes[i];
    if (byte == '\n') block.line_feeds |= bit;
    else if (byte == '\r') block.returns |= bit;
    else if (byte == ':') block.colons |= bit;
    else if (byte >= 0x80) block.high |= bit;
    else if ((byte < 0x20 && byte != '\t') || byte == 0x7f) block.control |= bit;
  }
  return block;
}

#if defined(__x86_64__)
static inline struct block block_sse2(const uint8_t *bytes) {
  struct block block = {0, 0, 0, 0, 0};
  for (int i = 0; i < 4; i++) {
    __m128i v = _mm_loadu_si128((const __m128i *)(bytes + 16 * i));
    __m128i feed = _mm_cmpeq_epi8(v, _mm_set1_epi8('\n'));
    __m128i carriage = _mm_cmpeq_epi8(v, _mm_set1_epi8('\r'));
    __m128i colon = _mm_cmpeq_epi8(v, _mm_set1_epi8(':'));
    __m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    __m128i allowed = _mm_or_si128(_mm_or_si128(feed, carriage), tab);
    __m128i control = _mm_or_si128(
        _mm_andnot_si128(allowed, low), _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
    block.line_feeds |= (uint64_t)(uint32_t)_mm_movemask_epi8(feed) << (16 * i);
    block.returns |= (uint64_t)(uint32_t)_mm_movemask_epi8(carriage) << (16 * i);
    block.colons |= (uint64_t)(uint32_t)_mm_movemask_epi8(colon) << (16 * i);
    block.high |= (uint64_t)(uint32_t)_mm_movemask_epi8(v) << (16 * i);
    block.control |= (uint64_t)(uint32_t)_mm_movemask_epi8(control) << (16 * i);
  }
  return block;
}

__attribute__((target("avx2"))) static inline struct block block_avx2(const uint8_t *bytes) {
  struct block block = {0, 0, 0, 0, 0};
  for (int i = 0; i < 2; i++) {
    __m256i v = _mm256_loadu_si256((const __m256i *)(bytes + 32 * i));
    __m256i feed = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\n'));
    __m256i carriage = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\r'));
    __m256i colon = _mm256_cmpeq_epi8(v, _mm256_set1_epi8(':'));
    __m256i tab = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\t'));
    __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1f)), v);
    __m256i allowed = _mm256_or_si256(_mm256_or_si256(feed, carriage), tab);
    __m256i control = _mm256_or_si256(
        _mm256_andnot_si256(allowed, low), _mm256_cmpeq_epi8(v, _mm256_set1_epi8(0x7f)));
    block.line_feeds |= (uint64_t)(uint32_t)_mm256_movemask_epi8(feed) << (32 * i);
    block.returns |= (uint64_t)(uint32_t)_mm256_movemask_epi8(carriage) << (32 * i);
    block.colons |= (uint64_t)(uint32_t)_mm256_movemask_epi8(colon) << (32 * i);
    block.high |= (uint64_t)(uint32_t)_mm256_movemask_epi8(v) << (32 * i);
    block.control |= (uint64_t)(uint32_t)_mm256_movemask_epi8(control) << (32 * i);
  }
  return block;
}
#endif

// The walk over the blocks, stamped out once per kernel so that the kernel is inlined into it.
//
// A line feed must follow a carriage return and the other way round, so in a sound head the set of line feeds is the
// set of carriage returns moved by one; whatever differs is bad. Of two sound line feeds two apart, the second ends
// an empty line (the byte between can only be a carriage return), and so the head.
#define MARK(NAME, BLOCK, ATTRIBUTES)                                                              \
  ATTRIBUTES static struct cscan_http_scan NAME(                                                   \
      const uint8_t *bytes, size_t from, size_t count, struct cscan_http_marks *marks) {           \
    struct cscan_http_scan scan = {0, PTRDIFF_MAX};                                                \
    uint64_t carry_return = from > 0 && bytes[from - 1] == '\r';                                   \
    uint64_t carry_feeds = 0;                                                                      \
    if (from > 0)                                                                                  \
      carry_feeds = (uint64_t)(bytes[from - 2] == '\n') | (uint64_t)(bytes[from - 1] == '\n') << 1; \
    for (size_t at = from; at < count; at += 64) {                                                 \
      size_t rest = count - at;                                                                    \
      const uint8_t *source = bytes + at;                                                          \
      uint8_t tail[64];                                                                            \
      if (rest < 64) {                                                                             \
        memset(tail, ' ', sizeof tail);                                                            \
        memcpy(tail, source, rest);                                                                \
        source = tail;                                                                             \
      }                                                                                            \
      struct block block = BLOCK(source);                                                          \
      uint64_t expected = block.returns << 1 | carry_return;                                       \
      uint64_t bad = block.control | (block.line_feeds ^ expected);                                \
      uint64_t blank = block.line_feeds & (block.line_feeds << 2 | carry_feeds);                   \
      /* A return that is the last byte so far is not bad yet: its line feed may still come. */    \
      if (rest < 64) bad &= ((uint64_t)1 << rest) - 1;                                             \
      struct cscan_http_marks *out = marks + at / 64;                                              \
      out->line_feeds = block.line_feeds;                                                          \
      out->colons = block.colons;                                                                  \
      out->high = block.high;                                                                      \
      carry_return = block.returns >> 63;                                                          \
      carry_feeds = block.line_feeds >> 62;                                                        \
      if (blank | bad) {                                                                           \
        uint64_t first_bad = bad & (0 - bad);                                                      \
        uint64_t first_blank = blank & (0 - blank);                                                \
        if (blank && (!bad || first_blank < first_bad))                                            \
          scan.head_bytes = at + (size_t)__builtin_ctzll(blank) + 1;                               \
        else                                                                                       \
          scan.bad_offset = at + (size_t)__builtin_ctzll(bad);                                     \
        return scan;                                                                               \
      }                                                                                            \
    }                                                                                              \
    return scan;                                                                                   \
  }

MARK(mark_portable, block_portable, )
#if defined(__x86_64__)
MARK(mark_sse2, block_sse2, )
MARK(mark_avx2, block_avx2, __attribute__((target("avx2,bmi"))))
#endif

struct cscan_http_scan cscan_http_mark(
    const uint8_t *bytes, size_t from, size_t count, struct cscan_http_marks *marks) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"))
    return mark_avx2(bytes, from, count, marks);
  return mark_sse2(bytes, from, count, marks);
#else
  return mark_portable(bytes, from, count, marks);
#endif
}

struct cscan_http_scan cscan_http_mark_with(
    int kernel, const uint8_t *bytes, size_t from, size_t count, struct cscan_http_marks *marks) {
#if defined(__x86_64__)
  if (kernel == 2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"))
    return mark_avx2(bytes, from, count, marks);
  if (kernel == 1) return mark_sse2(bytes, from, count, marks);
#endif
  (void)kernel;
  return mark_portable(bytes, from, count, marks);
}

size_t cscan_http_line_end(const uint8_t *bytes, size_t from, size_t count) {
  size_t at = from;
#if defined(__x86_64__)
  for (; at + 16 <= count; at += 16) {
    __m128i v = _mm_loadu_si128((const __m128i *)(bytes + at));
    __m128i hit = _mm_or_si128(
        _mm_cmpeq_epi8(v, _mm_set1_epi8('\n')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\r')));
    int mask = _mm_movemask_epi8(hit);
    if (mask) return at + (size_t)__builtin_ctz((unsigned)mask);
  }
#endif
  while (at < count && bytes[at] != '\n' && bytes[at] != '\r') at++;
  return at;
}
