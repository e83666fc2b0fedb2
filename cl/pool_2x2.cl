// SPDX-License-Identifier: MIT
// Maximum over 2x2 windows with stride 2 and no padding, f32, CPU class; and its gradient, and an average's. Work-groups
// share the planes. A vector may hang over the end of its row: what it writes there belongs to rows of
// the same plane that are written later; only at the end of a plane do vectors go in parts.
#pragma OPENCL FP_CONTRACT OFF
#define E float
#define VEC float16
#include "common.clh"
#include "window.clh"

#define LANE2 (int16)(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)

#if defined(__clang__) && !defined(BY_LANES)
typedef int NAME(int_at) __attribute__((ext_vector_type(16), aligned(sizeof(int))));
#endif

SELDOM int16 NAME(load_few_ints)(__global const int *p, int n)
{
    int16 t = (int16)(0);
    EDGE for (int i = 0; i < n; i++) ((int *)&t)[i] = p[i];
    return t;
}

static inline int16 NAME(load_ints)(__global const int *p, int n)
{
    return n >= VL ? LOAD16(__global, int_at, p) : NAME(load_few_ints)(p, n);
}

SELDOM void NAME(store_few_ints)(int16 x, __global int *p, int n)
{
    EDGE for (int i = 0; i < n; i++) p[i] = ((int *)&x)[i];
}

static inline void NAME(store_ints)(int16 x, __global int *p, int n)
{
    if (n >= VL)
        STORE16(__global, int_at, x, p);
    else
        NAME(store_few_ints)(x, p, n);
}

// The winner of four: the last NaN, else the first maximum.
#define PICK(v, place)                                                                             \
    {                                                                                              \
        const int16 better = (v > best) | (v != v);                                                \
        best = better ? v : best;                                                                  \
        win = better ? (int16)(place) + LANE2 : win;                                               \
    }

CPU_KERNEL void NAME(max_pool_2x2)(__global const float *restrict x, long offset,
                                   __global float *restrict y, __global int *restrict index,
                                   WINDOW)
{
    const int g = get_group_id(0), gs = get_num_groups(0), in = H * W, out = OH * OW;
    for (long p = (long)N * g / gs; p < (long)N * (g + 1) / gs; p++) {
        __global const float *a = x + offset + p * in;
        for (int i = 0; i < OH; i++) {
            ROLLED for (int j = 0; j < OW; j += VL)
            {
                const int at = 2 * i * W + 2 * j, to = i * OW + j, left = 2 * (OW - j);
                const int n = at + W + 2 * VL <= in ? 2 * VL : left;
                const float16 a0 = NAME(load_part)(a + at, n), a1 = NAME(load_part)(a + at + VL, n - VL),
                              b0 = NAME(load_part)(a + at + W, n),
                              b1 = NAME(load_part)(a + at + W + VL, n - VL);
                const float16 v0 = EVENS(VEC, a0, a1), v1 = ODDS(VEC, a0, a1),
                              v2 = EVENS(VEC, b0, b1), v3 = ODDS(VEC, b0, b1);
                float16 best = v0;
                int16 win = (int16)(at) + LANE2;
                PICK(v1, at + 1)
                PICK(v2, at + W)
                PICK(v3, at + W + 1)
                const int m = to + VL <= out ? VL : OW - j;
                NAME(store_part)(best, y + p * out + to, m);
                NAME(store_ints)(win, index + p * out + to, m);
            }
        }
    }
}

CPU_KERNEL void NAME(max_pool_scatter_2x2)(__global const float *restrict g, long offset,
                                           __global const int *restrict index, long index_offset,
                                           __global float *restrict dx, WINDOW)
{
    const int grp = get_group_id(0), gs = get_num_groups(0), in = H * W, out = OH * OW;
    for (long p = (long)N * grp / gs; p < (long)N * (grp + 1) / gs; p++) {
        __global float *d = dx + p * in;
        for (int row = 0; row < 2 * OH; row++) {
            ROLLED for (int j = 0; j < OW; j += VL)
            {
                const int from = row / 2 * OW + j, at = row * W + 2 * j;
                const int m = from + VL <= out ? VL : OW - j;
                const float16 v = NAME(load_part)(g + offset + p * out + from, m);
                const int16 k = NAME(load_ints)(index + index_offset + p * out + from, m) - at;
                const float16 e = k == LANE2 ? v : (float16)(0.0f);
                const float16 o = k == LANE2 + 1 ? v : (float16)(0.0f);
                const int n = at + 2 * VL <= in ? 2 * VL : 2 * (OW - j);
                NAME(store_part)(ZIP_LOW(VEC, e, o), d + at, n);
                NAME(store_part)(ZIP_HIGH(VEC, e, o), d + at + VL, n - VL);
            }
            EDGE for (int j = 2 * OW; j < W; j++) d[row * W + j] = 0.0f;
        }
        EDGE for (int k = 2 * OH * W; k < in; k++) d[k] = 0.0f;
    }
}

CPU_KERNEL void NAME(avg_pool_back_2x2)(__global const float *restrict g, long offset, __global float *restrict dx,
                                        int divisor, WINDOW)
{
    const int grp = get_group_id(0), gs = get_num_groups(0), in = H * W, out = OH * OW;
    const float16 parts = (float16)((float)divisor), zero = (float16)(0.0f);
    for (long p = (long)N * grp / gs; p < (long)N * (grp + 1) / gs; p++) {
        __global float *d = dx + p * in;
        for (int row = 0; row < 2 * OH; row++) {
            ROLLED for (int j = 0; j < OW; j += VL)
            {
                const int from = row / 2 * OW + j, at = row * W + 2 * j;
                const int m = from + VL <= out ? VL : OW - j, n = at + 2 * VL <= in ? 2 * VL : 2 * (OW - j);
                const float16 v = (zero + NAME(load_part)(g + offset + p * out + from, m)) / parts; // of -0 a 0
                NAME(store_part)(ZIP_LOW(VEC, v, v), d + at, n);
                NAME(store_part)(ZIP_HIGH(VEC, v, v), d + at + VL, n - VL);
            }
            EDGE for (int j = 2 * OW; j < W; j++) d[row * W + j] = 0.0f;
        }
        EDGE for (int k = 2 * OH * W; k < in; k++) d[k] = 0.0f;
    }
}
