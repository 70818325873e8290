#ifndef CLINUX_PROGRAM_H
#define CLINUX_PROGRAM_H

#include <stddef.h>

/// Runs a program and collects what it prints on standard output. Its input is empty, its errors go nowhere, it gets none
/// of our descriptors and a process group of its own, which is killed when time is up or the output too long.
///
/// `argv` ends with NULL; a name without a slash is looked for in PATH. Returns the number of bytes printed, with the exit
/// status in `status` (128 + the signal when one ended it); or -errno: -ETIMEDOUT, -EMSGSIZE when it printed more
/// than `capacity`, or why it could not be started.
long linux_run_program(
    char *const *argv, void *output, size_t capacity, int timeout_milliseconds, int *status);

#endif
