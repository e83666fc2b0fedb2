// SPDX-License-Identifier: MIT
// softmax and log_softmax of rows of n elements: subtract the maximum, so that nothing overflows. LOG: the
// logarithm. A row of -inf alone gives NaN. COLUMNS (GPU class; the CPU class has
// cl/softmax_columns.cl): x is [outer][n][inner], and what is called a row here is a column.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#ifndef ITEMS
#define ITEMS 64
#endif
#if defined COLUMNS && !defined COLS
#define COLS 16
#endif
#ifndef ROWS // of n elements
#define ROWS long rows, int n
#endif
#ifndef SHAPE // blocks: of COLS columns
#define SHAPE long outer, int n, int inner, int blocks
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

#ifdef SHORT
// CPU class, rows of at most SHORT elements: sixteen rows at once, a row in each lane; the same operations in the same
// order as of long rows. t holds them turned, element j of all rows as a vector. A vector of a row of fewer than
// sixteen elements reaches into the rows behind it, which are written later.
CPU_KERNEL void NAME(softmax_short)(__global const E *restrict x, long offset, __global E *restrict y, ROWS)
{
    VEC t[SHORT], s[VL], c[VL];
    const long g = get_group_id(0), gs = get_num_groups(0), end = rows * (g + 1) / gs;
    for (long r = rows * g / gs; r < end; r += VL) {
        __global const E *a = x + offset + r * n;
        __global E *b = y + r * n;
        const int whole = (r + VL - 1) * n + max(n, VL) <= end * n, m = min((long)VL, end - r);
        if (whole) {
            VEC v[VL];
            ROLLED for (int j = 0; j < n; j += VL)
            {
                const int from = max(min(j, n - VL), 0);
                UNROLL for (int i = 0; i < VL; i++) v[i] = NAME(load)(a + i * n + from);
                TRANSPOSE16(v)
                UNROLL for (int i = 0; i < VL; i++) t[from + i] = v[i];
            }
        } else { // the last rows; lanes without one repeat the last
            EDGE for (int i = 0; i < VL * n; i++) ((ACC *)t)[i] = GET(a[min(i % VL, m - 1) * n + i / VL]);
        }
        VEC top = t[0];
        ROLLED for (int j = 1; j < n; j++)
        {
            const VEC v = t[j];
            top = ((v > top) | (v != v)) ? v : top;
        }
        ROLLED for (int j = 0; j < n; j++)
        {
            const VEC d = t[j] - top, e = exp(d);
#ifdef LOG
            t[j] = d;
#else
            t[j] = e;
#endif
            if (j < VL) {
                s[j] = e;
                c[j] = (VEC)(0);
            } else {
                const VEC u = s[j % VL], w = u + e, z = w - u;
                c[j % VL] += (u - (w - z)) + (e - z);
                s[j % VL] = w;
            }
        }
        const int lanes = min(n, VL);
        ROLLED for (int h = VL / 2; h > 0; h /= 2)
        {
            ROLLED for (int l = 0; l < h && l + h < lanes; l++)
            {
                MEET(VEC, s[l], s[l + h], c[l], c[l + h], w, lost)
                s[l] = w;
                c[l] = lost;
            }
        }
        const VEC lost = c[0];
        const VEC sum = lost == lost ? s[0] + lost : s[0];
#ifdef LOG
        const VEC shift = log(sum);
        ROLLED for (int j = 0; j < n; j++) t[j] -= shift;
#else
        ROLLED for (int j = 0; j < n; j++) t[j] /= sum;
#endif
        if (whole) {
            VEC v[VL];
            ROLLED for (int j = 0; j < n; j += VL)
            {
                const int from = max(min(j, n - VL), 0);
                UNROLL for (int i = 0; i < VL; i++) v[i] = t[from + i];
                TRANSPOSE16(v)
                UNROLL for (int i = 0; i < VL; i++) NAME(store)(v[i], b + i * n + from);
            }
        } else {
            EDGE for (int i = 0; i < VL * n; i++) if (i % VL < m) b[i % VL * n + i / VL] = PUT(((ACC *)t)[i]);
        }
    }
}

#else
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

#endif

#else
// GPU class: a work-group per row. COLUMNS: per COLS neighbouring columns, whose elements it reads at the same time.
#ifdef COLUMNS
#define ARGS SHAPE
#else
#define ARGS ROWS
#define COLS 1
#endif
__attribute__((reqd_work_group_size(ITEMS, 1, 1))) __kernel void NAME(softmax_gpu)(
    __global const E *restrict x, long offset, __global E *restrict y, ARGS)
{
    __local ACC t[ITEMS], l[ITEMS];
    const int lid = get_local_id(0), own = lid % COLS;
#ifdef COLUMNS
    const long part = get_group_id(0);
    const int at = (int)(part % blocks) * COLS + own, inside = at < inner;
    const long step = inner, base = part / blocks * n * step + min(at, inner - 1);
#else
    const int inside = 1;
    const long step = 1, base = (long)get_group_id(0) * n;
#endif
#define EACH for (int j = lid / COLS; j < n; j += ITEMS / COLS)
    __global const E *a = x + offset + base;
    ACC m = (ACC)(-INFINITY);
    EACH
    {
        const ACC v = GET(a[j * step]);
        m = v > m || v != v ? v : m;
    }
    t[lid] = m;
    for (int h = ITEMS / 2; h >= COLS; h /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lid < h)
            t[lid] = t[lid] > t[lid + h] || t[lid] != t[lid] ? t[lid] : t[lid + h];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const ACC top = t[own];
    barrier(CLK_LOCAL_MEM_FENCE);
    ACC s = (ACC)0, c = (ACC)0;
    EACH
    {
        const ACC v = exp(GET(a[j * step]) - top), u = s + v, z = u - s;
        c += (s - (u - z)) + (v - z);
        s = u;
    }
    t[lid] = s;
    l[lid] = c;
    for (int h = ITEMS / 2; h >= COLS; h /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lid < h) {
            const ACC x = t[lid], y = t[lid + h], u = x + y, z = u - x;
            l[lid] = (x - (u - z)) + (y - z) + (l[lid] + l[lid + h]);
            t[lid] = u;
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const ACC sum = l[own] == l[own] ? t[own] + l[own] : t[own];
    if (!inside)
        return;
    EACH
#ifdef LOG
        y[base + j * step] = PUT(GET(a[j * step]) - top - log(sum));
#else
        y[base + j * step] = PUT(exp(GET(a[j * step]) - top) / sum);
#endif
}
#endif
