#include "CDigest.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

// Debian has the library for x86-64 only.
#if __has_include(<intel-ipsec-mb.h>)
#include <intel-ipsec-mb.h>

struct digest_lanes {
  IMB_MGR *manager;
  void (*release)(IMB_MGR *);
};

digest_lanes *digest_lanes_open(void) {
  // The name has the major version in it, whose structures the header describes. Never unloaded: others may use it.
  void *library = dlopen("libIPSec_MB.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) return NULL;
  IMB_MGR *(*allocate)(uint64_t);
  void (*release)(IMB_MGR *);
  void (*initialise)(IMB_MGR *, IMB_ARCH *);
  *(void **)&allocate = dlsym(library, "alloc_mb_mgr");
  *(void **)&release = dlsym(library, "free_mb_mgr");
  *(void **)&initialise = dlsym(library, "init_mb_mgr_auto");
  if (!allocate || !release || !initialise) return NULL;
  digest_lanes *lanes = malloc(sizeof *lanes);
  IMB_MGR *manager = allocate(0);
  IMB_ARCH found = IMB_ARCH_NONE;
  if (manager) initialise(manager, &found);
  // With fewer lanes the processor's SHA instructions, which OpenSSL uses, are as fast.
  if (!lanes || !manager || found != IMB_ARCH_AVX512) {
    if (manager) release(manager);
    free(lanes);
    return NULL;
  }
  *lanes = (digest_lanes){.manager = manager, .release = release};
  return lanes;
}

void digest_lanes_close(digest_lanes *lanes) {
  if (!lanes) return;
  lanes->release(lanes->manager);
  free(lanes);
}

int digest_lanes_sha256(
    digest_lanes *lanes, const void *const *pieces, size_t count, size_t bytes, uint8_t *hashes) {
  IMB_MGR *manager = lanes->manager;
  size_t done = 0;
  for (size_t index = 0; index < count; index++) {
    IMB_JOB *job = IMB_GET_NEXT_JOB(manager);
    memset(job, 0, sizeof *job);
    job->chain_order = IMB_ORDER_HASH_CIPHER;
    job->cipher_direction = IMB_DIR_ENCRYPT;
    job->cipher_mode = IMB_CIPHER_NULL;
    job->hash_alg = IMB_AUTH_SHA_256;
    job->src = pieces[index];
    job->msg_len_to_hash_in_bytes = bytes;
    job->auth_tag_output = hashes + 32 * index;
    job->auth_tag_output_len_in_bytes = 32;
    // A full set of lanes gives back the first job at once, whose neighbours are done with it.
    for (job = IMB_SUBMIT_JOB(manager); job; job = IMB_GET_COMPLETED_JOB(manager))
      done += job->status == IMB_STATUS_COMPLETED;
  }
  for (IMB_JOB *job; (job = IMB_FLUSH_JOB(manager));) done += job->status == IMB_STATUS_COMPLETED;
  return done == count;
}

#else

digest_lanes *digest_lanes_open(void) { return NULL; }
void digest_lanes_close(digest_lanes *lanes) { (void)lanes; }
int digest_lanes_sha256(
    digest_lanes *lanes, const void *const *pieces, size_t count, size_t bytes, uint8_t *hashes) {
  (void)lanes, (void)pieces, (void)count, (void)bytes, (void)hashes;
  return 0;
}

#endif
