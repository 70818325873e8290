#include "include/CLLHTTP.h"

#include <string.h>

// Nothing of llhttp is kept here: its sources come from Debian's package node-llhttp. Without the package everything still
// builds, and whoever needs llhttp says so when run.
#if __has_include("/usr/share/llhttp/llhttp.c") && __has_include("/usr/share/include/llhttp/llhttp.h")

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include "/usr/share/include/llhttp/llhttp.h"
#pragma clang diagnostic pop

struct reader {
  llhttp_t parser;
  const uint8_t *start;
  struct cllhttp_request *request;
};

static void extend(struct reader *reader, struct cllhttp_range *range, const char *at, size_t length) {
  if (range->count == 0) range->offset = (uint32_t)((const uint8_t *)at - reader->start);
  range->count += (uint32_t)length;
}

static int on_url(llhttp_t *parser, const char *at, size_t length) {
  struct reader *reader = (struct reader *)parser;
  extend(reader, &reader->request->url, at, length);
  return 0;
}

static int on_name(llhttp_t *parser, const char *at, size_t length) {
  struct reader *reader = (struct reader *)parser;
  if (reader->request->has_head) return 0;  // trailers
  if (reader->request->field_count >= CLLHTTP_FIELDS_MAX) return -1;
  extend(reader, &reader->request->names[reader->request->field_count], at, length);
  return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t length) {
  struct reader *reader = (struct reader *)parser;
  if (reader->request->has_head) return 0;
  extend(reader, &reader->request->values[reader->request->field_count], at, length);
  return 0;
}

static int on_value_complete(llhttp_t *parser) {
  struct reader *reader = (struct reader *)parser;
  if (!reader->request->has_head) reader->request->field_count++;
  return 0;
}

static int on_headers_complete(llhttp_t *parser) {
  struct reader *reader = (struct reader *)parser;
  struct cllhttp_request *request = reader->request;
  request->has_head = 1;
  request->method = parser->method;
  request->minor_version = parser->http_minor;
  request->is_chunked = (parser->flags & F_CHUNKED) != 0;
  request->has_length = (parser->flags & F_CONTENT_LENGTH) != 0;
  request->content_length = parser->content_length;
  request->keep_alive = llhttp_should_keep_alive(parser);
  return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t length) {
  struct cllhttp_request *request = ((struct reader *)parser)->request;
  if (length > CLLHTTP_BODY_MAX - request->body_count) return -1;
  memcpy(request->body + request->body_count, at, length);
  request->body_count += (uint32_t)length;
  return 0;
}

static int on_message_complete(llhttp_t *parser) {
  ((struct reader *)parser)->request->is_complete = 1;
  return HPE_PAUSED;
}

static int pause_after_head(llhttp_t *parser) {
  on_headers_complete(parser);
  return HPE_PAUSED;
}

int cllhttp_is_available(void) { return 1; }

void cllhttp_read(const uint8_t *bytes, size_t count, struct cllhttp_request *request) {
  llhttp_settings_t settings;
  struct reader reader;
  memset(request, 0, offsetof(struct cllhttp_request, body));
  llhttp_settings_init(&settings);
  settings.on_url = on_url;
  settings.on_header_field = on_name;
  settings.on_header_value = on_value;
  settings.on_header_value_complete = on_value_complete;
  settings.on_headers_complete = on_headers_complete;
  settings.on_body = on_body;
  settings.on_message_complete = on_message_complete;
  llhttp_init(&reader.parser, HTTP_REQUEST, &settings);
  reader.start = bytes;
  reader.request = request;
  llhttp_errno_t error = llhttp_execute(&reader.parser, (const char *)bytes, count);
  request->error = error == HPE_PAUSED ? 0 : (int)error;
}

int cllhttp_read_head(const uint8_t *bytes, size_t count, struct cllhttp_request *request) {
  static llhttp_settings_t settings;
  struct reader reader;
  if (!settings.on_url) {
    llhttp_settings_init(&settings);
    settings.on_header_field = on_name;
    settings.on_header_value = on_value;
    settings.on_header_value_complete = on_value_complete;
    settings.on_headers_complete = pause_after_head;
    settings.on_url = on_url;
  }
  for (uint32_t index = 0; index <= request->field_count && index < CLLHTTP_FIELDS_MAX; index++)
    request->names[index].count = request->values[index].count = 0;
  request->field_count = request->url.count = 0;
  request->has_head = 0;
  llhttp_init(&reader.parser, HTTP_REQUEST, &settings);
  reader.start = bytes;
  reader.request = request;
  llhttp_errno_t error = llhttp_execute(&reader.parser, (const char *)bytes, count);
  return error == HPE_PAUSED ? 0 : (int)error;
}

int cllhttp_method_number(const uint8_t *name, size_t count) {
  for (int method = 0; method <= HTTP_SOURCE; method++) {
    const char *known = llhttp_method_name((llhttp_method_t)method);
    if (strlen(known) == count && memcmp(known, name, count) == 0) return method;
  }
  return -1;
}

#else

int cllhttp_is_available(void) { return 0; }

void cllhttp_read(const uint8_t *bytes, size_t count, struct cllhttp_request *request) {
  (void)bytes, (void)count;
  memset(request, 0, sizeof *request);
  request->error = -1;
}

int cllhttp_read_head(const uint8_t *bytes, size_t count, struct cllhttp_request *request) {
  (void)bytes, (void)count, (void)request;
  return -1;
}

int cllhttp_method_number(const uint8_t *name, size_t count) {
  (void)name, (void)count;
  return -1;
}

#endif
