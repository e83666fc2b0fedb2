// SPDX-License-Identifier: MIT
// The derivative of normalised rows of at most SHORT elements, CPU class: cl/norm_slope.clh says what it is.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#include "fold.clh"
#include "short_rows.clh"
#include "norm_slope.clh"

// A number of each row, from `at` on.
static inline VEC NAME(of_rows)(__global const ACC *at, int many)
{
    VEC v = (VEC)(0);
    if (many == VL)
        return NAME(load_acc)(at);
    EDGE for (int i = 0; i < many; i++) ((ACC *)&v)[i] = at[i];
    return v;
}

CPU_KERNEL void NAME(norm_slope_short)(__global const E *restrict x, long offset, __global const E *restrict g, long g_offset,
                                       STATS W, __global E *restrict y, ROWS)
{
    VEC t[SHORT], h[SHORT];
    const long id = get_group_id(0), ids = get_num_groups(0), end = rows * (id + 1) / ids;
    for (long r = rows * id / ids; r < end; r += VL) {
        const int whole = ARE_WHOLE, m = min((long)VL, end - r);
        __global const E *a = x + offset + r * n, *b = g + g_offset + r * n;
        TURN_ROWS(t, a, whole, m)
        TURN_ROWS(h, b, whole, m)
        const VEC by = NAME(of_rows)(rstd + rstd_offset + r, m);
#ifdef CENTRED
        const VEC middle = NAME(of_rows)(mean + mean_offset + r, m), low = NAME(of_rows)(rest + rest_offset + r, m);
#endif
        VEC sum = (VEC)(0), dot = (VEC)(0);
        ROLLED for (int j = 0; j < n; j += PART)
        {
            VEC s = (VEC)(0), q = (VEC)(0);
            ROLLED for (int k = j; k < min(j + PART, n); k++)
            {
#ifdef CENTRED
                t[k] = (t[k] - middle) - low;
#endif
#ifdef WEIGHT
                h[k] *= (VEC)(w[w_offset + k]);
#endif
                s += h[k];
                q = fma(h[k], t[k], q);
            }
            sum += s;
            dot += q;
        }
        const VEC mid = sum / (VEC)((ACC)n), slant = dot * by / (VEC)((ACC)n);
        ROLLED for (int j = 0; j < n; j++)
        {
#ifdef CENTRED
            h[j] = ((h[j] - mid) - t[j] * by * slant) * by;
#else
            h[j] = (h[j] - t[j] * by * slant) * by;
#endif
        }
        STORE_ROWS(h, y + r * n, whole, m)
    }
}
