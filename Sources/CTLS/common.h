// What the two halves of the shim share.
#pragma once
#include <openssl/ssl.h>

#include "CTLS.h"

// The handles are OpenSSL's own objects under other names: nothing is wrapped, so nothing must be kept in step.
static inline SSL_CTX *raw(const struct tls_context *context) { return (SSL_CTX *)context; }

struct tls_session {
  SSL *ssl;
  const uint8_t *input;
  size_t input_count;
  uint8_t *output;
  size_t output_count;
  size_t output_capacity;
  enum tls_failure failure;
};

// The BIO between OpenSSL and the session's memory; NULL without memory.
BIO *tls_bio_make(struct tls_session *session);
