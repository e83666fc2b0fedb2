// SPDX-License-Identifier: MIT
// Images of windows, CPU class: what cl/fold.cl computes, to the bit, by rows (cl/rows_cpu.clh).
#pragma OPENCL FP_CONTRACT OFF
#include "rows_cpu.clh"
#ifndef PLUS16 // of integers: what wraps
#define PLUS16(a, b) ((a) + (b))
#endif
#ifndef FOLD // total is of no use here; each: of the taps that one column of an image meets, every so manieth
#define FOLD long total, int each
#endif

// Rows of y are [N][C][taps][OD][OH].
CPU_KERNEL void NAME(unfold_rows)(__global const E *restrict x, long offset, __global E *restrict y, FOLD, WINDOW)
{
    const long all = (long)N * C * D * H * W, taps = (long)KD * KH * KW, rows = (long)N * C * taps * OD * OH;
    const long group = get_group_id(0), groups = get_num_groups(0), row1 = rows * (group + 1) / groups;
    for (long row = rows * group / groups; row < row1;) {
        int r = row % OH;
        const long block = row / OH, k = block / OD % taps, plane = block / OD / taps;
        const int c = (int)(block % OD) * sd - pd + (int)(k / KW / KH) * dd, b0 = (int)(k % KW) * dw - pw;
        int a = r * sh - ph + (int)(k / KW % KH) * dh;
        for (; r < OH && row < row1; r++, row++, a += sh) {
            const bool inside = INSIDE(a, H) && INSIDE(c, D);
            for (int j = 0; j < OW; j += VL) {
                const int b = b0 + j * sw;
                VEC v = (VEC)(0);
                if (inside)
                    v = NAME(load_columns)(x + offset, ((plane * D + c) * H + a) * W + b, sw, all);
                if (b < 0 || b + (VL - 1) * sw >= W)
                    v = TO_MASK(INSIDE(b + LANE * sw, W)) ? v : (VEC)(0);
                NAME(store_near)(v, y, row * OW + j, OW - j, row1 * OW);
            }
        }
    }
}

// The first tap that the columns of a phase meet.
static inline int NAME(first_tap)(int phase, int sw, int pw, int dw, int each)
{
    int k = dw == 1 ? (phase + pw) % PHASES : 0;
    EDGE while (dw != 1 && k < each && (phase + pw - k * dw) % PHASES != 0) k++;
    return dw == 1 || k < each ? k : INT_MAX; // none
}

INLINE VEC NAME(fold_phase)(__global const E *g, long all, long plane, int a, int c, int2 wa, int2 wc, int t, int phase,
                            int each, WINDOW)
{
    const long pixels = (long)OD * OH * OW;
    const int k0 = NAME(first_tap)(phase, sw, pw, dw, each), apart = each * dw / PHASES;
    VEC sum = (VEC)(0);
    if (k0 >= KW)
        return sum;
    const int s0 = t + (phase + pw - k0 * dw) / PHASES, skip = s0 >= OW ? (s0 - OW) / apart + 1 : 0;
    for (int q = wc.x; q >= wc.y; q--) {
        for (int r = wa.x; r >= wa.y; r--) {
            if (!COVERS(q, c, sd, pd, dd) || !COVERS(r, a, sh, ph, dh))
                continue;
            const long line = ((long)((c + pd - q * sd) / dd) * KH + (a + ph - r * sh) / dh) * KW;
            int s = s0 - skip * apart;
            ROLLED for (int k = k0 + skip * each; k < KW && s > -VL; k += each, s -= apart)
            {
                const VEC v = NAME(load_near)(g, (plane * KD * KH * KW + line + k) * pixels + ((long)q * OH + r) * OW + s, all);
                sum = PLUS16(sum, TO_MASK(INSIDE(s + LANE, OW)) ? v : (VEC)(0));
            }
        }
    }
    return sum;
}

// The taps of a place in order: windows from the last to the first that covers it.
CPU_KERNEL void NAME(fold_rows)(__global const E *restrict g, long offset, __global E *restrict y, FOLD, WINDOW)
{
    const long all = (long)N * O * OD * OH * OW;
    const long rows = (long)N * C * D * H, group = get_group_id(0), groups = get_num_groups(0);
    const long row1 = rows * (group + 1) / groups;
    for (long row = rows * group / groups; row < row1; row++) {
        const int a = row % H, c = DEPTH(row, H, D);
        const long plane = row / H / D;
        const int2 wa = NAME(windows)(a, IMAGE_H), wc = WINDOWS_D(c);
        for (int t = 0; (long)t * PHASES < W; t += VL) {
            const long at = row * W + (long)t * PHASES;
            const int n = W - t * PHASES;
#define COLUMN(phase) NAME(fold_phase)(g + offset, all, plane, a, c, wa, wc, t, phase, each, WINDOW_NAMES)
            STORE_PHASES(y, COLUMN)
#undef COLUMN
        }
    }
}
