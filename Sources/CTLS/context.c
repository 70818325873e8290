#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

// Forward secrecy and authenticated encryption only (RFC 9325 section 4.2); TLS 1.3 has nothing else.
static const char ciphers_1_2[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
static const char groups[] = "X25519:P-256:P-384";
// The protocol name "http/1.1" as ALPN carries it (RFC 7301).
static const unsigned char alpn[] = "\x08http/1.1";
static const unsigned alpn_count = sizeof alpn - 1;
// How long a session can be resumed, in seconds.
static const long session_seconds = 3600;

// The further certificates of a listener, chosen by the name the client asks for. They hang on the main context, which frees
// them with itself.
struct names {
  size_t count;
  SSL_CTX *contexts[];
};

static int names_index = -1;

static void free_names(void *parent, void *pointer, CRYPTO_EX_DATA *data, int index, long long_argument,
                       void *argument) {
  (void)parent, (void)data, (void)index, (void)long_argument, (void)argument;
  struct names *names = pointer;
  if (!names) return;
  for (size_t place = 0; place < names->count; place++) SSL_CTX_free(names->contexts[place]);
  free(names);
}

static void make_index(void) {
  names_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_names);
}

static int choose_certificate(SSL *ssl, int *alert, void *argument) {
  (void)alert, (void)argument;
  const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  SSL_CTX *main = SSL_get_SSL_CTX(ssl);
  const struct names *names = SSL_CTX_get_ex_data(main, names_index);
  if (!name || !names) return SSL_TLSEXT_ERR_OK;
  if (X509_check_host(SSL_CTX_get0_certificate(main), name, 0, 0, NULL) == 1) return SSL_TLSEXT_ERR_OK;
  for (size_t place = 0; place < names->count; place++) {
    SSL_CTX *other = names->contexts[place];
    if (X509_check_host(SSL_CTX_get0_certificate(other), name, 0, 0, NULL) == 1) {
      SSL_set_SSL_CTX(ssl, other);
      break;
    }
  }
  // A name that nobody has gets the first certificate; whether that will do is the client's decision.
  return SSL_TLSEXT_ERR_OK;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_count,
                           const unsigned char *in, unsigned in_count, void *argument) {
  (void)ssl, (void)argument;
  unsigned char *chosen;
  if (SSL_select_next_proto(&chosen, out_count, alpn, alpn_count, in, in_count) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

struct tls_context *tls_context_make(bool is_server, enum tls_version minimum) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_index);
  SSL_CTX *context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
  if (!context) return NULL;
  SSL_CTX_set_security_level(context, 2);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Idle connections hold no buffers: 34 KiB less for each of them, an allocation more per record.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  bool ready = SSL_CTX_set_min_proto_version(context, minimum) &&
               SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) &&
               SSL_CTX_set_cipher_list(context, ciphers_1_2) && SSL_CTX_set1_groups_list(context, groups);
  // Listeners keep nothing: what is needed to resume travels in tickets, under keys of this context alone, which go with
  // the next reload. A client's sessions are asked for with tls_session_ticket.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, session_seconds);
  if (is_server) {
    ready = ready && SSL_CTX_set_num_tickets(context, 1) &&
            SSL_CTX_set_session_id_context(context, alpn, alpn_count);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    SSL_CTX_set_tlsext_servername_callback(context, choose_certificate);
  } else {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    ready = ready && SSL_CTX_set_alpn_protos(context, alpn, alpn_count) == 0;
  }
  // An authority in the file is trusted even if it is itself signed by another.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  if (!ready) {
    SSL_CTX_free(context);
    return NULL;
  }
  return (struct tls_context *)context;
}

void tls_context_release(struct tls_context *context) { SSL_CTX_free(raw(context)); }

// Never asks a person: a gateway that starts by itself has nobody to type a password.
static int no_password(char *buffer, int size, int is_writing, void *was_asked) {
  (void)buffer, (void)size, (void)is_writing;
  *(bool *)was_asked = true;
  return -1;
}

static enum tls_problem use_chain(SSL_CTX *context, BIO *pem) {
  X509 *leaf = PEM_read_bio_X509(pem, NULL, NULL, NULL);
  if (!leaf) return tls_problem_no_certificate;
  int used = SSL_CTX_use_certificate(context, leaf);
  X509_free(leaf);
  if (!used) return tls_problem_too_weak;
  X509 *next;
  while ((next = PEM_read_bio_X509(pem, NULL, NULL, NULL))) {
    // The context takes over what it accepts.
    if (!SSL_CTX_add0_chain_cert(context, next)) {
      X509_free(next);
      return tls_problem_too_weak;
    }
  }
  return tls_problem_none;
}

static enum tls_problem use_key(SSL_CTX *context, BIO *pem) {
  bool was_asked = false;
  EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, no_password, &was_asked);
  if (!key) return was_asked ? tls_problem_key_is_encrypted : tls_problem_no_key;
  const EVP_PKEY *public = X509_get0_pubkey(SSL_CTX_get0_certificate(context));
  enum tls_problem problem = tls_problem_none;
  if (!public || EVP_PKEY_eq(public, key) != 1)
    problem = tls_problem_key_of_another;
  else if (!SSL_CTX_use_PrivateKey(context, key))
    problem = tls_problem_too_weak;
  EVP_PKEY_free(key);
  return problem;
}

enum tls_problem tls_context_use(struct tls_context *context, const void *chain, size_t chain_count,
                                 const void *key, size_t key_count) {
  BIO *chain_pem = BIO_new_mem_buf(chain, (int)chain_count);
  BIO *key_pem = BIO_new_mem_buf(key, (int)key_count);
  enum tls_problem problem = tls_problem_memory;
  if (chain_pem && key_pem) {
    problem = use_chain(raw(context), chain_pem);
    if (problem == tls_problem_none) problem = use_key(raw(context), key_pem);
  }
  BIO_free(chain_pem);
  BIO_free(key_pem);
  ERR_clear_error();
  return problem;
}

struct tls_authorities *tls_authorities_make(const void *pem, size_t count) {
  BIO *bytes = BIO_new_mem_buf(pem, (int)count);
  X509_STORE *store = X509_STORE_new();
  size_t found = 0;
  bool stored = bytes && store;
  X509 *authority;
  while (stored && (authority = PEM_read_bio_X509_AUX(bytes, NULL, NULL, NULL))) {
    stored = X509_STORE_add_cert(store, authority);
    X509_free(authority);
    found++;
  }
  BIO_free(bytes);
  ERR_clear_error();
  if (!stored || found == 0) {
    X509_STORE_free(store);
    return NULL;
  }
  return (struct tls_authorities *)store;
}

void tls_authorities_release(struct tls_authorities *authorities) {
  X509_STORE_free((X509_STORE *)authorities);
}

void tls_context_trust(struct tls_context *context, struct tls_authorities *authorities) {
  SSL_CTX_set1_cert_store(raw(context), (X509_STORE *)authorities);
}

void tls_context_require_client(struct tls_context *context) {
  // Clients with several certificates choose by the names of the authorities that are accepted.
  STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(raw(context)));
  for (int place = 0; place < sk_X509_OBJECT_num(objects); place++) {
    X509 *authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, place));
    if (authority) SSL_CTX_add_client_CA(raw(context), authority);
  }
  SSL_CTX_set_verify(raw(context), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

enum tls_problem tls_context_expect(struct tls_context *context, const char *name, bool is_address) {
  X509_VERIFY_PARAM *parameters = SSL_CTX_get0_param(raw(context));
  // The names in subjectAltName alone count (RFC 9525 section 6.3), and a wildcard stands for one whole label.
  X509_VERIFY_PARAM_set_hostflags(
      parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  int done = is_address ? X509_VERIFY_PARAM_set1_ip_asc(parameters, name)
                        : X509_VERIFY_PARAM_set1_host(parameters, name, 0);
  return done ? tls_problem_none : tls_problem_name;
}

enum tls_problem tls_context_add(struct tls_context *context, struct tls_context *other) {
  struct names *old = SSL_CTX_get_ex_data(raw(context), names_index);
  size_t count = old ? old->count : 0;
  struct names *names = malloc(sizeof *names + (count + 1) * sizeof names->contexts[0]);
  if (!names) return tls_problem_memory;
  if (old) memcpy(names->contexts, old->contexts, count * sizeof names->contexts[0]);
  names->contexts[count] = raw(other);
  names->count = count + 1;
  if (!SSL_CTX_set_ex_data(raw(context), names_index, names)) {
    free(names);
    return tls_problem_memory;
  }
  free(old);
  return tls_problem_none;
}

int64_t tls_context_ends(const struct tls_context *context) {
  X509 *certificate = SSL_CTX_get0_certificate(raw(context));
  struct tm end;
  if (!certificate || !ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end)) return 0;
  return timegm(&end);
}
