// For a process that looks after another one and everything that one starts, whatever it does to get away.
#pragma once
#include <signal.h>

// Descendants that lose their parent become children of this process (prctl(2), PR_SET_CHILD_SUBREAPER), and its signals wait
// to be asked for. Before there is a second thread. 0 or -errno.
int linux_keep_descendants(void);

// Starts a program as a child in this process's group, with its descriptors, which this process lets go of then. The
// arguments end with NULL, and are overwritten with zeros. The child's number, or -errno.
int linux_start_program(char **arguments);

// A signal that has come (SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1), waiting for one for so long; 0 when there was none.
int linux_next_signal(int milliseconds);

// Sees off a child that has ended: its number, with its status as waitpid(2) has it; 0 when all that are left run, -ECHILD when
// none are left.
int linux_see_off(int *status);

// Sends a signal to every descendant of this process. How many there were, or -errno.
int linux_signal_descendants(int number);

// Ends this process as the status says that another one ended. Returns the code to exit with where that was no signal.
int linux_end_like(int status);

// Sends a signal to one process. 0 or -errno; number 0 only asks whether there is one.
int linux_signal_process(int process, int number);

// What asks a keeper of descendants to kill them all at once.
static const int linux_signal_kill_all = SIGUSR1;
static const int linux_signal_child = SIGCHLD;
