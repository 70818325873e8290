#define _GNU_SOURCE 1
#ifndef SLUICE_CCURL_H
#define SLUICE_CCURL_H

#include <stddef.h>
#include <stdint.h>

// libcurl (Debian's libcurl4), loaded when it is first needed: with its thirty libraries it would add megabytes to
// every process, and a gateway that asks no identity provider and feeds no webhook never needs it.
//
// All calls block; they are for threads of the control plane, never for a worker.

/// Certificates or a key in PEM form, borrowed for the call; `bytes` is NULL for none.
typedef struct {
  const void *bytes;
  size_t count;
} curl_pem;

/// A request of at most this life: everything is borrowed for the call.
typedef struct {
  const char *method;
  const char *url;
  /// Lines "Name: value".
  const char *const *fields;
  size_t field_count;
  const void *body;
  size_t body_count;
  /// The transfer fails when the answer's body is longer.
  size_t answer_bytes_max;
  long connect_milliseconds;
  long total_milliseconds;
  /// Certificate authorities instead of the system's.
  curl_pem authorities;
  /// When set, is given the answer's body piece by piece instead of `curl_answer.body`, with the header section as it came;
  /// returns 0 to stop. `answer_bytes_max` does not count then.
  int (*take)(void *context, const char *fields, size_t field_count, const void *bytes, size_t count);
  /// When set, is asked about once per second whether to stop; returns 1 to do so.
  int (*is_over)(void *context);
  void *context;
} curl_request;

/// What came back. `body` and `fields` are malloc'ed and freed by `curl_answer_free`.
typedef struct {
  long status;
  char *body;
  size_t body_count;
  /// The answer's header section as it came, lines ending in CRLF.
  char *fields;
  size_t field_count;
  /// Why it failed, in words; empty when it did not.
  char error[256];
} curl_answer;

/// Loads the library. Returns 1, or 0 with a reason in `error` (of at least 256 bytes).
int curl_load(char *error);

/// Sends one request and waits for the whole answer. Follows no redirects, speaks only http and https, verifies
/// certificates and names. Returns 1 with an answer of any status, or 0 with `answer->error` set.
int curl_exchange(const curl_request *request, curl_answer *answer);

void curl_answer_free(curl_answer *answer);

/// A connected stream: TCP, or TLS on top of it.
typedef struct curl_stream curl_stream;

/// Connects to `url` ("http://host:port" for TCP, "https://host:port" for TLS, verified). NULL with `error` set on failure.
/// With a certificate and its key, a peer that asks who we are is shown them.
curl_stream *curl_stream_open(
    const char *url, curl_pem authorities, curl_pem certificate, curl_pem key, long connect_milliseconds, char *error);

/// Sends up to `count` bytes, waiting up to `milliseconds` for room. Returns how many left (0 after a time-out), or -1 with
/// `error` set.
long curl_stream_send(
    curl_stream *stream, const void *bytes, size_t count, long milliseconds, char *error);

/// Receives up to `count` bytes, waiting up to `milliseconds` for the first. Returns how many came, 0 when the peer ended,
/// -2 after a time-out, or -1 with `error` set.
long curl_stream_receive(
    curl_stream *stream, void *bytes, size_t count, long milliseconds, char *error);

/// Bytes that the peer's system has not acknowledged yet, as they lie in the socket (with TLS, encrypted); -1 when unknown.
long curl_stream_unacknowledged(curl_stream *stream);

void curl_stream_close(curl_stream *stream);

#endif
