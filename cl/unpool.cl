// SPDX-License-Identifier: MIT
// Unpooling: which element of a pooled plane each place of an image takes, and the elements. Places count within
// a plane, P of the image and Q of the pooled one; -1 is none. Of several elements for one place the last one
// has it, whatever the order in which they come. One work-item for each element, both classes.
#include "element.clh"
#ifndef PLANES // total: elements or places that the kernel walks
#define PLANES long total, long P, long Q
#endif

__kernel void NAME(unpool_none)(__global int *restrict owner, PLANES)
{
    const long at = get_global_id(0);
    if (at < total)
        owner[at] = -1;
}

__kernel void NAME(unpool_owner)(__global const long *restrict index, long offset, volatile __global int *restrict owner,
                                 PLANES)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const long k = index[offset + at];
    if (k >= 0 && k < P)
        atomic_max(owner + at / Q * P + k, (int)(at % Q));
}

// Where each element went, when it was the last one.
__kernel void NAME(unpool_place)(__global const long *restrict index, long offset, __global const int *restrict owner,
                                 __global int *restrict place, PLANES)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const long k = index[offset + at];
    place[at] = k >= 0 && k < P && owner[at / Q * P + k] == at % Q ? (int)k : -1;
}

// y[n][i] = x[n][from[n][i]], 0 where that is -1. x [N][P], y [N][Q].
__kernel void NAME(pick)(__global const E *restrict x, long offset, __global const int *restrict from,
                         long from_offset, __global E *restrict y, PLANES)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const int k = from[from_offset + at];
    y[at] = k < 0 ? PUT((ACC)0) : x[offset + at / Q * P + k];
}
