// SPDX-License-Identifier: MIT
// The derivative of normalised rows for what was normalised, CPU class: cl/norm_slope.clh says what it is.
//
// A work-item per work-group, which share the rows; lanes along a row, n is VL or more. A row is read twice, the second
// time from a cache unless it is long. Sums are of CHUNK elements at a time.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#include "fold.clh"
#include "norm_slope.clh"
#ifdef WEIGHT
#define H(j) (NAME(load)(b + (j)) * NAME(load)(w + (j)))
#else
#define H(j) NAME(load)(b + (j))
#endif
#ifdef CENTRED
#define D(j) ((NAME(load)(a + (j)) - (VEC)(m)) - (VEC)(l))
#else
#define D(j) NAME(load)(a + (j))
#endif
#define ADD(k, at, only)                                                                           \
    {                                                                                              \
        const VEC h_ = only H(at);                                                                 \
        s[k] += h_;                                                                                \
        q[k] = fma(h_, D(at), q[k]);                                                               \
    }

CPU_KERNEL void NAME(norm_slope)(__global const E *restrict x, long offset, __global const E *restrict g, long g_offset,
                                 STATS W, __global E *restrict y, ROWS)
{
    const VEC lane = (VEC)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const long id = get_group_id(0), ids = get_num_groups(0);
#ifdef WEIGHT
    w += w_offset;
#endif
    for (long i = rows * id / ids; i < rows * (id + 1) / ids; i++) {
        __global const E *a = x + offset + i * n, *b = g + g_offset + i * n;
        __global E *c = y + i * n;
        const ACC r = rstd[rstd_offset + i];
#ifdef CENTRED
        const ACC m = mean[mean_offset + i], l = rest[rest_offset + i];
#endif
        ACC sum = (ACC)0, dot = (ACC)0;
        for (long from = 0; from < n; from += CHUNK) {
            const long end = min(n, from + CHUNK);
            VEC s[2] = { (VEC)(0), (VEC)(0) }, q[2] = { (VEC)(0), (VEC)(0) };
            long j = from;
            ROLLED for (; j + 2 * VL <= end; j += 2 * VL)
            {
                ADD(0, j, )
                ADD(1, j + VL, )
            }
            if (j + VL <= end) {
                ADD(0, j, )
                j += VL;
            }
            if (j < end) // what is new in the last vector
                ADD(1, end - VL, lane < (VEC)((ACC)(VL - (end - j))) ? (VEC)(0) :)
            sum += NAME(fold_sum)(s[0] + s[1]);
            dot += NAME(fold_sum)(q[0] + q[1]);
        }
        const VEC mid = (VEC)(sum / (ACC)n), slant = (VEC)(dot * r / (ACC)n), by = (VEC)(r);
#ifdef CENTRED
#define RESULT(j) (((H(j) - mid) - D(j) * by * slant) * by)
#else
#define RESULT(j) ((H(j) - D(j) * by * slant) * by)
#endif
        ROLLED for (long j = 0; j + VL <= n; j += VL) NAME(store)(RESULT(j), c + j);
        if (n % VL)
            NAME(store)(RESULT(n - VL), c + n - VL);
    }
}
