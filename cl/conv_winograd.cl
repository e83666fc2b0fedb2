// SPDX-License-Identifier: MIT
// Convolution by 3x3 windows of stride 1, NCHW, CPU class, by Winograd's F(4x4,3x3): forward, and backward-data with
// turned weights (cl/conv_pack.cl). A quarter of the products of the direct form.
//
// Per point of the transformed tiles the sum over channels is a matrix product, M[tile][o] = sum_c V[tile][c]*U[c][o]:
// the same register tile as in cl/conv_cpu.cl. A work-group transforms some tiles, all their channels, multiplies them
// with the weights of a block of outputs, and transforms back, all within the L2 cache.
//
// Where a result is not finite, all results of its rows and channel are made anew by the plain sum, in the direct
// kernel's order: a transform spreads infinities and NaN over its tile, and may overflow where the sum does not.
#pragma OPENCL FP_CONTRACT OFF
#include "conv_winograd.clh"
#ifndef STRIPS // rows of tiles are cut into `parts` of `seg` tiles; a work-group takes `chunk` parts, counted through
// all images, and `per` blocks of outputs; from point to point are u_step, v_step and m_step elements
#define STRIPS int seg, int parts, int chunk, int per, int u_step, int v_step, int m_step
#endif

// 16 outputs of `count` tiles side by side, m[point][tile][NR] -> pixels[4][pitch][VL]. What a tile has beyond the
// pitch is overwritten by the next row's first tile, so tiles go backwards. Lanes whose results are not all finite
// come back as NaN, the others as 0.
SELDOM VEC NAME(transform_output)(__local const ACC *m, int m_step, __local ACC *pixels, int count, int pitch)
{
    VEC bad = (VEC)(0);
    for (int t = count - 1; t >= 0; t--) {
        VEC mid[RESULTS][PLACES];
        UNROLL for (int j = 0; j < PLACES; j++)
        {
            VEC d[PLACES], o[RESULTS];
            UNROLL for (int i = 0; i < PLACES; i++)
                d[i] = NAME(load_local)(m + (i * PLACES + j) * m_step + t * NR);
            NAME(wino_output)(d, o);
            UNROLL for (int i = 0; i < RESULTS; i++) mid[i][j] = o[i];
        }
        UNROLL for (int i = 0; i < RESULTS; i++)
        {
            VEC o[RESULTS];
            NAME(wino_output)(mid[i], o);
            UNROLL for (int j = 0; j < RESULTS; j++)
            {
                NAME(store_local)(o[j], pixels + (i * pitch + t * RESULTS + j) * VL);
                bad = fma(o[j], (VEC)(0), bad);
            }
        }
    }
    return bad;
}

// A register tile of a point: M[tile][NR] of MR tiles, all channels.
SELDOM void NAME(multiply)(__local const ACC *a, __global const ACC *b, __local ACC *m, int channels)
{
    VEC acc[MR][NV];
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) acc[i][v] = (VEC)(0);
    for (int c0 = 0; c0 < channels; c0 += VL, a += MR * VL) {
        const int cn = min(VL, channels - c0);
        ROLLED for (int c = 0; c < cn; c++, b += NR)
        {
            VEC w[NV];
            UNROLL for (int v = 0; v < NV; v++) w[v] = NAME(load_acc)(b + v * VL);
            UNROLL for (int i = 0; i < MR; i++)
            {
                const VEC s = (VEC)(a[i * VL + c]);
                UNROLL for (int v = 0; v < NV; v++) acc[i][v] = fma(s, w[v], acc[i][v]);
            }
        }
    }
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) NAME(store_local)(acc[i][v], m + i * NR + v * VL);
}

// Results whose windows see padding alone are 0, not what is left of their tiles. (y, x): the first window's place.
SELDOM void NAME(clear_padding)(__local ACC *pixels, int y, int x, int rows, int pitch, int H, int W)
{
    for (int i = 0; i < rows; i++)
        EDGE for (int j = 0; j < pitch; j++)
            if (y + i < -2 || y + i >= H || x + j < -2 || x + j >= W)
                NAME(store_local)((VEC)(0), pixels + (i * pitch + j) * VL);
}

// The pixels of a channel, a lane of pixels[rows][pitch][VL], by the plain sum: over channels, rows, columns. p: the
// lane's packed weights. own: scratch.
SELDOM void NAME(plain_sums)(__global const E *image, long room, __global const ACC *p, __local ACC *pixels,
                             __local ACC *own, int channels, int y0, int x0, int rows, int pitch, int width, int H, int W)
{
    __local ACC *strip = own + RESULTS * (width + VL);
    EDGE for (int i = 0; i < rows * (width + VL); i += VL) NAME(store_local)((VEC)(0), own + i);
    for (int c = 0; c < channels; c++, p += 9 * NR) {
        const long plane = (long)c * H * W;
        NAME(load_plane)(image + plane, room - plane, strip, 1, y0, 1, x0, rows + 2, width, H, W);
        for (int i = 0; i < rows; i++) {
            for (int x = 0; x < pitch; x += VL) {
                __local ACC *to = own + i * (width + VL) + x;
                VEC acc = NAME(load_local)(to);
                EDGE for (int k = 0; k < 9; k++)
                    acc = fma(NAME(load_local)(strip + (i + k / 3) * width + x + k % 3), (VEC)(p[k * NR]), acc);
                NAME(store_local)(acc, to);
            }
        }
    }
    for (int i = 0; i < rows; i++)
        EDGE for (int x = 0; x < pitch; x++)
            pixels[(i * pitch + x) * VL] = own[i * (width + VL) + x];
}

// Grid: ceil(N*ceil(OH/4)*parts / chunk) x G*ceil(blocks of NR outputs / per). Scratch, with tiles = chunk*seg rounded
// up to MR: V POINTS*v_step, v_step at least tiles*ceil(C/G to VL); M POINTS*m_step, m_step at least tiles*NR; strip
// max(6*(4*seg+2) + VL, 16*seg + VL) pixels of VL; spare max(VL*VL, 10*(4*seg+2) + 6*VL).
CPU_KERNEL void NAME(winograd)(__global const E *restrict X, long offset, __global const ACC *restrict P,
                               __global const ACC *restrict U, __global EPI_OUT *restrict Y, __local ACC *restrict V,
                               __local ACC *restrict M, __local ACC *restrict strip, __local ACC *restrict spare, STRIPS,
                               WINDOW EPI_PARAMS)
{
    const int og = O / G, cg = C / G, blocks = DIV_UP(og, NR), splits = DIV_UP(blocks, per);
    const int group = get_group_id(1) / splits, b0 = get_group_id(1) % splits * per, b1 = min(b0 + per, blocks);
    const int of_image = DIV_UP(OH, RESULTS) * parts, width = seg * RESULTS + 2, panel = ROUND_UP(cg, VL) * MR;
    const int u0 = get_group_id(0) * chunk, u1 = min(u0 + chunk, N * of_image), tiles = (u1 - u0) * seg;
    const long size = (long)H * W, all = (long)N * C * size;
    for (int c = 0; c < cg; c += VL) {
        for (int u = u0; u < u1; u++) {
            const long at = ((long)(u / of_image) * C + group * cg + c) * size;
            NAME(load_strip)(X + offset + at, all - at, strip, u % of_image / parts * RESULTS - ph,
                             u % parts * seg * RESULTS - pw, PLACES, width, H, W, cg - c);
            NAME(transform_input)(strip, width, V + c * MR, (u - u0) * seg, seg, MR, panel, v_step);
        }
        EDGE for (int t = tiles; t % MR; t++) // what is left of the last panel
            EDGE for (int k = 0; k < POINTS; k++)
                NAME(store_local)((VEC)(0), V + k * v_step + t / MR * panel + c * MR + t % MR * VL);
    }
    for (int block = b0; block < b1; block++) {
        const long pack = (long)group * blocks + block;
        for (int k = 0; k < POINTS; k++) {
            for (int t = 0; t < tiles; t += MR)
                NAME(multiply)(V + k * v_step + t / MR * panel, U + (pack * POINTS + k) * u_step,
                               M + k * m_step + t * NR, cg);
        }
        for (int i = 0; i < (u1 - u0) * NV; i++) {
            const int v = i % NV, u = u0 + i / NV, n = u / of_image, o0 = block * NR + v * VL, on = min(VL, og - o0);
            const int y0 = u % of_image / parts * RESULTS, x0 = u % parts * seg * RESULTS;
            const int yn = min(RESULTS, OH - y0), xn = min(seg * RESULTS, OW - x0);
            if (on <= 0 || xn <= 0)
                continue;
            // a run of pixels may be shorter than a vector
            EDGE for (int p = 0; p < VL; p++) NAME(store_local)((VEC)(0), strip + (yn * xn + p) * VL);
            NAME(store_local)(NAME(transform_output)(M + i / NV * seg * NR + v * VL, m_step, strip,
                                                     DIV_UP(xn, RESULTS), xn), spare);
            int bad = 0; // lanes
            EDGE for (int j = 0; j < on; j++) bad |= (spare[j] != spare[j]) << j;
            EDGE for (int j = 0; bad >> j; j++)
            {
                const long at = ((long)n * C + group * cg) * size;
                if (bad >> j & 1)
                    NAME(plain_sums)(X + offset + at, all - at, P + pack * cg * 9 * NR + v * VL + j, strip + j, spare, cg,
                                     y0 - ph, x0 - pw, yn, xn, width, H, W);
            }
            if (y0 - ph < -2 || y0 - ph + yn > H || x0 - pw < -2 || x0 - pw + xn > W)
                NAME(clear_padding)(strip, y0 - ph, x0 - pw, yn, xn, H, W);
            // whole rows are one run of pixels, parts of rows one run each; the last vector overlaps the one before
            const int runs = parts == 1 ? 1 : yn, length = parts == 1 ? yn * OW : xn;
            for (int p = 0, run = 0; run < runs; p += VL) {
                if (p >= length) {
                    p = -VL;
                    run++;
                    continue;
                }
                p = max(min(p, length - VL), 0);
                const int col = (y0 + run) * OW + x0 + p, count = min(VL, length - p);
                NAME(turn)(strip + (run * length + p) * VL, spare);
                // through memory, so that the epilogue stands in the text once
                EDGE for (int j = 0; j < on; j++)
                {
                    const int o = group * og + o0 + j;
                    EPI_STORE(NAME(load_local)(spare + j * VL), Y, ((long)n * O + o) * OH * OW + col, n, o, col, count);
                }
            }
        }
    }
}
