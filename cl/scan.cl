// SPDX-License-Identifier: MIT
// Scans along an axis, GPU class: cl/scan.clh says of what. ENTRY 0: a work-group for each part of a row, whose items
// have PER elements each, through local memory. ENTRY 2: an item for each part of a column. TOTAL makes totals of parts.
#pragma OPENCL FP_CONTRACT OFF
#include "scan.clh"
#ifndef ENTRY
#define ENTRY 0
#endif
#ifndef ITEMS
#define ITEMS 64
#endif
#define PER 8
#define TILE (ITEMS * PER)
#ifdef BACK
#define AT(i) (n - 1 - (i))
#else
#define AT(i) (i)
#endif
#define TAKE(s, v, f, at) ADD(s, v, f, at, ACC, W, TO_W, exp)
#if KIND == 2
#define FACTOR(v) v
#else
#define FACTOR(v) 0
#endif
#if KIND == 5
#define STORE_SECOND(s, at) second[at] = PUT(OF_W((s).b));
#elif KIND >= 3
#define STORE_SECOND(s, at) second[at] = (s).b;
#else
#define STORE_SECOND(s, at)
#endif

#if ENTRY == 0
__attribute__((reqd_work_group_size(ITEMS, 1, 1))) __kernel void NAME(scan_rows)(INPUTS, OUTPUTS, SCAN)
{
    __local ACC tile[TILE];
#if KIND == 2
    __local ACC factors[TILE];
#endif
    __local NAME(run_a) a[ITEMS];
    __local NAME(run_b) b[ITEMS];
    const int lid = get_local_id(0), part = get_group_id(0);
    const long r = get_group_id(1), first = part * length, last = min(first + length, n), base = r * n;
#ifdef TOTAL
    NAME(run) carry = NAME(none)();
#else
    NAME(run) carry = NAME(before)(total_a, total_b, part, many, r);
#endif
    for (long from = first; from < last; from += TILE) {
        for (int k = lid; k < TILE; k += ITEMS) {
            const long at = base + AT(from + k);
            tile[k] = from + k < last ? GET(x[offset + at]) : (ACC)(NO_X);
#if KIND == 2
            factors[k] = from + k < last ? GET(factor[factor_offset + at]) : (ACC)1;
#endif
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        NAME(run) s = NAME(none)();
        for (int k = lid * PER; k < lid * PER + PER; k++)
            if (from + k < last)
                TAKE(s, tile[k], FACTOR(factors[k]), (PLACE)(from + k))
        for (int h = 1; h < ITEMS; h *= 2) {
            a[lid] = s.a;
            b[lid] = s.b;
            barrier(CLK_LOCAL_MEM_FENCE);
            if (lid >= h) {
                NAME(run) q;
                q.a = a[lid - h];
                q.b = b[lid - h];
                s = NAME(join)(q, s);
            }
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        a[lid] = s.a;
        b[lid] = s.b;
        barrier(CLK_LOCAL_MEM_FENCE);
        NAME(run) all;
        all.a = a[ITEMS - 1];
        all.b = b[ITEMS - 1];
#ifndef TOTAL
        s = carry;
        if (lid > 0) {
            NAME(run) q;
            q.a = a[lid - 1];
            q.b = b[lid - 1];
            s = NAME(join)(carry, q);
        }
        for (int k = lid * PER; k < lid * PER + PER; k++)
            if (from + k < last) {
                TAKE(s, tile[k], FACTOR(factors[k]), (PLACE)(from + k))
                tile[k] = OF_W(VALUE(s));
                STORE_SECOND(s, base + AT(from + k))
            }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int k = lid; k < TILE; k += ITEMS)
            if (from + k < last)
                y[base + AT(from + k)] = PUT(tile[k]);
#endif
        carry = NAME(join)(carry, all);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
#ifdef TOTAL
    if (lid == 0) {
        total_a[part * many + r] = carry.a;
        total_b[part * many + r] = carry.b;
    }
#endif
}

#else
__kernel void NAME(scan_columns)(INPUTS, OUTPUTS, SCAN)
{
    const long item = get_global_id(0), column = item % many;
#ifdef TOTAL
    const int count = parts - 1;
#else
    const int count = parts;
#endif
    const int part = (int)(item / many);
    if (part >= count)
        return;
    const long base = column / inner * n * inner + column % inner, first = part * length, last = min(first + length, n);
#ifdef TOTAL
    NAME(run) s = NAME(none)();
#else
    NAME(run) s = NAME(before)(total_a, total_b, part, many, column);
#endif
    for (long i = first; i < last; i++) {
        const long at = base + AT(i) * inner;
        const ACC v = GET(x[offset + at]);
#if KIND == 2
        const ACC f = GET(factor[factor_offset + at]);
#endif
        TAKE(s, v, FACTOR(f), (PLACE)i)
#ifndef TOTAL
        y[at] = PUT(OF_W(VALUE(s)));
        STORE_SECOND(s, at)
#endif
    }
#ifdef TOTAL
    total_a[part * many + column] = s.a;
    total_b[part * many + column] = s.b;
#endif
}
#endif
