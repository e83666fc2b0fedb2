// SPDX-License-Identifier: MIT
// What files of linear algebra share. Kernels see [batch][rows][columns], contiguous.
#ifndef CLG_OPS_LINALG_H
#define CLG_OPS_LINALG_H

#include "graph/build.h"
#include <clgrad/ops.h>

enum { CLG__EINSUM_OPERANDS = 16 };

// The identity of the matrices of t, [..., n, n] for [..., n, m] of any m.
clg_tensor clg__eye_like(clg_tensor t);
static inline clg_tensor clg__mT(clg_tensor t)
{
    return clg_transpose(t, -1, -2);
}
static inline int64_t clg__rows(clg_tensor t)
{
    return t->shape.dim[t->shape.rank - 2];
}
static inline int64_t clg__columns(clg_tensor t)
{
    return t->shape.dim[t->shape.rank - 1];
}

// F32 or F64 matrices, of a size that kernels count in ints; square where asked. NULL, or the poison that says why not.
clg_tensor clg__no_matrices(const clg__call *c, clg_tensor a, bool square);
clg_tensor clg__as_batch(clg_tensor a); // [..., r, c] -> [batch, r, c]
// [batch, ...] -> the dimensions of `of` before its last two, then those of y after the first.
clg_tensor clg__from_batch(clg_tensor y, clg_tensor of);
// a and b with a common batch.
clg_shape clg__batch_of(clg_tensor a);
clg_tensor clg__with_batch(clg_tensor a, const clg_shape *batch);
// Types of a, b and the result t; false: they do not fit.
// A launch that goes through a batch matrix by matrix, with what kernels are told of elements and items.
clg__launch *clg__matrix_kernel(const clg__kernel_call *c, clg__kplan *p, const char *file);
int clg__matrix_groups(const clg__kernel_call *c, int64_t batch);
void clg__matrix_grid(const clg__kernel_call *c, clg__launch *l, int64_t batch);

// Batches of small matrices, one a lane (cl/lanes.clh), whose kernels have `room` elements of scratch for a matrix.
// NULL, or why matrices whose longer side is `side` are none for them; from `most` on another method is faster.
const char *clg__no_lanes(const clg__kernel_call *c, int64_t batch, int64_t side, int64_t most);
clg__launch *clg__lanes_kernel(const clg__kernel_call *c, clg__kplan *p, const char *file);
// Scratch, after the other buffers, and the grid.
void clg__lanes_scratch(const clg__kernel_call *c, clg__kplan *p, clg__launch *l, int64_t batch, int64_t room);

// Outputs of a's factorisation with pivots, [..., r, c], I32 [..., min], I32 [...], I64 [..., r], see cl/lu.cl; without
// derivatives.
typedef struct clg__lu {
    clg_tensor y, pivots, info, order;
} clg__lu;
bool clg__lu_of(const clg__call *c, clg_tensor a, clg__lu *out); // false: out->y is a poison
// x of a x = b, or of a transposed: a [..., n, n], b [..., n, k], of one batch; its derivative is that of a and b.
clg_tensor clg__solved(clg_tensor a, clg_tensor b, clg_tensor lu, clg_tensor pivots, bool turned);
// x of t x = b, t a triangle [..., n, n].
clg_tensor clg__solved_triangle(clg_tensor t, clg_tensor b, bool upper, bool unit, bool turned);
#endif
