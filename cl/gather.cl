// SPDX-License-Identifier: MIT
// index_select over [outer][axis][inner] and its transpose. An index out of range gives FILL (NaN for
// floating types, else 0) and takes part in nothing. One work-item per result.
#include "element.clh"
#ifndef I
#define I long
#define FILL NAN
#endif
#ifndef T
#define T int
#endif
#define AHEAD 8
#ifndef GATHER // total: elements of the result; n indices
#define GATHER long total, long axis, long n, long inner
#endif

__kernel void NAME(index_select)(__global const E *restrict a, long offset,
                                 __global const I *restrict index, long index_offset,
                                 __global E *restrict y, GATHER)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    // compared as it is: rusticl loses the sign of an int that has become a long
    const I k = index[index_offset + at / inner % n];
    y[at] = k < 0 || k >= axis ? PUT((ACC)(FILL))
                               : a[offset + (at / inner / n * axis + k) * inner + at % inner];
}

// Sums in the order of the index list: the same bits every time. For small tables and lists.
__kernel void NAME(index_add)(__global const E *restrict g, long offset,
                              __global const I *restrict index, long index_offset,
                              __global E *restrict out, GATHER)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const long k = at / inner % axis, outer = at / inner / axis;
    ACC sum = (ACC)0;
    for (long i = 0; i < n; i++)
        if (index[index_offset + i] == k)
            sum += GET(g[offset + (outer * n + i) * inner + at % inner]);
    out[at] = PUT(sum);
}

// The same over a sorted list: row k takes order[start[k]] to order[start[k + 1]], loads ahead of the sums.
__kernel void NAME(index_add_sorted)(__global const E *restrict g, long offset,
                                     __global const T *restrict order, __global const T *restrict start,
                                     __global E *restrict out, GATHER)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const long k = at / inner % axis, outer = at / inner / axis;
    __global const E *a = g + offset + outer * n * inner + at % inner;
    const T last = start[k + 1];
    T i = start[k];
    ACC sum = (ACC)0;
    for (; last - i >= AHEAD; i += AHEAD) {
        ACC v[AHEAD];
        _Pragma("unroll") for (int u = 0; u < AHEAD; u++) v[u] = GET(a[order[i + u] * inner]);
        _Pragma("unroll") for (int u = 0; u < AHEAD; u++) sum += v[u];
    }
    for (; i < last; i++)
        sum += GET(a[order[i] * inner]);
    out[at] = PUT(sum);
}
