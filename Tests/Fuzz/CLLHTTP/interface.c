// llhttp's interface and callbacks, compiled from where Debian's node-llhttp put them.
#if __has_include("/usr/share/llhttp/api.c") && __has_include("/usr/share/include/llhttp/llhttp.h")
#pragma clang diagnostic ignored "-Weverything"
#include "/usr/share/llhttp/api.c"
#include "/usr/share/llhttp/http.c"
#endif
