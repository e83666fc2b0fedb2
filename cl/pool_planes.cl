// SPDX-License-Identifier: MIT
// Pooling of many small planes, CPU class, any window, forward and backward: sixteen planes at once, one a lane, so that
// short rows fill vectors too. They lie turned in local memory, an element of all lanes together, and so do results
// before they are turned back. Maxima and their gradients are to the bit those of cl/pool.cl; averages add up down
// columns of the window and then along, as in cl/pool_avg_cpu.cl.
#pragma OPENCL FP_CONTRACT OFF
#include "pool_cpu.clh"
#ifndef LOWEST
#define LOWEST (-INFINITY)
#endif

// Sixteen planes from `first` on of a work-group, which has those before `last`.
#define EACH_SIXTEEN                                                                               \
    const long lots_ = DIV_UP(N, VL), g_ = get_group_id(0), gs_ = get_num_groups(0);               \
    const long last = min((long)N, lots_ * (g_ + 1) / gs_ * VL);                                   \
    for (long first = lots_ * g_ / gs_ * VL; first < last; first += VL)
#define PLANE_IN (D * H * W)
#define PLANE_OUT (OD * OH * OW)

// `line` is sixteen planes as they lie in memory, one after another, which is how a core reads and writes fast, and a
// vector behind them. `size` elements a plane; of a turned one some behind it.
#define TURN_PLANES(take, give, type, element, vector, load, store, load_few, store_few, load_line, store_line) \
    SELDOM void NAME(take)(__local vector *to, __local element *line, __global const type *x, int size, int planes) \
    {                                                                                              \
        const int n = planes * size, whole = n / VL * VL;                                          \
        for (int i = 0; i < whole; i += VL) store_line(load(x + i), line + i);                     \
        store_line(load_few(x + whole, n - whole), line + whole);                                  \
        ROLLED for (int i = 0; i < size; i += VL)                                                  \
        {                                                                                          \
            vector r[VL];                                                                          \
            UNROLL for (int l = 0; l < VL; l++) r[l] = load_line(line + min(l, planes - 1) * size + i); \
            TURN(vector, r)                                                                        \
            UNROLL for (int l = 0; l < VL; l++) to[i + l] = r[l];                                  \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    /* From the last elements on: what hangs over a plane is written before those behind it are. */ \
    SELDOM void NAME(give)(__global type *y, __local element *line, __local const vector *from, int size, int planes) \
    {                                                                                              \
        ROLLED for (int i = (size - 1) / VL * VL; i >= 0; i -= VL)                                 \
        {                                                                                          \
            vector r[VL];                                                                          \
            UNROLL for (int l = 0; l < VL; l++) r[l] = from[i + l];                                \
            TURN(vector, r)                                                                        \
            UNROLL for (int l = 0; l < VL; l++) store_line(r[l], line + l * size + i);             \
        }                                                                                          \
        const int n = planes * size, whole = n / VL * VL;                                          \
        for (int i = 0; i < whole; i += VL) store(load_line(line + i), y + i);                     \
        store_few(load_line(line + whole), y + whole, n - whole);                                  \
    }

SELDOM VEC NAME(load_rest)(__global const E *p, int n)
{
    return NAME(load_few)(p, n, (ACC)0);
}

SELDOM int16 NAME(load_few_places)(__global const int *p, int n)
{
    int16 t = (int16)(0);
    EDGE for (int i = 0; i < n; i++) ((int *)&t)[i] = p[i];
    return t;
}

SELDOM void NAME(store_few_places)(int16 x, __global int *p, int n)
{
    EDGE for (int i = 0; i < n; i++) p[i] = ((int *)&x)[i];
}
#define LOAD_PLACES(p) LOAD16(__global, int_at, p)
#define STORE_PLACES(x, p) STORE16(__global, int_at, x, p)
TURN_PLANES(take, give, E, ACC, VEC, NAME(load), NAME(store), NAME(load_rest), NAME(store_few), NAME(load_local),
            NAME(store_local))
TURN_PLANES(take_places, give_places, int, int, int16, LOAD_PLACES, STORE_PLACES, NAME(load_few_places),
            NAME(store_few_places), NAME(load_places), NAME(store_places))

CPU_KERNEL void NAME(max_pool_planes)(__global const E *restrict x, long offset, __global E *restrict y,
                                      __global int *restrict index, POOL, WINDOW, __local VEC *line,
                                      __local VEC *image, __local VEC *result, __local int16 *place)
{
    EDGE for (int k = PLANE_OUT; k < ROUND_UP(PLANE_OUT, VL); k++)
    {
        result[k] = (VEC)(0);
        place[k] = (int16)(0);
    }
    EACH_SIXTEEN
    {
        const int planes = min(last - first, (long)VL);
        NAME(take)(image, (__local ACC *)line, x + offset + first * PLANE_IN, PLANE_IN, planes);
        for (int h = 0, k = 0; h < OD; h++) {
            const int4 c = PLACES_D(h);
            for (int i = 0; i < OH; i++) {
                const int4 a = NAME(places)(i, IMAGE_H);
                ROLLED for (int j = 0; j < OW; j++, k++)
                {
                    const int4 b = NAME(places)(j, IMAGE_W);
                    const bool none = c.x >= c.y || a.x >= a.y || b.x >= b.y;
                    VEC best = (VEC)((ACC)(LOWEST));
                    int16 winner = (int16)(none ? -1 : (c.x * H + a.x) * W + b.x);
                    for (int q = c.x; q < c.y; q += c.z) {
                        for (int r = a.x; r < a.y; r += a.z) {
                            ROLLED for (int s = b.x; s < b.y; s += b.z)
                            {
                                const int from = (q * H + r) * W + s;
                                const VEC v = image[from];
                                const JOIN(MASK, 16) take = (v > best) | (v != v);
                                best = take ? v : best;
                                winner = convert_int16(take) ? (int16)(from) : winner;
                            }
                        }
                    }
                    result[k] = best;
                    place[k] = winner;
                }
            }
        }
        NAME(give)(y + first * PLANE_OUT, (__local ACC *)line, result, PLANE_OUT, planes);
        NAME(give_places)(index + first * PLANE_OUT, (__local int *)line, place, PLANE_OUT, planes);
    }
}

// What the sum of a window is divided by (cl/pool.cl, count).
static inline int NAME(shares)(int q, int r, int s, int exclude, int divisor, WINDOW)
{
    if (divisor)
        return divisor;
#ifdef ADAPTIVE
    const int4 c = PLACES_D(q), a = NAME(places)(r, IMAGE_H), b = NAME(places)(s, IMAGE_W);
    return (c.y - c.x) * (a.y - a.x) * (b.y - b.x);
#else
    return NAME(count)(q, exclude, D, KD, sd, pd, ed) * NAME(count)(r, exclude, H, KH, sh, ph, eh) *
           NAME(count)(s, exclude, W, KW, sw, pw, ew);
#endif
}

CPU_KERNEL void NAME(avg_pool_planes)(__global const E *restrict x, long offset, __global E *restrict y, POOL, WINDOW,
                                      __local VEC *line, __local VEC *image, __local VEC *result)
{
    EDGE for (int k = PLANE_OUT; k < ROUND_UP(PLANE_OUT, VL); k++) result[k] = (VEC)(0);
    EACH_SIXTEEN
    {
        const int planes = min(last - first, (long)VL);
        NAME(take)(image, (__local ACC *)line, x + offset + first * PLANE_IN, PLANE_IN, planes);
        for (int h = 0, k = 0; h < OD; h++) {
            const int4 c = PLACES_D(h);
            for (int i = 0; i < OH; i++) {
                const int4 a = NAME(places)(i, IMAGE_H);
                ROLLED for (int j = 0; j < OW; j++, k++)
                {
                    const int4 b = NAME(places)(j, IMAGE_W);
                    VEC sum = (VEC)(0);
                    for (int s = b.x; s < b.y; s++) {
                        VEC column = (VEC)(0);
                        for (int q = c.x; q < c.y; q++)
                            ROLLED for (int r = a.x; r < a.y; r++) column += image[(q * H + r) * W + s];
                        sum += column;
                    }
                    result[k] = sum / (VEC)((ACC)NAME(shares)(h, i, j, exclude, divisor, WINDOW_NAMES));
                }
            }
        }
        NAME(give)(y + first * PLANE_OUT, (__local ACC *)line, result, PLANE_OUT, planes);
    }
}

CPU_KERNEL void NAME(avg_pool_back_planes)(__global const E *restrict g, long offset, __global E *restrict dx, POOL,
                                           WINDOW, __local VEC *line, __local VEC *image, __local VEC *result)
{
    EDGE for (int k = PLANE_IN; k < ROUND_UP(PLANE_IN, VL); k++) image[k] = (VEC)(0);
    EACH_SIXTEEN
    {
        const int planes = min(last - first, (long)VL);
        NAME(take)(result, (__local ACC *)line, g + offset + first * PLANE_OUT, PLANE_OUT, planes);
        for (int depth = 0, k = 0; depth < D; depth++) {
            const int2 wc = WINDOWS_D(depth);
            for (int i = 0; i < H; i++) {
                const int2 wa = NAME(windows)(i, IMAGE_H);
                ROLLED for (int j = 0; j < W; j++, k++)
                {
                    const int2 wb = NAME(windows)(j, IMAGE_W);
                    VEC sum = (VEC)(0);
                    for (int s = wb.x; s >= wb.y; s--) {
                        VEC column = (VEC)(0);
                        for (int q = wc.x; q >= wc.y; q--) {
                            ROLLED for (int r = wa.x; r >= wa.y; r--)
                            {
                                VEC v = result[(q * OH + r) * OW + s];
                                if (!divisor)
                                    v /= (VEC)((ACC)NAME(shares)(q, r, s, exclude, 0, WINDOW_NAMES));
                                column += v;
                            }
                        }
                        sum += divisor ? column / (VEC)((ACC)divisor) : column;
                    }
                    image[k] = sum;
                }
            }
        }
        NAME(give)(dx + first * PLANE_IN, (__local ACC *)line, image, PLANE_IN, planes);
    }
}

// Results hand what they have to the places that they chose, from the last on, as cl/pool.cl adds.
CPU_KERNEL void NAME(max_pool_scatter_planes)(__global const E *restrict g, long offset,
                                              __global const int *restrict index, long index_offset,
                                              __global E *restrict dx, POOL, WINDOW, __local VEC *line,
                                              __local VEC *image, __local VEC *result, __local int16 *place)
{
    EACH_SIXTEEN
    {
        const int planes = min(last - first, (long)VL);
        NAME(take)(result, (__local ACC *)line, g + offset + first * PLANE_OUT, PLANE_OUT, planes);
        NAME(take_places)(place, (__local int *)line, index + index_offset + first * PLANE_OUT, PLANE_OUT, planes);
        EDGE for (int k = 0; k < ROUND_UP(PLANE_IN, VL); k++) image[k] = (VEC)(0);
        for (int h = OD - 1, k = PLANE_OUT - 1; h >= 0; h--) {
            const int4 c = PLACES_D(h);
            for (int i = OH - 1; i >= 0; i--) {
                const int4 a = NAME(places)(i, IMAGE_H);
                ROLLED for (int j = OW - 1; j >= 0; j--, k--)
                {
                    const int4 b = NAME(places)(j, IMAGE_W);
                    const VEC v = result[k];
                    const int16 chosen = place[k];
                    for (int q = c.x; q < c.y; q += c.z) {
                        for (int r = a.x; r < a.y; r += a.z) {
                            ROLLED for (int s = b.x; s < b.y; s += b.z)
                            {
                                const int to = (q * H + r) * W + s;
                                image[to] += TO_MASK(chosen == (int16)(to)) ? v : (VEC)(0);
                            }
                        }
                    }
                }
            }
        }
        NAME(give)(dx + first * PLANE_IN, (__local ACC *)line, image, PLANE_IN, planes);
    }
}
