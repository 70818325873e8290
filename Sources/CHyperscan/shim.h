#pragma once
/* No _GNU_SOURCE here: under it glibc's types (fd_set) differ from those Swift knows. */
#include <hs/hs.h>
