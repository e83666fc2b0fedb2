// SPDX-License-Identifier: MIT
// Depthwise convolution, NCHW, CPU class: one channel of a group's input, some of its output. Forward (UP 1), and
// backward-data of strides up to 4 (UP), where a group's outputs are summed (SUMS), for each of its few channels of input.
#pragma OPENCL FP_CONTRACT OFF
#include "conv_depth.clh"
#ifndef SUMS
#define SUMS 1
#endif
#ifndef PART // what a work-group makes at a time
#define PART int rows, int cols, int back
#endif

// Grid: any, over the blocks of rows x cols of all planes; of several blocks rows are a multiple of R*UP, cols of
// VL*UP. Scratch: strip [SUMS][height][STRIDE][pitch] + VL, made [round_up(rows, R*UP)][cols] + UP * VL.
CPU_KERNEL void NAME(conv_depth)(__global const E *restrict X, long offset, __global const E *restrict Wt,
                                 long w_offset, __global EPI_OUT *restrict Y, __local ACC *restrict strip,
                                 __local ACC *restrict made, PART, WINDOW EPI_PARAMS)
{
    const int col_blocks = DIV_UP(OW, cols), blocks = DIV_UP(OH, rows) * col_blocks;
    const long units = (long)N * O * blocks, gid = get_group_id(0), gids = get_num_groups(0);
    const int from = units * gid / gids, end = units * (gid + 1) / gids;
    const int used = STRIP_USED(cols), pitch = STRIP_PITCH(cols);
    const int plane = ((DIV_UP(rows, R * UP) - 1) * R * STRIDE + ROWS_SEEN(TAPS_H)) * STRIDE * pitch;
    for (int unit = from; unit < end; unit++) {
        const int n = unit / blocks / O, o = unit / blocks % O, block = unit % blocks;
        const int y0 = block / col_blocks * rows, x0 = block % col_blocks * cols;
        const int yn = min(rows, OH - y0), xn = min(cols, OW - x0), vectors = DIV_UP(xn, UP);
        const int og = O / G, c = back ? o / og * SUMS : o / og; // c: of the input
        if (unit == from || blocks > 1) // of whole planes the zeros around them stay
            NAME(clear)(strip, SUMS * plane);
        for (int m = 0; m < SUMS; m++) {
            const long at = ((long)n * C + c + m) * H * W;
            NAME(load_rows)(X + offset + at, (long)N * C * H * W - at, strip + m * plane,
                            y0 / UP * STRIDE + LOW_H - (ph - ODD_H) / UP, x0 / UP * STRIDE + LOW_W - (pw - ODD_W) / UP,
                            (DIV_UP(yn, R * UP) - 1) * R * STRIDE + ROWS_SEEN(TAPS_H), used, H, W);
        }
        __global const E *w_at = Wt + w_offset + (back ? (long)c * og + o % og : o) * (TAPS_H * TAPS_W);
        ACC w[TAPS_H * TAPS_W];
        UNROLL for (int t = 0; t < TAPS_H * TAPS_W; t++)
            w[t] = GET(w_at[back ? TAPS_H * TAPS_W - 1 - t : t]);
        for (int y = 0; y < yn; y += R * UP) {
            // From the last vector, which overlaps the one before, to the first. Of odd rows and of short ones it
            // ends beyond its row, on what is written later.
            for (int v = DIV_UP(vectors, VL) - 1; v >= 0; v--) {
                const int k = max(min(v * VL, vectors - VL), 0);
                VEC acc[R * UP][UP];
                UNROLL for (int a = 0; a < R * UP; a++)
                    UNROLL for (int b = 0; b < UP; b++) acc[a][b] = (VEC)(0);
#if SUMS > 1
                ROLLED for (int m = 0; m < SUMS; m++)
                {
                    UNROLL for (int t = 0; t < TAPS_H * TAPS_W; t++)
                        w[t] = GET(w_at[m * og * (TAPS_H * TAPS_W) + (back ? TAPS_H * TAPS_W - 1 - t : t)]);
                    __local const ACC *x = strip + m * plane + y / UP * STRIDE * STRIDE * pitch + k;
#else
                {
                    __local const ACC *x = strip + y / UP * STRIDE * STRIDE * pitch + k;
#endif
                    UNROLL for (int i = 0; i < ROWS_SEEN(TAPS_H); i++)
                        UNROLL for (int j = 0; j < COLS_SEEN; j++)
                    {
                        const VEC s = NAME(load_local)(x + (i * STRIDE + j % STRIDE) * pitch + j / STRIDE);
                        UNROLL for (int a = 0; a < R * UP; a++)
                            UNROLL for (int b = 0; b < UP; b++)
                                if (IS_TAP(ROW_TAP(i, a), TAPS_H, GAP_H) && IS_TAP(COL_TAP(j, b), TAPS_W, GAP_W))
                                    acc[a][b] = MAD((VEC)(w[ROW_TAP(i, a) / GAP_H * TAPS_W + COL_TAP(j, b) / GAP_W]),
                                                    s, acc[a][b]);
                    }
                }
                __local ACC *to = made + y * xn + k * UP;
                UNROLL for (int a = 0; a < R * UP; a++)
                {
#if UP == 2
                    NAME(store_local)(ZIP_LOW(VEC, acc[a][0], acc[a][1]), to + a * xn);
                    NAME(store_local)(ZIP_HIGH(VEC, acc[a][0], acc[a][1]), to + a * xn + VL);
#elif UP == 3
                    const VEC p = acc[a][0], q = acc[a][1], r = acc[a][2];
#define THREE(i) p.s##i, q.s##i, r.s##i
                    NAME(store_local)((VEC)(THREE(0), THREE(1), THREE(2), THREE(3), THREE(4), p.s5), to + a * xn);
                    NAME(store_local)((VEC)(q.s5, r.s5, THREE(6), THREE(7), THREE(8), THREE(9), p.sa, q.sa), to + a * xn + VL);
                    NAME(store_local)((VEC)(r.sa, THREE(b), THREE(c), THREE(d), THREE(e), THREE(f)), to + a * xn + 2 * VL);
#undef THREE
#elif UP == 4
                    UNROLL for (int b = 0; b < 2; b++)
                    {
                        const VEC even = b ? ZIP_HIGH(VEC, acc[a][0], acc[a][2]) : ZIP_LOW(VEC, acc[a][0], acc[a][2]);
                        const VEC odd = b ? ZIP_HIGH(VEC, acc[a][1], acc[a][3]) : ZIP_LOW(VEC, acc[a][1], acc[a][3]);
                        NAME(store_local)(ZIP_LOW(VEC, even, odd), to + a * xn + 2 * b * VL);
                        NAME(store_local)(ZIP_HIGH(VEC, even, odd), to + a * xn + 2 * b * VL + VL);
                    }
#else
                    NAME(store_local)(acc[a][0], to + a * xn);
#endif
                }
            }
        }
        // whole rows are one run of pixels, parts of rows one run each; the last vector overlaps the one before
        const int runs = xn == OW ? 1 : yn, length = xn == OW ? yn * OW : xn;
        for (int run = 0; run < runs; run++) {
            for (int p = 0; p < length; p += VL) {
                p = max(min(p, length - VL), 0);
                const int count = min(VL, length - p), col = (y0 + run) * OW + x0 + p;
                const long at = ((long)n * O + o) * OH * OW + col;
                EPI_STORE(NAME(load_local)(made + run * length + p), Y, at, n, o, col, count);
            }
        }
    }
}
