// SPDX-License-Identifier: MIT
// Linear algebra: factorisations of matrices and what they solve. Products and norms: linalg.h;
// what all operations share: ops.h.
//
// Matrices are the last two dimensions, [..., rows, columns], of a batch; F32 or F64, in which
// everything is computed. Nothing runs before an evaluation, so that a matrix without an inverse
// is no error: results are infinite or NaN as the arithmetic has them, and info says which step
// failed. Bits do not depend on the number of cores.
#ifndef CLGRAD_FACTOR_H
#define CLGRAD_FACTOR_H

#include <clgrad/linalg.h>

CLG_BEGIN

// ---- elimination

// Factors of a matrix with exchanged rows, in one matrix.
//
//   a = P L U, the largest element of a column for a pivot
//
// a       [..., r, c]
// pivots  where they go, may be NULL: I32 [..., min(r, c)], the row, from 1, that row k was
//         exchanged with, k rising
// info    where it goes, may be NULL: I32 [...]: 0, or the first pivot, from 1, that is 0
// result  a's shape: U, and below its diagonal L, whose own diagonal is 1
// grad    a
// errors  CLG_ESHAPE    rank below 2, or 2^15 rows or columns
//         CLG_EDTYPE    not F32 or F64
// source  Golub and Van Loan 2013, section 3.4
CLG_API clg_tensor clg_lu_factor(clg_tensor a, clg_tensor *pivots, clg_tensor *info);

// The same factors, each for itself.
//
//   a = P L U
//
// a       [..., r, c]
// l, u    where they go, may be NULL: [..., r, min(r, c)] and [..., min(r, c), c]
// result  P [..., r, r], a permutation
// grad    a, of l and u; P: none
// errors  as of clg_lu_factor
CLG_API clg_tensor clg_lu(clg_tensor a, clg_tensor *l, clg_tensor *u);

// What clg_lu_factor gave, taken apart.
//
//   a = P L U
//
// lu      [..., r, c] of clg_lu_factor
// pivots  I32 [..., min(r, c)] of clg_lu_factor; its batch broadcasts
// l, u    where they go, may be NULL: [..., r, min(r, c)] and [..., min(r, c), c]
// result  P [..., r, r], a permutation
// grad    lu, of l and u; P: none
// errors  CLG_ESHAPE    shapes do not fit, or pivots are not I32
//         CLG_EDTYPE    not F32 or F64
CLG_API clg_tensor clg_lu_unpack(clg_tensor lu, clg_tensor pivots, clg_tensor *l, clg_tensor *u);

// A system whose factors are known.
//
//   a y = b, y a = b (not left), or the same of a transposed (adjoint)
//
// lu      [..., n, n] of clg_lu_factor
// pivots  I32 [..., n] of clg_lu_factor
// b       [..., n, k], not left [..., k, n]; batches broadcast
// left    a stands on the left
// adjoint a is transposed
// result  shape of b with the common batch
// grad    lu, b
// errors  CLG_ESHAPE    shapes do not fit, or pivots are not I32
//         CLG_EDTYPE    types differ, or are not F32 or F64
CLG_API clg_tensor clg_lu_solve(clg_tensor lu, clg_tensor pivots, clg_tensor b, bool left,
                                bool adjoint);

// Systems of linear equations.
//
//   a y = b; not left: y a = b
//
// a       [..., n, n]
// b       [..., n, k], not left [..., k, n], whose batch broadcasts; or vectors [..., n], of a's
//         batch or without one
// left    a stands on the left
// info    as of clg_lu_factor, may be NULL
// result  shape of b with the common batch; infinite or NaN where a pivot is 0
// grad    a, b
// errors  CLG_ESHAPE    shapes do not fit
//         CLG_EDTYPE    types differ, or are not F32 or F64
CLG_API clg_tensor clg_solve(clg_tensor a, clg_tensor b, bool left, clg_tensor *info);

// Inverse matrices.
//
//   y a = a y = the identity
//
// a       [..., n, n]
// info    as of clg_lu_factor, may be NULL
// result  type and shape of a; infinite or NaN where a pivot is 0
// grad    a: -y^T g y^T
// errors  CLG_ESHAPE    not square
//         CLG_EDTYPE    not F32 or F64
CLG_API clg_tensor clg_inv(clg_tensor a, clg_tensor *info);

// Determinants.
//
//   y = det a, the product of the pivots; 1 of an empty matrix
//
// a       [..., n, n]
// result  [...], type of a
// grad    a: g y a^-T, of a singular matrix the adjugate, where PyTorch has 0 for a pivot of 0
// errors  CLG_ESHAPE    not square
//         CLG_EDTYPE    not F32 or F64
CLG_API clg_tensor clg_det(clg_tensor a);

// Sign and logarithm of determinants, which neither overflow nor vanish.
//
//   det a = y e^logabsdet; of a singular matrix 0 and -inf
//
// a       [..., n, n]
// logabsdet   where it goes, may be NULL: [...], type of a
// result  -1, 0 or 1: [...], type of a
// grad    a: of logabsdet g a^-T; y: zero
// errors  as of clg_det
CLG_API clg_tensor clg_slogdet(clg_tensor a, clg_tensor *logabsdet);

// Logarithm of determinants.
//
//   y = log det a; NaN where that is negative
//
// a       [..., n, n]
// result  [...], type of a
// grad    a: g a^-T
// errors  as of clg_det
CLG_API clg_tensor clg_logdet(clg_tensor a);

// ---- triangles

// Systems of triangles.
//
//   t y = b; not left: y t = b
//
// a       [..., n, n]: t is its upper or lower triangle, the rest is not looked at
// b       [..., n, k], not left [..., k, n]; batches broadcast
// upper   which triangle
// left    t stands on the left
// unitriangular   t's diagonal is 1, whatever a has there
// result  shape of b with the common batch
// grad    a (of its triangle), b
// errors  CLG_ESHAPE    shapes do not fit
//         CLG_EDTYPE    types differ, or are not F32 or F64
CLG_API clg_tensor clg_solve_triangular(clg_tensor a, clg_tensor b, bool upper, bool left,
                                        bool unitriangular);

// The factor of a positive definite matrix.
//
//   a = y y^T with y lower; upper: a = y^T y
//
// a       [..., n, n], symmetric: only its lower triangle is looked at, upper the upper one
// upper   which factor
// info    where it goes, may be NULL: I32 [...]: 0, or the order of the first leading matrix that
//         is not positive
// result  type and shape of a; NaN from the column on that info names
// grad    a, symmetric
// errors  CLG_ESHAPE    not square
//         CLG_EDTYPE    not F32 or F64
// source  Golub and Van Loan 2013, section 4.2; Murray 2016 for the gradient
CLG_API clg_tensor clg_cholesky(clg_tensor a, bool upper, clg_tensor *info);

// A positive definite system whose factor is known.
//
//   l l^T y = b; upper: l^T l y = b
//
// b       [..., n, k]; batches broadcast
// l       [..., n, n] of clg_cholesky
// upper   which factor
// result  shape of b with the common batch
// grad    b, l (of its triangle)
// errors  as of clg_solve_triangular
CLG_API clg_tensor clg_cholesky_solve(clg_tensor b, clg_tensor l, bool upper);

// The inverse of a positive definite matrix whose factor is known.
//
//   y = (l l^T)^-1; upper: (l^T l)^-1
//
// l       [..., n, n] of clg_cholesky
// upper   which factor
// result  type and shape of l
// grad    l (of its triangle)
// errors  CLG_ESHAPE    not square
//         CLG_EDTYPE    not F32 or F64
CLG_API clg_tensor clg_cholesky_inverse(clg_tensor l, bool upper);

// ---- orthogonal factors

typedef enum clg_qr_mode {
    CLG_QR_REDUCED,  // q has min(r, c) columns, r as many rows
    CLG_QR_COMPLETE, // r of both
    CLG_QR_R         // q has no columns and is not computed; r as reduced
} clg_qr_mode;

// Orthogonal and upper triangular factors, with LAPACK's signs.
//
//   a = y r, y^T y the identity
//
// a       [..., r, c]
// mode    how many columns
// r       where it goes, may be NULL
// result  [..., r, columns], type of a
// grad    a, of both; not of complete factors where r > c, and not with CLG_QR_R. Where the first
//         min(r, c) columns of a are dependent it is infinite or NaN
// errors  CLG_ESHAPE    rank below 2
//         CLG_EDTYPE    not F32 or F64
//         CLG_EINVAL    mode
// source  Golub and Van Loan 2013, section 5.2
CLG_API clg_tensor clg_qr(clg_tensor a, clg_qr_mode mode, clg_tensor *r);

// Least squares, for a of full rank.
//
//   y = argmin |a y - b|, of many the one of the least norm
//
// a       [..., r, c]; of a lower rank y is infinite, NaN or large: clg_pinv then
// b       [..., r, k] or [..., r]
// result  [..., c, k] or [..., c], type of a
// grad    a, b
// errors  CLG_ESHAPE    shapes do not fit
//         CLG_EDTYPE    types differ, or are not F32 or F64
CLG_API clg_tensor clg_lstsq(clg_tensor a, clg_tensor b);

// ---- eigenvalues and singular values

// Eigenvalues and vectors of symmetric matrices.
//
//   a = vectors diag(y) vectors^T, y rising
//
// a       [..., n, n]: only its lower triangle is looked at, upper the upper one
// upper   which triangle
// vectors where they go, may be NULL: a's shape, in columns; their signs are not defined
// result  [..., n], type of a; NaN where a is not finite, or after 30 n steps of QL (for vectors,
//         or on GPUs)
// grad    a, of both, symmetric; of vectors infinite or NaN where eigenvalues are equal
// errors  CLG_ESHAPE    not square
//         CLG_EDTYPE    not F32 or F64
// source  Golub and Van Loan 2013, section 8.3
CLG_API clg_tensor clg_eigh(clg_tensor a, bool upper, clg_tensor *vectors);

// Eigenvalues of symmetric matrices.
//
//   y of clg_eigh
//
// a, upper   as of clg_eigh
// result  [..., n], rising, type of a
// grad    a
// errors  as of clg_eigh
CLG_API clg_tensor clg_eigvalsh(clg_tensor a, bool upper);

// Singular values and vectors.
//
//   a = y diag(s) vh, s falling; k = min(r, c)
//
// a       [..., r, c]
// s, vh   where they go, may be NULL: [..., k] and [..., k, c]; signs of vectors are not defined
// result  [..., r, k], type of a; all is NaN where a is not finite; at most 40 sweeps
// grad    a, of all three; of vectors infinite or NaN where singular values are equal, or 0 where
//         r is not c. What depends on signs has no meaning
// errors  CLG_ESHAPE    rank below 2
//         CLG_EDTYPE    not F32 or F64
// source  Demmel and Veselic 1992 (one-sided Jacobi)
CLG_API clg_tensor clg_svd(clg_tensor a, clg_tensor *s, clg_tensor *vh);

// Singular values and square matrices of vectors.
//
//   a = y diag(s) vh, s falling, in the middle r x c; k = min(r, c)
//
// a       [..., r, c]
// s, vh   where they go, may be NULL: [..., k] and [..., c, c]
// result  [..., r, r], type of a: the first k columns are those of clg_svd, others complete them to
//         an orthogonal matrix. vh alike, by rows
// grad    a: of s, and of what clg_svd has too; the vectors that complete are constants
// errors  as of clg_svd
CLG_API clg_tensor clg_svd_full(clg_tensor a, clg_tensor *s, clg_tensor *vh);

// Singular values.
//
//   y = s of clg_svd
//
// a       [..., r, c]
// result  [..., min(r, c)], falling, type of a
// grad    a
// errors  as of clg_svd
CLG_API clg_tensor clg_svdvals(clg_tensor a);

// Pseudo-inverses (Moore and Penrose).
//
//   y = v diag(1/s) u^T, of the singular values that count
//
// a       [..., r, c]
// rtol    those above rtol times the largest count; below 0: eps max(r, c)
// result  [..., c, r], type of a
// grad    a, which keeps its rank
// errors  as of clg_svd
CLG_API clg_tensor clg_pinv(clg_tensor a, double rtol);

// Rank: how many singular values count.
//
//   y = number of s > rtol max(s)
//
// a       [..., r, c]
// rtol    below 0: eps max(r, c)
// result  I64 [...]
// grad    none
// errors  as of clg_svd
CLG_API clg_tensor clg_matrix_rank(clg_tensor a, double rtol);

// Condition numbers: how much larger relative errors may become in what solves with a.
//
//   y = norm(a) norm(a^-1); of CLG_NORM_2 largest by smallest singular value, of CLG_NORM_NEG_2
//   smallest by largest
//
// a       [..., N, N], F32 or F64; for CLG_NORM_2 and _NEG_2 [..., r, c]
// kind    which norm
// result  [...], type of a; infinite where a pivot of a is 0, 0 for matrices without elements
// grad    a
// errors  CLG_ESHAPE    not square
//         CLG_EDTYPE    not F32 or F64
//         CLG_EINVAL    kind
CLG_API clg_tensor clg_cond(clg_tensor a, clg_matrix_norm_kind kind);

CLG_END
#endif
