// SPDX-License-Identifier: MIT
// softmax and log_softmax over an axis that is not the last, CPU class: cl/softmax.cl has the formula.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#ifndef SHAPE // blocks: of columns, in each part of `outer`; each has at most MOST vectors, and two where there are two
#define SHAPE long outer, int n, int inner, int blocks
#define MOST 32
#endif

// x is [outer][n][inner], lanes go over columns. A column's sum is compensated,
// in the order of its elements. Work-groups share the blocks of columns. The last vector of 16 columns or more ends
// with the last column: it sees some a second time. Fewer are a vector that reaches into the next places of the axis,
// which are written later.
CPU_KERNEL void NAME(softmax_columns)(__global const E *restrict x, long offset, __global E *restrict y, SHAPE)
{
    VEC top[MOST], sum[MOST], lost[MOST];
    const long g = get_group_id(0), gs = get_num_groups(0), units = outer * blocks, all = outer * n * inner;
    const long end = units * (g + 1) / gs * n * inner; // of few columns, where a block is all of them
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
        for (int j = 0; j < n; j++) {
            ROLLED for (int k = 0; k < m; k++)
            {
                const VEC v = X(j, k), t = top[k];
                top[k] = ((v > t) | (v != v)) ? v : t;
            }
        }
        for (int j = 0; j < n; j++) {
            ROLLED for (int k = 0; k < m; k++)
            {
                const VEC v = exp(X(j, k) - top[k]), s = sum[k], t = s + v, z = t - s;
                lost[k] += (s - (t - z)) + (v - z);
                sum[k] = t;
            }
        }
        ROLLED for (int k = 0; k < m; k++)
        {
            const VEC s = sum[k], l = lost[k], t = l == l ? s + l : s;
#ifdef LOG
            sum[k] = log(t);
#else
            sum[k] = t;
#endif
        }
        for (int j = 0; j < n; j++) {
            ROLLED for (int k = 0; k < m; k++)
            {
                const VEC v = X(j, k) - top[k];
#ifdef LOG
                const VEC r = v - sum[k];
#else
                const VEC r = exp(v) / sum[k];
#endif
                NAME(store_part)(r, y + AT(j, k), few && AT(j, k) + VL > end ? few : VL);
            }
        }
    }
}
