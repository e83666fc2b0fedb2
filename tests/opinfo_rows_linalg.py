# SPDX-License-Identifier: MIT
"""Rows of opinfo_rows.py for linear algebra and attention."""
import math
import os
import re

import torch

from opinfo_rows import Skip, row

# ---- products

for name in 'mm bmm mv dot vdot inner outer kron'.split():
    row(name)(lambda c, a, b, n=name: getattr(c, n)(a, b))
row('linalg.multi_dot')(lambda c, t: c.multi_dot(*t))
for name in 'addmm addmv addbmm baddbmm addr'.split():
    row(name)(lambda c, a, b, d, beta=1, alpha=1, n=name: getattr(c, n)(a, b, d, beta, alpha))
row('addmm.decomposed')(lambda c, a, b, d, beta=1, alpha=1: c.addmm(a, b, d, beta, alpha))
row('nn.functional.bilinear')(lambda c, x, y, w, b=None: c.bilinear(x, y, w, b))
row('linalg.matrix_power')(lambda c, a, n: c.matrix_power(a, n))
row('matrix_exp')(lambda c, a: c.matrix_exp(a))

EQUATIONS = re.findall(r'^    "([^"]+)"', open(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tools',
                                                            'case_calls_linalg.h')).read(), re.M)


def refuse(why):
    raise Skip(why)


@row('einsum')
def _(c, tensors, equation):
    if equation not in EQUATIONS:
        raise Skip('an equation that the language of the cases has not')
    return c.einsum(EQUATIONS.index(equation), *tensors)


@row('tensordot')
def _(c, a, b, dims=2):
    if isinstance(dims, int):
        return c.tensordot(a, b, dims)
    return c.tensordot_axes(a, b, list(dims[0]), list(dims[1]))


@row('cross', 'linalg.cross')
def _(c, a, b, dim=None):
    if dim is None:
        dim = -1 if c.entry.startswith('linalg') else next(i for i, n in enumerate(a.shape) if n == 3)
    return c.cross(a, b, dim)


NORMS = ['fro', 1, -1, math.inf, -math.inf, 'nuc', 2, -2]


@row('linalg.matrix_norm')
def _(c, a, ord='fro', dim=(-2, -1), keepdim=False, dtype=None):
    if dtype is not None:
        raise Skip('in another type')
    return c.matrix_norm(a, NORMS.index(ord), dim[0], dim[1], keepdim)


row('norm.nuc')(lambda c, a, p, dim=(0, 1), keepdim=False: c.matrix_norm(a, NORMS.index(p), dim[0], dim[1], keepdim))
row('linalg.cond')(lambda c, a, p=2: c.cond(a, NORMS.index(p)))


# ---- elimination

row('linalg.det')(lambda c, a: c.det(a))
row('logdet')(lambda c, a: c.logdet(a))
row('linalg.slogdet')(lambda c, a: [c.slogdet(a), c.slogdet_log(a)])
row('linalg.inv')(lambda c, a: c.inv(a))
row('linalg.inv_ex')(lambda c, a, check_errors=False: [c.inv(a), c.inv_info(a)])
row('linalg.solve')(lambda c, a, b, left=True: c.solve(a, b, left))
row('linalg.solve_ex')(lambda c, a, b, left=True, check_errors=False: [c.solve(a, b, left), None])
row('linalg.lu')(lambda c, a, pivot=True: [c.lu(a), c.lu_l(a), c.lu_u(a)] if pivot else refuse('no pivots'))
row('linalg.lu_factor')(lambda c, a, pivot=True: [c.lu_factor(a), c.lu_pivots(a)] if pivot else refuse('no pivots'))
row('linalg.lu_factor_ex')(lambda c, a, pivot=True, check_errors=False:
                           [c.lu_factor(a), c.lu_pivots(a), c.lu_info(a)] if pivot else refuse('no pivots'))
row('lu')(lambda c, a, pivot=True, get_infos=False:
          ([c.lu_factor(a), c.lu_pivots(a)] + [c.lu_info(a)] * get_infos) if pivot else refuse('no pivots'))
row('lu_unpack')(lambda c, lu, pivots, unpack_data=True, unpack_pivots=True:
                 [c.lu_unpack(lu, pivots), c.lu_unpack_l(lu, pivots), c.lu_unpack_u(lu, pivots)])
row('linalg.lu_solve')(lambda c, lu, pivots, b, left=True, adjoint=False: c.lu_solve(lu, pivots, b, left, adjoint))
row('lu_solve')(lambda c, b, lu, pivots: c.lu_solve(lu, pivots, b, True, False))
row('linalg.solve_triangular')(lambda c, a, b, upper, left=True, unitriangular=False:
                               c.solve_triangular(a, b, upper, left, unitriangular))
row('cholesky', 'linalg.cholesky')(lambda c, a, upper=False: c.cholesky(a, upper))
row('linalg.cholesky_ex')(lambda c, a, upper=False, check_errors=False: [c.cholesky(a, upper), c.cholesky_info(a, upper)])


@row('triangular_solve')
def _(c, b, a, upper=True, transpose=False, unitriangular=False):
    if transpose:
        return [c.solve_triangular(c.transpose(a, a.dim() - 2, a.dim() - 1), b, not upper, True, unitriangular), None]
    return [c.solve_triangular(a, b, upper, True, unitriangular), None]


# ---- orthogonal factors, eigenvalues; of vectors signs are another's

MODES = {'reduced': 0, 'complete': 1, 'r': 2}
row('linalg.svdvals')(lambda c, a, driver=None: c.svdvals(a))
row('linalg.svd', 'svd')(lambda c, a, full_matrices=True, some=True, compute_uv=True, driver=None: [None, c.svdvals(a), None])
row('linalg.qr')(lambda c, a, mode='reduced': [c.qr(a, MODES[mode]) if mode != 'r' else None, c.qr_r(a, MODES[mode])])


def relative(atol, rtol):
    if isinstance(atol, torch.Tensor) or isinstance(rtol, torch.Tensor) or atol:
        raise Skip('limits that are tensors, or absolute')
    return -1 if rtol is None else rtol


row('linalg.pinv')(lambda c, a, atol=None, rtol=None, hermitian=False:
                   c.pinv(a, relative(atol, rtol)) if not hermitian else refuse('by eigenvalues'))
row('linalg.matrix_rank')(lambda c, a, atol=None, rtol=None, hermitian=False:
                          c.matrix_rank(a, relative(atol, rtol)) if not hermitian else refuse('by eigenvalues'))
row('linalg.eigvalsh')(lambda c, a, UPLO='L': c.eigvalsh(a, UPLO in 'Uu'))
row('linalg.eigh')(lambda c, a, UPLO='L': [c.eigh(a, UPLO in 'Uu'), None])
row('linalg.lstsq')(lambda c, a, b, driver=None, rcond=None: [c.lstsq(a, b), None, None, None])
row('linalg.lstsq.grad_oriented')(lambda c, a, b, driver=None: [c.lstsq(a, b), None])


@row('nn.functional.scaled_dot_product_attention')
def _(c, q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    if dropout_p > 0:
        raise Skip('random numbers are others')
    named = dict(scale=scale) if scale is not None else {}
    if is_causal:
        named['is_causal'] = True
    if enable_gqa:
        named['enable_gqa'] = True
    return c.scaled_dot_product_attention(q, k, v, attn_mask, **named)
