#pragma once
// llhttp's reading of one request, flattened: what the differential fuzzer and the benchmark compare ours with.
#include <stddef.h>
#include <stdint.h>

enum { CLLHTTP_FIELDS_MAX = 160, CLLHTTP_BODY_MAX = 1 << 16 };

struct cllhttp_range {
  uint32_t offset;
  uint32_t count;
};

/// One request as llhttp reads it. Ranges count from the first byte.
struct cllhttp_request {
  /// 0 when llhttp has no complaint so far, otherwise its error code.
  int error;
  /// Whether the blank line was seen, and whether the whole message was.
  int has_head, is_complete;
  /// llhttp's number of the method.
  int method;
  int minor_version;
  int keep_alive;
  int is_chunked, has_length;
  uint64_t content_length;
  struct cllhttp_range url;
  uint32_t field_count;
  struct cllhttp_range names[CLLHTTP_FIELDS_MAX], values[CLLHTTP_FIELDS_MAX];
  /// The body without its framing, up to CLLHTTP_BODY_MAX bytes.
  uint32_t body_count;
  uint8_t body[CLLHTTP_BODY_MAX];
};

/// Whether llhttp's sources were there when this was built.
int cllhttp_is_available(void);

/// Reads one request from `bytes` (one piece) and stops behind it.
void cllhttp_read(const uint8_t *bytes, size_t count, struct cllhttp_request *request);

/// The body that was read, `body_count` bytes.
static inline const uint8_t *cllhttp_body(const struct cllhttp_request *request) {
  return request->body;
}

/// Reads one head and records its fields like `cllhttp_read`, without clearing the result first: for timing.
/// Returns llhttp's error code.
int cllhttp_read_head(const uint8_t *bytes, size_t count, struct cllhttp_request *request);

/// llhttp's number of a method given by name, -1 when it has none.
int cllhttp_method_number(const uint8_t *name, size_t count);
