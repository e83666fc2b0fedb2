// SPDX-License-Identifier: MIT
// How often each of the numbers 0 to bins - 1 stands in a list. Every part of the list has counts of its own, which are
// added up; what is out of range is counted behind the last. CPU class (COPIES): equal numbers that follow each other are
// counted in turns, so that none waits for the one before. GPU class: a part is a group's, counted by atomics, whose order
// does not matter to whole numbers.
#ifndef NAME
#define NAME(x) x
#endif
#ifndef COUNT
#define COUNT long n, int bins, int parts
#endif
#ifdef COPIES
#define ITEMS 1
#else
#ifndef ITEMS
#define ITEMS 64
#endif
#define COPIES 1
#endif
#define GROUP __kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
#define PLACE(k) ((int)min((uint)(k), (uint)bins))

GROUP void NAME(count)(__global const int *restrict at, long offset, __global int *restrict count, COUNT)
{
    const int part = get_group_id(0), lane = get_local_id(0);
    const long first = n * part / parts, last = n * (part + 1) / parts;
    const long step = bins + 1;
    at += offset;
    count += COPIES * step * part;
    for (long k = lane; k < COPIES * step; k += ITEMS)
        count[k] = 0;
#if ITEMS > 1
    barrier(CLK_GLOBAL_MEM_FENCE);
    for (long i = first + lane; i < last; i += ITEMS)
        atomic_inc(count + PLACE(at[i]));
#else
    long i = first;
    for (; i + COPIES <= last; i += COPIES)
        for (int c = 0; c < COPIES; c++)
            count[c * step + PLACE(at[i + c])]++;
    for (; i < last; i++)
        count[PLACE(at[i])]++;
#endif
}

GROUP void NAME(count_sum)(__global const int *restrict count, __global long *restrict y, COUNT)
{
    const long all = get_num_groups(0), step = bins + 1;
    const long first = bins * get_group_id(0) / all, last = bins * (get_group_id(0) + 1) / all;
    for (long k = first + get_local_id(0); k < last; k += ITEMS) {
        long sum = 0;
        for (int c = 0; c < COPIES * parts; c++)
            sum += count[c * step + k];
        y[k] = sum;
    }
}
