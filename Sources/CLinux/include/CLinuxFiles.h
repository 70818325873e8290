// Files, futexes and memory for the audit log: calls whose errno must not get lost, and calls glibc does not wrap.
// Every function returns a value >= 0, or -errno. Nothing here allocates or keeps state.
#pragma once
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static inline int64_t linux_file_result(int64_t value) { return value < 0 ? -(int64_t)errno : value; }

static const int linux_working_directory = AT_FDCWD;

// Creates the directory when it is missing (parents are not), and opens it.
static inline int linux_directory_open(const char *path, int create) {
  if (create && mkdir(path, 0700) < 0 && errno != EEXIST) return -errno;
  return (int)linux_file_result(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

// A new file for reading and writing, mode 0600; -EEXIST when the name is taken.
static inline int linux_file_create(int directory, const char *name) {
  return (int)linux_file_result(openat(directory, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
}

static inline int linux_file_open_for_writing(int directory, const char *name) {
  return (int)linux_file_result(openat(directory, name, O_RDWR | O_CLOEXEC));
}

// Writes pass by the page cache: whole disk blocks from aligned memory only. Fails where the file system cannot do that.
int linux_file_open_direct(int directory, const char *name);

static inline int linux_file_open_for_reading(int directory, const char *name) {
  return (int)linux_file_result(openat(directory, name, O_RDONLY | O_CLOEXEC));
}

static inline int linux_file_remove(int directory, const char *name) {
  return (int)linux_file_result(unlinkat(directory, name, 0));
}

// Opens (or creates) `name` and takes the only lock on it; -EWOULDBLOCK when another process holds it. The kernel
// lets go of the lock when the descriptor is closed, so also when the process is killed.
static inline int linux_file_lock(int directory, const char *name) {
  int fd = openat(directory, name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) return -errno;
  if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
    int code = errno;
    close(fd);
    return -code;
  }
  return fd;
}

static inline int64_t linux_file_size(int fd) {
  struct stat status;
  if (fstat(fd, &status) < 0) return -(int64_t)errno;
  return status.st_size;
}

// How many directory entries still name the file: 0 once somebody has removed it.
static inline int64_t linux_file_link_count(int fd) {
  struct stat status;
  if (fstat(fd, &status) < 0) return -(int64_t)errno;
  return (int64_t)status.st_nlink;
}

static inline int64_t linux_file_read(int fd, void *bytes, size_t count, int64_t offset) {
  int64_t got;
  do got = linux_file_result(pread(fd, bytes, count, offset));
  while (got == -EINTR);
  return got;
}

static inline int64_t linux_file_write(int fd, const void *bytes, size_t count, int64_t offset) {
  int64_t put;
  do put = linux_file_result(pwrite(fd, bytes, count, offset));
  while (put == -EINTR);
  return put;
}

static inline int64_t linux_file_write_vector(int fd, const struct iovec *parts, int count, int64_t offset) {
  int64_t put;
  do put = linux_file_result(pwritev(fd, parts, count, offset));
  while (put == -EINTR);
  return put;
}

static inline int linux_file_truncate(int fd, int64_t size) { return (int)linux_file_result(ftruncate(fd, size)); }

// Data and size on the disk; not the times.
static inline int linux_file_sync(int fd) { return (int)linux_file_result(fdatasync(fd)); }

// For directories: a new name on the disk.
static inline int linux_directory_sync(int fd) { return (int)linux_file_result(fsync(fd)); }

static inline int linux_file_close(int fd) { return (int)linux_file_result(close(fd)); }

// The lowest and highest of the names "NNNNNNNN.sluice" (eight digits) in a directory, and how many there are.
static inline int linux_segment_list(int directory, uint32_t *lowest, uint32_t *highest) {
  int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return -errno;
  DIR *entries = fdopendir(copy);
  if (!entries) {
    int code = errno;
    close(copy);
    return -code;
  }
  int found = 0;
  struct dirent *entry;
  while ((entry = readdir(entries))) {
    const char *name = entry->d_name;
    if (strlen(name) != 15 || strcmp(name + 8, ".sluice") != 0) continue;
    uint32_t number = 0;
    int digits = 0;
    while (digits < 8 && name[digits] >= '0' && name[digits] <= '9')
      number = number * 10 + (uint32_t)(name[digits++] - '0');
    if (digits < 8) continue;
    if (found == 0 || number < *lowest) *lowest = number;
    if (found == 0 || number > *highest) *highest = number;
    found++;
  }
  closedir(entries);
  return found;
}

// Sleeps while *word == expected, at most `nanoseconds` (forever when negative). 0, or -EAGAIN, -EINTR, -ETIMEDOUT.
static inline int linux_futex_wait(const void *word, uint32_t expected, int64_t nanoseconds) {
  struct timespec limit = {nanoseconds / 1000000000, nanoseconds % 1000000000};
  return (int)linux_file_result(syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected,
                                        nanoseconds < 0 ? NULL : &limit, NULL, 0));
}

static inline int linux_futex_wake(const void *word) {
  return (int)linux_file_result(syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
}

// What tells one state of a file from another. A type of our own: two C modules have a `struct stat` each.
typedef struct {
  uint64_t device, inode;
  int64_t size, modified_seconds, modified_nanoseconds, changed_seconds, changed_nanoseconds;
} linux_file_stamp;

// Follows symbolic links.
int linux_file_stamp_read(const char *path, linux_file_stamp *stamp);

// Makes an eventfd readable.
static inline int linux_wake_descriptor(int fd) {
  uint64_t one = 1;
  return (int)linux_file_result(write(fd, &one, sizeof one));
}

// Nanoseconds since 1970 of the wall clock, and of the monotonic clock.
static inline uint64_t linux_audit_wall_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t linux_audit_monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
