// llhttp's state machine, compiled from where Debian's node-llhttp put it.
#if __has_include("/usr/share/llhttp/llhttp.c") && __has_include("/usr/share/include/llhttp/llhttp.h")
#pragma clang diagnostic ignored "-Weverything"
#include "/usr/share/llhttp/llhttp.c"
#endif
