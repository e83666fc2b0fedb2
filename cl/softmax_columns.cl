// SPDX-License-Identifier: MIT
// softmax, log_softmax and their statistics over an axis that is not the last, CPU class: cl/softmax.cl says what they
// are.
#pragma OPENCL FP_CONTRACT OFF
#define CPU 1
#include "common.clh"
#include "softmax.clh"
#ifndef SHAPE // blocks: of columns, in each part of `outer`; each has at most MOST vectors, and two where there are two.
#define SHAPE long outer, int n, int inner, int blocks
#define MOST 128
#endif

// x is [outer][n][inner], lanes go over columns, PLAIN elements of the axis at a time, in the order of memory; what comes
// before some that are greater is scaled. Exponentials are made again for the result.
// Work-groups share the blocks of columns. The last vector of 16 columns or more ends with the last column: it sees
// some a second time. Fewer are a vector that reaches into the next places of the axis, which are written later.
CPU_KERNEL void NAME(softmax_columns)(TENSORS, SHAPE)
{
    VEC top[MOST], sum[MOST], lost[MOST];
    const long g = get_group_id(0), gs = get_num_groups(0), units = outer * blocks, all = outer * n * inner;
    const int vectors = DIV_UP(inner, VL), few = inner < VL ? inner : 0;
    x += offset;
    for (long u = units * g / gs; u < units * (g + 1) / gs; u++) {
        const int block = u % blocks, v0 = (long)vectors * block / blocks;
        const int m = (int)((long)vectors * (block + 1) / blocks) - v0;
        const long base = u / blocks * n * inner;
#define FIRST(k) (few ? 0 : min((v0 + (k)) * VL, inner - VL))
#define AT(j, k) (base + (long)(j) * inner + FIRST(k))
#define X(j, k) NAME(load_part)(x + AT(j, k), few ? (int)min(all - AT(j, k), (long)VL) : VL)
        for (int k = 0; k < m; k++) {
            top[k] = (VEC)((ACC)(-INFINITY));
            sum[k] = lost[k] = (VEC)(0);
        }
        for (int from = 0; from < n; from += PLAIN) {
            const int end = min(n, from + PLAIN);
            ROLLED for (int k = 0; k < m; k++)
            {
                const VEC before = top[k];
                VEC best = before, s = sum[k], c = lost[k], part = (VEC)(0);
                ROLLED for (int j = from; j < end; j++)
                {
                    const VEC v = X(j, k);
                    best = MAXIMUM(v, best);
                }
                const VEC shift = BASE(best);
                if (from > 0) {
                    const VEC less = NAME(exp_neg)(before - shift);
                    s *= less;
                    c *= less;
                }
                ROLLED for (int j = from; j < end; j++) part += NAME(exp_neg)(X(j, k) - shift);
                ADD_PART(VEC, s, c, part)
                top[k] = best;
                sum[k] = s;
                lost[k] = c;
            }
        }
        ROLLED for (int k = 0; k < m; k++)
        {
            const VEC s = sum[k], l = lost[k], t = l == l ? s + l : s;
#if defined LOG || defined STATS
            sum[k] = log(t);
#else
            sum[k] = (VEC)(1) / t;
#endif
        }
#ifdef STATS
        for (int k = 0; k < m; k++) {
            EDGE for (int i = 0; i < VL && i < inner; i++)
            {
                const long r = u / blocks * inner + FIRST(k) + i;
                const ACC own = ((const ACC *)&top[k])[i];
                tops[r] = own;
                logs[r] = ((const ACC *)&sum[k])[i];
                PICK(r, x + base + FIRST(k) + i, inner, own)
            }
        }
#else
        const long end = units * (g + 1) / gs * n * inner; // of few columns, where a block is all of them
        for (int j = 0; j < n; j++) {
            ROLLED for (int k = 0; k < m; k++)
            {
#ifdef LOG
                const VEC r = X(j, k) - top[k] - sum[k];
#else
                const VEC r = NAME(exp_neg)(X(j, k) - top[k]) * sum[k];
#endif
                NAME(store_part)(r, y + AT(j, k), few && AT(j, k) + VL > end ? few : VL);
            }
        }
#endif
    }
}
