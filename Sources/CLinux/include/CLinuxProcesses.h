// Processes: who is at the other end of a Unix socket, whether one has ended, signals for groups.
// Every function returns a value >= 0, or -errno.
#pragma once
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Who made the connection of a Unix socket: what SO_PEERCRED tells (unix(7)).
struct linux_peer {
  int32_t process;
  uint32_t user;
  uint32_t group;
};
static const int linux_peer_option = SO_PEERCRED;

static inline int linux_own_process(void) { return getpid(); }

// Whether the other end of a Unix socket is this very process: 1 or 0.
static inline int linux_is_own_peer(int fd) {
  struct linux_peer peer = {0};
  socklen_t length = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) return 0;
  return peer.process == getpid();
}

// Whether the process behind a pidfd has ended, without waiting for it: 1 or 0.
static inline int linux_process_ended(int pidfd) {
  struct pollfd poll_one = {.fd = pidfd, .events = POLLIN, .revents = 0};
  int count = poll(&poll_one, 1, 0);
  return count < 0 ? (errno == EINTR ? 0 : -errno) : count;
}

// Whether a file is there and may be run: 0 or -errno.
static inline int linux_may_run(const char *path) { return access(path, X_OK) < 0 ? -errno : 0; }

static inline const char *linux_error_text(int code) { return strerror(code); }

// Sends a signal to every process of a group; 0 only asks whether there is one.
static inline int linux_signal_group(int group, int number) {
  if (group <= 1) return -EINVAL;
  return kill(-group, number) < 0 ? -errno : 0;
}

static const int linux_signal_terminate = SIGTERM;
static const int linux_signal_kill = SIGKILL;

// From here on SIGINT, SIGTERM and SIGHUP do not end this process.
static inline void linux_ignore_stop_signals(void) {
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
}

// Reads what is there, waiting for the first byte; 0 at the end.
static inline long linux_read(int fd, void *bytes, size_t count) {
  ssize_t result;
  do result = read(fd, bytes, count);
  while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}
