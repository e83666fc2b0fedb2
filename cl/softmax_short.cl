// SPDX-License-Identifier: MIT
// softmax, log_softmax and their statistics of rows of at most SHORT elements, CPU class: cl/softmax.cl says what they
// are.
#pragma OPENCL FP_CONTRACT OFF
#define CPU 1
#include "common.clh"
#include "softmax.clh"
#ifndef ROWS // of n elements
#define ROWS long rows, int n
#endif
#ifndef SHORT
#define SHORT 64
#endif
#ifndef PLACES // 2, 4, 8 or 16
#define PLACES 16
#endif

// Sixteen rows at once, a row in each lane: t holds them turned, element j
// of all rows as a vector. Rows of at most PLACES elements are read PLACES at a time, which takes as few exchanges as
// there are. What a vector of a shorter row reaches into are the rows behind it, which are written later.
#define LANES_OF(n, v, k) (((const WIDE(ACC, n) *)&(v))[k])
#if PLACES == 2
#define READ_ROWS(v, a)                                                                            \
    {                                                                                              \
        const VEC p_ = NAME(load)(a), q_ = NAME(load)((a) + VL);                                   \
        v[0] = EVENS(VEC, p_, q_);                                                                 \
        v[1] = ODDS(VEC, p_, q_);                                                                  \
    }
#define WRITE_ROWS(v, b)                                                                           \
    {                                                                                              \
        NAME(store)(ZIP_LOW(VEC, v[0], v[1]), b);                                                  \
        NAME(store)(ZIP_HIGH(VEC, v[0], v[1]), (b) + VL);                                          \
    }
#elif PLACES == 4
#define READ_ROWS(v, a)                                                                            \
    UNROLL for (int i = 0; i < 4; i++)                                                             \
    {                                                                                              \
        UNROLL for (int k_ = 0; k_ < 4; k_++) ((WIDE(ACC, 4) *)&v[i])[k_] = LOAD_PIECE(4, (a) + (i + 4 * k_) * n); \
    }                                                                                              \
    TURN4(v)
#define WRITE_ROWS(v, b)                                                                           \
    TURN4(v)                                                                                       \
    UNROLL for (int i = 0; i < 4; i++) STORE_PIECE(4, LANES_OF(4, v[i], 0), (b) + i * n); \
    UNROLL for (int i = 0; i < 4; i++) STORE_PIECE(4, LANES_OF(4, v[i], 1), (b) + (i + 4) * n); \
    UNROLL for (int i = 0; i < 4; i++) STORE_PIECE(4, LANES_OF(4, v[i], 2), (b) + (i + 8) * n); \
    UNROLL for (int i = 0; i < 4; i++) STORE_PIECE(4, LANES_OF(4, v[i], 3), (b) + (i + 12) * n);
#elif PLACES == 8
#define READ_ROWS(v, a) \
    UNROLL for (int i = 0; i < 8; i++) \
    { \
        UNROLL for (int k_ = 0; k_ < 2; k_++) ((WIDE(ACC, 8) *)&v[i])[k_] = LOAD_PIECE(8, (a) + (i + 8 * k_) * n); \
    } \
    TURN8(v)
#define WRITE_ROWS(v, b) \
    TURN8(v) \
    UNROLL for (int i = 0; i < 8; i++) STORE_PIECE(8, LANES_OF(8, v[i], 0), (b) + i * n); \
    UNROLL for (int i = 0; i < 8; i++) STORE_PIECE(8, LANES_OF(8, v[i], 1), (b) + (i + 8) * n);
#else
#define READ_ROWS(v, a) \
    UNROLL for (int i = 0; i < 16; i++) v[i] = NAME(load)((a) + i * n); \
    TRANSPOSE16(v)
#define WRITE_ROWS(v, b)                                                                           \
    TRANSPOSE16(v)                                                                                 \
    UNROLL for (int i = 0; i < 16; i++) NAME(store)(v[i], (b) + i * n);
#endif

CPU_KERNEL void NAME(softmax_short)(TENSORS, ROWS)
{
    VEC t[SHORT];
    const long g = get_group_id(0), gs = get_num_groups(0), end = rows * (g + 1) / gs;
    for (long r = rows * g / gs; r < end; r += VL) {
        __global const E *a = x + offset + r * n;
        const int whole = (r + VL - 1) * n + max(n, PLACES) <= end * n, m = min((long)VL, end - r);
        if (whole) {
            VEC v[PLACES];
            ROLLED for (int j = 0; j < n; j += PLACES)
            {
                const int from = max(min(j, n - PLACES), 0);
                READ_ROWS(v, a + from)
                UNROLL for (int i = 0; i < PLACES; i++) t[from + i] = v[i];
            }
        } else { // the last rows; lanes without one repeat the last
            EDGE for (int i = 0; i < VL * n; i++) ((ACC *)t)[i] = GET(a[min(i % VL, m - 1) * n + i / VL]);
        }
        VEC top = t[0], sum = (VEC)(0), lost = (VEC)(0);
        ROLLED for (int j = 1; j < n; j++) top = MAXIMUM(t[j], top);
        ROLLED for (int j = 0; j < n; j += PLAIN)
        {
            VEC part = (VEC)(0);
            ROLLED for (int k = j; k < min(j + PLAIN, n); k++)
            {
                const VEC d = t[k] - top, e = NAME(exp_neg)(d);
#ifdef LOG
                t[k] = d;
#elif !defined STATS
                t[k] = e;
#endif
                part += e;
            }
            ADD_PART(VEC, sum, lost, part)
        }
        sum = lost == lost ? sum + lost : sum;
#if defined STATS
        const VEC log_sum = log(sum);
        EDGE for (int i = 0; i < m; i++)
        {
            const ACC own = ((const ACC *)&top)[i];
            tops[r + i] = own;
            logs[r + i] = ((const ACC *)&log_sum)[i];
            PICK(r + i, a + i * n, 1, own)
        }
#else
        __global E *b = y + r * n;
#ifdef LOG
        const VEC shift = log(sum);
        ROLLED for (int j = 0; j < n; j++) t[j] -= shift;
#else
        const VEC scale = (VEC)(1) / sum;
        ROLLED for (int j = 0; j < n; j++) t[j] *= scale;
#endif
        if (whole) {
            VEC v[PLACES];
            ROLLED for (int j = 0; j < n; j += PLACES)
            {
                const int from = max(min(j, n - PLACES), 0);
                UNROLL for (int i = 0; i < PLACES; i++) v[i] = t[from + i];
                WRITE_ROWS(v, b + from)
            }
        } else {
            EDGE for (int i = 0; i < VL * n; i++) if (i % VL < m) b[i % VL * n + i / VL] = PUT(((ACC *)t)[i]);
        }
#endif
    }
}
