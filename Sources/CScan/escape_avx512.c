#include "block.h"

#if defined(__x86_64__)
#include <immintrin.h>

// Unescaping and escaping with AVX-512 byte compression. Text with JSON in it has a quote every few bytes, and looking for
// the next one again and again costs more than the bytes do. Here a block is done in one go however many there are:
//
//   unescape   {\"a\":1}      escaping backslashes are dropped by compressing the rest:        {"a":1}
//   escape     {"a":1}        each byte gets a backslash before it, the needless ones dropped:   {\"a\":1}

#define AVX512 \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,avx2,pclmul,bmi,bmi2,lzcnt,popcnt")))

SLUICE_INLINE uint64_t low_bits(size_t count) { return count >= 64 ? ~0ULL : (1ULL << count) - 1; }

/// The backslashes that escape what follows them: every other one of a run, from its first. Adding its first bit to a run
/// clears it, which tells the runs that start at even places from the others.
SLUICE_INLINE uint64_t escaping_backslashes(uint64_t backslash) {
  const uint64_t even = 0x5555555555555555ULL;
  uint64_t start = backslash & ~(backslash << 1);
  uint64_t even_runs = backslash & ~(backslash + (start & even));
  uint64_t odd_runs = backslash & ~(backslash + (start & ~even));
  return (even_runs & even) | (odd_runs & ~even);
}

/// The bytes of `b` in `letters`, escapes of control characters, as the characters they stand for.
AVX512 SLUICE_INLINE __m512i wide_control(__m512i b, uint64_t letters) {
  static const char code[5] = {'n', 't', 'r', 'b', 'f'}, meaning[5] = {'\n', '\t', '\r', '\b', '\f'};
  __m512i result = b;
  for (int i = 0; i < 5; i++) {
    __mmask64 these = _mm512_mask_cmpeq_epi8_mask(letters, b, _mm512_set1_epi8(code[i]));
    result = _mm512_mask_mov_epi8(result, these, _mm512_set1_epi8(meaning[i]));
  }
  return result;
}

AVX512 size_t sluice_unescape_avx512(const uint8_t *from, size_t count, uint8_t *into) {
  const uint8_t *end = from + count;
  uint8_t *start = into;
  while (from < end) {
    size_t size = (size_t)(end - from) < 64 ? (size_t)(end - from) : 64;
    __m512i b = _mm512_maskz_loadu_epi8(low_bits(size), from);
    uint64_t backslash = _mm512_cmpeq_epi8_mask(b, _mm512_set1_epi8('\\'));
    uint64_t keep = low_bits(size);
    if (backslash != 0) {
      uint64_t escaping = escaping_backslashes(backslash);
      uint64_t escaped = escaping << 1;
      uint64_t unit = escaped & _mm512_cmpeq_epi8_mask(b, _mm512_set1_epi8('u'));
      if (unit != 0) {
        // Up to the backslash of the first \u; that one by itself.
        size = (size_t)__builtin_ctzll(unit) - 1;
        if (size == 0) {
          size_t written;
          from += sluice_unescape_one(from, (size_t)(end - from), into, &written);
          into += written;
          continue;
        }
      } else if (escaping >> (size - 1) & 1) {
        // The byte it escapes is in the next block.
        size -= 1;
        if (size == 0) break;  // cannot be in a valid string
      }
      keep = low_bits(size) & ~escaping;
      uint64_t letters = escaped & low_bits(size) & _mm512_cmpge_epu8_mask(b, _mm512_set1_epi8('b'));
      if (letters != 0) b = wide_control(b, letters);
      b = _mm512_maskz_compress_epi8(keep, b);
    }
    size_t written = (size_t)__builtin_popcountll(keep);
    // Never more is written than was read, so a whole block has room where a whole block is left.
    if (end - from >= 64) {
      _mm512_storeu_si512(into, b);
    } else {
      _mm512_mask_storeu_epi8(into, low_bits(written), b);
    }
    from += size;
    into += written;
  }
  return (size_t)(into - start);
}

AVX512 ptrdiff_t sluice_escape_avx512(const uint8_t *from, size_t count, uint8_t *into, size_t room) {
  static const char hex[] = "0123456789abcdef";
  const uint8_t *end = from + count;
  uint8_t *start = into, *limit = into + room;
  while (from < end) {
    size_t size = (size_t)(end - from) < 32 ? (size_t)(end - from) : 32;
    uint32_t all = (uint32_t)low_bits(size);
    __m256i b = _mm256_maskz_loadu_epi8(all, from);
    uint32_t control = all & _mm256_cmplt_epu8_mask(b, _mm256_set1_epi8(0x20));
    uint32_t special = _mm256_cmpeq_epi8_mask(b, _mm256_set1_epi8('"')) |
                       _mm256_cmpeq_epi8_mask(b, _mm256_set1_epi8('\\'));
    if (SLUICE_UNLIKELY(control != 0)) {
      static const char code[5] = {'n', 't', 'r', 'b', 'f'}, meaning[5] = {'\n', '\t', '\r', '\b', '\f'};
      __m256i raw = b;
      for (int i = 0; i < 5; i++) {
        __mmask32 these = _mm256_mask_cmpeq_epi8_mask(control, raw, _mm256_set1_epi8(meaning[i]));
        b = _mm256_mask_mov_epi8(b, these, _mm256_set1_epi8(code[i]));
        special |= these;
      }
      uint32_t other = control & ~special;
      if (other != 0) {
        // Up to the first that has no short form; that one by itself.
        size = (size_t)__builtin_ctz(other);
        if (size == 0) {
          if (limit - into < 6) return -1;
          uint8_t byte = *from++;
          memcpy(into, "\\u00", 4);
          into[4] = (uint8_t)hex[byte >> 4];
          into[5] = (uint8_t)hex[byte & 15];
          into += 6;
          continue;
        }
      }
    }
    // Backslash and byte, thirty-two times; the even places are kept only before special bytes.
    __m512i pairs = _mm512_or_si512(_mm512_slli_epi16(_mm512_cvtepu8_epi16(b), 8), _mm512_set1_epi16('\\'));
    uint64_t keep = (_pdep_u64(special, 0x5555555555555555ULL) | 0xAAAAAAAAAAAAAAAAULL) & low_bits(2 * size);
    size_t written = (size_t)__builtin_popcountll(keep);
    if ((size_t)(limit - into) < written) return -1;
    __m512i packed = _mm512_maskz_compress_epi8(keep, pairs);
    if (limit - into >= 64) {
      _mm512_storeu_si512(into, packed);
    } else {
      _mm512_mask_storeu_epi8(into, low_bits(written), packed);
    }
    from += size;
    into += written;
  }
  return into - start;
}
#endif
