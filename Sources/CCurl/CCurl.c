#include "CCurl.h"

// The checking macros of curl.h call the functions by name, which would link the library.
#define CURL_DISABLE_TYPECHECK 1
#include <curl/curl.h>
#include <dlfcn.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#undef curl_easy_setopt
#undef curl_easy_getinfo

static struct {
  CURLcode (*global_init)(long);
  CURL *(*easy_init)(void);
  void (*easy_cleanup)(CURL *);
  CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
  CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
  CURLcode (*easy_perform)(CURL *);
  CURLcode (*easy_send)(CURL *, const void *, size_t, size_t *);
  CURLcode (*easy_recv)(CURL *, void *, size_t, size_t *);
  const char *(*easy_strerror)(CURLcode);
  struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
  void (*slist_free_all)(struct curl_slist *);
} curl;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char load_error[256];

static void load(void) {
  void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    snprintf(load_error, sizeof load_error, "libcurl cannot be loaded (Debian package libcurl4): %s", dlerror());
    return;
  }
#define FIND(field, name)                                                               \
  if (!(*(void **)&curl.field = dlsym(library, name))) {                                \
    snprintf(load_error, sizeof load_error, "libcurl has no %s", name);                 \
    return;                                                                             \
  }
  FIND(global_init, "curl_global_init")
  FIND(easy_init, "curl_easy_init")
  FIND(easy_cleanup, "curl_easy_cleanup")
  FIND(easy_setopt, "curl_easy_setopt")
  FIND(easy_getinfo, "curl_easy_getinfo")
  FIND(easy_perform, "curl_easy_perform")
  FIND(easy_send, "curl_easy_send")
  FIND(easy_recv, "curl_easy_recv")
  FIND(easy_strerror, "curl_easy_strerror")
  FIND(slist_append, "curl_slist_append")
  FIND(slist_free_all, "curl_slist_free_all")
#undef FIND
  if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    snprintf(load_error, sizeof load_error, "libcurl cannot be initialised");
}

int curl_load(char *error) {
  pthread_once(&once, load);
  if (load_error[0] == 0) return 1;
  snprintf(error, 256, "%s", load_error);
  return 0;
}

// A buffer that grows up to a bound.
typedef struct {
  char *bytes;
  size_t count;
  size_t limit;
  int overflowed;
} sink;

static size_t collect(char *bytes, size_t size, size_t count, void *context) {
  sink *target = context;
  size_t more = size * count;
  if (more > target->limit - target->count) {
    target->overflowed = 1;
    return 0;
  }
  char *larger = realloc(target->bytes, target->count + more + 1);
  if (!larger) return 0;
  target->bytes = larger;
  memcpy(larger + target->count, bytes, more);
  target->count += more;
  larger[target->count] = 0;
  return more;
}

static void explain(char *error, CURLcode code, const char *detail) {
  snprintf(error, 256, "%s", detail && detail[0] ? detail : curl.easy_strerror(code));
}

// libcurl takes a copy. A build that cannot says so, and the transfer fails.
static CURLcode set_pem(CURL *handle, CURLoption option, curl_pem pem) {
  struct curl_blob blob = {.data = (void *)pem.bytes, .len = pem.count, .flags = CURL_BLOB_COPY};
  return curl.easy_setopt(handle, option, &blob);
}

// What every transfer has in common: no signals, no other protocols, no redirects, verified peers.
static CURLcode set_common(CURL *handle, const char *url, curl_pem authorities, long connect_milliseconds, char *detail) {
  CURLcode code = CURLE_OK;
#define SET(option, value) \
  if (code == CURLE_OK) code = curl.easy_setopt(handle, option, value)
  SET(CURLOPT_ERRORBUFFER, detail);
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_URL, url);
  SET(CURLOPT_PROTOCOLS_STR, "http,https");
  SET(CURLOPT_FOLLOWLOCATION, 0L);
  SET(CURLOPT_CONNECTTIMEOUT_MS, connect_milliseconds);
  SET(CURLOPT_SSL_VERIFYPEER, 1L);
  SET(CURLOPT_SSL_VERIFYHOST, 2L);
  SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  if (authorities.bytes) {
    // "Instead of the system's": the folder of those is looked into beside any list, unless there is none.
    SET(CURLOPT_CAPATH, NULL);
    if (code == CURLE_OK) code = set_pem(handle, CURLOPT_CAINFO_BLOB, authorities);
  }
  return code;
}

// A body that is handed on as it comes.
typedef struct {
  const curl_request *request;
  const sink *fields;
} relay;

static size_t hand_on(char *bytes, size_t size, size_t count, void *context) {
  const relay *target = context;
  const curl_request *request = target->request;
  int goes_on = request->take(
      request->context, target->fields->bytes, target->fields->count, bytes, size * count);
  return goes_on ? size * count : 0;
}

static int ask_whether_over(
    void *context, curl_off_t total, curl_off_t now, curl_off_t upload_total, curl_off_t upload_now) {
  (void)total, (void)now, (void)upload_total, (void)upload_now;
  const relay *target = context;
  return target->request->is_over(target->request->context);
}

int curl_exchange(const curl_request *request, curl_answer *answer) {
  memset(answer, 0, sizeof *answer);
  if (!curl_load(answer->error)) return 0;
  CURL *handle = curl.easy_init();
  if (!handle) {
    snprintf(answer->error, sizeof answer->error, "out of memory");
    return 0;
  }
  char detail[CURL_ERROR_SIZE] = "";
  sink body = {.limit = request->answer_bytes_max};
  sink fields = {.limit = 64 << 10};
  struct curl_slist *lines = NULL;
  CURLcode code = set_common(handle, request->url, request->authorities, request->connect_milliseconds, detail);
  // No "Expect: 100-continue" for small bodies: some receivers never answer it.
  lines = curl.slist_append(lines, "Expect:");
  for (size_t index = 0; lines && index < request->field_count; index++) {
    struct curl_slist *longer = curl.slist_append(lines, request->fields[index]);
    if (!longer) {
      curl.slist_free_all(lines);
      lines = NULL;
      break;
    }
    lines = longer;
  }
  if (!lines) code = CURLE_OUT_OF_MEMORY;
  SET(CURLOPT_HTTPHEADER, lines);
  SET(CURLOPT_TIMEOUT_MS, request->total_milliseconds);
  relay target = {.request = request, .fields = &fields};
  if (request->take) {
    SET(CURLOPT_WRITEFUNCTION, hand_on);
    SET(CURLOPT_WRITEDATA, &target);
  } else {
    SET(CURLOPT_WRITEFUNCTION, collect);
    SET(CURLOPT_WRITEDATA, &body);
  }
  if (request->is_over) {
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, ask_whether_over);
    SET(CURLOPT_XFERINFODATA, &target);
  }
  SET(CURLOPT_HEADERFUNCTION, collect);
  SET(CURLOPT_HEADERDATA, &fields);
  if (request->body) {
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_count);
    SET(CURLOPT_POSTFIELDS, request->body);
  }
  SET(CURLOPT_CUSTOMREQUEST, request->method);
  if (code == CURLE_OK) code = curl.easy_perform(handle);
  if (code == CURLE_OK) code = curl.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer->status);
  if (code != CURLE_OK) {
    explain(answer->error, code, body.overflowed || fields.overflowed ? "the answer is too long" : detail);
    free(body.bytes);
    free(fields.bytes);
  } else {
    answer->body = body.bytes;
    answer->body_count = body.count;
    answer->fields = fields.bytes;
    answer->field_count = fields.count;
  }
  curl.easy_cleanup(handle);
  curl.slist_free_all(lines);
  return code == CURLE_OK;
}

void curl_answer_free(curl_answer *answer) {
  free(answer->body);
  free(answer->fields);
  answer->body = NULL;
  answer->fields = NULL;
}

struct curl_stream {
  CURL *handle;
  int descriptor;
  char detail[CURL_ERROR_SIZE];
};

curl_stream *curl_stream_open(
    const char *url, curl_pem authorities, curl_pem certificate, curl_pem key, long connect_milliseconds, char *error) {
  if (!curl_load(error)) return NULL;
  curl_stream *stream = calloc(1, sizeof *stream);
  CURL *handle = stream ? curl.easy_init() : NULL;
  if (!handle) {
    snprintf(error, 256, "out of memory");
    free(stream);
    return NULL;
  }
  stream->handle = handle;
  CURLcode code = set_common(handle, url, authorities, connect_milliseconds, stream->detail);
  SET(CURLOPT_CONNECT_ONLY, 1L);
  SET(CURLOPT_TIMEOUT_MS, connect_milliseconds);
  SET(CURLOPT_TCP_KEEPALIVE, 1L);
  // Streams carry no HTTP: what is negotiated must not be HTTP/2.
  SET(CURLOPT_SSL_ENABLE_ALPN, 0L);
  if (certificate.bytes && code == CURLE_OK) code = set_pem(handle, CURLOPT_SSLCERT_BLOB, certificate);
  if (key.bytes && code == CURLE_OK) code = set_pem(handle, CURLOPT_SSLKEY_BLOB, key);
  if (code == CURLE_OK) code = curl.easy_perform(handle);
  curl_socket_t descriptor = CURL_SOCKET_BAD;
  if (code == CURLE_OK) code = curl.easy_getinfo(handle, CURLINFO_ACTIVESOCKET, &descriptor);
  if (code != CURLE_OK || descriptor == CURL_SOCKET_BAD) {
    explain(error, code, stream->detail);
    curl_stream_close(stream);
    return NULL;
  }
  stream->descriptor = (int)descriptor;
  return stream;
}

// Waits until the socket is ready; 1 when it is, 0 after the time, -1 on failure.
static int await(curl_stream *stream, short events, long milliseconds) {
  struct pollfd poll_entry = {.fd = stream->descriptor, .events = events};
  int ready = poll(&poll_entry, 1, (int)milliseconds);
  return ready > 0 ? 1 : ready;
}

long curl_stream_send(curl_stream *stream, const void *bytes, size_t count, long milliseconds, char *error) {
  for (;;) {
    size_t sent = 0;
    CURLcode code = curl.easy_send(stream->handle, bytes, count, &sent);
    if (code == CURLE_OK) return (long)sent;
    if (code != CURLE_AGAIN) {
      explain(error, code, stream->detail);
      return -1;
    }
    int ready = await(stream, POLLOUT, milliseconds);
    if (ready == 0) return 0;
    if (ready < 0) {
      snprintf(error, 256, "poll failed");
      return -1;
    }
  }
}

long curl_stream_receive(curl_stream *stream, void *bytes, size_t count, long milliseconds, char *error) {
  for (;;) {
    size_t received = 0;
    CURLcode code = curl.easy_recv(stream->handle, bytes, count, &received);
    if (code == CURLE_OK) return (long)received;
    if (code != CURLE_AGAIN) {
      explain(error, code, stream->detail);
      return -1;
    }
    int ready = await(stream, POLLIN, milliseconds);
    if (ready == 0) return -2;
    if (ready < 0) {
      snprintf(error, 256, "poll failed");
      return -1;
    }
  }
}

long curl_stream_unacknowledged(curl_stream *stream) {
  int waiting = 0;
  return ioctl(stream->descriptor, SIOCOUTQ, &waiting) < 0 ? -1 : waiting;
}

void curl_stream_close(curl_stream *stream) {
  if (!stream) return;
  curl.easy_cleanup(stream->handle);
  free(stream);
}
