// SPDX-License-Identifier: MIT
// Images of windows: unfold lays the places of each window of [N][C][D][H][W] in a column of [N][C*K][L], K taps
// and L windows, and fold adds such columns up to an image. One work-item for each result, both classes.
#pragma OPENCL FP_CONTRACT OFF
#include "element.clh"
#include "window.clh"
#ifndef PLUS // of integers: what wraps
#define PLUS(a, b) ((a) + (b))
#endif
#ifndef FOLD // total: elements of the result
#define FOLD long total
#endif

__kernel void NAME(unfold)(__global const E *restrict x, long offset, __global E *restrict y, FOLD, WINDOW)
{
    const long at = get_global_id(0), pixels = (long)OD * OH * OW, window = (long)KD * KH * KW;
    if (at >= total)
        return;
    const long l = at % pixels, k = at / pixels % window, plane = at / pixels / window;
    const int b = (int)(l % OW) * sw - pw + (int)(k % KW) * dw;
    const int a = (int)(l / OW % OH) * sh - ph + (int)(k / KW % KH) * dh;
    const int c = (int)(l / OW / OH) * sd - pd + (int)(k / KW / KH) * dd;
    const bool inside = a >= 0 && b >= 0 && c >= 0 && a < H && b < W && c < D;
    y[at] = inside ? x[offset + ((plane * D + c) * H + a) * W + b] : PUT((ACC)0);
}

// The taps of a place in order: windows from the last to the first that covers it.
__kernel void NAME(fold)(__global const E *restrict g, long offset, __global E *restrict y, FOLD, WINDOW)
{
    const long at = get_global_id(0), pixels = (long)OD * OH * OW, window = (long)KD * KH * KW;
    if (at >= total)
        return;
    const int b = at % W, a = at / W % H, c = DEPTH(at / W, H, D);
    const int2 wb = NAME(windows)(b, IMAGE_W), wa = NAME(windows)(a, IMAGE_H), wc = NAME(windows)(c, IMAGE_D);
    __global const E *p = g + offset + IN_PLANE(at) * window * pixels;
    ACC sum = (ACC)0;
    for (int q = wc.x; q >= wc.y; q--) {
        for (int r = wa.x; r >= wa.y; r--) {
            for (int s = wb.x; s >= wb.y; s--) {
                if (!COVERS(q, c, sd, pd, dd) || !COVERS(r, a, sh, ph, dh) || !COVERS(s, b, sw, pw, dw))
                    continue;
                const long k = ((long)((c + pd - q * sd) / dd) * KH + (a + ph - r * sh) / dh) * KW + (b + pw - s * sw) / dw;
                sum = PLUS(sum, GET(p[k * pixels + ((long)q * OH + r) * OW + s]));
            }
        }
    }
    y[at] = PUT(sum);
}
