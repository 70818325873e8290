// libFuzzer's entry in a fuzz build; in any other build a program that replays the files it is given.
#include "../FuzzMain.h"

FUZZ_TARGET(sluice_fuzz_stream)
