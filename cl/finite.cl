// SPDX-License-Identifier: MIT
// Are all numbers of up to sixteen buffers finite? flag becomes 1 where one is not, and stays as it is otherwise. What
// is not finite has an exponent of all ones, whatever the type, so that bits are compared and F16 and F64 need nothing
// of the device. Group (c, k) looks at chunk c of buffer k; in the CPU class a group is one work-item.
#ifndef NAME
#define NAME(x) x
#endif
#ifndef ITEMS // of a group
#define ITEMS 64
#endif
// kind_k: 0 is none, 1 F16, 2 BF16, 3 F32, 4 F64; it has n_k elements from at_k on
#define BUFFER(k) __global const uchar *p_##k, long at_##k, long n_##k, int kind_##k
#define TAKE(k)                                                                                    \
    case k:                                                                                        \
        p = p_##k, at = at_##k, n = n_##k, kind = kind_##k;                                        \
        break;
// The chunk's elements whose bits of the mask are all set
#define LOOK(type, mask)                                                                           \
    {                                                                                              \
        __global const type *x = (__global const type *)p + at;                                    \
        for (long i = from + get_local_id(0); i < to; i += ITEMS)                                  \
            bad |= (x[i] & (type)mask) == (type)mask;                                              \
    }

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
NAME(finite)(volatile __global int *flag, BUFFER(0), BUFFER(1), BUFFER(2), BUFFER(3), BUFFER(4), BUFFER(5), BUFFER(6),
             BUFFER(7), BUFFER(8), BUFFER(9), BUFFER(10), BUFFER(11), BUFFER(12), BUFFER(13), BUFFER(14), BUFFER(15))
{
    __global const uchar *p = p_0;
    long at = 0, n = 0;
    int kind = 0, bad = 0;
    switch ((int)get_group_id(1)) {
        TAKE(0) TAKE(1) TAKE(2) TAKE(3) TAKE(4) TAKE(5) TAKE(6) TAKE(7)
        TAKE(8) TAKE(9) TAKE(10) TAKE(11) TAKE(12) TAKE(13) TAKE(14) TAKE(15)
    }
    const long chunks = get_num_groups(0), chunk = get_group_id(0);
    const long from = n / chunks * chunk + min(chunk, n % chunks), to = from + n / chunks + (chunk < n % chunks);
    if (kind == 1)
        LOOK(ushort, 0x7c00)
    else if (kind == 2)
        LOOK(ushort, 0x7f80)
    else if (kind == 3)
        LOOK(uint, 0x7f800000)
    else if (kind == 4)
        LOOK(ulong, 0x7ff0000000000000)
    if (bad)
        atomic_max(flag, 1);
}
