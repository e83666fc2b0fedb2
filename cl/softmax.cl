// SPDX-License-Identifier: MIT
// softmax and log_softmax of rows of n elements: subtract the maximum, so that nothing overflows.
// LOG: the logarithm. A row of -inf alone gives NaN.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#ifndef ITEMS
#define ITEMS 64
#endif
#ifndef ROWS // of n elements
#define ROWS long rows, int n
#endif

static inline ACC NAME(fold_max)(VEC v)
{
    ACC *t = (ACC *)&v;
    for (int h = 8; h > 0; h /= 2)
        for (int i = 0; i < h; i++)
            t[i] = t[i] > t[i + h] || t[i] != t[i] ? t[i] : t[i + h];
    return t[0];
}

// Of the lanes and of what their rounding lost (two-sum); magnitudes have one sign.
static inline ACC NAME(fold_sum)(VEC v, VEC c)
{
    ACC *t = (ACC *)&v, *l = (ACC *)&c;
    for (int h = 8; h > 0; h /= 2)
        for (int i = 0; i < h; i++) {
            const ACC a = t[i], b = t[i + h], s = a + b, z = s - a;
            l[i] = (a - (s - z)) + (b - z) + (l[i] + l[i + h]);
            t[i] = s;
        }
    return l[0] == l[0] ? t[0] + l[0] : t[0];
}

static inline VEC NAME(load_or)(__global const E *p, int n, ACC other)
{
    VEC t = (VEC)(other);
    if (n >= VL)
        return NAME(load)(p);
    EDGE for (int i = 0; i < n; i++) ((ACC *)&t)[i] = GET(p[i]);
    return t;
}

// CPU class: work-groups share the rows, lanes along the row.
CPU_KERNEL void NAME(softmax_cpu)(__global const E *restrict x, long offset, __global E *restrict y, ROWS)
{
    const long g = get_group_id(0), gs = get_num_groups(0);
    for (long r = rows * g / gs; r < rows * (g + 1) / gs; r++) {
        __global const E *a = x + offset + r * n;
        VEC m = (VEC)((ACC)(-INFINITY)), s = (VEC)(0), c = (VEC)(0);
        for (int j = 0; j < n; j += VL) {
            const VEC v = NAME(load_or)(a + j, n - j, (ACC)(-INFINITY));
            m = ((v > m) | (v != v)) ? v : m;
        }
        const ACC top = NAME(fold_max)(m);
        for (int j = 0; j < n; j += VL) { // exp(-inf) adds nothing
            const VEC v = exp(NAME(load_or)(a + j, n - j, (ACC)(-INFINITY)) - (VEC)(top)), t = s + v, z = t - s;
            c += (s - (t - z)) + (v - z);
            s = t;
        }
        const ACC sum = NAME(fold_sum)(s, c);
#ifdef LOG
        const ACC shift = log(sum);
#endif
        for (int j = 0; j < n; j += VL) {
            const VEC v = NAME(load_part)(a + j, n - j) - (VEC)(top);
#ifdef LOG
            NAME(store_part)(v - (VEC)(shift), y + r * n + j, n - j);
#else
            NAME(store_part)(exp(v) / (VEC)(sum), y + r * n + j, n - j);
#endif
        }
    }
}

// GPU class: a work-group per row.
__attribute__((reqd_work_group_size(ITEMS, 1, 1))) __kernel void NAME(softmax_gpu)(
    __global const E *restrict x, long offset, __global E *restrict y, ROWS)
{
    __local ACC t[ITEMS], l[ITEMS];
    const int lid = get_local_id(0);
    const long row = get_group_id(0);
    __global const E *a = x + offset + row * n;
    ACC m = (ACC)(-INFINITY);
    for (int j = lid; j < n; j += ITEMS) {
        const ACC v = GET(a[j]);
        m = v > m || v != v ? v : m;
    }
    t[lid] = m;
    for (int h = ITEMS / 2; h > 0; h /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lid < h)
            t[lid] = t[lid] > t[lid + h] || t[lid] != t[lid] ? t[lid] : t[lid + h];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const ACC top = t[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    ACC s = (ACC)0, c = (ACC)0;
    for (int j = lid; j < n; j += ITEMS) {
        const ACC v = exp(GET(a[j]) - top), u = s + v, z = u - s;
        c += (s - (u - z)) + (v - z);
        s = u;
    }
    t[lid] = s;
    l[lid] = c;
    for (int h = ITEMS / 2; h > 0; h /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lid < h) {
            const ACC x = t[lid], y = t[lid + h], u = x + y, z = u - x;
            l[lid] = (x - (u - z)) + (y - z) + (l[lid] + l[lid + h]);
            t[lid] = u;
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const ACC sum = l[0] == l[0] ? t[0] + l[0] : t[0];
    for (int j = lid; j < n; j += ITEMS)
#ifdef LOG
        y[row * n + j] = PUT(GET(a[j]) - top - log(sum));
#else
        y[row * n + j] = PUT(exp(GET(a[j]) - top) / sum);
#endif
}
