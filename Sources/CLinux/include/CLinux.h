// The kernel's interfaces that Swift cannot name: GNU-only calls, macros, and calls whose errno must not get lost.
// Every function returns a value >= 0, or -errno. Nothing here allocates or keeps state.
// What needs _GNU_SOURCE is in CLinux.c: under it glibc's types differ from those Swift knows.
#pragma once
#include "CLinuxBatch.h"
#include "CLinuxChildren.h"
#include "CLinuxFiles.h"
#include "CLinuxProcesses.h"
#include "CLinuxProgram.h"
#include "CLinuxSignals.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// An IPv4, IPv6 or short Unix socket address, large enough for each, without the kernel's type puns.
struct linux_address {
  uint8_t bytes[28];
  uint32_t length;
};

static inline int linux_result(long value) { return value < 0 ? -errno : (int)value; }

// Longest name of a local address, without its "@".
static const int linux_local_name_max = sizeof(((struct linux_address *)0)->bytes) - sizeof(sa_family_t) - 1;

// A name of the abstract namespace (unix(7)): nothing of it is in the file system, and it is gone with its listener.
static inline int linux_address_make_local(struct linux_address *out, const char *name) {
  size_t length = strlen(name);
  if (length == 0 || length > (size_t)linux_local_name_max) return -EINVAL;
  sa_family_t family = AF_UNIX;
  memcpy(out->bytes, &family, sizeof family);
  out->bytes[sizeof family] = 0;
  memcpy(out->bytes + sizeof family + 1, name, length);
  out->length = (uint32_t)(sizeof family + 1 + length);
  return 0;
}

// Numeric host ("127.0.0.1", "::1") and port, or "@name" for a Unix socket, into an address; -EINVAL for any other host.
static inline int linux_address_make(struct linux_address *out, const char *host, uint16_t port) {
  if (host[0] == '@') return linux_address_make_local(out, host + 1);
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  memset(&v4, 0, sizeof v4);
  memset(&v6, 0, sizeof v6);
  if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    memcpy(out->bytes, &v4, sizeof v4);
    out->length = sizeof v4;
    return 0;
  }
  if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    memcpy(out->bytes, &v6, sizeof v6);
    out->length = sizeof v6;
    return 0;
  }
  return -EINVAL;
}

// The port the kernel gave a bound socket; 0 for one that has none.
static inline int linux_bound_port(int fd) {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } address;
  socklen_t length = sizeof address;
  if (getsockname(fd, &address.any, &length) < 0) return -errno;
  if (address.any.sa_family == AF_UNIX) return 0;
  return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

// A non-blocking listening socket. SO_REUSEPORT lets every worker own one on the same port; TCP_NODELAY is
// inherited by what it accepts, which saves a call per connection.
static inline int linux_listen(const struct linux_address *address, int backlog) {
  sa_family_t family;
  memcpy(&family, address->bytes, sizeof family);
  int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int on = 1;
  union {
    struct sockaddr any;
    uint8_t bytes[28];
  } target;
  memcpy(target.bytes, address->bytes, sizeof target.bytes);
  int is_local = family == AF_UNIX;
  if ((!is_local && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
                     setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0 ||
                     setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)) ||
      (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) ||
      bind(fd, &target.any, address->length) < 0 || listen(fd, backlog) < 0) {
    int code = errno;
    close(fd);
    return -code;
  }
  return fd;
}

// A non-blocking stream socket for an outgoing connection to `address`, not yet connected.
static inline int linux_stream_socket(const struct linux_address *address) {
  sa_family_t family;
  memcpy(&family, address->bytes, sizeof family);
  int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int on = 1;
  if (family != AF_UNIX && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) {
    int code = errno;
    close(fd);
    return -code;
  }
  return fd;
}

static inline int linux_connect(int fd, const struct linux_address *address) {
  union {
    struct sockaddr any;
    uint8_t bytes[28];
  } target;
  memcpy(target.bytes, address->bytes, sizeof target.bytes);
  return linux_result(connect(fd, &target.any, address->length));
}

// The outcome of a connection attempt that was in progress: 0 or -errno.
static inline int linux_connect_outcome(int fd) {
  int code = 0;
  socklen_t length = sizeof code;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &length) < 0) return -errno;
  return -code;
}

int linux_accept(int fd);

// Sockets here never block, so that a thread cannot be cancelled in these two: by their numbers they spare the C library's
// preparations for that, which were 1.5 % of a worker's time.
static inline int linux_receive(int fd, void *bytes, size_t count) {
  return linux_result(syscall(SYS_recvfrom, fd, bytes, count, 0, NULL, NULL));
}

static inline int linux_send(int fd, const void *bytes, size_t count) {
  return linux_result(syscall(SYS_sendto, fd, bytes, count, MSG_NOSIGNAL, NULL, 0));
}

// Ends our sending direction; the peer reads what was sent and then the end.
static inline int linux_shutdown_send(int fd) { return linux_result(shutdown(fd, SHUT_WR)); }

static inline int linux_close(int fd) { return linux_result(close(fd)); }

static inline int linux_epoll_open(void) { return linux_result(epoll_create1(EPOLL_CLOEXEC)); }

// operation: EPOLL_CTL_ADD, _MOD or _DEL.
static inline int linux_epoll_control(int epoll, int operation, int fd, uint32_t events, uint64_t data) {
  struct epoll_event event;
  memset(&event, 0, sizeof event);
  event.events = events;
  event.data.u64 = data;
  return linux_result(epoll_ctl(epoll, operation, fd, &event));
}

static inline int linux_epoll_wait(int epoll, struct epoll_event *events, int count, int milliseconds) {
  return linux_result(epoll_wait(epoll, events, count, milliseconds));
}

static inline uint64_t linux_epoll_data(const struct epoll_event *event) { return event->data.u64; }
static inline uint32_t linux_epoll_events(const struct epoll_event *event) { return event->events; }

static const uint32_t linux_epoll_readable = EPOLLIN;
static const uint32_t linux_epoll_writable = EPOLLOUT;
static const uint32_t linux_epoll_failed = EPOLLERR | EPOLLHUP;
static const int linux_epoll_add = EPOLL_CTL_ADD;
static const int linux_epoll_modify = EPOLL_CTL_MOD;
static const int linux_epoll_remove = EPOLL_CTL_DEL;

static inline int linux_eventfd_open(void) { return linux_result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

static inline int linux_eventfd_signal(int fd) {
  uint64_t one = 1;
  return linux_result(write(fd, &one, sizeof one));
}

static inline int linux_eventfd_clear(int fd) {
  uint64_t value = 0;
  return linux_result(read(fd, &value, sizeof value));
}

// Nanoseconds of the monotonic clock.
static inline uint64_t linux_monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// Nanoseconds since 1970 of the wall clock.
static inline uint64_t linux_wall_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// Start-up only: nothing on the data path ever sleeps.
static inline void linux_sleep_milliseconds(int milliseconds) { usleep((useconds_t)milliseconds * 1000); }

// Binds the calling thread to one processor.
int linux_pin_thread(int cpu);

// The processors this process may run on: writes up to `count` numbers, returns how many there are.
int linux_available_cpus(int *cpus, int count);

// What each of our threads does first: takes a name for top(1) and friends, of which the kernel keeps 15 bytes, and the priority
// that the process was started with. It was born with its maker's, and dispatch sets those of its own threads as it likes:
// a service's `Nice=` would hold for everything but the workers.
void linux_begin_thread(const char *name);

// Unmaps the pages of code that start-up touched; what is used again comes back from the page cache by a minor fault.
// Only segments that are never written are concerned, so nothing is lost. Of the whole program, or of the libraries with `part` in
// their names.
void linux_release_program_pages(const char *part);
