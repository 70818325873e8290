#include <string.h>

#include "CScan.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// Unescaping and escaping of JSON strings: sixteen bytes at a time while nothing needs care.
//
// Example:  caf\u00e9 \ud83d\ude00 \"x\"   <->   café 😀 "x"

static unsigned hex_value(const uint8_t *at) {
  unsigned unit = 0;
  for (int i = 0; i < 4; i++) {
    unsigned byte = at[i];
    unit = unit << 4 | (byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);
  }
  return unit;
}

static uint8_t *put_scalar(uint8_t *into, unsigned scalar) {
  if (scalar < 0x80) {
    *into++ = (uint8_t)scalar;
  } else if (scalar < 0x800) {
    *into++ = (uint8_t)(0xC0 | scalar >> 6);
    *into++ = (uint8_t)(0x80 | (scalar & 0x3F));
  } else if (scalar < 0x10000) {
    *into++ = (uint8_t)(0xE0 | scalar >> 12);
    *into++ = (uint8_t)(0x80 | (scalar >> 6 & 0x3F));
    *into++ = (uint8_t)(0x80 | (scalar & 0x3F));
  } else {
    *into++ = (uint8_t)(0xF0 | scalar >> 18);
    *into++ = (uint8_t)(0x80 | (scalar >> 12 & 0x3F));
    *into++ = (uint8_t)(0x80 | (scalar >> 6 & 0x3F));
    *into++ = (uint8_t)(0x80 | (scalar & 0x3F));
  }
  return into;
}

size_t sluice_unescape_one(const uint8_t *from, size_t count, uint8_t *into, size_t *written) {
  *written = 0;
  if (count < 2) return count;  // cannot be in a valid string
  *written = 1;
  switch (from[1]) {
    case 'b': *into = '\b'; return 2;
    case 'f': *into = '\f'; return 2;
    case 'n': *into = '\n'; return 2;
    case 'r': *into = '\r'; return 2;
    case 't': *into = '\t'; return 2;
    default: *into = from[1]; return 2;  // " \ /
    case 'u': break;
  }
  *written = 0;
  if (count < 6) return count;
  unsigned unit = hex_value(from + 2);
  size_t consumed = 6;
  if ((unit & 0xFC00) == 0xD800 && count >= 12) {
    unit = 0x10000 + ((unit & 0x3FF) << 10) + (hex_value(from + 8) & 0x3FF);
    consumed = 12;
  }
  *written = (size_t)(put_scalar(into, unit) - into);
  return consumed;
}

#if defined(__x86_64__)
size_t sluice_unescape_avx512(const uint8_t *from, size_t count, uint8_t *into);
ptrdiff_t sluice_escape_avx512(const uint8_t *from, size_t count, uint8_t *into, size_t room);

/// Whether the processor runs the wide forms; found out before main.
static int is_wide;
__attribute__((constructor)) static void choose(void) {
  __builtin_cpu_init();
  is_wide = sluice_scan_kernel_runs(sluice_scan_kernel_avx512);
}
#endif

size_t sluice_unescape(const uint8_t *from, size_t count, uint8_t *into) {
#if defined(__x86_64__)
  if (is_wide) return sluice_unescape_avx512(from, count, into);
#endif
  return sluice_unescape_basic(from, count, into);
}

ptrdiff_t sluice_escape(const uint8_t *from, size_t count, uint8_t *into, size_t room) {
#if defined(__x86_64__)
  if (is_wide) return sluice_escape_avx512(from, count, into, room);
#endif
  return sluice_escape_basic(from, count, into, room);
}

size_t sluice_unescape_basic(const uint8_t *from, size_t count, uint8_t *into) {
  const uint8_t *end = from + count;
  uint8_t *start = into, *room = into + count;
  while (from < end) {
#if defined(__SSE2__)
    while (end - from >= 16 && room - into >= 16) {
      __m128i block = _mm_loadu_si128((const __m128i *)from);
      _mm_storeu_si128((__m128i *)into, block);
      int hit = _mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
      int clean = hit == 0 ? 16 : __builtin_ctz((unsigned)hit);
      from += clean;
      into += clean;
      if (hit != 0) break;
    }
    if (from == end) break;
#endif
    if (*from != '\\') {
      *into++ = *from++;
      continue;
    }
    size_t written;
    from += sluice_unescape_one(from, (size_t)(end - from), into, &written);
    into += written;
  }
  return (size_t)(into - start);
}

ptrdiff_t sluice_escape_basic(const uint8_t *from, size_t count, uint8_t *into, size_t room) {
  static const char hex[] = "0123456789abcdef";
  const uint8_t *end = from + count;
  uint8_t *start = into, *limit = into + room;
  while (from < end) {
#if defined(__SSE2__)
    while (end - from >= 16 && limit - into >= 16) {
      __m128i block = _mm_loadu_si128((const __m128i *)from);
      _mm_storeu_si128((__m128i *)into, block);
      __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1F)), block);
      __m128i special = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')),
                                     _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
      int hit = _mm_movemask_epi8(_mm_or_si128(control, special));
      int clean = hit == 0 ? 16 : __builtin_ctz((unsigned)hit);
      from += clean;
      into += clean;
      if (hit != 0) break;
    }
    if (from == end) break;
#endif
    uint8_t byte = *from++;
    if (byte >= 0x20 && byte != '"' && byte != '\\') {
      if (limit - into < 1) return -1;
      *into++ = byte;
      continue;
    }
    uint8_t code = 0;
    switch (byte) {
      case '"': case '\\': code = byte; break;
      case '\b': code = 'b'; break;
      case '\f': code = 'f'; break;
      case '\n': code = 'n'; break;
      case '\r': code = 'r'; break;
      case '\t': code = 't'; break;
      default: break;
    }
    if (code != 0) {
      if (limit - into < 2) return -1;
      *into++ = '\\';
      *into++ = code;
    } else {
      if (limit - into < 6) return -1;
      memcpy(into, "\\u00", 4);
      into[4] = (uint8_t)hex[byte >> 4];
      into[5] = (uint8_t)hex[byte & 15];
      into += 6;
    }
  }
  return into - start;
}
