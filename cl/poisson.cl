// SPDX-License-Identifier: MIT
// Poisson draws: below a rate of 10 how many uniform numbers are multiplied until they fall below e^-rate; from there on by
// transformed rejection. All randomness of an element comes of its own state, by Philox 4x32-10, try after try.
// Source: Hoermann 1993, "The transformed rejection method for generating Poisson random variables" (PTRS); Loader 2000.
#pragma OPENCL FP_CONTRACT OFF
#include "element.clh"
#ifndef POISSON
#define POISSON long n
#endif
enum { MOST_FACTORS = 400, MOST_TRIES = 200 };

static inline void NAME(words)(long state, uint turn, uint out[4])
{
    uint a = (uint)(state & 0xffffffffL), b = (uint)(state >> 32), c = turn, d = 0x706f6973u;
    uint k0 = 0x736f6e73u, k1 = 0x64726177u;
    for (int r = 0; r < 10; r++) {
        const ulong p = (ulong)a * 0xD2511F53UL, q = (ulong)c * 0xCD9E8D57UL;
        a = (uint)(q >> 32) ^ b ^ k0;
        b = (uint)(q & 0xffffffffUL);
        c = (uint)(p >> 32) ^ d ^ k1;
        d = (uint)(p & 0xffffffffUL);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
}

// In (0, 1).
static inline ACC NAME(part)(uint word)
{
    return ((ACC)(int)(word >> 9) + (ACC)(0.5f)) * (ACC)(0x1p-23f);
}

// The logarithm of what k has of all, from the distance of k and the rate: nothing large cancels.
static inline ACC NAME(log_share)(ACC k, ACC rate)
{
    if (k < (ACC)(1.5f))
        return k < (ACC)(0.5f) ? -rate : log(rate) - rate;
    const ACC d = k - rate, v = d / (k + rate), v2 = v * v, i = (ACC)(1.0f) / (k * k);
    ACC away = k * log(k / rate) - d;
    if (fabs(v) < (ACC)(0.1f))
        away = d * v + (ACC)(2.0f) * k * v * v2 *
               ((ACC)(1.0f) / 3 + v2 * ((ACC)(1.0f) / 5 + v2 * ((ACC)(1.0f) / 7 + v2 * ((ACC)(1.0f) / 9 + v2 / 11))));
    const ACC stirling = ((ACC)(1.0f) / 12 - i * ((ACC)(1.0f) / 360 - i * ((ACC)(1.0f) / 1260 - i / 1680))) / k;
    return -away - stirling - (ACC)(0.5f) * log((ACC)(6.28318530717958648f) * k);
}

static inline ACC NAME(few)(ACC rate, long state)
{
    const ACC least = exp(-rate), first = -expm1(-rate); // what the first has to be, fine near 0
    ACC product = 1;
    for (int k = 0; k < MOST_FACTORS; k += 4) {
        uint w[4];
        NAME(words)(state, (uint)k, w);
        for (int j = 0; j < 4; j++) {
            const ACC u = ((ACC)(int)(w[j] >> 1) + (ACC)(0.5f)) * (ACC)(0x1p-31f);
            product *= (ACC)(1.0f) - u;
            if (k + j == 0 ? u > first : product < least)
                return (ACC)(k + j);
        }
    }
    return (ACC)(MOST_FACTORS);
}

static inline ACC NAME(many)(ACC rate, long state)
{
    const ACC b = (ACC)(0.931f) + (ACC)(2.53f) * sqrt(rate), a = (ACC)(0.02483f) * b - (ACC)(0.059f);
    const ACC scale = (ACC)(1.1239f) + (ACC)(1.1328f) / (b - (ACC)(3.4f)), inner = (ACC)(0.9277f) - (ACC)(3.6224f) / (b - (ACC)(2.0f));
    for (int n = 0; n < MOST_TRIES; n++) {
        uint w[4];
        NAME(words)(state, (uint)n, w);
        const ACC u = NAME(part)(w[0]) - (ACC)(0.5f) + ((ACC)(int)(w[1] >> 9) - (ACC)(0x1p22f)) * (ACC)(0x1p-46f);
        const ACC v = NAME(part)(w[2]), edge = (ACC)(0.5f) - fabs(u);
        const ACC k = floor(((ACC)(2.0f) * a / edge + b) * u + rate + (ACC)(0.43f));
        if (edge >= (ACC)(0.07f) && v <= inner)
            return k;
        if (!(k >= 0) || (edge < (ACC)(0.013f) && v > edge))
            continue;
        if (log(v * scale / (a / (edge * edge) + b)) <= NAME(log_share)(k, rate))
            return k;
    }
    return floor(rate);
}

__kernel void NAME(poisson)(__global const E *restrict x, long offset, __global const long *restrict state, long state_offset,
                            __global E *restrict y, POISSON)
{
    const long each = (n + get_global_size(0) - 1) / get_global_size(0), first = get_global_id(0) * each;
    for (long g = first; g < min(n, first + each); g++) {
        const ACC rate = GET(x[offset + g]);
        ACC k = rate; // infinite, 0, or none
        if (rate < 0)
            k = (ACC)(NAN);
        else if (rate > 0 && rate < (ACC)(10.0f))
            k = NAME(few)(rate, state[state_offset + g]);
        else if (rate < (ACC)(INFINITY) && rate > 0)
            k = NAME(many)(rate, state[state_offset + g]);
        y[g] = PUT(k);
    }
}
