// SPDX-License-Identifier: MIT
// Scans along an axis, CPU class: cl/scan.clh says of what. ENTRY 0, long rows: blocks of 256 elements, of which each
// lane has sixteen: first their totals and then, from what stands before each lane, the values. ENTRY 1, short rows:
// sixteen at a time, one in each lane. ENTRY 2, columns: lanes are columns, a work-group goes along the axis with
// `width` of them. Few long ones are cut in parts, whose totals (TOTAL) are made before.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#include "scan.clh"
#ifndef ENTRY
#define ENTRY 0
#endif
#if KIND == 5
#include "exp.clh"
#define EXP16 NAME(exp_neg)
#else
#define EXP16 exp
#endif
#define VECTOR_(t) t##16
#define VECTOR(t) VECTOR_(t)
typedef VECTOR(W) NAME(wide);
typedef VECTOR(PLACE) NAME(places);
typedef struct {
    A_IS(VEC, NAME(wide), NAME(places)) a;
    B_IS(VEC, NAME(wide), NAME(places)) b;
} NAME(runs);
#define BLOCK (VL * VL)
#ifdef BACK
#define NTH(i) (VL - 1 - (i))
#define FROM(i, m) (n - (i) - (m)) // where m elements lie, from the i-th on
#else
#define NTH(i) (i)
#define FROM(i, m) (i)
#endif
#define TAKE(s, v, f, at) ADD(s, v, f, at, VEC, NAME(wide), TO_W16, EXP16)
// Sixteen vectors at `where(i)`, m(i) elements of each, turned.
#define READ(v, from, where, m, few, other)                                                        \
    if (few)                                                                                       \
        UNROLL for (int i = 0; i < VL; i++) v[i] = NAME(load_or)((from) + where(i), m(i), (ACC)(other)); \
    else                                                                                           \
        UNROLL for (int i = 0; i < VL; i++) v[i] = NAME(load)((from) + where(i));                  \
    TRANSPOSE16(v)
#define WRITE(v, to, where, m, few)                                                                \
    TRANSPOSE16(v)                                                                                 \
    if (few)                                                                                       \
        UNROLL for (int i = 0; i < VL; i++) NAME(store_part)(v[i], (to) + where(i), m(i));         \
    else                                                                                           \
        UNROLL for (int i = 0; i < VL; i++) NAME(store)(v[i], (to) + where(i));
#if KIND == 2
#define FACTOR(v) v
#else
#define FACTOR(v) 0
#endif

static inline NAME(runs) NAME(spread)(NAME(run) p)
{
    NAME(runs) s;
    s.a = p.a;
    s.b = p.b;
    return s;
}

static inline NAME(run) NAME(lane)(const NAME(runs) *s, int j)
{
    NAME(run) p;
    p.a = ((const NAME(run_a) *)&s->a)[j];
    p.b = ((const NAME(run_b) *)&s->b)[j];
    return p;
}

static inline void NAME(set_lane)(NAME(runs) *s, int j, NAME(run) p)
{
    ((NAME(run_a) *)&s->a)[j] = p.a;
    ((NAME(run_b) *)&s->b)[j] = p.b;
}

#if KIND == 3 || KIND == 4
// Places of n lanes, `step` apart.
SELDOM void NAME(store_places)(NAME(places) p, __global long *to, long step, int n)
{
    EDGE for (int j = 0; j < n; j++) to[j * step] = ((const PLACE *)&p)[j];
}
#define LANES_AT (NAME(places))(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#endif

#if ENTRY == 0
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
#if KIND == 5
            VEC u[VL];
#endif
            UNROLL for (int i = 0; i < VL; i++)
            {
                TAKE(s, v[NTH(i)], FACTOR(f[NTH(i)]), base + (PLACE)i)
                v[NTH(i)] = OF_W16(VALUE(s));
#if KIND == 5
                u[i] = OF_W16(s.b);
#elif KIND >= 3
                if (count > i)
                    NAME(store_places)(s.b, second + at + i, VL, (count - i + VL - 1) / VL);
#endif
            }
            WRITE(v, y, WHERE, COUNT, few)
#if KIND == 5
            WRITE(u, second, WHERE, COUNT, few)
#endif
#endif
        }
#ifdef TOTAL
        total_a[part * many + r] = carry.a;
        total_b[part * many + r] = carry.b;
#endif
    }
}

#elif ENTRY == 1
CPU_KERNEL void NAME(scan_short)(INPUTS, OUTPUTS, SCAN)
{
    const long g = get_group_id(1), gs = get_num_groups(1), blocks = (many + VL - 1) / VL;
    for (long block = blocks * g / gs; block < blocks * (g + 1) / gs; block++) {
        const long r = block * VL;
        const int rows = (int)min((long)VL, many - r);
        NAME(runs) s = NAME(spread)(NAME(none)());
        for (long from = 0; from < n; from += VL) {
            const int count = (int)min((long)VL, n - from);
            const long at = r * n + FROM(from, count);
            const bool few = count < VL || rows < VL;
            VEC v[VL];
#undef WHERE
#undef COUNT
#define WHERE(i) at + (i) * n
#define COUNT(i) ((i) < rows ? count : 0)
            READ(v, x + offset, WHERE, COUNT, few, NO_X)
#if KIND == 2
            VEC f[VL];
            READ(f, factor + factor_offset, WHERE, COUNT, few, 1)
#endif
#if KIND == 5
            VEC u[VL];
#endif
            UNROLL for (int i = 0; i < VL; i++)
            {
                TAKE(s, v[NTH(i)], FACTOR(f[NTH(i)]), (NAME(places))((PLACE)(from + i)))
                v[NTH(i)] = OF_W16(VALUE(s));
#if KIND == 5
                u[i] = OF_W16(s.b);
#elif KIND >= 3
                if (count > i)
                    NAME(store_places)(s.b, second + at + i, n, rows);
#endif
            }
            WRITE(v, y, WHERE, COUNT, few)
#if KIND == 5
            WRITE(u, second, WHERE, COUNT, few)
#endif
        }
    }
}

#else
#define MOST 16 // vectors that a work-group has at a time
CPU_KERNEL void NAME(scan_columns)(INPUTS, OUTPUTS, SCAN)
{
    const int part = get_group_id(0);
    const long strips = (inner + width - 1) / width, unit = get_group_id(1);
    const long o = unit / strips, c0 = unit % strips * width, c1 = min(c0 + width, inner);
    const long first = part * length, last = min(first + length, n);
    NAME(runs) s[MOST];
    for (long c = c0; c < c1; c += VL)
        for (int j = 0; j < VL; j++) {
#ifdef TOTAL
            const NAME(run) p = NAME(none)();
#else
            const NAME(run) p = c + j < c1 ? NAME(before)(total_a, total_b, part, many, o * inner + c + j) : NAME(none)();
#endif
            NAME(set_lane)(&s[(c - c0) / VL], j, p);
        }
    for (long i = first; i < last; i++) {
        const long at = (o * n + FROM(i, 1)) * inner;
        ROLLED for (long c = c0; c < c1; c += VL)
        {
            const int m = (int)min((long)VL, c1 - c);
            NAME(runs) t = s[(c - c0) / VL];
            const VEC v = NAME(load_or)(x + offset + at + c, m, (ACC)(NO_X));
#if KIND == 2
            const VEC f = NAME(load_or)(factor + factor_offset + at + c, m, (ACC)1);
#endif
            TAKE(t, v, FACTOR(f), (NAME(places))((PLACE)i))
            s[(c - c0) / VL] = t;
#ifndef TOTAL
            NAME(store_part)(OF_W16(VALUE(t)), y + at + c, m);
#if KIND == 5
            NAME(store_part)(OF_W16(t.b), second + at + c, m);
#elif KIND >= 3
            NAME(store_places)(t.b, second + at + c, 1, m);
#endif
#endif
        }
    }
#ifdef TOTAL
    for (long c = c0; c < c1; c++) {
        const NAME(run) p = NAME(lane)(&s[(c - c0) / VL], (int)((c - c0) % VL));
        total_a[part * many + o * inner + c] = p.a;
        total_b[part * many + o * inner + c] = p.b;
    }
#endif
}
#endif
