// SPDX-License-Identifier: MIT
// Gradients of maxima over any window, CPU class, to the bit of cl/pool.cl.
#pragma OPENCL FP_CONTRACT OFF
#include "pool_cpu.clh"

// Results hand what they have to the places that they chose, from the last on, as cl/pool.cl adds. A work-group has rows
// of dx, and of the results those that may have chosen there.
CPU_KERNEL void NAME(max_pool_send_cpu)(__global const E *restrict g, long offset, __global const int *restrict index,
                                        long index_offset, __global E *restrict dx, POOL, WINDOW)
{
    const long tall = (long)D * H, rows = N * tall, group = get_group_id(0), groups = get_num_groups(0);
    const long row0 = rows * group / groups, row1 = rows * (group + 1) / groups;
    for (long i = row0 * W; i < row1 * W; i += VL) NAME(store_part)((VEC)((ACC)0), dx + i, (int)min(row1 * W - i, (long)VL));
    for (long row = row0, next; row < row1; row = next) {
        const long plane = row / tall;
        next = min(row1, (plane + 1) * tall);
        const int first = row - plane * tall, last = next - 1 - plane * tall;
        const bool deep = DEPTH(last, H, D) != DEPTH(first, H, D);
        const int r1 = deep ? OH - 1 : NAME(windows)(last % H, IMAGE_H).x;
        const int r0 = deep ? 0 : NAME(windows)(first % H, IMAGE_H).y;
        const int q1 = WINDOWS_D(DEPTH(last, H, D)).x, q0 = WINDOWS_D(DEPTH(first, H, D)).y;
        const uint many = (last + 1 - first) * W;
        __global E *to = dx + row * W;
        for (int q = q1; q >= q0; q--) {
            for (int r = r1; r >= r0; r--) {
                const long at = ((plane * OD + q) * OH + r) * OW;
                __global const E *from = g + offset + at;
                __global const int *chosen = index + index_offset + at;
                EDGE for (int s = OW - 1; s >= 0; s--)
                {
                    const uint k = (uint)(chosen[s] - first * W); // -1 as well is too large
                    if (k < many)
                        to[k] = PUT(GET(to[k]) + GET(from[s]));
                }
            }
        }
    }
}

#ifndef AS_STORED // sums that are rounded once are made by rows
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
#endif
