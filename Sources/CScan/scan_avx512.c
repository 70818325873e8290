#include "drive.h"

#if defined(__x86_64__)
#include <immintrin.h>

// AVX-512 with byte compression (Ice Lake, Zen 4 and later): a block is one register, a compare gives the bit mask
// directly, and the offsets of the tokens are written sixteen at a time instead of one by one. The classes are those
// of the AVX2 kernel, whose UTF-8 check also serves the blocks that are not ASCII.

#define AVX512 \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,avx2,pclmul,bmi,bmi2,lzcnt,popcnt")))

static const uint8_t structural_table[16] = {
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, ':', '{', ',', '}', 255, 0};
static const uint8_t space_table[16] = {
  ' ', 255, 255, 255, 255, 255, 255, 255, 255, '\t', '\n', 255, 255, '\r', 255, 0};
static const uint8_t escape_high[16] = {0, 0, 1, 0, 0, 2, 4, 8};
static const uint8_t escape_low[16] = {[2] = 1 | 4 | 8, [4] = 8, [5] = 8, [6] = 4, [12] = 2, [14] = 4, [15] = 1};

AVX512 SLUICE_INLINE __m512i wide_table(const uint8_t table[16]) {
  return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)table));
}

AVX512 SLUICE_INLINE uint64_t wide_equal(__m512i b, char byte) {
  return _mm512_cmpeq_epi8_mask(b, _mm512_set1_epi8(byte));
}

AVX512 SLUICE_INLINE void wide_masks(__m512i b, block_masks *m) {
  m->quote = wide_equal(b, '"');
  m->backslash = wide_equal(b, '\\');
  m->apostrophe = wide_equal(b, '\'');
  m->control = _mm512_cmplt_epu8_mask(b, _mm512_set1_epi8(0x20));
  m->structural = _mm512_cmpeq_epi8_mask(_mm512_shuffle_epi8(wide_table(structural_table), b),
                                         _mm512_or_si512(b, _mm512_set1_epi8(0x20)));
  m->structural &= ~m->control;  // 0x0C and 0x1A fold to , and :
  m->space = _mm512_cmpeq_epi8_mask(_mm512_shuffle_epi8(wide_table(space_table), b), b);
}

AVX512 SLUICE_INLINE uint64_t wide_parity(uint64_t bits) {
  __m128i all = _mm_set1_epi8((char)0xFF);
  return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), all, 0));
}

AVX512 SLUICE_INLINE uint64_t wide_legal(__m512i b) {
  __m512i nibble = _mm512_set1_epi8(0x0F);
  __m512i high = _mm512_shuffle_epi8(wide_table(escape_high), _mm512_and_si512(_mm512_srli_epi16(b, 4), nibble));
  __m512i low = _mm512_shuffle_epi8(wide_table(escape_low), _mm512_and_si512(b, nibble));
  return _mm512_test_epi8_mask(high, low);
}

static const uint8_t places[64] = {
  0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
  32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};

/// The places of the set bits move to the front of a register and are widened from there.
AVX512 SLUICE_INLINE uint32_t *wide_write(uint32_t *out, uint64_t bits, uint32_t base) {
  int count = __builtin_popcountll(bits);
  __m512i packed = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(places));
  __m512i from = _mm512_set1_epi32((int)base);
#define WIDE_STORE(part)                                                                              \
  _mm512_storeu_si512(out + 16 * (part),                                                              \
                      _mm512_add_epi32(_mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, part)), from))
  WIDE_STORE(0);
  if (count > 16) {
    WIDE_STORE(1);
    if (SLUICE_UNLIKELY(count > 32)) {
      WIDE_STORE(2);
      WIDE_STORE(3);
    }
  }
#undef WIDE_STORE
  return out + count;
}

/// A block of ASCII is right unless the bytes before it ended inside a sequence.
AVX512 SLUICE_INLINE int wide_utf8(__m512i b, const uint8_t *p, const uint8_t *bytes, size_t base) {
  if (_mm512_movepi8_mask(b) == 0) {
    if (base == 0) return 0;
    uint32_t last;
    memcpy(&last, bytes + base - 4, 4);
    if ((last & 0x80808000) == 0) return 0;
  }
  return sluice_utf8_block_avx2(p, bytes, base);
}

#define WIDE_LOAD(p, m)                  \
  __m512i b = _mm512_loadu_si512(p);     \
  wide_masks(b, &m)
#define WIDE_ESCAPES(p, e, legal, unit)  \
  legal = wide_legal(b);                 \
  unit = (e) & wide_equal(b, 'u')
#define WIDE_UTF8(state, bytes, p, base) wide_utf8(b, p, bytes, base)

SLUICE_DEFINE_SCAN(sluice_scan_avx512, AVX512, WIDE_LOAD, wide_parity, WIDE_ESCAPES, WIDE_UTF8, wide_write)
#endif
