// SPDX-License-Identifier: MIT
// Poisson draws, CPU class: those of poisson.cl, sixteen elements at a time, until the last of them has its number.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#include "philox.clh"
#ifndef POISSON
#define POISSON long n
#endif
#define CONVERT(type) convert_##type
#define CONVERT_TO(type) CONVERT(type)
#define FROM_INT(x) CONVERT_TO(VEC)(x)
enum { MOST_FACTORS = 400, MOST_TRIES = 200 };
#define ALL(x) ((VEC)((ACC)(x)))

// Words of sixteen states, of which the even ones are s[0].
static inline __attribute__((always_inline)) void NAME(words)(const ulong8 *s, uint turn, uint16 *w)
{
    ulong8 c[2][4];
    UNROLL for (int h = 0; h < 2; h++)
    {
        c[h][0] = s[h];
        c[h][1] = s[h] >> 32;
        c[h][2] = (ulong8)(turn);
        c[h][3] = (ulong8)(0x706f6973UL);
        NAME(rounds)(c[h], 0x736f6e73u, 0x64726177u);
    }
    UNROLL for (int k = 0; k < 4; k++) w[k] = as_uint16((c[0][k] & (ulong8)(0xffffffffUL)) | (c[1][k] << 32));
}

static inline VEC NAME(part)(uint16 word)
{
    return (FROM_INT(as_int16(word >> (uint16)(9))) + ALL(0.5f)) * ALL(0x1p-23f);
}

// Of numbers below 0 at least one?
static inline int NAME(some)(VEC k)
{
    int yes = 0;
    UNROLL for (int i = 0; i < VL; i++) yes |= ((const ACC *)&k)[i] < 0;
    return yes;
}

static inline VEC NAME(log_share)(VEC k, VEC rate)
{
    const VEC d = k - rate, v = d / (k + rate), v2 = v * v, i = ALL(1.0f) / (k * k), log_rate = log(rate);
    const VEC near = d * v + ALL(2.0f) * k * v * v2 *
                     (ALL(1.0f / 3) + v2 * (ALL(1.0f / 5) + v2 * (ALL(1.0f / 7) + v2 * (ALL(1.0f / 9) + v2 * ALL(1.0f / 11)))));
    const VEC away = fabs(v) < ALL(0.1f) ? near : k * log(k / rate) - d;
    const VEC stirling = (ALL(1.0f) / ALL(12) - i * (ALL(1.0f) / ALL(360) - i * (ALL(1.0f) / ALL(1260) - i / ALL(1680)))) / k;
    const VEC share = -away - stirling - ALL(0.5f) * log(ALL(6.28318530717958648f) * k);
    return k < ALL(1.5f) ? k < ALL(0.5f) ? -rate : log_rate - rate : share;
}

// k: -1 where there is no number yet
SELDOM VEC NAME(few)(VEC rate, VEC k, const ulong8 *state)
{
    const VEC least = exp(-rate), first = -expm1(-rate); // what the first has to be, fine near 0
    VEC product = ALL(1.0f);
    for (int t = 0; t < MOST_FACTORS && NAME(some)(k); t += 4) {
        uint16 w[4];
        NAME(words)(state, (uint)t, w);
        UNROLL for (int j = 0; j < 4; j++)
        {
            const VEC u = (FROM_INT(as_int16(w[j] >> (uint16)(1))) + ALL(0.5f)) * ALL(0x1p-31f);
            product *= ALL(1.0f) - u;
            const VEC left = t + j == 0 ? first - u : product - least; // below 0: the product fell below e^-rate
            k = ((k < ALL(0)) & (left < ALL(0))) ? ALL(t + j) : k;
        }
    }
    return k < ALL(0) ? ALL(MOST_FACTORS) : k;
}

SELDOM VEC NAME(many)(VEC rate, VEC k, const ulong8 *state)
{
    const VEC b = ALL(0.931f) + ALL(2.53f) * sqrt(rate), a = ALL(0.02483f) * b - ALL(0.059f);
    const VEC scale = ALL(1.1239f) + ALL(1.1328f) / (b - ALL(3.4f)), inner = ALL(0.9277f) - ALL(3.6224f) / (b - ALL(2.0f));
    for (int n = 0; n < MOST_TRIES && NAME(some)(k); n++) {
        uint16 w[4];
        NAME(words)(state, (uint)n, w);
        const VEC u = NAME(part)(w[0]) - ALL(0.5f) +
                      (FROM_INT(as_int16(w[1] >> (uint16)(9))) - ALL(0x1p22f)) * ALL(0x1p-46f);
        const VEC v = NAME(part)(w[2]), edge = ALL(0.5f) - fabs(u);
        const VEC x = floor((ALL(2.0f) * a / edge + b) * u + rate + ALL(0.43f));
        const VEC within = ((edge >= ALL(0.07f)) & (v <= inner)) ? x : ALL(-1.0f);
        k = k < ALL(0) ? within : k;
        if (!NAME(some)(k))
            break;
        const VEC height = log(v * scale / (a / (edge * edge) + b)), share = NAME(log_share)(x, rate);
        const VEC tried =
            ((x >= ALL(0)) & ((edge >= ALL(0.013f)) | (v <= edge)) & (height <= share)) ? x : ALL(-1.0f);
        k = k < ALL(0) ? tried : k;
    }
    return k < ALL(0) ? floor(rate) : k;
}

CPU_KERNEL void NAME(poisson)(__global const E *restrict x, long offset, __global const long *restrict state, long state_offset,
                              __global E *restrict y, POISSON)
{
    const long blocks = DIV_UP(n, VL), groups = get_num_groups(0), group = get_group_id(0);
    for (long g = blocks * group / groups; g < blocks * (group + 1) / groups; g++) {
        const int m = (int)min((long)VL, n - VL * g);
        const VEC rate = NAME(load_part)(x + offset + VL * g, m);
        ulong8 s[2];
        for (int i = 0; i < VL; i++)
            ((ulong *)&s[i & 1])[i / 2] = (ulong)state[state_offset + VL * g + min(i, m - 1)];
        // -1: to be drawn; infinite, 0, or none where there is nothing to draw
        const VEC plain = rate < ALL(0) ? ALL(NAN) : rate;
        const VEC is_few = ((rate > ALL(0)) & (rate < ALL(10.0f))) ? ALL(-1.0f) : ALL(0);
        const VEC is_many = ((rate >= ALL(10.0f)) & (rate < ALL(INFINITY))) ? ALL(-1.0f) : ALL(0);
        VEC k = plain;
        if (NAME(some)(is_few))
            k = is_few < ALL(0) ? NAME(few)(rate, is_few, s) : k;
        if (NAME(some)(is_many))
            k = is_many < ALL(0) ? NAME(many)(rate, is_many, s) : k;
        NAME(store_part)(k, y + VL * g, m);
    }
}
