// SPDX-License-Identifier: MIT
// cl/pair_distance_cpu.cl for GPUs: a work-item has a distance, or an element of what comes back.
#include "element.clh"
#ifndef PAIRS
#define PAIRS long B, long M, long D, long N, long P
#define SQUARES
#define DOWN 0x1p-64f
#define UP 0x1p64f
#define LARGE 0x1p120f
#define SMALL 0x1p-90f
#endif
#define CHUNK 512 // terms that are added in order before they join the rest

__kernel void NAME(pair_distance)(__global const E *restrict x, long x_offset, __global const E *restrict z, long z_offset,
                                  __global E *restrict y, PAIRS)
{
    const long at = get_global_id(0);
    if (at >= B * M * N)
        return;
    const long row = at / N;
    __global const E *a = x + x_offset + row * D, *b = z + z_offset + row / M * D * P + at % N;
    E total = (E)0;
    for (long k0 = 0; k0 < D; k0 += CHUNK) {
        E sum = (E)0;
        for (long k = k0; k < min(D, k0 + CHUNK); k++) {
            const E d = a[k] - b[k * P];
#ifdef SQUARES
            sum = fma(d, d, sum);
#else
            sum += fabs(d);
#endif
        }
        total += sum;
    }
#ifdef SQUARES
    if (total <= (E)LARGE && total >= (E)SMALL) {
        total = sqrt(total);
    } else { // too large or too small for its squares: of numbers that are scaled
        const int large = !(total <= (E)LARGE);
        const E by = large ? (E)DOWN : (E)UP, back = large ? (E)UP : (E)DOWN;
        total = (E)0;
        for (long k = 0; k < D; k++) {
            const E d = (a[k] - b[k * P]) * by;
            total = fma(d, d, total);
        }
        total = sqrt(total) * back;
    }
#endif
    y[at] = total;
}

__kernel void NAME(pair_slopes)(__global const E *restrict x, long x_offset, __global const E *restrict z, long z_offset,
                                __global const E *restrict weights, long weights_offset, __global E *restrict y, PAIRS)
{
    const long at = get_global_id(0);
    if (at >= B * M * D)
        return;
    const long row = at / D, k = at % D;
    const E a = x[x_offset + at];
    __global const E *b = z + z_offset + (row / M * D + k) * P, *w = weights + weights_offset + row * P;
    E total = (E)0;
    for (long j0 = 0; j0 < N; j0 += CHUNK) {
        E sum = (E)0;
        for (long j = j0; j < min(N, j0 + CHUNK); j++) {
            const E d = a - b[j];
#ifdef SQUARES
            sum = fma(w[j], d, sum);
#else
            sum += d > (E)0 ? w[j] : d < (E)0 ? -w[j] : w[j] * d; // NaN stays
#endif
        }
        total += sum;
    }
    y[at] = total;
}
