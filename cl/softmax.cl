// SPDX-License-Identifier: MIT
// softmax and log_softmax of rows of n elements: subtract the maximum, so that nothing overflows. LOG: the
// logarithm. A row of -inf alone gives NaN. STATS: of each row its maximum, the logarithm of the sum of exponentials,
// and the element of the row's label, the maximum subtracted; 0 where there is no such element. COLUMNS (GPU class; the
// CPU class has cl/softmax_columns.cl, and for short rows cl/softmax_short.cl): x is [outer][n][inner], and what is called a row here is a column.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#include "softmax.clh"
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
// The maximum of the lanes. A NaN may get lost in it, since the sum has it too.
static inline ACC NAME(fold_max)(VEC v)
{
    const WIDE(ACC, 8) a = MAXIMUM(v.lo, HI(8, v));
    const WIDE(ACC, 4) b = MAXIMUM(a.lo, HI(4, a));
    const WIDE(ACC, 2) c = MAXIMUM(b.lo, HI(2, b));
    return MAXIMUM(c.x, c.y);
}

// CPU class, longer rows: work-groups share the rows, lanes along the row, chunks of it at a time: what comes before a
// chunk with a greater element is scaled. Exponentials of the last chunk, mostly the only one, are kept, those of
// others made again. The last vector of a row ends with the row, and counts what is new in it.
CPU_KERNEL void NAME(softmax_cpu)(TENSORS, ROWS)
{
#if !defined LOG && !defined STATS
    VEC t[KEEP];
    const int last = (n - 1) / (KEEP * VL) * (KEEP * VL);
#endif
    const VEC lane = (VEC)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const long g = get_group_id(0), gs = get_num_groups(0);
    const int rest = n % VL;
    for (long r = rows * g / gs; r < rows * (g + 1) / gs; r++) {
        __global const E *a = x + offset + r * n;
        ACC top = (ACC)(-INFINITY), sum = (ACC)0, lost = (ACC)0;
        VEC tail = (VEC)(0);
        for (int from = 0; from < n; from += KEEP * VL) {
            const int end = min(n, from + KEEP * VL), stop = end - VL;
            VEC m = NAME(load)(a + stop), s = (VEC)(0), c = (VEC)(0);
            for (int j = from; j <= stop; j += VL) {
                const VEC v = NAME(load)(a + j);
                m = MAXIMUM(v, m);
            }
            const ACC own = NAME(fold_max)(m), best = MAXIMUM(own, top), base = BASE(best);
            if (best > top && from > 0) {
                const VEC less = NAME(exp_apart)((VEC)(top - base));
                sum *= less.s0;
                lost *= less.s0;
            }
            top = best;
            ROLLED for (int j = from; j <= stop; j += PLAIN * VL)
            {
                VEC part = (VEC)(0);
                ROLLED for (int k = j; k <= min(j + (PLAIN - 1) * VL, stop); k += VL)
                {
                    const VEC e = NAME(exp_neg)(NAME(load)(a + k) - (VEC)(base));
#if !defined LOG && !defined STATS
                    t[(k - from) / VL] = e;
#endif
                    part += e;
                }
                ADD_PART(VEC, s, c, part)
            }
            if (end == n && rest) {
                tail = NAME(exp_apart)(NAME(load)(a + stop) - (VEC)(base));
                const VEC fresh = lane < (VEC)((ACC)(VL - rest)) ? (VEC)(0) : tail;
                ADD_PART(VEC, s, c, fresh)
            }
            const ACC part = NAME(fold_sum)(s);
            ADD_PART(ACC, sum, lost, part)
            lost += NAME(fold_sum)(c);
        }
        sum = lost == lost ? sum + lost : sum;
#if defined STATS
        tops[r] = top;
        logs[r] = log(sum);
        PICK(r, a, 1, top)
#elif defined LOG
        const ACC shift = log(sum);
        for (int j = 0; j < n; j += VL) {
            const int at = min(j, n - VL);
            NAME(store)(NAME(load)(a + at) - (VEC)(top) - (VEC)(shift), y + r * n + at);
        }
#else
        __global E *b = y + r * n;
        const VEC scale = (VEC)((ACC)1 / sum);
        ROLLED for (int j = 0; j < last; j += VL)
            NAME(store)(NAME(exp_neg)(NAME(load)(a + j) - (VEC)(top)) * scale, b + j);
        for (int j = last; j <= n - VL; j += VL) NAME(store)(t[(j - last) / VL] * scale, b + j);
        if (rest)
            NAME(store)(tail * scale, b + n - VL);
#endif
    }
}

#else
// GPU class: a work-group per row. COLUMNS: per COLS neighbouring columns, whose elements it reads at the same time.
#ifdef COLUMNS
#define ARGS SHAPE
#else
#define ARGS ROWS
#define COLS 1
#endif
__attribute__((reqd_work_group_size(ITEMS, 1, 1))) __kernel void NAME(softmax_gpu)(
    TENSORS, ARGS)
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
    const ACC top = t[own], shift = BASE(top);
    barrier(CLK_LOCAL_MEM_FENCE);
    ACC s = (ACC)0, c = (ACC)0;
    EACH
    {
        const ACC v = exp(GET(a[j * step]) - shift), u = s + v, z = u - s;
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
#ifdef STATS
    if (lid >= COLS)
        return;
#ifdef COLUMNS
    const long row = part / blocks * inner + at;
#else
    const long row = get_group_id(0);
#endif
    tops[row] = top;
    logs[row] = log(sum);
    PICK(row, a, step, top)
#else
    EACH
#ifdef LOG
        y[base + j * step] = PUT(GET(a[j * step]) - top - log(sum));
#else
        y[base + j * step] = PUT(exp(GET(a[j * step]) - top) / sum);
#endif
#endif
}
#endif
