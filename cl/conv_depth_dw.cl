// SPDX-License-Identifier: MIT
// The gradient of a depthwise convolution for its weights, NCHW, CPU class.
#pragma OPENCL FP_CONTRACT OFF
#include "conv_depth.clh"
#ifndef BAND // rows of the window at a time, whose sums are registers: a divisor of TAPS_H
#define BAND TAPS_H
#endif

#ifndef PART // what a work-group holds at a time; numbers of outputs in `partial`
#define PART int rows, int cols, int outputs
#endif

static inline ACC NAME(sum_lanes)(VEC x)
{
    return (((x.s0 + x.s8) + (x.s4 + x.sc)) + ((x.s2 + x.sa) + (x.s6 + x.se))) +
           (((x.s1 + x.s9) + (x.s5 + x.sd)) + ((x.s3 + x.sb) + (x.s7 + x.sf)));
}

// One weight's sum, by true pairs of places alone.
SELDOM ACC NAME(plain_sum)(__global const E *GY, __global const E *X, int n0, int n1, int o, int c, int r,
                                  int s, WINDOW)
{
    ACC sum = (ACC)0;
    for (int n = n0; n < n1; n++)
        sum += NAME(plain_part)(GY + ((long)n * O + o) * OH * OW, X + ((long)n * C + c) * H * W, 0, OH, 0, OW, r, s,
                                WINDOW_NAMES);
    return sum;
}

// partial[chunk][tap][outputs]: sums over a chunk of the images. Grid: O x chunks. Scratch: strip
// [height][STRIDE][pitch] + VL, g [round_up(rows, R)][round_up(cols, VL)] + VL, sums [TAPS_H*TAPS_W][VL].
CPU_KERNEL void NAME(conv_depth_dw)(__global const E *restrict GY, long g_offset, __global const E *restrict X,
                                    long x_offset, __global ACC *restrict partial, __local ACC *restrict strip,
                                    __local ACC *restrict g, __local ACC *restrict sums, PART, WINDOW)
{
    const int o = get_group_id(0), c = o / (O / G), chunk = get_group_id(1), chunks = get_num_groups(1);
    const int n0 = (long)N * chunk / chunks, n1 = (long)N * (chunk + 1) / chunks;
    const int used = STRIP_USED(cols), pitch = STRIP_PITCH(cols), g_pitch = ROUND_UP(cols, VL);
    for (int t = 0; t < TAPS_H * TAPS_W; t++)
        NAME(store_local)((VEC)(0), sums + t * VL);
    for (int n = n0; n < n1; n++) {
        for (int y0 = 0; y0 < OH; y0 += rows) {
            for (int x0 = 0; x0 < OW; x0 += cols) {
                const int yn = min(rows, OH - y0), xn = min(cols, OW - x0);
                const long at = ((long)n * C + c) * H * W, g_at = ((long)n * O + o) * OH * OW;
                if (n == n0 || rows < OH || cols < OW) // of whole planes the zeros around them stay
                    NAME(clear)(strip, ((DIV_UP(rows, R) - 1) * R * STRIDE + ROWS_SEEN(TAPS_H)) * STRIDE * pitch);
                NAME(load_rows)(X + x_offset + at, (long)N * C * H * W - at, strip, y0 * STRIDE - ph, x0 * STRIDE - pw,
                                (DIV_UP(yn, R) - 1) * R * STRIDE + ROWS_SEEN(TAPS_H), used, H, W);
                NAME(load_plane)(GY + g_offset + g_at, (long)N * O * OH * OW - g_at, g, 1, y0, 1, x0, ROUND_UP(yn, R),
                                 g_pitch, OH, OW);
                ROLLED for (int r0 = 0; r0 < TAPS_H; r0 += BAND)
                {
                    VEC acc[BAND][TAPS_W];
                    UNROLL for (int r = 0; r < BAND; r++)
                        UNROLL for (int s = 0; s < TAPS_W; s++) acc[r][s] = (VEC)(0);
                    for (int y = 0; y < yn; y += R) {
                        ROLLED for (int k = 0; k < xn; k += VL)
                        {
                            __local const ACC *x = strip + (y * STRIDE + r0 * GAP_H) * STRIDE * pitch + k;
                            VEC gv[R];
                            UNROLL for (int a = 0; a < R; a++)
                                gv[a] = NAME(load_local)(g + (y + a) * g_pitch + k);
                            UNROLL for (int i = 0; i < ROWS_SEEN(BAND); i++)
                                UNROLL for (int j = 0; j < COLS_SEEN; j++) if (j % GAP_W == 0)
                            {
                                const VEC v = NAME(load_local)(x + (i * STRIDE + j % STRIDE) * pitch + j / STRIDE);
                                UNROLL for (int a = 0; a < R; a++)
                                    if (IS_TAP(ROW_TAP(i, a), BAND, GAP_H))
                                        acc[ROW_TAP(i, a) / GAP_H][j / GAP_W] =
                                            MAD(gv[a], v, acc[ROW_TAP(i, a) / GAP_H][j / GAP_W]);
                            }
                        }
                    }
                    UNROLL for (int r = 0; r < BAND; r++)
                        UNROLL for (int s = 0; s < TAPS_W; s++)
                    {
                        __local ACC *q = sums + ((r0 + r) * TAPS_W + s) * VL;
                        NAME(store_local)(NAME(load_local)(q) + acc[r][s], q);
                    }
                }
            }
        }
    }
    for (int t = 0; t < TAPS_H * TAPS_W; t++) {
        ACC sum = NAME(sum_lanes)(NAME(load_local)(sums + t * VL));
        // Lanes beyond a row and rows beyond the image are zeros times whatever lies there. That is nothing, or
        // not a number: then only the true pairs tell.
        if (!(sum - sum == (ACC)0))
            sum = NAME(plain_sum)(GY + g_offset, X + x_offset, n0, n1, o, c, t / TAPS_W, t % TAPS_W, WINDOW_NAMES);
        for (int i = o; i < (o == O - 1 ? outputs : o + 1); i++) // what fills up a vector too
            partial[((long)chunk * (TAPS_H * TAPS_W) + t) * outputs + i] = sum;
    }
}
