#pragma once
// SIMD help for the HTTP/1.1 head parser and the SSE line splitter: finds the bytes that matter, judges nothing.
#include <stddef.h>
#include <stdint.h>

/// What 64 bytes of a head hold: bit i of each word speaks of byte i of the block.
struct cscan_http_marks {
  /// Line feeds that follow a carriage return, and those that do not (which are in `bad` too).
  uint64_t line_feeds;
  /// Colons.
  uint64_t colons;
  /// Bytes from 0x80 up.
  uint64_t high;
};

/// How far a head was looked at.
struct cscan_http_scan {
  /// Bytes up to and including the blank line that ends the head; 0 when it was not seen.
  size_t head_bytes;
  /// Offset of the first byte that no head may hold (a control byte other than HTAB, DEL, a carriage return or a
  /// line feed that is not one half of CRLF); PTRDIFF_MAX when there is none before the end of the head.
  size_t bad_offset;
};

/// Looks at `bytes[from..<count]` and fills one `marks` entry per 64-byte block (entry 0 is the block at offset 0).
/// - from: a multiple of 64. Blocks before it are not looked at and their marks are left alone.
/// - marks: room for (count + 63) / 64 entries.
/// Stops at the block that holds the blank line or the first bad byte. Reads nothing at or past `count`.
struct cscan_http_scan cscan_http_mark(
    const uint8_t *bytes, size_t from, size_t count, struct cscan_http_marks *marks);

/// The same by one given kernel, for tests that compare them: 0 portable, 1 SSE2, 2 AVX2.
/// A kernel that this processor lacks falls back to the portable one.
struct cscan_http_scan cscan_http_mark_with(
    int kernel, const uint8_t *bytes, size_t from, size_t count, struct cscan_http_marks *marks);

/// Offset of the first CR or LF in `bytes[from..<count]`, or `count` when there is none.
size_t cscan_http_line_end(const uint8_t *bytes, size_t from, size_t count);

extern const uint8_t cscan_http_token_table[256];

/// Whether `byte` may stand in a field name or a method (tchar, RFC 9110 section 5.6.2).
static inline int cscan_http_is_token(uint8_t byte) { return cscan_http_token_table[byte]; }

/// What a byte is in the path of a request target (RFC 3986 section 3.3).
enum {
  CSCAN_HTTP_TARGET_REFUSED = 0,
  CSCAN_HTTP_TARGET_PLAIN = 1,
  CSCAN_HTTP_TARGET_SLASH = 2,
  CSCAN_HTTP_TARGET_PERCENT = 3,
  CSCAN_HTTP_TARGET_QUERY = 4,
};
extern const uint8_t cscan_http_target_table[256];

static inline uint8_t cscan_http_target_class(uint8_t byte) { return cscan_http_target_table[byte]; }
