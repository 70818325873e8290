#define _GNU_SOURCE 1
#include "CLinuxChildren.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void asked_for(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGCHLD);
  sigaddset(set, SIGTERM);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGHUP);
  sigaddset(set, SIGUSR1);
}

int linux_keep_descendants(void) {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) return -errno;
  // An ignored signal would not come out of sigtimedwait either.
  signal(SIGCHLD, SIG_DFL);
  sigset_t set;
  asked_for(&set);
  return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
}

int linux_start_program(char **listed) {
  size_t length = 0;
  while (listed[length] != NULL) length++;
  char **arguments = calloc(length + 1, sizeof *arguments);
  if (arguments == NULL) return -ENOMEM;
  for (size_t index = 0; index < length; index++) {
    arguments[index] = strdup(listed[index]);
    if (arguments[index] == NULL) return -ENOMEM;
    memset(listed[index], 0, strlen(listed[index]));
  }
  int failed[2];
  if (pipe2(failed, O_CLOEXEC) < 0) return -errno;
  int child = fork();
  if (child < 0) {
    int code = errno;
    close(failed[0]);
    close(failed[1]);
    return -code;
  }
  if (child == 0) {
    for (int number = 1; number < 32; number++) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(arguments[0], arguments);
    int code = errno;
    ssize_t written = write(failed[1], &code, sizeof code);
    _exit(written < 0 ? 126 : 127);
  }
  close(failed[1]);
  int code = 0;
  ssize_t count;
  do count = read(failed[0], &code, sizeof code);
  while (count < 0 && errno == EINTR);
  close(failed[0]);
  if (count == sizeof code) {
    waitpid(child, NULL, 0);
    return -code;
  }
  // The end of the child's input and output must not wait for this process.
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int descriptor = 0; nothing >= 0 && descriptor < 3; descriptor++) dup2(nothing, descriptor);
  if (nothing > 2) close(nothing);
  return child;
}

int linux_next_signal(int milliseconds) {
  sigset_t set;
  asked_for(&set);
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  int number = sigtimedwait(&set, NULL, &time);
  return number < 0 ? 0 : number;
}

int linux_see_off(int *status) {
  int child;
  do child = waitpid(-1, status, WNOHANG);
  while (child < 0 && errno == EINTR);
  return child < 0 ? -errno : child;
}

struct process {
  int number;
  int parent;
  int descends;
};

// The parent of a process: the second field behind the name in /proc/NUMBER/stat, where the name may hold anything.
static int parent_of(int number) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/%d/stat", number);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  if (count <= 0) return -1;
  text[count] = 0;
  char *behind = strrchr(text, ')');
  int parent;
  return behind != NULL && sscanf(behind + 1, " %*c %d", &parent) == 1 ? parent : -1;
}

int linux_signal_descendants(int number) {
  DIR *folder = opendir("/proc");
  if (folder == NULL) return -errno;
  struct process *all = NULL;
  size_t count = 0, room = 0;
  struct dirent *entry;
  while ((entry = readdir(folder)) != NULL) {
    char *end;
    long process = strtol(entry->d_name, &end, 10);
    if (process <= 1 || *end != 0) continue;
    if (count == room) {
      size_t larger = room == 0 ? 256 : room * 2;
      struct process *memory = realloc(all, larger * sizeof *all);
      if (memory == NULL) break;
      all = memory;
      room = larger;
    }
    all[count++] = (struct process){(int)process, parent_of((int)process), 0};
  }
  closedir(folder);
  int own = getpid(), sent = 0, found = 1;
  while (found) {
    found = 0;
    for (size_t index = 0; index < count; index++) {
      if (all[index].descends || all[index].parent <= 1) continue;
      int descends = all[index].parent == own;
      for (size_t other = 0; other < count && !descends; other++)
        descends = all[other].descends && all[other].number == all[index].parent;
      if (!descends) continue;
      all[index].descends = found = 1;
      // One that has ended keeps its number until its parent has seen it off, so nobody else is hit.
      if (kill(all[index].number, number) == 0) sent++;
    }
  }
  free(all);
  return sent;
}

int linux_end_like(int status) {
  if (!WIFSIGNALED(status)) return WEXITSTATUS(status);
  int number = WTERMSIG(status);
  signal(number, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, number);
  sigprocmask(SIG_UNBLOCK, &one, NULL);
  // No second image of what has been written already.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  kill(getpid(), number);
  return 128 + number;
}

int linux_signal_process(int process, int number) {
  if (process <= 1) return -EINVAL;
  return kill(process, number) < 0 ? -errno : 0;
}
