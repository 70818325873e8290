// io_uring through liburing 2.3 (Debian 12): what the event loop needs, and no more.
//
// One ring per thread, set up with SINGLE_ISSUER and DEFER_TASKRUN (Linux 6.1): completions are produced only while
// the thread itself waits, so there are no interrupts of its work. One ring of provided buffers serves every
// multishot receive. Functions return a value >= 0 or -errno. liburing.h stays out of this header: it defines
// _GNU_SOURCE, under which glibc's types differ from those Swift knows.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uring;

struct uring_completion {
  uint64_t user_data;
  int32_t result;
  uint32_t flags;
};

// Opens a ring of `entries` submissions with `buffer_count` (a power of two, at most 32768) provided buffers of
// `buffer_bytes` each in `memory`, which the caller owns and keeps until after uring_close.
int uring_open(struct uring **out, unsigned entries, uint8_t *memory, unsigned buffer_count,
               unsigned buffer_bytes);
void uring_close(struct uring *uring);

// Submits what is queued, waits until at least one completion is there or the time has passed.
// Returns 0, or -ETIME, -EINTR and other errors of io_uring_enter(2). timeout_nanoseconds < 0: no limit.
int uring_wait(struct uring *uring, int64_t timeout_nanoseconds);

// Takes the next completion; false when there is none.
bool uring_next(struct uring *uring, struct uring_completion *out);

int uring_accept(struct uring *uring, int fd, uint64_t user_data);

int uring_receive(struct uring *uring, int fd, uint64_t user_data);

int uring_send(struct uring *uring, int fd, const void *bytes, size_t count,
                             uint64_t user_data);

// `address` must stay valid until the completion.
int uring_connect(struct uring *uring, int fd, const void *address, unsigned length,
                                uint64_t user_data);

// Cancels the one operation that carries `target`.
int uring_cancel(struct uring *uring, uint64_t target, uint64_t user_data);

// Cancels every operation on `fd`.
int uring_cancel_all(struct uring *uring, int fd, uint64_t user_data);

int uring_poll(struct uring *uring, int fd, uint64_t user_data);

// Gives a provided buffer back to the kernel.
void uring_recycle(struct uring *uring, unsigned buffer);

bool uring_has_more(uint32_t flags);

// The provided buffer a completion used, or -1.
int uring_buffer(uint32_t flags);
