/* No _GNU_SOURCE here: under it glibc's types (fd_set) differ from those Swift knows. */
#pragma once
#include <hs/hs.h>
