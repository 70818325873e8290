// Linux's asynchronous I/O (io_setup(2) and its like), which glibc does not wrap, for many sends in one call.
// Every function returns a value >= 0, or -errno. Nothing here allocates or keeps state.
#pragma once
#include <errno.h>
#include <linux/aio_abi.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int linux_batch_result(long value) { return value < 0 ? -errno : (int)value; }

static inline int linux_batch_close(aio_context_t context) {
  return linux_batch_result(syscall(SYS_io_destroy, context));
}

// Room for `count` operations at a time. Refused by kernels without it, by filters of system calls that let through only some
// of what it takes, and beyond fs.aio-max-nr.
static inline int linux_batch_open(int count, aio_context_t *context) {
  *context = 0;
  int code = linux_batch_result(syscall(SYS_io_setup, count, context));
  if (code < 0) return code;
  code = linux_batch_result(syscall(SYS_io_submit, *context, 0L, NULL));
  if (code == 0) code = linux_batch_result(syscall(SYS_io_getevents, *context, 0L, 0L, NULL, NULL));
  if (code < 0) linux_batch_close(*context);
  return code;
}

static inline void linux_batch_set_send(struct iocb *operation, int fd, const void *bytes, size_t count) {
  operation->aio_lio_opcode = IOCB_CMD_PWRITE;
  operation->aio_fildes = (uint32_t)fd;
  operation->aio_buf = (uintptr_t)bytes;
  operation->aio_nbytes = count;
}

// How many of the operations were begun, from the first on; -errno when not even that one was.
static inline int linux_batch_submit(aio_context_t context, int count, struct iocb **operations) {
  return linux_batch_result(syscall(SYS_io_submit, context, (long)count, operations));
}

// Waits for the outcomes of `count` operations.
static inline int linux_batch_wait(aio_context_t context, int count, struct io_event *outcomes) {
  int got = 0;
  while (got < count) {
    int more = linux_batch_result(
        syscall(SYS_io_getevents, context, (long)(count - got), (long)(count - got), outcomes + got, NULL));
    if (more < 0 && more != -EINTR) return more;
    if (more > 0) got += more;
  }
  return got;
}

// A write that is not send(2) cannot be told to leave SIGPIPE alone: from now on it does not end the process.
static inline void linux_ignore_pipe_signal(void) { signal(SIGPIPE, SIG_IGN); }
