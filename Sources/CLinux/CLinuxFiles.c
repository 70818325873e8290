// File calls that need _GNU_SOURCE, which must not reach a header that Swift reads.
#define _GNU_SOURCE 1
#include "CLinuxFiles.h"
#include <linux/magic.h>
#include <sys/vfs.h>

int linux_file_open_direct(int directory, const char *name) {
  int fd = openat(directory, name, O_WRONLY | O_DIRECT | O_CLOEXEC);
  if (fd < 0) return -errno;
  // A file system in memory has nothing but the page cache; newer kernels accept the flag there and copy all the same.
  struct statfs system;
  if (fstatfs(fd, &system) < 0 || system.f_type == TMPFS_MAGIC) {
    close(fd);
    return -EINVAL;
  }
  return fd;
}

int linux_file_stamp_read(const char *path, linux_file_stamp *stamp) {
  struct stat status;
  if (stat(path, &status) != 0) return -errno;
  *stamp = (linux_file_stamp){
      .device = status.st_dev,
      .inode = status.st_ino,
      .size = status.st_size,
      .modified_seconds = status.st_mtim.tv_sec,
      .modified_nanoseconds = status.st_mtim.tv_nsec,
      .changed_seconds = status.st_ctim.tv_sec,
      .changed_nanoseconds = status.st_ctim.tv_nsec,
  };
  return 0;
}
