// SPDX-License-Identifier: MIT
// What windows that do not overlap see of images, as a matrix for each image, CPU class.
#include "common.clh"
#include "window.clh"

// n elements of a row, STRIDE apart; `room` elements may be read.
SELDOM void NAME(gather_row)(__global const E *x, __global E *t, int n, int stride, long room)
{
    if (stride == 1 && n >= VL) {
        EDGE for (int j = 0; j < n; j += VL)
        {
            j = min(j, n - VL);
            NAME(store)(NAME(load)(x + j), t + j);
        }
        return;
    }
    if (stride == 2 && n >= VL) {
        EDGE for (int j = 0; j < n; j += VL)
        {
            j = min(j, n - VL);
            if (2 * j + 2 * VL <= room) { // the last of these elements is none of the row's
                const VEC a = NAME(load)(x + 2 * j), b = NAME(load)(x + 2 * j + VL);
                NAME(store)(EVENS(VEC, a, b), t + j);
            } else {
                EDGE for (int i = j; i < j + VL; i++) t[i] = x[2 * i];
            }
        }
        return;
    }
    EDGE for (int j = 0; j < n; j++) t[j] = x[j * stride];
}

// x [N][C][D][H][W] -> T [N][C][KD][KH][KW][OD][OH][OW]. Grid: work-groups share the planes.
CPU_KERNEL void NAME(conv_gather)(__global const E *restrict X, long offset, __global E *restrict T, WINDOW)
{
    const long planes = (long)N * C, g = get_group_id(0), gs = get_num_groups(0), image = (long)D * H * W;
    const int window = KD * KH * KW, pixels = OD * OH * OW;
    for (long plane = planes * g / gs; plane < planes * (g + 1) / gs; plane++) {
        __global E *t = T + plane * window * pixels;
        for (int k = 0; k < window; k++) {
            const int s = k % KW, r = k / KW % KH, q = k / KW / KH;
            for (int z = 0; z < OD; z++)
                for (int y = 0; y < OH; y++, t += OW) {
                    const long at = plane * image + ((long)(z * sd + q) * H + y * sh + r) * W + s;
                    NAME(gather_row)(X + offset + at, t, OW, sw, planes * image - at);
                }
        }
    }
}
