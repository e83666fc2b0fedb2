// SPDX-License-Identifier: MIT
// Scans along an axis, CPU class: cl/scan.clh says of what. ENTRY 0, long rows: blocks of 256 elements, of which each
// lane has sixteen: first their totals and then, from what stands before each lane, the values. ENTRY 2, columns: lanes
// are columns, a work-group goes along the axis with one of `strips` of them. Few long ones are cut in parts, whose
// totals (TOTAL) are made before.
#pragma OPENCL FP_CONTRACT OFF
#include "scan_cpu.clh"
#ifndef ENTRY
#define ENTRY 0
#endif

#if ENTRY == 0
#define BLOCK (VL * VL)
// Sixteen vectors at `where(i)`, m(i) elements of each, turned.
#define READ(v, from, where, m, few, other)                                                        \
    if (few)                                                                                       \
        UNROLL for (int i = 0; i < VL; i++) v[i] = NAME(load_or)((from) + where(i), m(i), (ACC)(other)); \
    else                                                                                           \
        UNROLL for (int i = 0; i < VL; i++) v[NTH(i)] = NAME(load)((from) + where(NTH(i)));        \
    TRANSPOSE16(v)
#define WRITE(v, to, where, m, few)                                                                \
    TRANSPOSE16(v)                                                                                 \
    if (few)                                                                                       \
        UNROLL for (int i = 0; i < VL; i++) NAME(store_part)(v[i], (to) + where(i), m(i));         \
    else                                                                                           \
        UNROLL for (int i = 0; i < VL; i++) NAME(store)(v[NTH(i)], (to) + where(NTH(i)));
#if KIND == 5
#define WRITE_SECOND(u, where, m, few) WRITE(u, second, where, m, few)
#elif KIND >= 3
#define WRITE_SECOND(u, where, m, few)                                                             \
    TURN(NAME(places), u)                                                                          \
    UNROLL for (int i = 0; i < VL; i++) NAME(store_places)(u[i], second + where(i), m(i));
#else
#define WRITE_SECOND(u, where, m, few)
#endif

CPU_KERNEL void NAME(scan_rows)(INPUTS, OUTPUTS, SCAN)
{
    const int part = get_group_id(0);
    const long g = get_group_id(1), gs = get_num_groups(1), first = part * length, last = min(first + length, n);
    for (long r = many * g / gs; r < many * (g + 1) / gs; r++) {
#ifdef TOTAL
        NAME(run) carry = NAME(none)();
#else
        NAME(run) carry = NAME(before)(total_a, total_b, part, many, r);
#endif
        for (long from = first; from < last; from += BLOCK) {
            const int count = (int)min((long)BLOCK, last - from);
            const long at = r * n + FROM(from, count);
            const bool few = count < BLOCK;
            VEC v[VL];
#define WHERE(i) at + (i) * VL
#define COUNT(i) count - (i) * VL
            READ(v, x + offset, WHERE, COUNT, few, NO_X)
#if KIND == 2
            VEC f[VL];
            READ(f, factor + factor_offset, WHERE, COUNT, few, 1)
#endif
#if KIND == 3 || KIND == 4
            const NAME(places) base = LANES_AT * (PLACE)VL + (PLACE)from;
#endif
            NAME(runs) s = NAME(spread)(NAME(none)());
            UNROLL for (int i = 0; i < VL; i++) TAKE(s, v[NTH(i)], FACTOR(f[NTH(i)]), base + (PLACE)i)
            for (int j = 0; j < VL; j++) {
                const NAME(run) t = NAME(lane)(&s, NTH(j));
                NAME(set_lane)(&s, NTH(j), carry);
                carry = NAME(join)(carry, t);
            }
#ifndef TOTAL
            SECOND u[VL];
            UNROLL for (int i = 0; i < VL; i++)
            {
                TAKE(s, v[NTH(i)], FACTOR(f[NTH(i)]), base + (PLACE)i)
                v[NTH(i)] = OF_W16(VALUE(s));
                u[NTH(i)] = SECOND_OF(s);
            }
            WRITE(v, y, WHERE, COUNT, few)
            WRITE_SECOND(u, WHERE, COUNT, few)
#endif
        }
#ifdef TOTAL
        total_a[part * many + r] = carry.a;
        total_b[part * many + r] = carry.b;
#endif
    }
}

#else
#define MOST 64 // vectors of a strip
#define DEEP 4  // elements of a column that are taken at a time
// Where the columns of vector k start: the last of several ends with the matrix, and has some columns again.
#define FIRST(k) max(0L, min((v0 + (k)) * VL, inner - VL))
CPU_KERNEL void NAME(scan_columns)(INPUTS, OUTPUTS, SCAN)
{
    const int part = get_group_id(0), few = (int)min(inner, (long)VL);
    const long vectors = DIV_UP(inner, VL), unit = get_group_id(1), o = unit / strips;
    const long v0 = vectors * (unit % strips) / strips, v1 = vectors * (unit % strips + 1) / strips;
    const long first = part * length, last = min(first + length, n);
    NAME(runs) s[MOST];
    for (int k = 0; k < v1 - v0; k++) {
        s[k] = NAME(spread)(NAME(none)());
#ifndef TOTAL
        if (part > 0)
            for (int j = 0; j < few; j++)
                NAME(set_lane)(&s[k], j, NAME(before)(total_a, total_b, part, many, o * inner + FIRST(k) + j));
#endif
    }
    for (long from = first; from < last; from += DEEP) {
        const int deep = (int)min((long)DEEP, last - from);
        ROLLED for (int k = 0; k < v1 - v0; k++)
        {
            NAME(runs) t = s[k];
            ROLLED for (int d = 0; d < deep; d++)
            {
                const long at = (o * n + FROM(from + d, 1)) * inner + FIRST(k);
                const VEC v = NAME(load_or)(x + offset + at, few, (ACC)(NO_X));
#if KIND == 2
                const VEC f = NAME(load_or)(factor + factor_offset + at, few, (ACC)1);
#endif
                TAKE(t, v, FACTOR(f), (NAME(places))((PLACE)(from + d)))
#ifndef TOTAL
                NAME(store_part)(OF_W16(VALUE(t)), y + at, few);
#if KIND == 5
                NAME(store_part)(OF_W16(t.b), second + at, few);
#elif KIND >= 3
                NAME(store_places)(t.b, second + at, few);
#endif
#endif
            }
            s[k] = t;
        }
    }
#ifdef TOTAL
    for (int k = 0; k < v1 - v0; k++)
        for (int j = 0; j < few; j++) {
            const NAME(run) p = NAME(lane)(&s[k], j);
            total_a[part * many + o * inner + FIRST(k) + j] = p.a;
            total_b[part * many + o * inner + FIRST(k) + j] = p.b;
        }
#endif
}
#endif
