// SPDX-License-Identifier: MIT
// Gradients of pooling over any window, CPU class: what cl/pool.cl computes, to the bit, by rows (cl/pool_cpu.clh).
#pragma OPENCL FP_CONTRACT OFF
#include "pool_cpu.clh"

SELDOM int16 NAME(load_ints_apart)(__global const int *x, long at, long total)
{
    int16 t = (int16)(0);
    EDGE for (int i = 0; i < VL; i++) ((int *)&t)[i] = x[clamp(at + i, 0L, total - 1)];
    return t;
}

static inline int16 NAME(load_ints)(__global const int *x, long at, long total)
{
    return at >= 0 && at + VL <= total ? LOAD16(__global, int_at, x + at) : NAME(load_ints_apart)(x, at, total);
}

#define ROWS_ARGS long all, long from, int k0, int t, int phase, int2 wa, int2 wc
INLINE VEC NAME(max_phase)(__global const E *g, __global const int *index, ROWS_ARGS, WINDOW)
{
    PHASE(phase)
    const int16 place = k0 + t * PHASES + phase + LANE * PHASES;
    VEC sum = (VEC)(0);
    for (int q = wc.x; q >= wc.y; q--) {
        for (int r = wa.x; r >= wa.y; r--) {
            int s = min(w, OW - 1);
            ROLLED for (int o = f + (w - s) * PHASES; o <= (KW - 1) * dw && s > -VL; o += PHASES, s--)
            {
                const long at = from + (q * OH + r) * OW + s;
                const VEC v = NAME(load_near)(g, at, all);
                const int16 hit = INSIDE(s + LANE, OW) & (NAME(load_ints)(index, at, all) == place);
                sum += TO_MASK(hit) ? v : (VEC)(0);
            }
        }
    }
    return sum;
}

INLINE VEC NAME(avg_phase)(__global const E *g, int exclude, int divisor, ROWS_ARGS, WINDOW)
{
    PHASE(phase)
    VEC sum = (VEC)(0);
    for (int q = wc.x; q >= wc.y; q--) {
        for (int r = wa.x; r >= wa.y; r--) {
            int s = min(w, OW - 1);
            ROLLED for (int o = f + (w - s) * PHASES; o < KW && s > -VL; o += PHASES, s--)
            {
                const VEC v = NAME(load_near)(g, from + (q * OH + r) * OW + s, all);
                VEC part = v;
                if (!divisor)
                    part /= TO_VEC(NAME(counts)(q, r, s, exclude, 0, WINDOW_NAMES));
                sum += TO_MASK(INSIDE(s + LANE, OW)) ? part : (VEC)(0);
            }
        }
    }
    return divisor ? sum / (VEC)((ACC)divisor) : sum;
}

#define GRADIENT_ROWS                                                                              \
    const long all = (long)N * OD * OH * OW;                                                       \
    EACH_ROW(D, H)                                                                                 \
    {                                                                                              \
        const int a = in_plane, c = DEPTH_OF(above, D), k0 = (c * H + a) * W;                      \
        const int2 wa = NAME(windows)(a, IMAGE_H), wc = WINDOWS_D(c);                              \
        const long from = (long)PLANE(above, D) * OD * OH * OW;                                    \
        for (int t = 0; (long)t * PHASES < W; t += VL) {                                           \
            const long at = (long)row * W + t * PHASES;                                            \
            const int n = W - t * PHASES;

CPU_KERNEL void NAME(max_pool_scatter_cpu)(__global const E *restrict g, long offset,
                                           __global const int *restrict index, long index_offset,
                                           __global E *restrict dx, POOL, WINDOW)
{
    GRADIENT_ROWS
#define COLUMN(k) NAME(max_phase)(g + offset, index + index_offset, all, from, k0, t, k, wa, wc, WINDOW_NAMES)
            STORE_PHASES(dx, COLUMN)
#undef COLUMN
        }
    }
}

CPU_KERNEL void NAME(avg_pool_back_cpu)(__global const E *restrict g, long offset, __global E *restrict dx,
                                        POOL, WINDOW)
{
    GRADIENT_ROWS
#define COLUMN(k) NAME(avg_phase)(g + offset, exclude, divisor, all, from, k0, t, k, wa, wc, WINDOW_NAMES)
            STORE_PHASES(dx, COLUMN)
#undef COLUMN
        }
    }
}
