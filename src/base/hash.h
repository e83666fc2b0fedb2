// SPDX-License-Identifier: MIT
// 64- and 128-bit hashes of bytes, and a map from byte strings to pointers.
#ifndef CLG_BASE_HASH_H
#define CLG_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t clg__hash(const void *bytes, size_t n, uint64_t seed);
// 32 hex digits and NUL: names of kernels and cache files.
void clg__hash_hex(const void *bytes, size_t n, char out[33]);
#endif
