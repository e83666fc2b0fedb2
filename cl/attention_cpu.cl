// SPDX-License-Identifier: MIT
// Attention in one pass over the keys, CPU class: o, top and sum of cl/attention.clh. What has been added up is scaled
// where a later block has a larger score (online softmax, Milakov and Gimelshein 2018; Dao et al. 2022). Grid: blocks of
// `each` rows x matrices of keys; no score leaves local memory.
#pragma OPENCL FP_CONTRACT OFF
#include "attention_cpu.clh"

CPU_KERNEL void NAME(attention)(ATTENDED, __global E *restrict o, __global ACC *restrict tops, __global ACC *restrict sums,
                                __local ACC *restrict local_memory, ATTENTION DRAW_SEED)
{
    ATTENTION_READ
    const int rows = group * queries, z = get_group_id(1), deep = ROUND_UP(depth, VL), wide = ROUND_UP(width, VL);
    // those that see most keys first
    const int from = (int)(get_num_groups(0) - 1 - get_group_id(0)) * each, to = min(rows, from + each);
    __local ACC *qs = local_memory, *os = qs + each * deep, *part = os + each * wide, *top = part + each * VL;
    __local ACC *s = top + each, *kt = s + MR * KEYS, *vs = kt + deep * KEYS;
    if (from >= to)
        return;
    EDGE for (int r = from; r < from + each; r += 1)
    {
        NAME(rows_in)(q + q_offset + BATCH_OF(q, z) + (r < to ? ROW_AT(q, r) : 0), 0, q_e, r < to, depth, qs + (r - from) * deep, deep, 1);
        EDGE for (int j = 0; j < wide; j += VL) NAME(store_local)((VEC)(0), os + (r - from) * wide + j);
        NAME(store_local)((VEC)(0), part + (r - from) * VL);
        top[r - from] = (ACC)(-INFINITY);
    }
    const int end = LIMIT_OF(from, to);
    for (int first = 0; first < end; first += KEYS) {
        const int n = min(KEYS, keys - first), all = ROUND_UP(n, VL);
        NAME(rows_in)(k + k_offset + BATCH_OF(k, z) + first * k_s, k_s, k_e, n, depth, vs, deep, all);
        NAME(turn)(vs, deep, all, deep, kt, KEYS);
        NAME(rows_in)(v + v_offset + BATCH_OF(v, z) + first * v_s, v_s, v_e, n, width, vs, wide, all);
        for (int r = from; r < to; r += MR) {
            const int some = min(MR, to - r), seen = min(n, LIMIT_OF(r, r + some) - first), vectors = DIV_UP(seen, VL);
            if (seen <= 0)
                continue;
            NAME(product)(s, KEYS, qs + (r - from) * deep, deep, 1, kt, KEYS, depth, MR, vectors, 0);
            VEC was = (VEC)(0); // top, less the new one
            ACC base[MR];
            EDGE for (int i = 0; i < some; i++)
            {
                const int own = LIMIT(r + i) - first;
                __local ACC *a = s + i * KEYS;
#ifdef MASK
                __global const M *m = mask + mask_offset + BATCH_OF(m, z) + ROW_AT(m, r + i) + first * m_s;
#endif
                VEC most = (VEC)(-INFINITY);
                for (int j = 0; j < seen; j += VL) {
                    const VEC x = SCORES(a, j, own, n);
                    NAME(store_local)(x, a + j);
                    most = LARGER(most, x);
                }
                const ACC old = top[r - from + i], now = NAME(fold_max)(most), best = LARGER(old, now);
                top[r - from + i] = best;
                base[i] = BASE(best);
                ((ACC *)&was)[i] = old - base[i];
            }
            was = NAME(exp_neg)(was);
            EDGE for (int i = 0; i < some; i++)
            {
                __local ACC *a = s + i * KEYS, *w = os + (r + i - from) * wide, *l = part + (r + i - from) * VL;
                const VEC by = (VEC)(((ACC *)&was)[i]);
                VEC sum = NAME(load_local)(l) * by;
                for (int j = 0; j < seen; j += VL) {
                    const VEC p = NAME(exp_neg)(NAME(load_local)(a + j) - (VEC)(base[i]));
                    sum += p;
                    DRAWN(((long)z * rows + r + i) * keys + first + j)
                    NAME(store_local)(DROPPED(p), a + j);
                }
                NAME(store_local)(sum, l);
                if (first)
                    for (int j = 0; j < wide; j += VL) NAME(store_local)(NAME(load_local)(w + j) * by, w + j);
            }
            NAME(product)(os + (r - from) * wide, wide, s, KEYS, 1, vs, wide, seen, MR, wide / VL, 1);
        }
    }
    EDGE for (int r = from; r < to; r++)
    {
        const long at = (long)z * rows + r;
        const ACC sum = NAME(fold_sum)(NAME(load_local)(part + (r - from) * VL)), by = sum == (ACC)0 ? (ACC)1 : sum;
        __local ACC *w = os + (r - from) * wide;
        EDGE for (int j = 0; j < width; j += VL)
            NAME(store_part)(NAME(load_local)(w + j) / (VEC)(by), o + at * width + j, width - j);
        tops[at] = top[r - from];
        sums[at] = sum;
    }
}
