// SPDX-License-Identifier: MIT
// Averages over any window, CPU class, as maxima (cl/pool_max_cpu.cl): sums down, then along the line; and their gradient.
#pragma OPENCL FP_CONTRACT OFF
#include "pool_cpu.clh"

CPU_KERNEL void NAME(avg_pool_cpu)(__global const E *restrict x, long offset, __global E *restrict y, POOL, WINDOW,
                                   LINES, __local ACC *line SPAN_PARAM)
{
    const long all = (long)N * D * H * W;
    SPANS(OW, places)
    EACH_BATCH
        const int b0 = max(c0, 0), b1 = min(W, c0 + many);
        EACH_LINE
        {
            const int4 a = NAME(places)(in_plane, IMAGE_H), c = PLACES_D(DEPTH_OF(above, OD));
            const long plane = (long)PLANE(above, OD) * D * H * W;
            __local ACC *to = line + t * pitch;
            EDGE for (int i = 0; i < min(b0 - c0, many); i += VL) NAME(store_local)((VEC)(0), to + i);
            for (int b = b0; b < b1; b += VL) { // down
                VEC sum = (VEC)(0);
                for (int q = c.x; q < c.y; q++)
                    ROLLED for (int r = a.x; r < a.y; r++)
                        sum += NAME(load_near)(x + offset, plane + (q * H + r) * W + b, all);
                NAME(store_local)(sum, to + b - c0);
            }
            EDGE for (int i = max(b1 - c0, 0); i < pitch; i += VL) NAME(store_local)((VEC)(0), to + i);
        }
#ifdef ADAPTIVE // a result may lie behind columns that later ones need: where it goes, not in the line
        EACH_LINE
        {
            const int4 a = NAME(places)(in_plane, IMAGE_H), c = PLACES_D(DEPTH_OF(above, OD));
            const int down = (a.y - a.x) * (c.y - c.x);
            __local const ACC *from = line + t * pitch;
            EDGE for (int j = 0; j < n; j++)
            {
                const int4 span = SPAN(j, places);
                ACC sum = (ACC)0;
                EDGE for (int s = span.x; s < span.y; s++) sum += from[s];
                y[at + t * n + j] = PUT(sum / (ACC)((span.y - span.x) * down));
            }
        }
#else
#ifdef APART
        EDGE for (int t = 0; t < count; t++)
        {
            const int shift = t * pitch - c0;
            EDGE for (int j = 0; j < n; j++)
            {
                const int4 span = SPAN(j0 + j, places);
                ACC sum = (ACC)0;
                EDGE for (int s = span.x + shift; s < span.y + shift; s++) sum += line[s];
                line[t * n + j] = sum; // in front of all that is still needed
            }
        }
#else
        NAME(end_lines)(line + count * pitch);
        for (int i = 0; i < (count - 1) * pitch + (n - 1) * sw + 1; i += VL) { // along
            VEC sum = NAME(load_local)(line + i);
            ROLLED for (int s = 1; s < KW; s++) sum += NAME(load_local)(line + i + s);
            NAME(store_local)(sum, line + i);
        }
        NAME(each_step)(line, count, n, sw, pitch);
#endif
        if (divisor) {
            for (int j = 0; j < count * n; j += VL)
                NAME(store_near)(NAME(load_local)(line + j) / (VEC)((ACC)divisor), y, at + j, count * n - j, end);
            continue;
        }
        EACH_LINE
        {
            const int h = DEPTH_OF(above, OD);
            for (int j = 0; j < n; j += VL) {
                const int16 several = NAME(counts)(h, in_plane, j0 + j, exclude, 0, WINDOW_NAMES);
                NAME(store_near)(NAME(load_local)(line + t * n + j) / TO_VEC(several), y, at + t * n + j, n - j, end);
            }
        }
#endif
    }
}

// Rows of gradients are joined down to a line, a window's number at the first column of the window, from `base` on, and
// spread along it.
CPU_KERNEL void NAME(avg_pool_back_cpu)(__global const E *restrict g, long offset, __global E *restrict dx,
                                        POOL, WINDOW, LINES, __local ACC *line, __local ACC *wide SPAN_PARAM)
{
    const long all = (long)N * OD * OH * OW;
#ifdef ADAPTIVE
    __local int *width = span_ + 2 * W;
    SPANS(W, windows)
    EDGE for (int s = 0; s < OW + VL; s++)
        width[s] = s < OW ? NAME(places)(s, IMAGE_W).y - NAME(places)(s, IMAGE_W).x : 1;
#endif
    EACH_PART(W, H, D)
        const int depth = DEPTH_OF(above, D);
        const int2 wa = NAME(windows)(in_plane, IMAGE_H), wc = WINDOWS_D(depth);
        const long from = (long)PLANE(above, D) * OD * OH * OW;
#ifdef ADAPTIVE
        const int s0 = 0, s1 = OW;
#else
        const int base = j0 + pw - (KW - 1), many = n + KW - 1;
        const int s0 = DIV_UP(max(base, 0), sw), s1 = min(OW, (base + many - 1) / sw + 1);
        EDGE for (int i = 0; i < many + VL; i += VL) NAME(store_local)((VEC)(0), line + i);
#endif
        for (int s = s0; s < s1; s += VL) { // down
            VEC sum = (VEC)(0);
            for (int q = wc.x; q >= wc.y; q--) {
                ROLLED for (int r = wa.x; r >= wa.y; r--)
                {
                    VEC v = NAME(load_near)(g + offset, from + (q * OH + r) * OW + s, all);
#ifdef ADAPTIVE
                    const int4 a = NAME(places)(r, IMAGE_H), c = PLACES_D(q);
                    v /= TO_VEC(NAME(load_places)(width + s) * ((a.y - a.x) * (c.y - c.x)));
#else
                    if (!divisor)
                        v /= TO_VEC(NAME(counts)(q, r, s, exclude, 0, WINDOW_NAMES));
#endif
                    sum += v;
                }
            }
            if (divisor)
                sum /= (VEC)((ACC)divisor);
            sum = TO_MASK(INSIDE(s + LANE, OW)) ? sum : (VEC)(0);
#ifdef ADAPTIVE
            NAME(store_local)(sum, line + s);
#else
            __local ACC *to = line + s * sw - base;
            if (sw == 1) {
                NAME(store_local)(sum, to);
            } else if (sw == 2) {
                NAME(store_local)(ZIP_LOW(VEC, sum, (VEC)(0)), to);
                NAME(store_local)(ZIP_HIGH(VEC, sum, (VEC)(0)), to + VL);
            } else {
                EDGE for (int i = 0; i < VL && s + i < s1; i++) to[i * sw] = ((const ACC *)&sum)[i];
            }
#endif
        }
#ifdef ADAPTIVE
        EDGE for (int j = 0; j < n; j++)
        {
            const int4 span = SPAN(j, windows);
            ACC sum = (ACC)0;
            EDGE for (int s = span.x; s >= span.y; s--) sum += line[s];
            dx[at + j] = PUT(sum);
        }
#elif defined(APART)
        EDGE for (int i = 0; i < many; i += VL) NAME(store_local)((VEC)(0), wide + i);
        for (int s = s0; s < s1; s++) { // the window's columns, those before and behind this part left out
            const int start = s * sw - base - (KW - 1), last = min(start + KW, n);
            const ACC v = line[s * sw - base];
            for (int i = max(start, 0); i < last; i += VL) {
                const VEC old = NAME(load_local)(wide + i);
                NAME(store_local)(old + (TO_MASK(i + LANE < last) ? (VEC)(v) : (VEC)(0)), wide + i);
            }
        }
        for (int j = 0; j < n; j += VL) NAME(store_near)(NAME(load_local)(wide + j), dx, at + j, n - j, end);
#else
        for (int j = 0; j < n; j += VL) { // along
            VEC sum = (VEC)(0);
            ROLLED for (int k = KW - 1; k >= 0; k--) sum += NAME(load_local)(line + j + k);
            NAME(store_near)(sum, dx, at + j, n - j, end);
        }
#endif
    }
}
