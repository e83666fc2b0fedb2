// SPDX-License-Identifier: MIT
// Maxima over any window, CPU class, to the bit of cl/pool.cl, forward: rows of the image are joined down to one line in
// local memory, sixteen columns at once, then neighbours along it, in place, and of that each sw-th is a result. A
// work-group has parts of rows of results, `columns` each, in their order in memory; padding lies in the line as what
// changes nothing. APART, ADAPTIVE always: neighbours are joined for each result by itself.
#pragma OPENCL FP_CONTRACT OFF
#include "pool_cpu.clh"
#ifndef LOWEST
#define LOWEST (-INFINITY)
#endif
#define NOWHERE INT_MAX // a place behind all others

SELDOM void NAME(store_few_ints)(int16 x, __global int *p, int n)
{
    EDGE for (int i = 0; i < n; i++) p[i] = ((int *)&x)[i];
}

CPU_KERNEL void NAME(max_pool_cpu)(__global const E *restrict x, long offset, __global E *restrict y,
                                   __global int *restrict index, POOL, WINDOW, LINES, __local ACC *line,
                                   __local int *place SPAN_PARAM)
{
    const long all = (long)N * D * H * W;
    SPANS(OW, places)
    EACH_BATCH
        JOIN(MASK, 16) nans = (JOIN(MASK, 16))(0);
        const int b0 = max(c0, 0), b1 = min(W, c0 + many);
        EACH_LINE
        {
            const int4 a = NAME(places)(in_plane, IMAGE_H), c = PLACES_D(DEPTH_OF(above, OD));
            const long plane = (long)PLANE(above, OD) * D * H * W;
            const bool none = a.x >= a.y || c.x >= c.y;
            __local ACC *to = line + t * pitch;
            __local int *to_place = place + t * pitch;
            EDGE for (int i = 0; i < min(b0 - c0, many); i += VL)
            {
                NAME(store_local)((VEC)((ACC)(LOWEST)), to + i);
                NAME(store_places)((int16)(NOWHERE), to_place + i);
            }
            for (int b = b0; b < b1; b += VL) { // down
                VEC best = (VEC)((ACC)(LOWEST));
                int16 winner = none ? (int16)(NOWHERE) : (c.x * H + a.x) * W + b + LANE;
                for (int q = c.x; q < c.y; q += c.z) {
                    ROLLED for (int r = a.x; r < a.y; r += a.z)
                    {
                        const int from = (q * H + r) * W + b;
                        const VEC v = NAME(load_near)(x + offset, plane + from, all);
                        const JOIN(MASK, 16) take = (v > best) | (v != v);
                        best = take ? v : best;
                        winner = convert_int16(take) ? from + LANE : winner;
                    }
                }
                nans |= best != best;
                NAME(store_local)(best, to + b - c0);
                NAME(store_places)(winner, to_place + b - c0);
            }
            EDGE for (int i = max(b1 - c0, 0); i < pitch; i += VL)
            {
                NAME(store_local)((VEC)((ACC)(LOWEST)), to + i);
                NAME(store_places)((int16)(NOWHERE), to_place + i);
            }
        }
        const bool nan = NAME(any_of)(nans);
#ifdef APART
        EDGE for (int t = 0; t < count; t++)
        {
            const int shift = t * pitch - c0;
            EDGE for (int j = 0; j < n; j++)
            {
                const int4 span = SPAN(j0 + j, places);
                const int first = span.x + shift, none = span.x >= span.y;
                ACC best = none ? (ACC)(LOWEST) : line[first];
                int winner = none ? NOWHERE : place[first];
                EDGE for (int s = first + span.z; s < span.y + shift; s += span.z)
                {
                    const ACC v = line[s];
                    const int p = place[s];
                    int take = (v > best) | ((v == best) & (p < winner));
                    if (nan)
                        take |= (v != v) & ((best == best) | (p > winner));
                    best = take ? v : best;
                    winner = take ? p : winner;
                }
                y[at + t * n + j] = PUT(best);
                index[at + t * n + j] = winner == NOWHERE ? -1 : winner;
            }
        }
#else
        NAME(end_lines)(line + count * pitch);
        NAME(end_places)(place + count * pitch);
        for (int i = 0; i < (count - 1) * pitch + (n - 1) * sw + 1; i += VL) { // along; of equals the first, of NaN the last
            VEC best = NAME(load_local)(line + i);
            int16 winner = NAME(load_places)(place + i);
            ROLLED for (int s = 1; s < KW; s++)
            {
                const VEC v = NAME(load_local)(line + i + s * dw);
                const int16 p = NAME(load_places)(place + i + s * dw);
                JOIN(MASK, 16) take = (v > best) | ((v == best) & TO_MASK(p < winner));
                if (nan)
                    take |= (v != v) & ((best == best) | TO_MASK(p > winner));
                best = take ? v : best;
                winner = convert_int16(take) ? p : winner;
            }
            NAME(store_local)(best, line + i);
            NAME(store_places)(winner, place + i);
        }
        NAME(each_step)(line, count, n, sw, pitch);
        NAME(each_step_of_places)(place, count, n, sw, pitch);
        for (int j = 0; j < count * n; j += VL) {
            const int16 p = NAME(load_places)(place + j), winner = p == (int16)(NOWHERE) ? (int16)(-1) : p;
            NAME(store_near)(NAME(load_local)(line + j), y, at + j, count * n - j, end);
            if (at + j + VL <= end)
                STORE16(__global, int_at, winner, index + at + j);
            else
                NAME(store_few_ints)(winner, index + at + j, count * n - j);
        }
#endif
    }
}
