// SPDX-License-Identifier: MIT
// Attention and its gradients, GPU class (cl/attention.clh says what is computed, cl/attention_cpu.cl how): a work-group
// of SIDE x SIDE items holds SIDE rows and goes through the keys, SIDE at a time; for dk and dv it holds SIDE keys and goes
// through the rows. Everything lies in local memory, whose rows are `depth` or `width` long and an odd number apart.
// Grid: blocks of rows (of keys), times matrices of keys.
#pragma OPENCL FP_CONTRACT OFF
#include "element.clh"
#include "attention.clh"
#ifndef SIDE
#define SIDE 16
#endif
#define ITEMS (SIDE * SIDE)
#define SYNC barrier(CLK_LOCAL_MEM_FENCE)
#define GPU_KERNEL __attribute__((reqd_work_group_size(ITEMS, 1, 1))) __kernel
#define PLACE                                                                                      \
    ATTENTION_READ                                                                                 \
    const int rows = group * queries, item = get_local_id(0), x = item % SIDE, y = item / SIDE;    \
    const int deep = depth | 1, wide = width | 1;                                                  \
    const int blocks = get_num_groups(0) / slow, block = get_group_id(0) % blocks;                 \
    const long z = get_group_id(0) / blocks;                                                       \
    (void)x;                                                                                       \
    (void)y;

// SIDE rows of `columns` elements; row i lies at `at`, beyond `n` there are zeros
#define ROWS_IN(to, step, columns, n, at, column_step)                                             \
    for (int e = item; e < SIDE * (columns); e += ITEMS) {                                         \
        const int i = e / (columns), c = e % (columns);                                            \
        to[i * (step) + c] = i < (n) ? GET((at)[c * (column_step)]) : (ACC)0;                      \
    }
static inline ACC NAME(dot)(__local const ACC *a, __local const ACC *b, int n)
{
    ACC s = (ACC)0;
    for (int e = 0; e < n; e++)
        s = fma(a[e], b[e], s);
    return s;
}

#ifdef MASK
#ifdef MASK_BOOL
#define MASKED(s, r, key) (mask[mask_offset + BATCH_OF(m, z) + ROW_AT(m, r) + (key)*m_s] ? (s) : (ACC)(-INFINITY))
#else
#define MASKED(s, r, key) ((s) + mask[mask_offset + BATCH_OF(m, z) + ROW_AT(m, r) + (key)*m_s])
#endif
#else
#define MASKED(s, r, key) (s)
#endif
// The score of row r and a key, which may be beyond the last
#define SCORE(s, r, key) ((r) < rows && (key) < LIMIT(r) ? MASKED((s) * SCALE, r, key) : (ACC)(-INFINITY))

#ifdef DRAW
static uint NAME(philox)(long index, ulong seed, ulong counter)
{
    uint c0 = (uint)(index >> 2 & 0xffffffffL), c1 = (uint)(index >> 34), c2 = (uint)counter, c3 = (uint)(counter >> 32);
    uint k0 = (uint)seed, k1 = (uint)(seed >> 32);
    for (int r = 0; r < 10; r++) {
        const uint h0 = mul_hi(0xD2511F53u, c0), l0 = c0 * 0xD2511F53u;
        const uint h1 = mul_hi(0xCD9E8D57u, c2), l1 = c2 * 0xCD9E8D57u;
        c0 = h1 ^ c1 ^ k0;
        c1 = l1;
        c2 = h0 ^ c3 ^ k1;
        c3 = l0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return index & 2 ? index & 1 ? c3 : c2 : index & 1 ? c1 : c0;
}
#define DROPPED(s, r, key)                                                                         \
    ((int)(NAME(philox)((z * rows + (r)) * keys + (key), seed, counter) >> 8) < least ? (ACC)0 : (s) * KEPT)
#else
#define DROPPED(s, r, key) (s)
#endif

GPU_KERNEL void NAME(attention)(ATTENDED, __global E *restrict o, __global ACC *restrict tops, __global ACC *restrict sums,
                                __local ACC *restrict qs, ATTENTION DRAW_SEED)
{
    PLACE
    __local ACC *os = qs + SIDE * deep, *ts = os + SIDE * wide, *s = ts + SIDE * max(deep, wide);
    __local ACC *top = s + SIDE * (SIDE + 1), *sum = top + SIDE, *by = sum + SIDE;
    const int from = block * SIDE, to = min(rows, from + SIDE), end = LIMIT_OF(from, to);
    ROWS_IN(qs, deep, depth, to - from, q + q_offset + BATCH_OF(q, z) + ROW_AT(q, from + i), q_e)
    for (int e = item; e < SIDE * wide; e += ITEMS)
        os[e] = (ACC)0;
    if (item < SIDE) {
        top[item] = (ACC)(-INFINITY);
        sum[item] = (ACC)0;
    }
    for (int first = 0; first < end; first += SIDE) {
        const int n = min(SIDE, keys - first);
        SYNC;
        ROWS_IN(ts, deep, depth, n, k + k_offset + BATCH_OF(k, z) + (first + i) * k_s, k_e)
        SYNC;
        s[y * (SIDE + 1) + x] = SCORE(NAME(dot)(qs + y * deep, ts + x * deep, depth), from + y, first + x);
        SYNC;
        if (item < SIDE) {
            __local ACC *a = s + item * (SIDE + 1);
            ACC best = top[item], all = (ACC)0;
            for (int j = 0; j < SIDE; j++)
                best = best > a[j] ? best : a[j];
            by[item] = exp(top[item] - BASE(best));
            for (int j = 0; j < SIDE; j++) {
                const ACC p = exp(a[j] - BASE(best));
                all += p;
                a[j] = DROPPED(p, from + item, first + j);
            }
            sum[item] = sum[item] * by[item] + all;
            top[item] = best;
        }
        ROWS_IN(ts, wide, width, n, v + v_offset + BATCH_OF(v, z) + (first + i) * v_s, v_e)
        SYNC;
        for (int e = item; e < SIDE * width; e += ITEMS) {
            const int i = e / width, c = e % width, own = from + i < rows ? min(n, LIMIT(from + i) - first) : 0;
            ACC t = os[i * wide + c] * by[i];
            for (int j = 0; j < own; j++)
                t = fma(s[i * (SIDE + 1) + j], ts[j * wide + c], t);
            os[i * wide + c] = t;
        }
    }
    SYNC;
    for (int e = item; e < (to - from) * width; e += ITEMS) {
        const int i = e / width, c = e % width;
        o[(z * rows + from + i) * width + c] = PUT(os[i * wide + c] / (sum[i] == (ACC)0 ? (ACC)1 : sum[i]));
    }
    if (item < to - from) {
        tops[z * rows + from + item] = top[item];
        sums[z * rows + from + item] = sum[item];
    }
}

#define GRADIENTS                                                                                  \
    ATTENDED, __global const E *restrict o, long o_offset, __global const ACC *restrict tops, long tops_offset,   \
        __global const ACC *restrict sums, long sums_offset, __global const E *restrict g, long g_offset
// Of SIDE rows from `from` on: q, g, and in item < SIDE what a row has of numbers
#define TAKE_ROWS(from)                                                                            \
    {                                                                                              \
        ROWS_IN(qs, deep, depth, rows - (from), q + q_offset + BATCH_OF(q, z) + ROW_AT(q, (from) + i), q_e) \
        ROWS_IN(gs, wide, width, rows - (from), g + g_offset + BATCH_OF(g, z) + ROW_AT(g, (from) + i), g_e) \
        SYNC;                                                                                      \
        if (item < SIDE) {                                                                         \
            const bool there = (from) + item < rows;                                               \
            const long at = z * rows + (from) + item;                                              \
            ACC d = (ACC)0;                                                                        \
            for (int e = 0; there && e < width; e++)                                               \
                d = fma(GET(o[o_offset + at * width + e]), gs[item * wide + e], d);                \
            less[item] = d;                                                                        \
            top[item] = there ? BASE(tops[tops_offset + at]) : (ACC)0;                             \
            by[item] = there ? INVERSE(sums[sums_offset + at]) : (ACC)0;                           \
        }                                                                                          \
    }
#define TAKE_KEYS(first)                                                                           \
    {                                                                                              \
        ROWS_IN(ks, deep, depth, keys - (first), k + k_offset + BATCH_OF(k, z) + ((first) + i) * k_s, k_e) \
        ROWS_IN(vs, wide, width, keys - (first), v + v_offset + BATCH_OF(v, z) + ((first) + i) * v_s, v_e) \
    }
// p, dropped, and ds of row from + y and key first + x
#define WEIGHTS(from, first)                                                                       \
    {                                                                                              \
        const int r = (from) + y, key = (first) + x;                                               \
        ACC p = (ACC)0, slope = (ACC)0;                                                            \
        if (r < rows && key < LIMIT(r)) {                                                          \
            const ACC w = exp(SCORE(NAME(dot)(qs + y * deep, ks + x * deep, depth), r, key) - top[y]) * by[y]; \
            p = DROPPED(w, r, key);                                                                \
            slope = w * (DROPPED(NAME(dot)(gs + y * wide, vs + x * wide, width), r, key) - less[y]) * SCALE; \
        }                                                                                          \
        ps[y * (SIDE + 1) + x] = p;                                                                \
        ds[y * (SIDE + 1) + x] = slope;                                                            \
    }
#define LOCALS                                                                                     \
    __local ACC *gs = qs + SIDE * deep, *ks = gs + SIDE * wide, *vs = ks + SIDE * deep, *ps = vs + SIDE * wide; \
    __local ACC *ds = ps + SIDE * (SIDE + 1), *top = ds + SIDE * (SIDE + 1), *by = top + SIDE, *less = by + SIDE; \
    __local ACC *a = less + SIDE, *b = a + SIDE * deep;

GPU_KERNEL void NAME(attention_dq)(GRADIENTS, __global E *restrict dq, __local ACC *restrict qs, ATTENTION DRAW_SEED)
{
    PLACE
    LOCALS
    (void)b;
    const int from = block * SIDE, to = min(rows, from + SIDE), end = LIMIT_OF(from, to);
    TAKE_ROWS(from)
    for (int e = item; e < SIDE * deep; e += ITEMS)
        a[e] = (ACC)0;
    for (int first = 0; first < end; first += SIDE) {
        SYNC;
        TAKE_KEYS(first)
        SYNC;
        WEIGHTS(from, first)
        SYNC;
        for (int e = item; e < SIDE * depth; e += ITEMS) {
            const int i = e / depth, c = e % depth;
            ACC t = a[i * deep + c];
            for (int j = 0; j < min(SIDE, keys - first); j++)
                t = fma(ds[i * (SIDE + 1) + j], ks[j * deep + c], t);
            a[i * deep + c] = t;
        }
    }
    SYNC;
    for (int e = item; e < (to - from) * depth; e += ITEMS)
        dq[(z * rows + from) * depth + e] = PUT(a[e / depth * deep + e % depth]);
}

GPU_KERNEL void NAME(attention_dkv)(GRADIENTS, __global E *restrict dk, __global E *restrict dv, __local ACC *restrict qs,
                                    ATTENTION DRAW_SEED)
{
    PLACE
    LOCALS
    const int first = block * SIDE, n = min(SIDE, keys - first);
    TAKE_KEYS(first)
    for (int e = item; e < SIDE * deep; e += ITEMS)
        a[e] = (ACC)0;
    for (int e = item; e < SIDE * wide; e += ITEMS)
        b[e] = (ACC)0;
    for (int from = 0; from < rows; from += SIDE) {
        const int to = min(rows, from + SIDE);
        if (LIMIT_OF(from, to) <= first)
            continue;
        SYNC;
        TAKE_ROWS(from)
        SYNC;
        WEIGHTS(from, first)
        SYNC;
        for (int e = item; e < n * depth; e += ITEMS) {
            const int j = e / depth, c = e % depth;
            ACC t = a[j * deep + c];
            for (int i = 0; i < to - from; i++)
                t = fma(ds[i * (SIDE + 1) + j], qs[i * deep + c], t);
            a[j * deep + c] = t;
        }
        for (int e = item; e < n * width; e += ITEMS) {
            const int j = e / width, c = e % width;
            ACC t = b[j * wide + c];
            for (int i = 0; i < to - from; i++)
                t = fma(ps[i * (SIDE + 1) + j], gs[i * wide + c], t);
            b[j * wide + c] = t;
        }
    }
    SYNC;
    for (int e = item; e < n * depth; e += ITEMS)
        dk[(z * keys + first) * depth + e] = PUT(a[e / depth * deep + e % depth]);
    for (int e = item; e < n * width; e += ITEMS)
        dv[(z * keys + first) * width + e] = PUT(b[e / width * wide + e % width]);
}
