#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

// MARK: The way in and out

static int bio_read(BIO *bio, char *into, int capacity) {
  struct tls_session *session = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (capacity <= 0) return 0;
  if (session->input_count == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  size_t count = session->input_count < (size_t)capacity ? session->input_count : (size_t)capacity;
  memcpy(into, session->input, count);
  session->input += count;
  session->input_count -= count;
  return (int)count;
}

static int bio_write(BIO *bio, const char *bytes, int wanted) {
  struct tls_session *session = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (wanted <= 0) return 0;
  size_t room = session->output_capacity - session->output_count;
  if (room == 0) {
    BIO_set_retry_write(bio);
    return -1;
  }
  size_t count = room < (size_t)wanted ? room : (size_t)wanted;
  memcpy(session->output + session->output_count, bytes, count);
  session->output_count += count;
  return (int)count;
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *method;

static void make_method(void) {
  BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice");
  if (!made) return;
  BIO_meth_set_read(made, bio_read);
  BIO_meth_set_write(made, bio_write);
  BIO_meth_set_ctrl(made, bio_control);
  method = made;
}

BIO *tls_bio_make(struct tls_session *session) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_method);
  BIO *bio = method ? BIO_new(method) : NULL;
  if (!bio) return NULL;
  BIO_set_data(bio, session);
  BIO_set_init(bio, 1);
  return bio;
}

// MARK: Life

struct tls_session *tls_session_make(struct tls_context *context, struct tls_ticket *ticket) {
  struct tls_session *session = calloc(1, sizeof *session);
  if (!session) return NULL;
  SSL *ssl = SSL_new(raw(context));
  BIO *bio = ssl ? tls_bio_make(session) : NULL;
  if (!bio) {
    SSL_free(ssl);
    free(session);
    return NULL;
  }
  SSL_set_bio(ssl, bio, bio);
  session->ssl = ssl;
  if (SSL_CTX_get_verify_mode(raw(context)) == SSL_VERIFY_PEER && !SSL_is_server(ssl)) {
    const char *name = X509_VERIFY_PARAM_get0_host(SSL_get0_param(ssl), 0);
    // Numeric addresses are never sent as a name (RFC 6066 section 3).
    if (name) SSL_set_tlsext_host_name(ssl, name);
    if (ticket) SSL_set_session(ssl, (SSL_SESSION *)ticket);
  }
  if (SSL_is_server(ssl))
    SSL_set_accept_state(ssl);
  else
    SSL_set_connect_state(ssl);
  return session;
}

void tls_session_free(struct tls_session *session) {
  // A session whose end was not exchanged would not be resumed; one that failed must not be.
  if (session->failure == tls_failure_none)
    SSL_set_shutdown(session->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(session->ssl);
  free(session);
}

void tls_session_set_input(struct tls_session *session, const void *bytes, size_t count) {
  session->input = bytes;
  session->input_count = count;
}

void tls_session_set_output(struct tls_session *session, void *bytes, size_t capacity) {
  session->output = bytes;
  session->output_count = 0;
  session->output_capacity = capacity;
}

size_t tls_session_output_count(const struct tls_session *session) { return session->output_count; }

// MARK: Failures

static enum tls_failure failure_of_verification(long result) {
  switch (result) {
    case X509_V_OK: return tls_failure_none;
    case X509_V_ERR_CERT_HAS_EXPIRED: return tls_failure_certificate_expired;
    case X509_V_ERR_CERT_NOT_YET_VALID: return tls_failure_certificate_not_yet_valid;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return tls_failure_certificate_wrong_name;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED: return tls_failure_certificate_unknown_authority;
    default: return tls_failure_certificate_unsuitable;
  }
}

static enum tls_failure failure_of_reason(int reason) {
  switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_WRONG_SSL_VERSION: return tls_failure_version;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE: return tls_failure_parameters;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return tls_failure_certificate_missing;
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER: return tls_failure_not_tls;
    default:
      // Reasons from 1000 on are the peer's alerts.
      return reason >= SSL_AD_REASON_OFFSET ? tls_failure_refused_by_peer : tls_failure_broken;
  }
}

static void note_failure(struct tls_session *session) {
  if (session->failure != tls_failure_none) return;
  enum tls_failure failure = failure_of_reason(ERR_GET_REASON(ERR_peek_error()));
  if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    enum tls_failure verification = failure_of_verification(SSL_get_verify_result(session->ssl));
    if (verification != tls_failure_none) failure = verification;
  }
  session->failure = failure;
}

static enum tls_step step_of(struct tls_session *session, int result) {
  switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_READ: return tls_step_needs_input;
    case SSL_ERROR_WANT_WRITE: return tls_step_needs_output;
    case SSL_ERROR_ZERO_RETURN: return tls_step_ended;
    default:
      note_failure(session);
      // The queue of errors is the thread's: what is left in it would be taken for another session's.
      ERR_clear_error();
      return tls_step_failed;
  }
}

enum tls_failure tls_session_failure(const struct tls_session *session) { return session->failure; }

// MARK: Steps

// What others left in the thread's queue of errors (a session id that did not open, say) is not ours.
static void forget_errors(void) {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

enum tls_step tls_session_handshake(struct tls_session *session) {
  forget_errors();
  int result = SSL_do_handshake(session->ssl);
  return result == 1 ? tls_step_done : step_of(session, result);
}

enum tls_step tls_session_read(struct tls_session *session, void *into, size_t capacity, size_t *count) {
  if (session->input_count == 0 && SSL_is_init_finished(session->ssl) && !SSL_has_pending(session->ssl)) {
    // Nothing there: OpenSSL would take a buffer for a record first and find out then.
    *count = 0;
    return tls_step_needs_input;
  }
  forget_errors();
  int result = SSL_read_ex(session->ssl, into, capacity, count);
  if (result == 1) return tls_step_done;
  *count = 0;
  return step_of(session, result);
}

enum tls_step tls_session_write(struct tls_session *session, const void *bytes, size_t count) {
  size_t written;
  forget_errors();
  int result = SSL_write_ex(session->ssl, bytes, count, &written);
  return result == 1 ? tls_step_done : step_of(session, result);
}

enum tls_step tls_session_end(struct tls_session *session) {
  forget_errors();
  int result = SSL_shutdown(session->ssl);
  // 0: said, and the peer's own word is still to come.
  return result >= 0 ? tls_step_done : step_of(session, result);
}

bool tls_session_is_resumed(const struct tls_session *session) { return SSL_session_reused(session->ssl); }

int tls_session_version(const struct tls_session *session) { return SSL_version(session->ssl); }

struct tls_ticket *tls_session_ticket(struct tls_session *session) {
  SSL_SESSION *found = SSL_get1_session(session->ssl);
  if (found && !SSL_SESSION_is_resumable(found)) {
    SSL_SESSION_free(found);
    found = NULL;
  }
  return (struct tls_ticket *)found;
}

void tls_ticket_free(struct tls_ticket *ticket) { SSL_SESSION_free((SSL_SESSION *)ticket); }
