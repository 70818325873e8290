#pragma once
// What every fuzz target shares. `FUZZ_TARGET(name)` names the Swift function, exported with `@c(name)`, that takes one input
// and stops the process when something that must hold does not.
//
// In a fuzz build (SLUICE_FUZZ, see Scripts/fuzz) libFuzzer has the main function. In any other build main replays the files
// and folders given as arguments, so that a crash found once can be looked at in a debugger.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef SLUICE_FUZZ

#define FUZZ_TARGET(FUNCTION)                                          \
  void FUNCTION(const uint8_t *bytes, size_t count);                   \
  int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {     \
    FUNCTION(bytes, count);                                            \
    return 0;                                                          \
  }

#else

#include <dirent.h>
#include <string.h>

static int fuzz_replay(const char *path, void (*function)(const uint8_t *, size_t)) {
  DIR *folder = opendir(path);
  if (folder) {
    int files = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
      if (entry->d_name[0] == '.') continue;
      char inner[4096];
      snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
      int result = fuzz_replay(inner, function);
      if (result < 0) return result;
      files += result;
    }
    closedir(folder);
    return files;
  }
  FILE *file = fopen(path, "rb");
  if (!file) {
    fprintf(stderr, "%s: cannot be read\n", path);
    return -1;
  }
  uint8_t *bytes = NULL;
  size_t count = 0;
  for (size_t got = 1; got > 0;) {
    uint8_t *larger = realloc(bytes, count + 65536);
    if (!larger) return -1;
    bytes = larger;
    got = fread(bytes + count, 1, 65536, file);
    count += got;
  }
  fclose(file);
  function(bytes, count);
  free(bytes);
  return 1;
}

#define FUZZ_TARGET(FUNCTION)                                          \
  void FUNCTION(const uint8_t *bytes, size_t count);                   \
  int main(int argumentCount, char **arguments) {                      \
    int files = 0;                                                     \
    for (int index = 1; index < argumentCount; index++) {              \
      int result = fuzz_replay(arguments[index], FUNCTION);            \
      if (result < 0) return 1;                                        \
      files += result;                                                 \
    }                                                                  \
    printf("%d inputs replayed\n", files);                             \
    return files > 0 ? 0 : 1;                                          \
  }

#endif
