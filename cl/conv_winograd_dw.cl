// SPDX-License-Identifier: MIT
// The gradient of a convolution by 3x3 windows of stride 1 for its weights, NCHW, CPU class, with the tiles of
// Winograd's F(4x4,3x3) turned around: 6x6 inputs and 4x4 cotangents of a tile add to 3x3 weights.
//
//   dw = GT [ sum over tiles (BT x B) .* (A g AT) ] G
//
// Per point the sum over tiles is a matrix product, S[c][o] = sum_t V[t][c]*Z[t][o]. A work-group makes S for some
// channels and outputs over a chunk of the tiles; cl/conv_winograd_dw_sum.cl adds up the chunks and transforms back.
#pragma OPENCL FP_CONTRACT OFF
#include "conv_winograd.clh"
#ifndef STRIPS // rows of tiles are cut into `parts` of `seg` tiles, of which a work-group holds `held`; ci channels of
// input and oi of output belong to it; from point to point are v_step and z_step elements
#define STRIPS int seg, int parts, int held, int ci, int oi, int v_step, int z_step
#endif

// A d: 4 cotangents to 6.
static inline void NAME(wino_cotangent)(const VEC d[RESULTS], VEC o[PLACES])
{
    const VEC p = fma((VEC)(WINO_AA), d[2], d[0]), q = WINO_A * fma((VEC)(WINO_AA), d[3], d[1]);
    const VEC r = fma((VEC)(WINO_BB), d[2], d[0]), s = WINO_B * fma((VEC)(WINO_BB), d[3], d[1]);
    o[0] = d[0];
    o[1] = p + q;
    o[2] = p - q;
    o[3] = r + s;
    o[4] = r - s;
    o[5] = d[3];
}

// Tiles of a strip[4][width] of cotangents, to Z[point][tile][oi].
SELDOM void NAME(transform_cotangent)(__local const ACC *strip, int width, __local ACC *z, int seg, int oi, int z_step)
{
    for (int k = 0; k < seg; k++, z += oi) {
        VEC mid[PLACES][RESULTS];
        UNROLL for (int j = 0; j < RESULTS; j++)
        {
            VEC d[RESULTS], o[PLACES];
            UNROLL for (int i = 0; i < RESULTS; i++)
                d[i] = NAME(load_local)(strip + (i * width + k * RESULTS + j) * VL);
            NAME(wino_cotangent)(d, o);
            UNROLL for (int i = 0; i < PLACES; i++) mid[i][j] = o[i];
        }
        UNROLL for (int i = 0; i < PLACES; i++)
        {
            VEC o[PLACES];
            NAME(wino_cotangent)(mid[i], o);
            UNROLL for (int j = 0; j < PLACES; j++) NAME(store_local)(o[j], z + (i * PLACES + j) * z_step);
        }
    }
}

// A register tile of a point, d[channel][oi], of all tiles; added to what is there, if there is.
SELDOM void NAME(multiply)(__local const ACC *a, __local const ACC *b, __global ACC *d, int panel, int oi, int tiles,
                           int there)
{
    VEC acc[MR][NV];
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) acc[i][v] = there ? NAME(load_acc)(d + i * oi + v * VL) : (VEC)(0);
    ROLLED for (int t = 0; t < tiles; t++, a += panel, b += oi)
    {
        VEC w[NV];
        UNROLL for (int v = 0; v < NV; v++) w[v] = NAME(load_local)(b + v * VL);
        UNROLL for (int i = 0; i < MR; i++)
        {
            const VEC s = (VEC)(a[i]);
            UNROLL for (int v = 0; v < NV; v++) acc[i][v] = fma(s, w[v], acc[i][v]);
        }
    }
    UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int v = 0; v < NV; v++) NAME(store_acc)(acc[i][v], d + i * oi + v * VL);
}

// Grid: chunks of the tiles x G*ceil(O/G / oi) x ceil(C/G / ci). S[chunk][group, outputs][channels][point][ci][oi].
// Scratch, with tiles = held*seg: V POINTS*v_step, v_step at least tiles*ROUND_UP(ci, VL); Z POINTS*z_step, z_step at
// least tiles*oi; strip 6*(4*seg+2) + VL pixels of VL. ci is a multiple of MR, oi of NR.
CPU_KERNEL void NAME(winograd_dw)(__global const E *restrict GY, long g_offset, __global const E *restrict X,
                                  long x_offset, __global ACC *restrict S, __local ACC *restrict V,
                                  __local ACC *restrict Z, __local ACC *restrict strip, STRIPS, WINDOW)
{
    const int og = O / G, cg = C / G, o_blocks = DIV_UP(og, oi), group = get_group_id(1) / o_blocks;
    const int first_o = get_group_id(1) % o_blocks * oi, first_c = get_group_id(2) * ci, width = seg * RESULTS + 2;
    const int of_image = DIV_UP(OH, RESULTS) * parts, panel = ROUND_UP(ci, VL);
    const long units = (long)N * of_image, size = (long)H * W, results = (long)OH * OW;
    const int u0 = units * get_group_id(0) / get_num_groups(0), u1 = units * (get_group_id(0) + 1) / get_num_groups(0);
    __global ACC *own = S + (((long)get_group_id(0) * get_num_groups(1) + get_group_id(1)) * get_num_groups(2) +
                             get_group_id(2)) * POINTS * ci * oi;
    EDGE for (int i = 0; i < (u0 == u1 ? POINTS * ci * oi : 0); i += VL) NAME(store_acc)((VEC)(0), own + i);
    for (int u = u0; u < u1; u += held) {
        const int tiles = min(held, u1 - u) * seg;
        for (int i = 0; i < min(held, u1 - u); i++) {
            const int n = (u + i) / of_image, y = (u + i) % of_image / parts * RESULTS, x = (u + i) % parts * seg * RESULTS;
            for (int c = 0; c < ci; c += VL) {
                const long at = ((long)n * C + group * cg + first_c + c) * size;
                NAME(load_strip)(X + x_offset + at, (long)N * C * size - at, strip, y - ph, x - pw, PLACES, width, H, W,
                                 cg - first_c - c);
                NAME(transform_input)(strip, width, V + c, i * seg, seg, 1, panel, v_step);
            }
            for (int o = 0; o < oi; o += VL) {
                const long at = ((long)n * O + group * og + first_o + o) * results;
                NAME(load_strip)(GY + g_offset + at, (long)N * O * results - at, strip, y, x, RESULTS, width, OH, OW,
                                 og - first_o - o);
                NAME(transform_cotangent)(strip, width, Z + i * seg * oi + o, seg, oi, z_step);
            }
        }
        for (int k = 0; k < POINTS; k++) {
            for (int c = 0; c < ci; c += MR) {
                for (int o = 0; o < oi; o += NR)
                    NAME(multiply)(V + k * v_step + c, Z + k * z_step + o, own + ((long)k * ci + c) * oi + o, panel, oi,
                                   tiles, u > u0);
            }
        }
    }
}
