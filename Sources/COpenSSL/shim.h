#pragma once
/* No _GNU_SOURCE here: under it glibc's types (fd_set) differ from those Swift knows. */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <openssl/hmac.h>

/*
 * SHA-256 of one piece of memory, without allocating.
 *
 * OpenSSL 3.0's EVP interface frees and allocates the algorithm's state at every EVP_DigestInit_ex2 (and at every
 * EVP_MD_CTX_copy_ex), even with a fetched algorithm and a context that is used again. On the path of every request that
 * is one malloc too many, so this uses the older interface, with its state on the stack. It is marked as deprecated
 * since 3.0 and runs the same code underneath. Returns 1 on success.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static inline int sluice_sha256(const void *bytes, size_t count, unsigned char digest[32]) {
  SHA256_CTX state;
  return SHA256_Init(&state) && SHA256_Update(&state, bytes, count) && SHA256_Final(digest, &state);
}
#pragma GCC diagnostic pop

/* HMAC-SHA256 (RFC 2104); 1 on success. */
static inline int sluice_hmac_sha256(
    const void *key, size_t key_count, const void *bytes, size_t count, unsigned char code[32]) {
  unsigned int length = 32;
  return HMAC(EVP_sha256(), key ? key : "", (int)key_count, (const unsigned char *)bytes, count, code, &length) != NULL;
}
