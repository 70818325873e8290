#define _GNU_SOURCE 1
#include "CLinux.h"

#include <pthread.h>
#include <sched.h>

int linux_accept(int fd) {
  return linux_result(accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

int linux_pin_thread(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET((size_t)cpu, &set);
  return -pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

int linux_available_cpus(int *cpus, int count) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) < 0) return -errno;
  int found = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET((size_t)cpu, &set)) {
      if (found < count) cpus[found] = cpu;
      found++;
    }
  return found;
}

void linux_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
