#pragma once
#define _GNU_SOURCE 1
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/crypto.h>
