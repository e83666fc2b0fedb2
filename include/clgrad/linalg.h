// SPDX-License-Identifier: MIT
// Linear algebra: products of vectors, matrices and tensors. What all operations share: ops.h.
//
// Matrices are the last two dimensions, [..., rows, columns]; dimensions before them are a batch.
#ifndef CLGRAD_LINALG_H
#define CLGRAD_LINALG_H

#include <clgrad/ops.h>

CLG_BEGIN

// ---- products

// Product of two matrices.
//
//   y[i,j] = sum_k a[i,k] b[k,j]
//
// a       [N,K]
// b       [K,M]
// result  [N,M], of the common type
// grad    a, b
// errors  CLG_ESHAPE    ranks, or sizes that do not fit
//         CLG_EDTYPE    BOOL
CLG_API clg_tensor clg_mm(clg_tensor a, clg_tensor b);

// Products of matrices, batch by batch.
//
//   y[b,i,j] = sum_k a[b,i,k] b[b,k,j]
//
// a       [B,N,K]
// b       [B,K,M], of the same B: it does not broadcast
// result  [B,N,M], of the common type
// grad    a, b
// errors  as of clg_mm
CLG_API clg_tensor clg_bmm(clg_tensor a, clg_tensor b);

// Product of a matrix and a vector.
//
//   y[i] = sum_k a[i,k] v[k]
//
// a       [N,K]
// v       [K]
// result  [N], of the common type
// grad    a, v
// errors  as of clg_mm
CLG_API clg_tensor clg_mv(clg_tensor a, clg_tensor v);

// Product of two vectors.
//
//   y = sum_k a[k] b[k]
//
// a, b    [K]
// result  0-d, of the common type
// grad    a, b
// errors  as of clg_mm
CLG_API clg_tensor clg_dot(clg_tensor a, clg_tensor b);

// The same: of real numbers there are no conjugates.
//
//   y = clg_dot(a, b)
//
// a, b    as of clg_dot
// result  as of clg_dot
// grad    a, b
// errors  as of clg_mm
CLG_API clg_tensor clg_vdot(clg_tensor a, clg_tensor b);

// All products of elements of two vectors.
//
//   y[i,j] = a[i] b[j]
//
// a       [N]
// b       [M]
// result  [N,M], of the common type
// grad    a, b
// errors  CLG_ESHAPE    ranks are not 1
CLG_API clg_tensor clg_outer(clg_tensor a, clg_tensor b);

// Products of vectors that are the last dimensions.
//
//   y[..., ...] = sum_k a[..., k] b[..., k]; of a 0-d tensor the product by it
//
// a       [..., K]
// b       [..., K]
// result  a's dimensions before the last, then b's, of the common type
// grad    a, b
// errors  CLG_ESHAPE    the last dimensions differ
//         CLG_EDTYPE    BOOL
CLG_API clg_tensor clg_inner(clg_tensor a, clg_tensor b);

// Products of vectors along an axis, which broadcast.
//
//   y = sum of a b along the axis
//
// a, b    float, of shapes that broadcast
// axis    of their common shape; may be negative
// result  the common shape without the axis, of the common type
// grad    a, b
// errors  CLG_ESHAPE    shapes do not broadcast, or no such axis
//         CLG_EDTYPE    not floating
CLG_API clg_tensor clg_vecdot(clg_tensor a, clg_tensor b, int axis);

// Sums of products over indices: clg_einsum("bij,bjk->bik", a, b).
//
//   y[result's letters] = sum over all other letters of the product of the operands
//
// text    letters for the dimensions of each operand, commas between operands, then "->" and those
//         of the result; without it the ellipsis and letters that stand once, A to Z before a to z.
//         "..." stands for dimensions that broadcast, which are summed over where the result has
//         none; a letter twice in an operand is its diagonal. Blanks are skipped
// t       1 to 16 tensors; a dimension of 1 is repeated where others are larger
// n       of t
// result  of the common type, integers too. Products of two are taken in the order of the least
//         work: of up to five operands the best order, else the best next step; sums come first
// grad    all of t
// errors  CLG_EINVAL    the grammar, or n
//         CLG_ESHAPE    sizes or ranks do not fit
//         CLG_EDTYPE    BOOL where something is summed over
CLG_API clg_tensor clg_einsum_n(const char *text, const clg_tensor *t, int n);
#define clg_einsum(text, ...)                                                                      \
    clg_einsum_n(text, (clg_tensor[]) { __VA_ARGS__ }, CLG__COUNT(clg_tensor, __VA_ARGS__))

// Sum of products over the last dimensions of a and the first of b.
//
//   y[..., ...] = sum_k a[..., k..] b[k.., ...]
//
// a, b    a dimension of 1 is repeated
// n       how many dimensions are summed over; 0: all products
// result  the other dimensions of a, then of b, of the common type
// grad    a, b
// errors  CLG_ESHAPE    n, sizes that do not fit, or too many dimensions
//         CLG_EDTYPE    BOOL
CLG_API clg_tensor clg_tensordot(clg_tensor a, clg_tensor b, int n);

// Sum of products over named dimensions.
//
//   y[..., ...] = sum over axes_a[i] of a together with axes_b[i] of b
//
// a, b    a dimension of 1 is repeated
// axes_a, axes_b   as many of each, CLG_AXES; may be negative
// result  the other dimensions of a, then of b, of the common type
// grad    a, b
// errors  CLG_EINVAL    numbers of axes differ
//         CLG_ESHAPE    no such axes, sizes that do not fit, or too many dimensions
//         CLG_EDTYPE    BOOL
CLG_API clg_tensor clg_tensordot_axes(clg_tensor a, clg_tensor b, clg_shape axes_a,
                                      clg_shape axes_b);

// A matrix product added to another tensor.
//
//   y = beta input + alpha a b
//
// input   broadcasts to the result
// a       [N,K]
// b       [K,M]
// beta    0: input is not looked at, NaN in it neither
// alpha   of integers both are whole
// result  [N,M], of the common type
// grad    input, a, b
// errors  CLG_ESHAPE    ranks, or sizes that do not fit
//         CLG_EINVAL    beta or alpha of integers
//         CLG_EDTYPE    BOOL
CLG_API clg_tensor clg_addmm(clg_tensor input, clg_tensor a, clg_tensor b, double beta,
                             double alpha);

// A product with a vector, added to another one.
//
//   y = beta input + alpha a v
//
// input, beta, alpha   as of clg_addmm
// a       [N,K]
// v       [K]
// result  [N], of the common type
// grad    input, a, v
// errors  as of clg_addmm
CLG_API clg_tensor clg_addmv(clg_tensor input, clg_tensor a, clg_tensor v, double beta,
                             double alpha);

// Products of a batch, added to another one.
//
//   y[n] = beta input + alpha a[n] b[n]
//
// input, beta, alpha   as of clg_addmm
// a       [B,N,K]
// b       [B,K,M]
// result  [B,N,M], of the common type
// grad    input, a, b
// errors  as of clg_addmm
CLG_API clg_tensor clg_baddbmm(clg_tensor input, clg_tensor a, clg_tensor b, double beta,
                               double alpha);

// The sum of a batch's products, added to another matrix.
//
//   y = beta input + alpha sum_n a[n] b[n]
//
// input, beta, alpha   as of clg_addmm
// a       [B,N,K]
// b       [B,K,M]
// result  [N,M], of the common type
// grad    input, a, b
// errors  as of clg_addmm
CLG_API clg_tensor clg_addbmm(clg_tensor input, clg_tensor a, clg_tensor b, double beta,
                              double alpha);

// All products of two vectors, added to a matrix.
//
//   y[i,j] = beta input + alpha a[i] b[j]
//
// input, beta, alpha   as of clg_addmm
// a       [N]
// b       [M]
// result  [N,M], of the common type
// grad    input, a, b
// errors  as of clg_addmm
CLG_API clg_tensor clg_addr(clg_tensor input, clg_tensor a, clg_tensor b, double beta,
                            double alpha);

// Product of many matrices, in the order of the least work.
//
//   y = t[0] t[1] ... t[n-1]
//
// t       matrices; the first and the last may be vectors, a row and a column
// n       2 to 32
// result  a matrix, a vector or 0-d, of the common type
// grad    all of t
// errors  CLG_ESHAPE    ranks, or sizes that do not fit
//         CLG_EINVAL    n
//         CLG_EDTYPE    BOOL
CLG_API clg_tensor clg_multi_dot_n(const clg_tensor *t, int n);
#define clg_multi_dot(...)                                                                         \
    clg_multi_dot_n((clg_tensor[]) { __VA_ARGS__ }, CLG__COUNT(clg_tensor, __VA_ARGS__))

// Powers of square matrices, by repeated squaring.
//
//   y = a a ... a, n times; of n = 0 the identity, of n < 0 the inverse -n times
//
// a       [..., N, N]
// n       below 0: a is F32 or F64, and where it has no inverse y is infinite or NaN
// result  type and shape of a
// grad    a
// errors  CLG_ESHAPE    not square
//         CLG_EDTYPE    BOOL, or n < 0 of another type than F32 and F64
CLG_API clg_tensor clg_matrix_power(clg_tensor a, int n);

// Kronecker's product: of each element of a with all of b.
//
//   y[i m + k, ...] = a[i, ...] b[k, ...], m the size of b there
//
// a, b    the one of fewer dimensions gets ones before its own
// result  products of the sizes, of the common type
// grad    a, b
// errors  CLG_ESHAPE    more than 8 dimensions, where those count twice of which neither is 1
CLG_API clg_tensor clg_kron(clg_tensor a, clg_tensor b);

// Cross products of vectors in space.
//
//   y[0] = a[1] b[2] - a[2] b[1], and so on in turns, along the axis
//
// a, b    of one rank; other dimensions broadcast
// axis    of 3 elements in both; may be negative
// result  the common shape and type
// grad    a, b
// errors  CLG_ESHAPE    ranks, sizes, or no such axis
//         CLG_EDTYPE    BOOL
CLG_API clg_tensor clg_cross(clg_tensor a, clg_tensor b, int axis);

// Bilinear forms (torch.nn.functional.bilinear).
//
//   y[..., o] = sum_ij a[..., i] w[o,i,j] b[..., j] + bias[o]
//
// a       [..., I] float
// b       [..., J], dimensions before the last as of a
// w       [O,I,J]
// bias    [O], may be NULL
// result  [..., O], of the common type
// grad    a, b, w, bias
// errors  CLG_ESHAPE    ranks, or sizes that do not fit
//         CLG_EDTYPE    not floating
CLG_API clg_tensor clg_bilinear(clg_tensor a, clg_tensor b, clg_tensor w, clg_tensor bias);

// ---- norms

typedef enum clg_matrix_norm_kind {
    CLG_NORM_FRO,     // root of the sum of squares
    CLG_NORM_1,       // largest sum of a column's magnitudes
    CLG_NORM_NEG_1,   // smallest
    CLG_NORM_INF,     // largest sum of a row's magnitudes
    CLG_NORM_NEG_INF, // smallest
    CLG_NORM_NUC,     // sum of the singular values; this and the next only of F32 and F64
    CLG_NORM_2,       // largest singular value
    CLG_NORM_NEG_2    // smallest
} clg_matrix_norm_kind;

// Norms of matrices. Those of vectors are clg_norm.
//
//   y = as the kind says
//
// a       float, of two dimensions or more
// kind    which norm
// rows, columns   axes; may be negative
// keepdims   as of clg_sum
// result  a's shape without the two axes, type of a; 0 for matrices without elements
// grad    a: as of clg_norm, of sums of magnitudes and of clg_amax, or of clg_svdvals
// errors  CLG_EDTYPE    not floating, or not F32 or F64 where singular values are asked for
//         CLG_ESHAPE    no such axes, or the smallest of nothing
//         CLG_EINVAL    kind
CLG_API clg_tensor clg_matrix_norm(clg_tensor a, clg_matrix_norm_kind kind, int rows, int columns,
                                   bool keepdims);

// ---- functions

// Exponentials of matrices.
//
//   y = 1 + a + a a / 2 + a a a / 6 + ...
//
// a       [..., N, N] float
// result  type and shape of a; NaN where the largest sum of a column's magnitudes is above 4096
// grad    a
// errors  CLG_ESHAPE    not square
//         CLG_EDTYPE    not floating
// source  Higham 2008, chapter 10 (scaling and squaring)
CLG_API clg_tensor clg_matrix_exp(clg_tensor a);

CLG_END
#endif
