// SPDX-License-Identifier: MIT
// softmax, log_softmax and their statistics of rows of at most SHORT elements, CPU class: cl/softmax.cl says what they
// are.
#pragma OPENCL FP_CONTRACT OFF
#define CPU 1
#include "common.clh"
#include "softmax.clh"
#include "short_rows.clh"
#ifndef ROWS // of n elements
#define ROWS long rows, int n
#endif

CPU_KERNEL void NAME(softmax_short)(TENSORS, ROWS)
{
    VEC t[SHORT];
    const long g = get_group_id(0), gs = get_num_groups(0), end = rows * (g + 1) / gs;
    for (long r = rows * g / gs; r < end; r += VL) {
        __global const E *a = x + offset + r * n;
        const int whole = ARE_WHOLE, m = min((long)VL, end - r);
        TURN_ROWS(t, a, whole, m)
        VEC top = t[0], sum = (VEC)(0), lost = (VEC)(0);
        ROLLED for (int j = 1; j < n; j++) top = MAXIMUM(t[j], top);
        ROLLED for (int j = 0; j < n; j += PLAIN)
        {
            VEC part = (VEC)(0);
            ROLLED for (int k = j; k < min(j + PLAIN, n); k++)
            {
                const VEC d = t[k] - top, e = NAME(exp_neg)(d);
#ifdef LOG
                t[k] = d;
#elif !defined STATS
                t[k] = e;
#endif
                part += e;
            }
            ADD_PART(VEC, sum, lost, part)
        }
        sum = lost == lost ? sum + lost : sum;
#if defined STATS
        const VEC log_sum = log(sum);
        EDGE for (int i = 0; i < m; i++)
        {
            const ACC own = ((const ACC *)&top)[i];
            tops[r + i] = own;
            logs[r + i] = ((const ACC *)&log_sum)[i];
            PICK(r + i, a + i * n, 1, own)
        }
#else
        __global E *b = y + r * n;
#ifdef LOG
        const VEC shift = log(sum);
        ROLLED for (int j = 0; j < n; j++) t[j] -= shift;
#else
        const VEC scale = (VEC)(1) / sum;
        ROLLED for (int j = 0; j < n; j++) t[j] *= scale;
#endif
        STORE_ROWS(t, b, whole, m)
#endif
    }
}
