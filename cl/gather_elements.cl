// SPDX-License-Identifier: MIT
// Elements chosen along an axis, each by an index of its own: y[o][i][c] = a[o][index[o][i][c]][c], index of any
// strides. An index out of range gives FILL, or 0 where `zero` is set.
#include "element.clh"
#ifndef I
#define I long
#define FILL NAN
#endif
#ifndef ELEMENTS // total: of the result; i0, i1, i2: steps of the index
#define ELEMENTS long total, long axis, long n, long inner, long i0, long i1, long i2, int zero
#endif

__kernel void NAME(gather_items)(__global const E *restrict a, long offset, __global const I *restrict index,
                                 long index_offset, __global E *restrict y, ELEMENTS)
{
    const long at = get_global_id(0);
    if (at >= total)
        return;
    const long c = at % inner, i = at / inner % n, o = at / inner / n;
    const I k = index[index_offset + o * i0 + i * i1 + c * i2]; // compared as it is, as in gather.cl
    y[at] = k >= 0 && k < axis ? a[offset + (o * axis + k) * inner + c] : zero ? PUT((ACC)0) : PUT((ACC)(FILL));
}

// A work-item has a run of results: along n where inner is 1, else along inner.
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void
NAME(gather_runs)(__global const E *restrict a, long offset, __global const I *restrict index, long index_offset,
                  __global E *restrict y, ELEMENTS)
{
    const long part = get_group_id(0), parts = get_num_groups(0);
    const long first = total / parts * part + total % parts * part / parts;
    const long last = total / parts * (part + 1) + total % parts * (part + 1) / parts;
    const bool along = inner == 1;
    const long row = along ? n : inner, step = along ? i1 : i2, column = along ? 0 : 1;
    const E none = zero ? PUT((ACC)0) : PUT((ACC)(FILL));
    long r = first / row, x = first % row; // row of the result and place in it
    for (long at = first; at < last; r++, x = 0) {
        const long o = along ? r : r / n, many = min(row - x, last - at);
        __global const I *from = index + index_offset + o * i0 + (along ? 0 : r % n * i1) + x * step;
        __global const E *b = a + offset + o * axis * inner + (along ? 0 : x);
        if (along && step == 1)
            for (long j = 0; j < many; j++) {
                const I k = from[j];
                y[at + j] = k >= 0 && k < axis ? b[k] : none;
            }
        else if (step == 1)
            for (long j = 0; j < many; j++) {
                const I k = from[j];
                y[at + j] = k >= 0 && k < axis ? b[k * inner + j] : none;
            }
        else
            for (long j = 0; j < many; j++) {
                const I k = from[j * step];
                y[at + j] = k >= 0 && k < axis ? b[k * inner + j * column] : none;
            }
        at += many;
    }
}
