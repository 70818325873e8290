#define _GNU_SOURCE 1
#include "include/CLinuxSignals.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static int ends[2] = {-1, -1};

// Whichever thread it interrupts: a write is allowed here (signal-safety(7)), and the byte waits until it is read.
static void handle(int number) {
  int code = errno;
  unsigned char byte = (unsigned char)number;
  // A full pipe holds thousands that nobody has looked at: one more would say nothing new.
  ssize_t written = write(ends[1], &byte, 1);
  (void)written;
  errno = code;
}

int linux_signals_open(void) {
  if (ends[0] >= 0) return ends[0];
  return pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : ends[0];
}

int linux_signals_watch(int number, int once) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART | (once ? (int)SA_RESETHAND : 0);
  if (sigaction(number, &action, NULL) < 0) return -errno;
  // Whoever started this process may have had it blocked.
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  return -pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int linux_signals_next(int descriptor) {
  unsigned char byte;
  return read(descriptor, &byte, 1) == 1 ? byte : 0;
}
