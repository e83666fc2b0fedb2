// SPDX-License-Identifier: MIT
// The sums over tiles of cl/conv_winograd_dw.cl to weights, CPU class: chunks in order, then the transform.
#pragma OPENCL FP_CONTRACT OFF
#include "conv_winograd.clh"
#ifndef SUMS // as in cl/conv_winograd_dw.cl
#define SUMS int chunks, int ci, int oi
#endif

// GT d: 6 sums to 3 weights.
static inline void NAME(wino_gradient)(const VEC d[PLACES], VEC o[3])
{
    const VEC p = WINO_NA * (d[1] + d[2]), q = (WINO_NA * WINO_A) * (d[1] - d[2]);
    const VEC r = WINO_NB * (d[3] + d[4]), s = (WINO_NB * WINO_B) * (d[3] - d[4]);
    o[0] = fma((VEC)(1 / (WINO_AA * WINO_BB)), d[0], p + r);
    o[1] = q + s;
    o[2] = fma((VEC)(WINO_AA), p, fma((VEC)(WINO_BB), r, d[5]));
}

// The nine weights of one channel and output by the plain sum, to dw at the distance VL.
SELDOM void NAME(plain_weights)(__global const E *g, __global const E *x, __local ACC *dw, long g_step, long x_step, int N,
                                int H, int W, int OH, int OW, int ph, int pw)
{
    int nan = 0;
    for (int k = 0; k < 9; k++)
        dw[k * VL] = (ACC)0;
    for (int m = 0; m < N * OH && nan < 9; m++) { // a NaN stays one
        const int n = m / OH, i = m % OH;
        nan = 0;
        EDGE for (int k = 0; k < 9; k++)
        {
            const int y = i + k / 3 - ph, left = k % 3 - pw;
            __global const E *from = x + n * x_step + (long)y * W + left;
            ACC sum = dw[k * VL];
            EDGE for (int j = 0; j < OW; j++)
            {
                const int there = y >= 0 && y < H && j + left >= 0 && j + left < W;
                sum = fma(GET(g[n * g_step + (long)i * OW + j]), there ? GET(from[j]) : (ACC)0, sum);
            }
            dw[k * VL] = sum;
            nan += sum != sum;
        }
    }
}

// Nine vectors of weights from their sums, whose points are `step` apart. Lanes whose weights are not all finite come
// back as NaN, the others as 0.
SELDOM VEC NAME(sum_tiles)(__global const ACC *own, long step, int chunks, long chunk, __local ACC *turned,
                           __local ACC *weights)
{
    ROLLED for (int i = 0; i < POINTS; i++, own += step)
    {
        VEC sum = NAME(load_acc)(own);
        ROLLED for (int k = 1; k < chunks; k++) sum += NAME(load_acc)(own + k * chunk);
        NAME(store_local)(sum, turned + i * VL);
    }
    VEC mid[3][PLACES];
    UNROLL for (int j = 0; j < PLACES; j++)
    {
        VEC d[PLACES], w[3];
        UNROLL for (int i = 0; i < PLACES; i++) d[i] = NAME(load_local)(turned + (i * PLACES + j) * VL);
        NAME(wino_gradient)(d, w);
        UNROLL for (int i = 0; i < 3; i++) mid[i][j] = w[i];
    }
    VEC bad = (VEC)(0);
    UNROLL for (int i = 0; i < 3; i++)
    {
        VEC w[3];
        NAME(wino_gradient)(mid[i], w);
        UNROLL for (int j = 0; j < 3; j++)
        {
            NAME(store_local)(w[j], weights + (i * 3 + j) * VL);
            bad = fma(w[j], (VEC)(0), bad);
        }
    }
    return bad;
}

// Grid: as cl/conv_winograd_dw.cl, but for the chunks, which are one. Scratch: sums 9*VL vectors, turned
// POINTS of them.
CPU_KERNEL void NAME(winograd_dw_sum)(__global const ACC *restrict S, __global const E *restrict GY, long g_offset,
                                      __global const E *restrict X, long x_offset, __global E *restrict out,
                                      __local ACC *restrict sums, __local ACC *restrict turned, SUMS, WINDOW)
{
    const int og = O / G, cg = C / G, o_blocks = DIV_UP(og, oi), group = get_group_id(1) / o_blocks;
    const int first_o = get_group_id(1) % o_blocks * oi, first_c = get_group_id(2) * ci;
    const long block = (long)POINTS * ci * oi, chunk = block * get_num_groups(1) * get_num_groups(2);
    __global const ACC *own = S + (get_group_id(1) * get_num_groups(2) + get_group_id(2)) * block;
    for (int o = first_o; o < min(first_o + oi, og); o += VL) {
        const int on = min(VL, og - o);
        for (int c0 = first_c; c0 < min(first_c + ci, cg); c0 += VL) {
            const int cn = min(VL, min(first_c + ci, cg) - c0);
            for (int c = 0; c < cn; c++) {
                NAME(store_local)(NAME(sum_tiles)(own + ((long)c0 - first_c + c) * oi + o - first_o, (long)ci * oi, chunks,
                                                  chunk, turned, sums + c * 9 * VL), turned);
                // what is not finite is made again, as in cl/conv_winograd.cl
                EDGE for (int j = 0; j < on; j++)
                    if (turned[j] != turned[j])
                        NAME(plain_weights)(GY + g_offset + (group * og + o + j) * (long)OH * OW,
                                            X + x_offset + (group * cg + c0 + c) * (long)H * W, sums + c * 9 * VL + j,
                                            (long)O * OH * OW, (long)C * H * W, N, H, W, OH, OW, ph, pw);
            }
            EDGE for (int e = cn * 9; e % VL; e++) NAME(store_local)((VEC)(0), sums + e * VL);
            for (int e = 0; e < cn * 9; e += VL) {
                NAME(turn)(sums + e * VL, turned);
                EDGE for (int j = 0; j < on; j++)
                    NAME(store_part)(NAME(load_local)(turned + j * VL),
                                     out + ((long)(group * og + o + j) * cg + c0) * 9 + e, min(VL, cn * 9 - e));
            }
        }
    }
}
