// SPDX-License-Identifier: MIT
// Images of what windows that do not overlap see of them: 0 where there is none, CPU class.
#pragma OPENCL FP_CONTRACT OFF
#include "common.clh"
#include "window.clh"

// A row of W elements: element j*stride + s is row s of those, `apart`, that are in t; surplus falls on what comes after.
SELDOM void NAME(spread_row)(__global const E *t, long apart, __local ACC *to, int taps, int n, int stride, int W,
                             int there)
{
    if (!there || stride != 2)
        EDGE for (int j = 0; j < W; j += VL) NAME(store_local)((VEC)(0), to + j);
    if (!there)
        return;
    if (stride == 2) {
        EDGE for (int j = 0; j < n; j += VL)
        {
            const VEC a = NAME(load_part)(t + j, n - j), b = taps > 1 ? NAME(load_part)(t + apart + j, n - j) : (VEC)(0);
            NAME(store_local)(ZIP_LOW(VEC, a, b), to + 2 * j);
            NAME(store_local)(ZIP_HIGH(VEC, a, b), to + 2 * j + VL);
        }
        EDGE for (int j = 2 * n; j < W; j++) to[j] = (ACC)0;
        return;
    }
    EDGE for (int s = 0; s < taps; s++)
        EDGE for (int j = 0; j < n; j++) to[j * stride + s] = GET(t[s * apart + j]);
}

// T [N][C][KD][KH][KW][OD][OH][OW] -> Y [N][C][D][H][W], `some` rows at a time. Scratch: those and 48 elements. Grid:
// work-groups share the planes.
CPU_KERNEL void NAME(conv_spread)(__global const E *restrict T, __global EPI_OUT *restrict Y, __local ACC *restrict rows,
                                  int some, WINDOW EPI_PARAMS)
{
    const long planes = (long)N * C, g = get_group_id(0), gs = get_num_groups(0), image = (long)D * H * W;
    const int window = KD * KH * KW, pixels = OD * OH * OW;
    for (long plane = planes * g / gs; plane < planes * (g + 1) / gs; plane++) {
        __global const E *t = T + plane * window * pixels;
        for (int first = 0; first < D * H; first += some) {
            const int count = min(some, D * H - first), length = count * W;
            for (int i = 0; i < count; i++) {
                const int z = (first + i) / H, y = (first + i) % H, q = z % sd, r = y % sh;
                const int there = q < KD && r < KH && z / sd < OD && y / sh < OH;
                NAME(spread_row)(t + (long)(q * KH + r) * KW * pixels + (z / sd * OH + y / sh) * OW, pixels, rows + i * W,
                                 KW, OW, sw, W, there);
            }
            EDGE for (int p = 0; p < length; p += VL)
            {
                p = max(min(p, length - VL), 0);
                const int col = first * W + p;
                EPI_STORE(NAME(load_local)(rows + p), Y, plane * image + col, plane / C, plane % C, col,
                          min(VL, length - p));
            }
        }
    }
}
