// SPDX-License-Identifier: MIT
// Hashes: multiply and fold, eight bytes at a time (constants from splitmix64).
#include "base/format.h"
#include "base/hash.h"

#include <string.h>

static uint64_t mix(uint64_t h)
{
    h ^= h >> 30;
    h *= 0xbf58476d1ce4e5b9u;
    h ^= h >> 27;
    h *= 0x94d049bb133111ebu;
    return h ^ (h >> 31);
}

uint64_t clg__hash(const void *bytes, size_t n, uint64_t seed)
{
    const unsigned char *p = bytes;
    uint64_t h = mix(seed + 0x9e3779b97f4a7c15u * (n + 1));
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        h = (h ^ v) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    uint64_t last = 0;
    if (n)
        memcpy(&last, p, n);
    return mix(h ^ last);
}

void clg__hash_hex(const void *bytes, size_t n, char out[33])
{
    clg__format(out, 33, "%016llx%016llx", (unsigned long long) clg__hash(bytes, n, 1),
             (unsigned long long) clg__hash(bytes, n, 2));
}
