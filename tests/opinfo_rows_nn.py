# SPDX-License-Identifier: MIT
"""More rows of opinfo_rows.py: windows, interpolation, normalisation, losses, creation, and what has no row."""
import math

import torch

from opinfo_rows import (REDUCTION, Skip, Word, a_copy, axes_of, cast, lacks, number, row)

# ---- windows

def three(names, values, n):
    """One number for all dimensions, or one each: stride=2, or stride_h=1, stride_w=2."""
    out = {}
    for name, value in zip(names, values):
        if value is None or isinstance(value, (list, tuple)) and len(value) == 0:
            continue
        if isinstance(value, int):
            value = (value,) * n
        value = tuple(value) * (n if len(value) == 1 else 1)
        if len(set(value)) == 1:
            out[name] = value[0]
        else:
            for end, v in zip('dhw'[3 - n:], value):
                out[f'{name}_{end}'] = v
    return out


def convolution(n):
    def f(c, x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
        names = dict(groups=groups) if groups != 1 else {}
        if padding == 'same':
            names['padding_same'] = True
        values = (stride, 0 if isinstance(padding, str) else padding, dilation)
        return getattr(c, f'conv{n}d')(x, w, b, **three(('stride', 'padding', 'dilation'), values, n), **names)
    return f


def transposed(n):
    def f(c, x, w, b=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        names = three(('stride', 'padding', 'output_padding', 'dilation'), (stride, padding, output_padding, dilation), n)
        return getattr(c, f'conv_transpose{n}d')(x, w, b, groups=groups, **names)
    return f


def largest(n):
    def f(c, x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        names = three(('kernel', 'stride', 'padding', 'dilation'), (kernel_size, stride, padding, dilation), n)
        names['ceil_mode'] = ceil_mode
        y = getattr(c, f'max_pool{n}d')(x, **names)
        batched = x.dim() == n + 2
        return [y, c.max_pool_indices(x, **names) if batched else None] if return_indices else y
    return f


def average(n):
    def f(c, x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        names = three(('kernel', 'stride', 'padding'), (kernel_size, stride, padding), n)
        return getattr(c, f'avg_pool{n}d')(x, **names, ceil_mode=ceil_mode, exclude_padding=not count_include_pad,
                                           divisor=divisor_override or 0)
    return f


def unpooling(n):
    def f(c, x, indices, kernel_size, stride=None, padding=0, output_size=None):
        names = three(('kernel', 'stride', 'padding'), (kernel_size, stride, padding), n)
        # where several elements want a place, PyTorch gives each its gradient, clgrad the one that is there
        c.gradients = c.entry.endswith('.grad')
        return getattr(c, f'max_unpool{n}d')(x, indices, tuple(output_size)[-n:] if output_size else (), **names)
    return f


def adaptive(kind, n):
    def f(c, x, output_size, return_indices=False):
        size = (output_size,) * n if isinstance(output_size, int) or output_size is None else tuple(output_size)
        size = tuple(x.shape[k - n] if s is None else s for k, s in enumerate(size))
        return [getattr(c, f'adaptive_{kind}_pool{n}d')(x, size)] + ([None] if return_indices else [])
    return f


for n in (1, 2, 3):
    row(f'nn.functional.conv{n}d')(convolution(n))
    row(f'nn.functional.conv_transpose{n}d')(transposed(n))
    row(f'nn.functional.max_pool{n}d')(largest(n))
    row(f'nn.functional.avg_pool{n}d')(average(n))
    row(f'nn.functional.max_unpool{n}d', f'nn.functional.max_unpool{n}d.grad')(unpooling(n))
    row(f'nn.functional.adaptive_max_pool{n}d')(adaptive('max', n))
    row(f'nn.functional.adaptive_avg_pool{n}d')(adaptive('avg', n))


@row('nn.functional.unfold')
def _(c, x, kernel_size, dilation=1, padding=0, stride=1):
    names = three(('kernel', 'dilation', 'padding', 'stride'), (kernel_size, dilation, padding, stride), 2)
    y = c.unfold(x if x.dim() == 4 else c.unsqueeze(x, 0), **names)
    return y if x.dim() == 4 else c.squeeze(y, (0,))


# ---- interpolation

INTERPOLATE = dict(zip('nearest nearest-exact linear bicubic area'.split(), range(5)),
                   bilinear=2, trilinear=2)  # clg_interpolate_mode


def interpolation(c, x, size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None,
                  antialias=False):
    n = x.dim() - 2
    size = (size,) * n if isinstance(size, int) else size
    scale = (scale_factor,) * n if isinstance(scale_factor, (int, float)) else scale_factor
    named = dict(mode=INTERPOLATE[mode])
    if scale is not None:
        named.update({f'scale_{e}': s for e, s in zip('dhw'[3 - n:], scale)} if len(set(scale)) > 1 else dict(scale=scale[0]))
    for word, on in dict(align_corners=align_corners, antialias=antialias,
                         recompute_scale_factor=recompute_scale_factor).items():
        if on:
            named[word] = True
    return c.interpolate(x, size or (), **named)


for name in 'nearest nearest-exact linear bilinear bicubic trilinear area'.split():
    row('nn.functional.interpolate.' + name)(interpolation)
row('nn.functional.upsample_nearest')(lambda c, x, size=None, scale_factor=None:
                                      interpolation(c, x, size, scale_factor, 'nearest'))
row('nn.functional.upsample_bilinear')(lambda c, x, size=None, scale_factor=None:
                                       interpolation(c, x, size, scale_factor, 'bilinear', True))
row('nn.functional.grid_sample')(lambda c, x, grid, mode='bilinear', padding_mode='zeros', align_corners=None:
                                 c.grid_sample(x, grid, mode=['bilinear', 'nearest', 'bicubic'].index(mode),
                                               padding=['zeros', 'border', 'reflection'].index(padding_mode),
                                               align_corners=bool(align_corners)))

# ---- normalisation


@row('nn.functional.batch_norm', 'nn.functional.batch_norm.without_cudnn')
def _(c, x, mean=None, var=None, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    if eps < 0:
        raise Skip('an eps below 0 is refused')
    if x.dim() < 2:
        raise Skip('one dimension')
    return c.batch_norm(x, weight, bias, mean, var, training=training,
                        **(dict(no_eps=True) if eps == 0 else dict(eps=eps)))


def positive(eps, default=1e-5):
    if eps is not None and eps < 0:
        raise Skip('an eps below 0 is refused')
    return {} if eps is None or eps == default else dict(no_eps=True) if eps == 0 else dict(eps=eps)


row('nn.functional.layer_norm')(lambda c, x, shape, weight=None, bias=None, eps=1e-5:
                                c.layer_norm(x, shape, weight, bias, **positive(eps)))
row('native_layer_norm')(lambda c, x, shape, weight=None, bias=None, eps=1e-5:
                         [c.layer_norm(x, shape, weight, bias, **positive(eps)), None, None])
row('nn.functional.rms_norm')(lambda c, x, shape, weight=None, eps=None:
                              c.rms_norm(x, shape, weight, **positive(eps, None)))
row('nn.functional.group_norm')(lambda c, x, groups, weight=None, bias=None, eps=1e-5:
                                c.group_norm(x, groups, weight, bias, **positive(eps)))
row('native_group_norm')(lambda c, x, weight, bias, N, C, HxW, group, eps:
                         [c.group_norm(x, group, weight, bias, **positive(eps)), None, None])
row('nn.functional.instance_norm')(
    lambda c, x, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1,
    eps=1e-5: c.instance_norm(x, weight, bias, running_mean, running_var,
                                 **({} if use_input_stats else dict(use_running=True)), **positive(eps)))
row('nn.functional.local_response_norm')(lambda c, x, size, alpha=1e-4, beta=0.75, k=1.0:
                                         c.local_response_norm(x, size, alpha, beta, k))
row('nn.functional.normalize')(lambda c, x, p=2.0, dim=1, eps=1e-12: c.normalize(x, p, dim, eps))
row('nn.functional.cosine_similarity')(lambda c, a, b, dim=1, eps=1e-8: c.cosine_similarity(a, b, dim, eps))
row('nn.functional.pairwise_distance')(lambda c, a, b, p=2.0, eps=1e-6, keepdim=False:
                                       c.pairwise_distance(a, b, p, eps, keepdim))

# ---- losses


@row('nn.functional.cross_entropy')
def _(c, x, target, weight=None, size_average=None, ignore_index=None, reduce=None, reduction='mean',
      label_smoothing=0.0):
    if x.dim() == 1 and not c.has('nll_loss'):
        raise Skip('logits without a batch')
    if target.is_floating_point() and not c.has('nll_loss'):
        raise Skip('probabilities for targets')
    named = dict(reduction=REDUCTION[reduction], label_smoothing=label_smoothing)
    if weight is not None:
        named['weight'] = weight
    if ignore_index is not None:
        named.update(ignore_index=ignore_index, use_ignore_index=True)
    return c.cross_entropy(x, target, **named)


def two_tensor_loss(name):
    return lambda c, x, target, reduction='mean', size_average=None, reduce=None, weight=None: \
        getattr(c, name)(x, target, REDUCTION[reduction])


row('nn.functional.mse_loss')(two_tensor_loss('mse_loss'))
row('nn.functional.l1_loss')(two_tensor_loss('l1_loss'))
row('nn.functional.smooth_l1_loss')(lambda c, x, t, reduction='mean', beta=1.0:
                                    c.smooth_l1_loss(x, t, beta, REDUCTION[reduction]))
row('nn.functional.huber_loss')(lambda c, x, t, reduction='mean', delta=1.0:
                                c.huber_loss(x, t, delta, REDUCTION[reduction]))
row('nn.functional.soft_margin_loss')(two_tensor_loss('soft_margin_loss'))
row('nn.functional.multilabel_margin_loss')(two_tensor_loss('multilabel_margin_loss'))
row('nn.functional.binary_cross_entropy')(
    lambda c, x, t, weight=None, size_average=None, reduce=None, reduction='mean':
    c.binary_cross_entropy(x, t, weight, REDUCTION[reduction]))
row('nn.functional.binary_cross_entropy_with_logits')(
    lambda c, x, t, weight=None, size_average=None, reduce=None, reduction='mean', pos_weight=None:
    c.binary_cross_entropy_with_logits(x, t, weight, pos_weight, REDUCTION[reduction]))


@row('nn.functional.nll_loss')
def _(c, x, t, weight=None, size_average=None, ignore_index=None, reduce=None, reduction='mean'):
    named = dict(reduction=REDUCTION[reduction])
    if weight is not None:
        named['weight'] = weight
    if ignore_index is not None:
        named.update(ignore_index=ignore_index, use_ignore_index=True)
    return c.nll_loss(x, t, **named)


row('nn.functional.kl_div')(lambda c, x, t, size_average=None, reduce=None, reduction='mean', log_target=False:
                            c.kl_div(x, t, log_target, Word('batchmean') if reduction == 'batchmean' else REDUCTION[reduction]))
row('nn.functional.poisson_nll_loss')(
    lambda c, x, t, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None, reduction='mean':
    c.poisson_nll_loss(x, t, log_input, full, eps, REDUCTION[reduction]))
row('nn.functional.gaussian_nll_loss')(lambda c, x, t, var, full=False, eps=1e-6, reduction='mean':
                                       c.gaussian_nll_loss(x, t, var, full, eps, REDUCTION[reduction]))
row('nn.functional.margin_ranking_loss')(
    lambda c, a, b, t, margin=0.0, size_average=None, reduce=None, reduction='mean':
    c.margin_ranking_loss(a, b, t, margin, REDUCTION[reduction]))
row('nn.functional.hinge_embedding_loss')(
    lambda c, x, t, margin=1.0, size_average=None, reduce=None, reduction='mean':
    c.hinge_embedding_loss(x, t, margin, REDUCTION[reduction]))
row('nn.functional.cosine_embedding_loss')(
    lambda c, a, b, t, margin=0.0, size_average=None, reduce=None, reduction='mean':
    c.cosine_embedding_loss(a, b, t, margin, REDUCTION[reduction]))
row('nn.functional.triplet_margin_loss')(
    lambda c, a, p, n, margin=1.0, p_=2.0, eps=1e-6, swap=False, size_average=None, reduce=None, reduction='mean', **k:
    c.triplet_margin_loss(a, p, n, margin, k.get('p', p_), eps, swap, REDUCTION[reduction]))
row('nn.functional.multi_margin_loss')(
    lambda c, x, t, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction='mean':
    c.multi_margin_loss(x, t, p, margin, weight, REDUCTION[reduction]))
row('nn.functional.multilabel_soft_margin_loss')(
    lambda c, x, t, weight=None, size_average=None, reduce=None, reduction='mean':
    c.multilabel_soft_margin_loss(x, t, weight, REDUCTION[reduction]))
def whole_numbers(x):
    return x if isinstance(x, torch.Tensor) else torch.tensor(x, dtype=torch.int64)


row('nn.functional.ctc_loss')(
    lambda c, x, targets, steps, lengths, blank=0, reduction='mean', zero_infinity=False:
    c.ctc_loss(x, targets, whole_numbers(steps), whole_numbers(lengths), blank, zero_infinity, REDUCTION[reduction]))


# ---- creation: the first argument of the call is a tensor that says device and type


@row('arange')
def _(c, *args, dtype=None, device=None, **k):
    if 'end' in k:
        start, end, step = (args[0] if args else 0), k['end'], k.get('step', 1)
    else:
        start, end, step = {1: (0, *args, 1), 2: (*args, 1), 3: args}[len(args)]
    whole = all(isinstance(x, int) for x in (start, end, step))
    return c.arange(c.like(dtype or (torch.int64 if whole else torch.float32)), start, end, step)


row('zeros_like')(lambda c, a, dtype=None, **k: cast(c, c.zeros_like(a), dtype))
row('ones_like')(lambda c, a, dtype=None, **k: cast(c, c.ones_like(a), dtype))
row('full_like')(lambda c, a, value, dtype=None, **k: c.full_like(cast(c, a, dtype), number(value)))
row('linspace')(lambda c, start, end, steps, dtype=None, **k: c.linspace(c.like(dtype), start, end, steps))
row('logspace')(lambda c, start, end, steps, base=10.0, dtype=None, **k:
                c.logspace(c.like(dtype), start, end, steps, base))
row('eye')(lambda c, n, m=None, dtype=None, **k: c.eye(c.like(dtype), n, n if m is None else m))



row('block_diag')(lambda c, *t: c.block_diag(*t))


row('cartesian_prod')(lambda c, *t: c.cartesian_prod(*t))
row('combinations')(lambda c, a, r=2, with_replacement=False: c.combinations(a, r, with_replacement))
for name in 'tril_indices triu_indices'.split():
    row(name)(lambda c, rows, columns, offset=0, n=name, **k: getattr(c, n)(c.like(torch.float32), rows, columns, offset))


row('select_scatter')(lambda c, a, src, dim, index: c.select_scatter(a, src, dim, index))


@row('slice_scatter')
def _(c, a, src, dim=0, start=None, end=None, step=1):
    lo, hi, _ = slice(start, end, step).indices(a.shape[dim])
    return c.slice_scatter(a, src, dim, lo, hi, step)


@row('trapz', 'trapezoid')
def _(c, y, x=None, dx=1, dim=-1):
    return c.trapezoid(y, x, dx, dim)


@row('native_batch_norm', '_native_batch_norm_legit')
def _(c, x, weight, bias, *rest):
    mean, var, training, momentum, eps = rest if len(rest) == 5 else (None, None, *rest)
    if eps < 0:
        raise Skip('an eps below 0 is refused')
    y = c.batch_norm(x, weight, bias, mean, var, training=training, **(dict(no_eps=True) if eps == 0 else dict(eps=eps)))
    return [y, None, None]


@row('linalg.norm', 'linalg.norm.subgradients_at_zero')
def _(c, a, ord=None, dim=None, keepdim=False, dtype=None):
    if ord is not None and (dim is None and a.dim() != 1 or not isinstance(dim, int) and dim is not None and len(dim) != 1):
        if dtype is not None:
            raise Skip('in another type')
        rows, columns = (0, 1) if dim is None else dim
        return c.matrix_norm(a, ['fro', 1, -1, math.inf, -math.inf, 'nuc', 2, -2].index(ord), rows, columns, keepdim)
    return c.norm(cast(c, a, dtype), 2 if ord is None else ord, axes_of(dim), keepdim)


row('cumulative_trapezoid')(lambda c, y, x=None, dx=1, dim=-1: c.cumulative_trapezoid(y, x, dx, dim))


@row('gradient')
def _(c, a, spacing=None, dim=None, edge_order=1):
    dims = list(range(a.dim())) if dim is None else list(axes_of(dim))
    steps = [1 if spacing is None else spacing] * len(dims) if not isinstance(spacing, (list, tuple)) else list(spacing)
    return [c.gradient(a, x, 1, d, edge_order) if isinstance(x, torch.Tensor) else c.gradient(a, None, x, d, edge_order)
            for d, x in zip(dims, steps)]


@row('fft.fftshift', 'fft.ifftshift')
def _(c, a, dim=None):
    x = a
    for d in range(a.dim()) if dim is None else axes_of(dim):
        n = a.shape[d]
        s = n // 2 if c.entry == 'fft.fftshift' else (n + 1) // 2
        if n and s % n:
            x = c.concat(d, c.slice(x, d, n - s % n, n, 1), c.slice(x, d, 0, n - s % n, 1))
    return a_copy(c, a) if x is a else x


@row('linalg.vander')
def _(c, a, N=None):
    if a.dim() != 1:
        raise Skip('rows of powers of several vectors')
    return c.vander(a, a.shape[0] if N is None else N, True)


@row('mvlgamma.mvlgamma_p_1', 'mvlgamma.mvlgamma_p_3', 'mvlgamma.mvlgamma_p_5')
def _(c, a, p):
    y = c.lgamma(a)
    for j in range(1, p):
        y = c.add(y, c.lgamma(c.sub(a, j / 2)))
    return c.add(y, math.log(math.pi) * p * (p - 1) / 4)


@row('renorm')
def _(c, a, p, dim, maxnorm):
    raise Skip('each row limited in its norm: clg_norm and clg_where')


# ---- why there is no row

lacks('random numbers are others; tests/test_promises.c and tests/test_windows.c look at clgrad\'s own',
      '''cauchy exponential geometric log_normal normal.in_place uniform randn randn_like rand_like randint randint_like
         multinomial normal normal.number_mean bernoulli nn.functional.dropout nn.functional.dropout2d
         nn.functional.dropout3d nn.functional.alpha_dropout nn.functional.feature_alpha_dropout.with_train
         nn.functional.feature_alpha_dropout.without_train native_dropout_backward nn.functional.fractional_max_pool2d
         nn.functional.fractional_max_pool3d''')
lacks('complex numbers', '''view_as_real view_as_complex complex stft istft imag angle polar cdouble cfloat chalf
                            nn.functional.silu.complex fft.*''')
lacks('further decompositions of linear algebra',
      '''geqrf ormqr svd_lowrank pca_lowrank linalg.*''')
lacks('looked at in tests/test_factor.c: gradients are of the triangle that is read, and signs or rules of ranks are other ones',
      'cholesky_inverse cholesky_solve pinverse')
lacks('functions of physics and of polynomials', 'special.*')
lacks('windows of signals', 'signal.*')
lacks('masked tensors: clg_where before the operation', 'masked.*')
lacks('sparse tensors', 'sparse.sampled_addmm sparse.mm.reduce to_sparse')
lacks('the size of the result depends on the values',
      'nonzero_static')
lacks('memory without values, or its layout', '''empty_like new_empty new_empty_strided empty_strided empty empty_permuted
      resize_ resize_as_ as_strided as_strided.partial_views as_strided_copy as_strided_scatter hash_tensor''')
lacks('shapes alone, no tensor', 'broadcast_shapes')
lacks('a number of the host: clg_item', 'item')
lacks('a tensor made of numbers: clg_full, clg_zeros, clg_ones, clg_scalar', '''new_zeros new_ones ones zeros full
      scalar_tensor new_full''')
lacks('the bounds are tensors', 'linspace.tensor_overload logspace.tensor_overload')
lacks('the gradient of another entry, which is checked there', 'max_pool2d_with_indices_backward')
lacks('kernels written by the user', 'jiterator_*')
lacks('types of 8 bits', 'torch._scaled_mm_v2 torch._scaled_mm')
lacks('a function of PyTorch\'s inside: clg_scaled_dot_product_attention, clg_nn_multihead_attention', '''
      torch.ops.aten._flash_attention_forward torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
      torch.ops.aten._efficient_attention_forward nn.functional.multi_head_attention_forward''')
lacks('composed by the user of what is here', '''nn.functional.linear_cross_entropy nn.functional.linear_cross_entropy.*
      nn.functional.triplet_margin_with_distance_loss _chunk_cat
      _batch_norm_with_update unravel_index
      _segment_reduce*''')
lacks('indexing by several tensors', '_unsafe_masked_index _unsafe_masked_index_put_accumulate')
lacks('histograms of several dimensions or with weights', 'histogram histogramdd')
lacks('a softmax that makes 0 of rows of -inf', 'torch.ops.aten._safe_softmax.default')
lacks('an inner function of PyTorch', '_upsample_bilinear2d_aa frexp grid_sampler_2d grid_sampler_3d')
