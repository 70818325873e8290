// SHA-256 of many pieces of memory at once: sixteen lanes of AVX-512, by Intel's multi-buffer library (libipsec-mb), which is
// loaded when it is first asked for. One hash cannot be computed in parallel, sixteen can: twice the speed of the
// processor's own SHA instructions.
#pragma once
#include <stddef.h>
#include <stdint.h>

// The lanes of one thread.
typedef struct digest_lanes digest_lanes;

// How many pieces are hashed side by side.
enum { digest_lane_count = 16 };

// NULL where the library is not installed, or the processor has no AVX-512: then nothing is lost but speed.
digest_lanes *digest_lanes_open(void);
void digest_lanes_close(digest_lanes *lanes);

// Hashes `count` (1 to 16) pieces of `bytes` bytes each into `hashes`, 32 bytes each, in the order of the pieces. It takes about as
// long for one piece as for sixteen. Returns 1, or 0 when the library failed: then nothing in `hashes` counts.
int digest_lanes_sha256(
    digest_lanes *lanes, const void *const *pieces, size_t count, size_t bytes, uint8_t *hashes);
