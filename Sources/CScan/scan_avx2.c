#include "drive.h"

#if defined(__x86_64__)
#include <immintrin.h>

// AVX2: two loads of 32 bytes per block. Classes by table look-up on the low nibble (one shuffle instead of four
// compares), string bodies by carry-less multiplication, UTF-8 by the three-table method of Keiser and Lemire,
// "Validating UTF-8 in less than one instruction per byte", Software: Practice and Experience 51 (2021).

#define AVX2 __attribute__((target("avx2,pclmul,bmi,bmi2,lzcnt,popcnt")))

typedef struct { __m256i low, high; } avx_block;

AVX2 SLUICE_INLINE uint64_t avx_bits(__m256i low, __m256i high) {
  return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

AVX2 SLUICE_INLINE uint64_t avx_equal(const avx_block *b, char byte) {
  __m256i wanted = _mm256_set1_epi8(byte);
  return avx_bits(_mm256_cmpeq_epi8(b->low, wanted), _mm256_cmpeq_epi8(b->high, wanted));
}

AVX2 SLUICE_INLINE __m256i avx_table(const uint8_t table[16]) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table));
}

// Indexed by low nibble: the one character of the class with that nibble, or one that cannot match there.
static const uint8_t structural_table[16] = {
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, ':', '{', ',', '}', 255, 0};
static const uint8_t space_table[16] = {
  ' ', 255, 255, 255, 255, 255, 255, 255, 255, '\t', '\n', 255, 255, '\r', 255, 0};

AVX2 SLUICE_INLINE void avx_masks(const avx_block *b, block_masks *m) {
  __m256i structural = avx_table(structural_table), space = avx_table(space_table);
  __m256i fold = _mm256_set1_epi8(0x20), limit = _mm256_set1_epi8(0x1F);
  m->quote = avx_equal(b, '"');
  m->backslash = avx_equal(b, '\\');
  m->apostrophe = avx_equal(b, '\'');
  m->structural = avx_bits(
    _mm256_cmpeq_epi8(_mm256_shuffle_epi8(structural, b->low), _mm256_or_si256(b->low, fold)),
    _mm256_cmpeq_epi8(_mm256_shuffle_epi8(structural, b->high), _mm256_or_si256(b->high, fold)));
  m->space = avx_bits(
    _mm256_cmpeq_epi8(_mm256_shuffle_epi8(space, b->low), b->low),
    _mm256_cmpeq_epi8(_mm256_shuffle_epi8(space, b->high), b->high));
  m->control = avx_bits(
    _mm256_cmpeq_epi8(_mm256_min_epu8(b->low, limit), b->low),
    _mm256_cmpeq_epi8(_mm256_min_epu8(b->high, limit), b->high));
  m->structural &= ~m->control;  // 0x0C and 0x1A fold to , and :
}

AVX2 SLUICE_INLINE uint64_t avx_parity(uint64_t bits) {
  __m128i all = _mm_set1_epi8((char)0xFF);
  return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), all, 0));
}

// Of the bytes that may follow a backslash, " / \ b f n r t u: high nibble 2, 5, 6, 7 each get a bit, and the low
// nibbles say for which of them they complete a legal one.
static const uint8_t escape_high[16] = {0, 0, 1, 0, 0, 2, 4, 8};
static const uint8_t escape_low[16] = {[2] = 1 | 4 | 8, [4] = 8, [5] = 8, [6] = 4, [12] = 2, [14] = 4, [15] = 1};

AVX2 SLUICE_INLINE __m256i avx_legal(__m256i bytes) {
  __m256i nibble = _mm256_set1_epi8(0x0F);
  __m256i high = _mm256_shuffle_epi8(avx_table(escape_high), _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble));
  __m256i low = _mm256_shuffle_epi8(avx_table(escape_low), _mm256_and_si256(bytes, nibble));
  return _mm256_cmpeq_epi8(_mm256_and_si256(high, low), _mm256_setzero_si256());
}

// The errors a pair of neighbouring bytes can show, one bit each.
enum {
  too_short = 1 << 0,       // a lead byte without its continuation
  too_long = 1 << 1,        // a continuation after ASCII
  overlong_3 = 1 << 2,      // E0 80…9F
  too_large = 1 << 3,       // F4 90… and F5…
  surrogate = 1 << 4,       // ED A0…BF
  overlong_2 = 1 << 5,      // C0, C1
  too_large_1000 = 1 << 6,  // F5… 8x
  overlong_4 = 1 << 6,      // F0 80…8F
  two_continuations = 1 << 7,
  carry = too_short | too_long | two_continuations,
};

static const uint8_t first_high[16] = {
  too_long, too_long, too_long, too_long, too_long, too_long, too_long, too_long,
  two_continuations, two_continuations, two_continuations, two_continuations,
  too_short | overlong_2, too_short, too_short | overlong_3 | surrogate,
  too_short | too_large | too_large_1000 | overlong_4};
static const uint8_t first_low[16] = {
  carry | overlong_3 | overlong_2 | overlong_4, carry | overlong_2, carry, carry, carry | too_large,
  carry | too_large | too_large_1000, carry | too_large | too_large_1000, carry | too_large | too_large_1000,
  carry | too_large | too_large_1000, carry | too_large | too_large_1000, carry | too_large | too_large_1000,
  carry | too_large | too_large_1000, carry | too_large | too_large_1000,
  carry | too_large | too_large_1000 | surrogate,
  carry | too_large | too_large_1000, carry | too_large | too_large_1000};
static const uint8_t second_high[16] = {
  too_short, too_short, too_short, too_short, too_short, too_short, too_short, too_short,
  too_long | overlong_2 | two_continuations | overlong_3 | too_large_1000 | overlong_4,
  too_long | overlong_2 | two_continuations | overlong_3 | too_large,
  too_long | overlong_2 | two_continuations | surrogate | too_large,
  too_long | overlong_2 | two_continuations | surrogate | too_large,
  too_short, too_short, too_short, too_short};

/// The 32 bytes that end `back` bytes before the end of `now`, given the 32 before it.
#define AVX_PREVIOUS(now, before, back) \
  _mm256_alignr_epi8(now, _mm256_permute2x128_si256(before, now, 0x21), 16 - (back))

AVX2 SLUICE_INLINE __m256i avx_utf8(__m256i now, __m256i before) {
  __m256i nibble = _mm256_set1_epi8(0x0F);
  __m256i one = AVX_PREVIOUS(now, before, 1);
  __m256i pair = _mm256_and_si256(
    _mm256_and_si256(
      _mm256_shuffle_epi8(avx_table(first_high), _mm256_and_si256(_mm256_srli_epi16(one, 4), nibble)),
      _mm256_shuffle_epi8(avx_table(first_low), _mm256_and_si256(one, nibble))),
    _mm256_shuffle_epi8(avx_table(second_high), _mm256_and_si256(_mm256_srli_epi16(now, 4), nibble)));
  // Third and fourth bytes must be continuations, which shows as two_continuations, and nothing else may.
  __m256i third = _mm256_subs_epu8(AVX_PREVIOUS(now, before, 2), _mm256_set1_epi8((char)(0xE0 - 0x80)));
  __m256i fourth = _mm256_subs_epu8(AVX_PREVIOUS(now, before, 3), _mm256_set1_epi8((char)(0xF0 - 0x80)));
  __m256i due = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
  return _mm256_xor_si256(due, pair);
}

/// A block of ASCII is right unless the bytes before it ended inside a sequence.
AVX2 SLUICE_INLINE int avx_utf8_block(const avx_block *b, const uint8_t *bytes, size_t base) {
  if (__builtin_expect(_mm256_movemask_epi8(_mm256_or_si256(b->low, b->high)) == 0, 1)) {
    if (base == 0) return 0;
    uint32_t last;
    memcpy(&last, bytes + base - 4, 4);
    // Bytes at -3, -2, -1: too big for what may still follow.
    return (last & 0x80808000) != 0 &&
           ((last >> 8 & 0xFF) >= 0xF0 || (last >> 16 & 0xFF) >= 0xE0 || (last >> 24) >= 0xC0);
  }
  __m256i before = base == 0 ? _mm256_setzero_si256() : _mm256_loadu_si256((const __m256i *)(bytes + base - 32));
  __m256i error = _mm256_or_si256(avx_utf8(b->low, before), avx_utf8(b->high, b->low));
  // A byte that starts no sequence shows in the pair with the next one. The block's last byte must not wait for that: all
  // kernels refuse in the same block, so that they let stage two see the same tokens.
  uint8_t last = (uint8_t)_mm256_extract_epi8(b->high, 31);
  return !_mm256_testz_si256(error, error) || last >= 0xF5 || (last & 0xFE) == 0xC0;
}

AVX2 int sluice_utf8_block_avx2(const uint8_t *p, const uint8_t *bytes, size_t base) {
  avx_block b = {_mm256_loadu_si256((const __m256i *)p), _mm256_loadu_si256((const __m256i *)(p + 32))};
  return avx_utf8_block(&b, bytes, base);
}

#define AVX_LOAD(p, m)                                          \
  avx_block b = {_mm256_loadu_si256((const __m256i *)(p)),      \
                 _mm256_loadu_si256((const __m256i *)(p + 32))}; \
  avx_masks(&b, &m)
#define AVX_ESCAPES(p, e, legal, unit)                      \
  legal = ~avx_bits(avx_legal(b.low), avx_legal(b.high));   \
  unit = (e) & avx_equal(&b, 'u')
#define AVX_UTF8(state, bytes, p, base) avx_utf8_block(&b, bytes, base)

// TZCNT knows what to say of no bits at all: one operation less per token.
SLUICE_DEFINE_WRITE(avx_write, AVX2, _tzcnt_u64)
SLUICE_DEFINE_SCAN(sluice_scan_avx2, AVX2, AVX_LOAD, avx_parity, AVX_ESCAPES, AVX_UTF8, avx_write)
#endif
