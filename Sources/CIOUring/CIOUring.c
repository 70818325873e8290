#include "CIOUring.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct uring {
  struct io_uring ring;
  struct io_uring_buf_ring *buffers;
  uint8_t *memory;
  unsigned buffer_count;
  unsigned buffer_bytes;
};

int uring_open(struct uring **out, unsigned entries, uint8_t *memory, unsigned buffer_count,
               unsigned buffer_bytes) {
  struct uring *uring = calloc(1, sizeof *uring);
  if (!uring) return -ENOMEM;
  struct io_uring_params parameters;
  memset(&parameters, 0, sizeof parameters);
  parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                     IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
  // Several completions follow one multishot submission; an overflowing queue is slow, not wrong.
  parameters.cq_entries = entries * 4;
  int code = io_uring_queue_init_params(entries, &uring->ring, &parameters);
  if (code < 0) {
    free(uring);
    return code;
  }
  uring->memory = memory;
  uring->buffer_count = buffer_count;
  uring->buffer_bytes = buffer_bytes;
  size_t size = sizeof(struct io_uring_buf) * buffer_count;
  uring->buffers =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  if (uring->buffers == MAP_FAILED) {
    code = -errno;
    io_uring_queue_exit(&uring->ring);
    free(uring);
    return code;
  }
  io_uring_buf_ring_init(uring->buffers);
  struct io_uring_buf_reg registration;
  memset(&registration, 0, sizeof registration);
  registration.ring_addr = (uint64_t)(uintptr_t)uring->buffers;
  registration.ring_entries = buffer_count;
  registration.bgid = 0;
  code = io_uring_register_buf_ring(&uring->ring, &registration, 0);
  if (code < 0) {
    munmap(uring->buffers, size);
    io_uring_queue_exit(&uring->ring);
    free(uring);
    return code;
  }
  for (unsigned index = 0; index < buffer_count; index++)
    io_uring_buf_ring_add(uring->buffers, memory + (size_t)index * buffer_bytes, buffer_bytes,
                          (unsigned short)index, io_uring_buf_ring_mask(buffer_count), (int)index);
  io_uring_buf_ring_advance(uring->buffers, (int)buffer_count);
  *out = uring;
  return 0;
}

void uring_close(struct uring *uring) {
  size_t size = sizeof(struct io_uring_buf) * uring->buffer_count;
  io_uring_queue_exit(&uring->ring);
  munmap(uring->buffers, size);
  free(uring);
}

int uring_wait(struct uring *uring, int64_t timeout_nanoseconds) {
  struct io_uring_cqe *first;
  if (timeout_nanoseconds < 0) {
    int done = io_uring_submit_and_wait(&uring->ring, 1);
    return done < 0 ? done : 0;
  }
  struct __kernel_timespec limit = {.tv_sec = timeout_nanoseconds / 1000000000,
                                    .tv_nsec = timeout_nanoseconds % 1000000000};
  int done = io_uring_submit_and_wait_timeout(&uring->ring, &first, 1, &limit, NULL);
  return done < 0 ? done : 0;
}

bool uring_next(struct uring *uring, struct uring_completion *out) {
  struct io_uring_cq *cq = &uring->ring.cq;
  unsigned head = *cq->khead;
  if (head == io_uring_smp_load_acquire(cq->ktail)) return false;
  struct io_uring_cqe *cqe = &cq->cqes[head & *cq->kring_mask];
  out->user_data = cqe->user_data;
  out->result = cqe->res;
  out->flags = cqe->flags;
  io_uring_smp_store_release(cq->khead, head + 1);
  return true;
}

// A submission entry; when the queue is full, what is in it is submitted first. NULL only if that fails.
static struct io_uring_sqe *uring_entry(struct uring *uring) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
  if (__builtin_expect(sqe == NULL, 0)) {
    io_uring_submit(&uring->ring);
    sqe = io_uring_get_sqe(&uring->ring);
  }
  return sqe;
}

int uring_accept(struct uring *uring, int fd, uint64_t user_data) {
  struct io_uring_sqe *sqe = uring_entry(uring);
  if (!sqe) return -EBUSY;
  io_uring_prep_multishot_accept(sqe, fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  io_uring_sqe_set_data64(sqe, user_data);
  return 0;
}

int uring_receive(struct uring *uring, int fd, uint64_t user_data) {
  struct io_uring_sqe *sqe = uring_entry(uring);
  if (!sqe) return -EBUSY;
  io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = 0;
  io_uring_sqe_set_data64(sqe, user_data);
  return 0;
}

int uring_send(struct uring *uring, int fd, const void *bytes, size_t count,
                             uint64_t user_data) {
  struct io_uring_sqe *sqe = uring_entry(uring);
  if (!sqe) return -EBUSY;
  io_uring_prep_send(sqe, fd, bytes, count, MSG_NOSIGNAL | MSG_WAITALL);
  io_uring_sqe_set_data64(sqe, user_data);
  return 0;
}

int uring_connect(struct uring *uring, int fd, const void *address, unsigned length,
                                uint64_t user_data) {
  struct io_uring_sqe *sqe = uring_entry(uring);
  if (!sqe) return -EBUSY;
  io_uring_prep_connect(sqe, fd, (const struct sockaddr *)address, length);
  io_uring_sqe_set_data64(sqe, user_data);
  return 0;
}

int uring_cancel(struct uring *uring, uint64_t target, uint64_t user_data) {
  struct io_uring_sqe *sqe = uring_entry(uring);
  if (!sqe) return -EBUSY;
  io_uring_prep_cancel64(sqe, target, 0);
  io_uring_sqe_set_data64(sqe, user_data);
  return 0;
}

int uring_cancel_all(struct uring *uring, int fd, uint64_t user_data) {
  struct io_uring_sqe *sqe = uring_entry(uring);
  if (!sqe) return -EBUSY;
  io_uring_prep_cancel_fd(sqe, fd, IORING_ASYNC_CANCEL_ALL);
  io_uring_sqe_set_data64(sqe, user_data);
  return 0;
}

int uring_poll(struct uring *uring, int fd, uint64_t user_data) {
  struct io_uring_sqe *sqe = uring_entry(uring);
  if (!sqe) return -EBUSY;
  io_uring_prep_poll_multishot(sqe, fd, POLLIN);
  io_uring_sqe_set_data64(sqe, user_data);
  return 0;
}

void uring_recycle(struct uring *uring, unsigned buffer) {
  io_uring_buf_ring_add(uring->buffers, uring->memory + (size_t)buffer * uring->buffer_bytes,
                        uring->buffer_bytes, (unsigned short)buffer,
                        io_uring_buf_ring_mask(uring->buffer_count), 0);
  io_uring_buf_ring_advance(uring->buffers, 1);
}

bool uring_has_more(uint32_t flags) { return (flags & IORING_CQE_F_MORE) != 0; }

int uring_buffer(uint32_t flags) {
  return (flags & IORING_CQE_F_BUFFER) ? (int)(flags >> IORING_CQE_BUFFER_SHIFT) : -1;
}
