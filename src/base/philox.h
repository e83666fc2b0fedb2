// SPDX-License-Identifier: MIT
// Philox 4x32-10 on the host: the same draws as the kernels make (see codegen/random.c).
#ifndef CLG_BASE_PHILOX_H
#define CLG_BASE_PHILOX_H

#include <stdint.h>

static inline void clg__philox(uint64_t index, uint64_t seed, uint64_t counter, uint32_t out[4])
{
    uint32_t c[4] = { (uint32_t) index, (uint32_t) (index >> 32), (uint32_t) counter,
                      (uint32_t) (counter >> 32) };
    uint32_t k0 = (uint32_t) seed, k1 = (uint32_t) (seed >> 32);
    for (int r = 0; r < 10; r++) {
        const uint64_t a = (uint64_t) 0xD2511F53u * c[0], b = (uint64_t) 0xCD9E8D57u * c[2];
        const uint32_t n[4] = { (uint32_t) (b >> 32) ^ c[1] ^ k0, (uint32_t) b,
                                (uint32_t) (a >> 32) ^ c[3] ^ k1, (uint32_t) a };
        c[0] = n[0];
        c[1] = n[1];
        c[2] = n[2];
        c[3] = n[3];
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int i = 0; i < 4; i++)
        out[i] = c[i];
}
#endif
