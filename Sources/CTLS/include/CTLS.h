// TLS without sockets: OpenSSL's record layer and handshakes between two pieces of the caller's memory.
//
// OpenSSL reads its peer's bytes straight from where they were received and writes its own straight to where they will be
// sent from: a BIO of our own instead of memory BIOs, so that nothing is copied or allocated on the way. Contexts are
// immutable once they are in use and may be shared by threads; a session belongs to one thread.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What connections have in common: certificates, authorities, versions. Counted; sessions keep theirs.
struct tls_context;
// Certificates of authorities, shared by the contexts that trust them. Counted.
struct tls_authorities;
// One connection.
struct tls_session;
// What a client remembers of a session to shorten the next handshake with the same server.
struct tls_ticket;

// Why a context could not be made or a session failed. The numbers are stable; names are in Identity.
enum tls_failure {
  tls_failure_none = 0,
  tls_failure_certificate_expired = 1,
  tls_failure_certificate_not_yet_valid = 2,
  tls_failure_certificate_wrong_name = 3,
  tls_failure_certificate_unknown_authority = 4,
  tls_failure_certificate_unsuitable = 5,
  tls_failure_certificate_missing = 6,
  tls_failure_version = 7,
  tls_failure_parameters = 8,
  tls_failure_refused_by_peer = 9,
  tls_failure_not_tls = 10,
  tls_failure_broken = 11,
  tls_failure_cut_off = 12,
};

enum tls_version { tls_version_1_2 = 0x0303, tls_version_1_3 = 0x0304 };

// What is wrong with a certificate, a key or a list of authorities.
enum tls_problem {
  tls_problem_none = 0,
  tls_problem_no_certificate = 1,
  tls_problem_no_key = 2,
  tls_problem_key_is_encrypted = 3,
  tls_problem_key_of_another = 4,
  tls_problem_too_weak = 5,
  tls_problem_no_authority = 6,
  tls_problem_name = 7,
  tls_problem_memory = 8,
};

// MARK: Contexts

// A context for listeners or for connections to servers, with no certificate and no authority yet. NULL without memory.
struct tls_context *tls_context_make(bool is_server, enum tls_version minimum);
void tls_context_release(struct tls_context *context);

// Certificate (PEM, the chain behind it) and its private key (PEM, not encrypted).
enum tls_problem tls_context_use(struct tls_context *context, const void *chain, size_t chain_count,
                                 const void *key, size_t key_count);
// Authorities from PEM; NULL when there is none in it.
struct tls_authorities *tls_authorities_make(const void *pem, size_t count);
void tls_authorities_release(struct tls_authorities *authorities);
// The peer's certificate must come from one of these.
void tls_context_trust(struct tls_context *context, struct tls_authorities *authorities);
// Listeners: a client must present a certificate of a trusted authority.
void tls_context_require_client(struct tls_context *context);
// Clients: the name (or numeric address) that the server's certificate must be for.
enum tls_problem tls_context_expect(struct tls_context *context, const char *name, bool is_address);
// Listeners: another certificate, for clients that ask for a name it is for (SNI). `other` is taken over.
enum tls_problem tls_context_add(struct tls_context *context, struct tls_context *other);
// When the context's own certificate ends, in seconds since 1970; 0 without one.
int64_t tls_context_ends(const struct tls_context *context);

// MARK: Sessions

// Begins a connection; NULL without memory. `ticket` (or NULL) shortens a client's handshake; it stays the caller's.
struct tls_session *tls_session_make(struct tls_context *context, struct tls_ticket *ticket);
void tls_session_free(struct tls_session *session);

// Where the next calls read the peer's bytes from, and where they write to. Both are borrowed until set again.
void tls_session_set_input(struct tls_session *session, const void *bytes, size_t count);
void tls_session_set_output(struct tls_session *session, void *bytes, size_t capacity);
// Output bytes written.
size_t tls_session_output_count(const struct tls_session *session);

enum tls_step {
  tls_step_done = 1,          // the handshake is complete, or bytes were read or written
  tls_step_needs_input = 0,   // everything that was there is used up
  tls_step_needs_output = -1, // there is no room for what must be sent; give more and call again
  tls_step_ended = -2,        // the peer has said that it sends no more
  tls_step_failed = -3,       // see tls_session_failure; an alert for the peer may be in the output
};

enum tls_step tls_session_handshake(struct tls_session *session);
// Plain bytes; *count says how many.
enum tls_step tls_session_read(struct tls_session *session, void *into, size_t capacity, size_t *count);
// All bytes or none.
enum tls_step tls_session_write(struct tls_session *session, const void *bytes, size_t count);
// Says that nothing more is sent (close_notify).
enum tls_step tls_session_end(struct tls_session *session);
enum tls_failure tls_session_failure(const struct tls_session *session);

bool tls_session_is_resumed(const struct tls_session *session);
// 0x0303 or 0x0304 once the handshake is complete.
int tls_session_version(const struct tls_session *session);
// The client's side: what to remember of the session, or NULL.
struct tls_ticket *tls_session_ticket(struct tls_session *session);
void tls_ticket_free(struct tls_ticket *ticket);
