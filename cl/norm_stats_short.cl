// SPDX-License-Identifier: MIT
// Mean and variance of rows of at most SHORT elements, CPU class: cl/norm_stats.clh says what they are. Here outer is 1, and
// a group is a row.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#include "fold.clh"
#include "norm_stats.clh"
#include "short_rows.clh"

// A number of each row, from `to` on.
static inline void NAME(store_rows)(VEC v, __global ACC *to, int many)
{
    if (many == VL)
        NAME(store_acc)(v, to);
    else
        EDGE for (int i = 0; i < many; i++) to[i] = ((const ACC *)&v)[i];
}

CPU_KERNEL void NAME(norm_stats_short)(__global const E *restrict x, long offset, RESULTS, __global ACC *restrict some, GROUPS)
{
    VEC t[SHORT];
    const int n = inner;
    const long id = get_group_id(0), ids = get_num_groups(0), end = groups * (id + 1) / ids;
    for (long r = groups * id / ids; r < end; r += VL) {
        __global const E *a = x + offset + r * n;
        const int whole = ARE_WHOLE, m = min((long)VL, end - r);
        TURN_ROWS(t, a, whole, m)
        VEC d = (VEC)(0), q = (VEC)(0);
#ifdef CENTRED
        VEC base = (VEC)(0);
        ROLLED for (int j = 0; j < n; j += PART)
        {
            VEC part = t[j];
            ROLLED for (int k = j + 1; k < min(j + PART, n); k++) part += t[k];
            base += part;
        }
        base /= (VEC)((ACC)n);
#endif
        ROLLED for (int j = 0; j < n; j += PART)
        {
            VEC part = (VEC)(0), squares = (VEC)(0);
            ROLLED for (int k = j; k < min(j + PART, n); k++)
            {
#ifdef CENTRED
                const VEC e = t[k] - base;
                part += e;
#else
                const VEC e = t[k];
#endif
                squares = fma(e, e, squares);
            }
            d += part;
            q += squares;
        }
#ifdef CENTRED
        const VEC off = d / (VEC)((ACC)n), middle = base + off;
        q -= off * d;
        NAME(store_rows)(middle, mean + r, m);
        NAME(store_rows)((base - middle) + off, rest + r, m);
#endif
        const VEC v = q / (VEC)((ACC)n);
        NAME(store_rows)(v, var + r, m);
        NAME(store_rows)((VEC)(1) / sqrt(v + (VEC)(EPS)), rstd + r, m);
        if (any(!(v < (VEC)((ACC)INFINITY)) | (v + (VEC)(EPS) < (VEC)((ACC)TINY)))) {
            EDGE for (int i = 0; i < m; i++)
            {
                const ACC own = ((const ACC *)&v)[i];
                if (!(own < (ACC)INFINITY) || own + EPS < (ACC)TINY)
                    NAME(scaled)(a + i * n, r + i, RESULTS_NAMES, GROUPS_NAMES);
            }
        }
    }
}
