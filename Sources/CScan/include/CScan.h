#pragma once
#include "CScanHTTP.h"
#include <stddef.h>
#include <stdint.h>

#include "CScanHTTP.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Stage one of the JSON reader: one pass over the bytes finds where tokens start and proves what a vector can
/// prove (UTF-8, control characters, escapes). Stage two, in Swift, walks the offsets and proves the grammar.
///
/// Example, document and offsets found:   { " a " :   [ 1 , t r u e ] }
///                                        0 1     4   6 7 8 9       13 14
/// Token starts are the six structural characters outside strings, opening quotes, and the first byte of every
/// run of other bytes (numbers, literals, rubbish). Closing quotes are not tokens.

enum {
  sluice_scan_block = 64,      ///< bytes per step; the document is cut at multiples of it from its start
  sluice_scan_lookahead = 16,  ///< bytes past a block that must be there before the block is scanned, unless final
  sluice_scan_slack = 64,      ///< entries past the last token that the kernels may overwrite in `positions`
};

/// What stage one can refuse.
enum {
  sluice_scan_error_none = 0,
  sluice_scan_error_utf8 = 1,          ///< not UTF-8 (Unicode 16, table 3-7)
  sluice_scan_error_control = 2,       ///< a byte below 0x20 inside a string
  sluice_scan_error_escape = 3,        ///< a backslash followed by something JSON does not know
  sluice_scan_error_unicode = 4,       ///< \u without four hexadecimal digits
  sluice_scan_error_surrogate = 5,     ///< half a surrogate pair
  sluice_scan_error_unterminated = 6,  ///< the document ends inside a string
};

/// The kernels, best last. Which of them can run is asked of the processor once.
enum {
  sluice_scan_kernel_portable = 0,
  sluice_scan_kernel_sse2 = 1,
  sluice_scan_kernel_avx2 = 2,
  sluice_scan_kernel_avx512 = 3,
  sluice_scan_kernel_count = 4,
};

/// Carried from one call to the next, so that a document may be scanned as it arrives. Zero it, then call
/// `sluice_scan_begin`.
typedef struct sluice_scan_state {
  uint64_t in_string;       ///< all ones when the next byte is inside a string
  uint64_t escaped;         ///< 1 when the next byte is escaped by a backslash
  uint64_t bare;            ///< 1 when the last byte was part of a number, literal or rubbish
  uint64_t scanned;         ///< bytes done; a multiple of the block size until the end
  uint64_t utf8_valid;      ///< bytes known to be whole UTF-8 sequences (kernels without byte shuffles)
  uint64_t low_surrogate;   ///< offset of the `u` that completes a pair, all ones when none is due
  uint32_t error;           ///< one of `sluice_scan_error_…`
  uint32_t error_offset;    ///< where, from the start of the document
} sluice_scan_state;

void sluice_scan_begin(sluice_scan_state *state);

/// The best kernel this processor can run.
int sluice_scan_best_kernel(void);
int sluice_scan_kernel_runs(int kernel);

/// Scans whole blocks from `state->scanned` up to `limit`; with `final` set and `limit == length` also the tail.
///
/// - bytes, length: the document as far as it is known. Nothing at or past `bytes + length` is read.
/// - limit: where to stop, at most `length`; unless `final`, at most `length - sluice_scan_lookahead`.
/// - positions: room for `limit - scanned + sluice_scan_slack` offsets.
/// - marks: one word per block of the document; a bit for every backslash and apostrophe.
/// Returns how many offsets were written. On an error (`state->error`) offsets before it were written.
size_t sluice_scan(int kernel, sluice_scan_state *state, const uint8_t *bytes, size_t length, size_t limit,
                   int final, uint32_t *positions, uint64_t *marks);

/// Offset of the first byte that breaks UTF-8 in [from, to), or `to`. A sequence cut off by `to` counts as broken at
/// its first byte.
size_t sluice_utf8_check(const uint8_t *bytes, size_t from, size_t to);

/// Unescapes the contents of a valid JSON string. `into` has room for `count` bytes (decoding never grows).
/// Returns the number of bytes written.
size_t sluice_unescape(const uint8_t *from, size_t count, uint8_t *into);

/// Unescapes the one escape (or surrogate pair) at `from` into at most four bytes. Returns how many bytes it took.
size_t sluice_unescape_one(const uint8_t *from, size_t count, uint8_t *into, size_t *written);

/// Escapes `count` bytes of UTF-8 for use inside a JSON string: only what must be escaped is. Writes at most `room`
/// bytes; returns the number written, or -1 when they do not fit.
ptrdiff_t sluice_escape(const uint8_t *from, size_t count, uint8_t *into, size_t room);

/// The same without the widest instructions: what other processors run, and what tests compare with.
size_t sluice_unescape_basic(const uint8_t *from, size_t count, uint8_t *into);
ptrdiff_t sluice_escape_basic(const uint8_t *from, size_t count, uint8_t *into, size_t room);

#ifdef __cplusplus
}
#endif
