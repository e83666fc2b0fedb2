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

#ifdef CPU
#define WIDE_(type, n) type##n
#define WIDE(type, n) WIDE_(type, n)
#ifdef BY_LANES
#define HI(n, v) (((const WIDE(ACC, n) *)&(v))[1])
#else
#define HI(n, v) ((v).hi)
#endif

// Halves meet, then their halves. GREATER: the first NaN, else the greater.
#define GREATER(a, b) ((((a) > (b)) | ((a) != (a))) ? (a) : (b))
static inline ACC NAME(fold_max)(VEC v)
{
    const WIDE(ACC, 8) a = GREATER(v.lo, HI(8, v));
    const WIDE(ACC, 4) b = GREATER(a.lo, HI(4, a));
    const WIDE(ACC, 2) c = GREATER(b.lo, HI(2, b));
    return c.x > c.y || c.x != c.x ? c.x : c.y;
}

// Of the lanes and of what their rounding lost (two-sum); magnitudes have one sign.
#define MEET(type, a, b, la, lb, s, l)                                                             \
    const type s = (a) + (b), z##s = s - (a);                                                      \
    const type l = ((a) - (s - z##s)) + ((b) - z##s) + ((la) + (lb));
static inline ACC NAME(fold_sum)(VEC v, VEC c)
{
    MEET(WIDE(ACC, 8), v.lo, HI(8, v), c.lo, HI(8, c), s8, l8)
    MEET(WIDE(ACC, 4), s8.lo, HI(4, s8), l8.lo, HI(4, l8), s4, l4)
    MEET(WIDE(ACC, 2), s4.lo, HI(2, s4), l4.lo, HI(2, l4), s2, l2)
    MEET(ACC, s2.x, s2.y, l2.x, l2.y, s1, l1)
    return l1 == l1 ? s1 + l1 : s1;
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

#else
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
#endif
