// SPDX-License-Identifier: MIT
// Calls of linalg.h and factor.h, as case_calls.c has them.
#ifndef CLG_TOOLS_CASE_CALLS_LINALG_H
#define CLG_TOOLS_CASE_CALLS_LINALG_H

// An expression has no text: equations are called by their number here (tests/opinfo_rows.py reads them too).
static const char *const equations[] = {
    "ij,jk->ik",           // 0
    "bij,bjk->bik",        // 1
    "ij,jk,kl,lm->im",     // 2
    "iij->j",              // 3
    "...ik,k...j",         // 4
    " b h q d , b h k d -> b h q k ", // 5
    "ni,oij,nj->no",       // 6
    "Ba,aB,ab",            // 7
    "i,j,k->kij",          // 8
    "bij,bij->b",          // 9
    "i->",                 // 10
    "i,j->ij",             // 11
    "ij->i",               // 12
    "ij,kj->ik",           // 13
    "ij,Ab->ijAb",         // 14
    "aij,ajk->aik",        // 15
    "aij,jk->aik",         // 16
    "ijk,ik->j",           // 17
    "iji->j",              // 18
    "i...->...",           // 19
    "...ik, ...j -> ij",   // 20
    "abc,bc->a",           // 21
    "ab,bc,cd,de,ef,fg->ag", // 22
    "aij,ajk->ki",         // 23
};

#define LINALG_CALLS(M)                                                                            \
    M(mm, "tt", clg_mm(T(0), T(1)))                                                                \
    M(bmm, "tt", clg_bmm(T(0), T(1)))                                                              \
    M(mv, "tt", clg_mv(T(0), T(1)))                                                                \
    M(dot, "tt", clg_dot(T(0), T(1)))                                                              \
    M(vdot, "tt", clg_vdot(T(0), T(1)))                                                            \
    M(outer, "tt", clg_outer(T(0), T(1)))                                                          \
    M(inner, "tt", clg_inner(T(0), T(1)))                                                          \
    M(vecdot, "ttn", clg_vecdot(T(0), T(1), I(2)))                                                 \
    M(einsum, "nt*", clg_einsum_n(equations[I(0)], v->t + 1, v->count - 1))                        \
    M(tensordot, "ttn", clg_tensordot(T(0), T(1), I(2)))                                           \
    M(tensordot_axes, "ttss", clg_tensordot_axes(T(0), T(1), S(2), S(3)))                          \
    M(addmm, "tttnn", clg_addmm(T(0), T(1), T(2), N(3), N(4)))                                     \
    M(addmv, "tttnn", clg_addmv(T(0), T(1), T(2), N(3), N(4)))                                     \
    M(baddbmm, "tttnn", clg_baddbmm(T(0), T(1), T(2), N(3), N(4)))                                 \
    M(addbmm, "tttnn", clg_addbmm(T(0), T(1), T(2), N(3), N(4)))                                   \
    M(addr, "tttnn", clg_addr(T(0), T(1), T(2), N(3), N(4)))                                       \
    M(multi_dot, "tt*", clg_multi_dot_n(v->t, v->count))                                           \
    M(matrix_power, "tn", clg_matrix_power(T(0), I(1)))                                            \
    M(kron, "tt", clg_kron(T(0), T(1)))                                                            \
    M(cross, "ttn", clg_cross(T(0), T(1), I(2)))                                                   \
    M(bilinear, "tttT", clg_bilinear(T(0), T(1), T(2), T(3)))                                      \
    M(matrix_exp, "t", clg_matrix_exp(T(0)))                                                       \
    M(matrix_norm, "tnnnn",                                                                        \
      clg_matrix_norm(T(0), (clg_matrix_norm_kind) I(1), I(2), I(3), B(4)))

#define FACTOR_CALLS(M)                                                                            \
    M(lu_factor, "t", clg_lu_factor(T(0), NULL, NULL))                                             \
    M(lu, "t", clg_lu(T(0), NULL, NULL))                                                           \
    M(lu_unpack, "tt", clg_lu_unpack(T(0), T(1), NULL, NULL))                                      \
    M(lu_solve, "tttnn", clg_lu_solve(T(0), T(1), T(2), B(3), B(4)))                               \
    M(solve, "ttn", clg_solve(T(0), T(1), B(2), NULL))                                             \
    M(inv, "t", clg_inv(T(0), NULL))                                                               \
    M(det, "t", clg_det(T(0)))                                                                     \
    M(slogdet, "t", clg_slogdet(T(0), NULL))                                                       \
    M(logdet, "t", clg_logdet(T(0)))                                                               \
    M(solve_triangular, "ttnnn", clg_solve_triangular(T(0), T(1), B(2), B(3), B(4)))               \
    M(cholesky, "tn", clg_cholesky(T(0), B(1), NULL))                                              \
    M(cholesky_solve, "ttn", clg_cholesky_solve(T(0), T(1), B(2)))                                 \
    M(cholesky_inverse, "tn", clg_cholesky_inverse(T(0), B(1)))                                    \
    M(qr, "tn", clg_qr(T(0), (clg_qr_mode) I(1), NULL))                                            \
    M(lstsq, "tt", clg_lstsq(T(0), T(1)))                                                          \
    M(eigh, "tn", clg_eigh(T(0), B(1), NULL))                                                      \
    M(eigvalsh, "tn", clg_eigvalsh(T(0), B(1)))                                                    \
    M(svd, "t", clg_svd(T(0), NULL, NULL))                                                         \
    M(svd_full, "t", clg_svd_full(T(0), NULL, NULL))                                               \
    M(svdvals, "t", clg_svdvals(T(0)))                                                             \
    M(pinv, "tn", clg_pinv(T(0), N(1)))                                                            \
    M(cond, "tn", clg_cond(T(0), (clg_matrix_norm_kind) I(1)))                                     \
    M(matrix_rank, "tn", clg_matrix_rank(T(0), N(1)))

// Further results of the function that is named second.
#define FACTOR_PARTS(M)                                                                            \
    M(lu_pivots, lu_factor, "t", (clg_lu_factor(T(0), &second, NULL), second))                     \
    M(lu_info, lu_factor, "t", (clg_lu_factor(T(0), NULL, &second), second))                       \
    M(lu_l, lu, "t", (clg_lu(T(0), &second, NULL), second))                                        \
    M(lu_u, lu, "t", (clg_lu(T(0), NULL, &second), second))                                        \
    M(lu_unpack_l, lu_unpack, "tt", (clg_lu_unpack(T(0), T(1), &second, NULL), second))            \
    M(lu_unpack_u, lu_unpack, "tt", (clg_lu_unpack(T(0), T(1), NULL, &second), second))            \
    M(inv_info, inv, "t", (clg_inv(T(0), &second), second))                                        \
    M(slogdet_log, slogdet, "t", (clg_slogdet(T(0), &second), second))                             \
    M(cholesky_info, cholesky, "tn", (clg_cholesky(T(0), B(1), &second), second))                  \
    M(qr_r, qr, "tn", (clg_qr(T(0), (clg_qr_mode) I(1), &second), second))                         \
    M(eigh_vectors, eigh, "tn", (clg_eigh(T(0), B(1), &second), second))                           \
    M(svd_vh, svd, "t", (clg_svd(T(0), NULL, &second), second))                                    \
    M(svd_full_vh, svd_full, "t", (clg_svd_full(T(0), NULL, &second), second))
#endif
