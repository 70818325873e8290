#define _GNU_SOURCE 1
#include "include/CLinuxProgram.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int64_t now_milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int start(char *const *argv, int output, pid_t *child) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t ignored, none;
  // What this process ignores would be ignored by the program, too.
  sigemptyset(&ignored);
  sigaddset(&ignored, SIGINT);
  sigaddset(&ignored, SIGTERM);
  sigaddset(&ignored, SIGHUP);
  sigaddset(&ignored, SIGPIPE);
  sigemptyset(&none);
  int code = posix_spawn_file_actions_init(&actions);
  if (code != 0) return code;
  code = posix_spawnattr_init(&attributes);
  if (code != 0) {
    posix_spawn_file_actions_destroy(&actions);
    return code;
  }
  if ((code = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)) == 0 &&
      (code = posix_spawn_file_actions_adddup2(&actions, output, 1)) == 0 &&
      (code = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)) == 0 &&
      (code = posix_spawn_file_actions_addclosefrom_np(&actions, 3)) == 0 &&
      (code = posix_spawnattr_setpgroup(&attributes, 0)) == 0 &&
      (code = posix_spawnattr_setsigdefault(&attributes, &ignored)) == 0 &&
      (code = posix_spawnattr_setsigmask(&attributes, &none)) == 0 &&
      (code = posix_spawnattr_setflags(
           &attributes,
           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK)) == 0) {
    code = posix_spawnp(child, argv[0], &actions, &attributes, argv, environ);
  }
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return code;
}

/// Reads to the end; the number of bytes or -errno.
static long collect(int input, char *output, size_t capacity, int64_t deadline) {
  size_t count = 0;
  for (;;) {
    int64_t left = deadline - now_milliseconds();
    if (left <= 0) return -ETIMEDOUT;
    struct pollfd ready = {.fd = input, .events = POLLIN};
    int polled = poll(&ready, 1, (int)left);
    if (polled < 0 && errno != EINTR) return -errno;
    if (polled <= 0) continue;
    char extra;
    // A byte beyond what there is room for tells that it was too much.
    ssize_t got = count < capacity ? read(input, output + count, capacity - count)
                                   : read(input, &extra, 1);
    if (got == 0) return (long)count;
    if (got < 0) {
      if (errno == EINTR) continue;
      return -errno;
    }
    if (count >= capacity) return -EMSGSIZE;
    count += (size_t)got;
  }
}

long linux_run_program(
    char *const *argv, void *output, size_t capacity, int timeout_milliseconds, int *status) {
  int pipes[2];
  int64_t deadline = now_milliseconds() + timeout_milliseconds;
  if (pipe2(pipes, O_CLOEXEC) != 0) return -errno;
  pid_t child = 0;
  int code = start(argv, pipes[1], &child);
  close(pipes[1]);
  if (code != 0) {
    close(pipes[0]);
    return -code;
  }
  long count = collect(pipes[0], output, capacity, deadline);
  close(pipes[0]);
  int ended = 0;
  // It has closed its output and usually ends at once.
  while (count >= 0 && waitpid(child, &ended, WNOHANG) == 0) {
    if (now_milliseconds() >= deadline) {
      count = -ETIMEDOUT;
      break;
    }
    struct timespec moment = {.tv_nsec = 2000000};
    nanosleep(&moment, NULL);
  }
  if (count < 0) {
    kill(-child, SIGKILL);
    while (waitpid(child, &ended, 0) < 0 && errno == EINTR) {}
    return count;
  }
  *status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
  return count;
}
