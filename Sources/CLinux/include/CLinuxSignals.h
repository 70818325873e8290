// Signals as numbers to read from a descriptor. This keeps state, as a handler of signals must: one pipe for the process.
#pragma once

// The end to read from (non-blocking, one byte per signal), made by the first call; -errno when there is none to be had.
int linux_signals_open(void);

// From now on this signal does nothing but come out of the descriptor. With `once`, the first one only: the next does what
// the signal does by default. 0 or -errno.
int linux_signals_watch(int number, int once);

// The number of a signal that has come, 0 when there is none.
int linux_signals_next(int descriptor);
