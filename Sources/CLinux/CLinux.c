#define _GNU_SOURCE 1
#include "CLinux.h"

#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

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

void linux_begin_thread(const char *name) {
  prctl(PR_SET_NAME, name, 0, 0, 0);
  errno = 0;
  int priority = getpriority(PRIO_PROCESS, (id_t)getpid());
  if (errno == 0) setpriority(PRIO_PROCESS, 0, priority);
}

static int release_object(struct dl_phdr_info *object, size_t size, void *context) {
  (void)size;
  const char *part = context;
  if (part && !strstr(object->dlpi_name, part)) return 0;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (int index = 0; index < object->dlpi_phnum; index++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[index];
    if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) || segment->p_flags & PF_W) continue;
    uintptr_t start = (object->dlpi_addr + segment->p_vaddr + page - 1) & ~(page - 1);
    uintptr_t end = (object->dlpi_addr + segment->p_vaddr + segment->p_filesz) & ~(page - 1);
    // The vDSO is in the list too and refuses; whatever is refused simply stays.
    if (end > start) madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 0;
}

void linux_release_program_pages(const char *part) { dl_iterate_phdr(release_object, (void *)part); }
