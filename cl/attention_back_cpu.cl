// SPDX-License-Identifier: MIT
// The gradients of attention, CPU class (cl/attention.clh says what q, k, v, g, o, top and sum are): scores are made again,
// a block of rows and KEYS keys at a time, in the order of the forward kernel, so with the same bits.
//
//   dp = (g v^T) dropped, ds = scale p (dp - rowsum(g o)), dv = (p dropped)^T g, dk = ds^T q, dq = ds k
//
// Grid: parts x matrices of keys. Which: 1, of a part are `each` rows, whose dq is made; 2, KEYS keys, whose dk and dv are;
// 3, all, by one work-group, that makes scores once instead of twice. A row's dq is kept in `partial` [B*H][rows][deep] between
// blocks of keys. The order of all sums is the same.
#pragma OPENCL FP_CONTRACT OFF
#include "attention_cpu.clh"

CPU_KERNEL void NAME(attention_back)(ATTENDED, __global const E *restrict o, long o_offset, __global const ACC *restrict tops,
                                     long tops_offset, __global const ACC *restrict sums, long sums_offset,
                                     __global const E *restrict g, long g_offset, __global E *restrict dq,
                                     __global E *restrict dk, __global E *restrict dv, __global ACC *restrict partial,
                                     __local ACC *restrict local_memory, int which, ATTENTION DRAW_SEED)
{
    ATTENTION_READ
    const int rows = group * queries, z = get_group_id(1), part = get_group_id(0);
    const int deep = ROUND_UP(depth, VL), wide = ROUND_UP(width, VL), blocks = DIV_UP(rows, each);
    __local ACC *ks = local_memory, *kt = ks + KEYS * deep, *vt = kt + KEYS * deep, *dks = vt + KEYS * wide;
    __local ACC *dvs = dks + KEYS * deep, *qs = dvs + KEYS * wide, *gs = qs + each * deep, *dqs = gs + each * wide;
    __local ACC *p = dqs + each * deep, *ds = p + each * KEYS, *delta = ds + each * KEYS;
    const int key0 = which == 2 ? part * KEYS : 0, key1 = which == 2 ? min(keys, key0 + KEYS) : keys;
    const int block0 = which == 1 ? part : 0, block1 = which == 1 ? part + 1 : blocks;
    partial += (long)z * blocks * each * deep;
    for (int first = key0; first < key1; first += KEYS) {
        const int n = min(KEYS, keys - first), all = ROUND_UP(n, VL);
        NAME(rows_in)(v + v_offset + BATCH_OF(v, z) + first * v_s, v_s, v_e, n, width, dvs, wide, all);
        NAME(turn)(dvs, wide, all, wide, vt, KEYS);
        NAME(rows_in)(k + k_offset + BATCH_OF(k, z) + first * k_s, k_s, k_e, n, depth, ks, deep, all);
        NAME(turn)(ks, deep, all, deep, kt, KEYS);
        EDGE for (int j = 0; j < KEYS * wide; j += VL) NAME(store_local)((VEC)(0), dvs + j);
        EDGE for (int j = 0; j < KEYS * deep; j += VL) NAME(store_local)((VEC)(0), dks + j);
        for (int block = block0; block < block1; block++) {
            const int from = block * each, to = min(rows, from + each);
            if (first > 0 && LIMIT_OF(from, to) <= first)
                continue;
            EDGE for (int r = from; r < from + each; r++)
            {
                const int there = r < to, i = r - from;
                NAME(rows_in)(q + q_offset + BATCH_OF(q, z) + (there ? ROW_AT(q, r) : 0), 0, q_e, there, depth, qs + i * deep, deep, 1);
                NAME(rows_in)(g + g_offset + BATCH_OF(g, z) + (there ? ROW_AT(g, r) : 0), 0, g_e, there, width, gs + i * wide, wide, 1);
                VEC sum = (VEC)(0);
                EDGE for (int j = 0; there && j < width; j += VL)
                    sum = fma(NAME(load_part)(o + o_offset + ((long)z * rows + r) * width + j, width - j), NAME(load_local)(gs + i * wide + j), sum);
                delta[i] = NAME(fold_sum)(sum);
            }
            for (int r = from; r < to; r += MR) {
                const int some = min(MR, to - r), seen = min(n, LIMIT_OF(r, r + some) - first), vectors = DIV_UP(seen, VL);
                __local ACC *a = p + (r - from) * KEYS, *b = ds + (r - from) * KEYS;
                if (seen > 0) {
                    NAME(product)(a, KEYS, qs + (r - from) * deep, deep, 1, kt, KEYS, depth, MR, vectors, 0);
                    NAME(product)(b, KEYS, gs + (r - from) * wide, wide, 1, vt, KEYS, width, MR, vectors, 0);
                }
                EDGE for (int i = 0; i < some; i++, a += KEYS, b += KEYS)
                {
                    const long at = (long)z * rows + r + i;
                    const int own = LIMIT(r + i) - first;
#ifdef MASK
                    __global const M *m = mask + mask_offset + BATCH_OF(m, z) + ROW_AT(m, r + i) + first * m_s;
#endif
                    const VEC base = (VEC)(BASE(tops[tops_offset + at])), by = (VEC)(INVERSE(sums[sums_offset + at]));
                    const VEC less = (VEC)(delta[r - from + i]);
                    for (int j = 0; j < seen; j += VL) {
                        const VEC x = NAME(exp_neg)(SCORES(a, j, own, n) - base) * by, y = NAME(load_local)(b + j);
                        DRAWN(at * keys + first + j)
                        NAME(store_local)(DROPPED(x), a + j);
                        const VEC slope = x * (DROPPED(y) - less) * (VEC)(SCALE);
                        NAME(store_local)(LANE + (VEC)((ACC)j) < (VEC)((ACC)own) ? slope : (VEC)(0), b + j);
                    }
                    EDGE for (int j = max(vectors, 0) * VL; j < all; j += VL)
                    {
                        NAME(store_local)((VEC)(0), a + j);
                        NAME(store_local)((VEC)(0), b + j);
                    }
                }
            }
            if (which & 2) {
                NAME(product)(dvs, wide, p, 1, KEYS, gs, wide, to - from, n, wide / VL, 1);
                NAME(product)(dks, deep, ds, 1, KEYS, qs, deep, to - from, n, deep / VL, 1);
            }
            if (which & 1) {
                __global ACC *kept = partial + (long)from * deep;
                EDGE for (int j = 0; first && j < (to - from) * deep; j += VL) NAME(store_local)(NAME(load_acc)(kept + j), dqs + j);
                NAME(product)(dqs, deep, ds, KEYS, 1, ks, deep, n, to - from, deep / VL, first > 0);
                EDGE for (int j = 0; j < (to - from) * deep; j += VL) NAME(store_acc)(NAME(load_local)(dqs + j), kept + j);
            }
        }
        if (which & 2) {
            NAME(rows_out)(dks, deep, n, depth, dk + ((long)z * keys + first) * depth);
            NAME(rows_out)(dvs, wide, n, width, dv + ((long)z * keys + first) * width);
        }
    }
    EDGE for (int r = block0 * each; (which & 1) && r < min(rows, block1 * each); r++)
        EDGE for (int j = 0; j < depth; j += VL)
            NAME(store_part)(NAME(load_acc)(partial + (long)r * deep + j), dq + ((long)z * rows + r) * depth + j, depth - j);
}
