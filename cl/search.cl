// SPDX-License-Identifier: MIT
// Where elements belong in sorted rows, by bisection. Numbers are compared as they are: NaN belongs behind all.
#include "element.clh"
#ifndef SEARCH // row_step: 0 where all share one row
#define SEARCH long rows, long n, long m, long row_step
#endif
#ifdef RIGHT
#define GOES_ON(there, own) (!((there) > (own)))
#else
#define GOES_ON(there, own) (!((there) >= (own)))
#endif
#ifdef SORTER // places of the row's elements in order
#define SORTER_IN __global const long *restrict sorter, long sorter_offset,
#define AT(row, i) ((row) + clamp(sorter[sorter_offset + (row) + (i)], 0L, n - 1))
#else
#define SORTER_IN
#define AT(row, i) ((row) + (i))
#endif

#ifdef CPU
// Sixteen elements at a time, each of which reads and steps on as long as one of them has to: nothing branches.
#define ABREAST 16
#define EACH _Pragma("unroll") for (int i = 0; i < ABREAST; i++)
__kernel void NAME(search)(__global const E *restrict x, long offset, __global const E *restrict v, long v_offset,
                           SORTER_IN __global long *restrict y, SEARCH)
{
    const long wg = get_global_id(0), wgs = get_global_size(0), all = rows * m, end = all * (wg + 1) / wgs;
    int steps = 0;
    while (steps < 63 && n >> steps)
        steps++;
    for (long g = all * wg / wgs; g < end; g += ABREAST) {
        ACC own[ABREAST];
        long row[ABREAST], low[ABREAST], high[ABREAST];
        EACH
        {
            const long at = min(g + i, end - 1);
            own[i] = GET(v[v_offset + at]);
            row[i] = at / m * row_step;
            low[i] = 0;
            high[i] = n;
        }
        for (int step = 0; step < steps; step++) {
            EACH
            {
                const long at = low[i] + (high[i] - low[i]) / 2;
                const bool on = GOES_ON(GET(x[offset + AT(row[i], min(at, n - 1))]), own[i]) && low[i] < high[i];
                low[i] = on ? at + 1 : low[i];
                high[i] = on ? high[i] : at;
            }
        }
        for (int i = 0; i < min((long)ABREAST, end - g); i++)
            y[g + i] = low[i];
    }
}
#else
__kernel void NAME(search)(__global const E *restrict x, long offset, __global const E *restrict v, long v_offset,
                           SORTER_IN __global long *restrict y, SEARCH)
{
    for (long g = get_global_id(0); g < rows * m; g += get_global_size(0)) {
        const ACC own = GET(v[v_offset + g]);
        const long row = g / m * row_step;
        long low = 0, high = n;
        while (low < high) {
            const long at = low + (high - low) / 2;
            const bool on = GOES_ON(GET(x[offset + AT(row, at)]), own);
            low = on ? at + 1 : low;
            high = on ? high : at;
        }
        y[g] = low;
    }
}
#endif
