# SPDX-License-Identifier: MIT
"""How calls of PyTorch are written in clgrad: a row for each entry of PyTorch's OpInfo table.

A row takes what PyTorch's function takes and gives an expression of tools/cases.txt, or a list of them for
several results (None: a result that clgrad does not give). c.NAME(...) calls NAME of tools/case_calls.c;
a function that is not there is a miss of the entry by itself, so a row may be written before its function.
Skip says why one sample has no counterpart. REASONS says why an entry has no row at all.
"""
import math

import torch

ROWS = {}
REASONS = {}
POINTWISE = set()   # a result depends on one element of each input: errors are relative to it alone
TOLERANCE = {}      # entry: eps of the type, in place of 8
SIZE = {'corrcoef': 1}  # a size at least, where gradients are 0 that are made of what cancels
NATIVE = {'nextafter', 'tril_indices', 'triu_indices'}  # another computation in another type
KNOWN = {}          # (entry, words of the expression): why samples are wrong today


class Skip(Exception):
    """This sample has no counterpart; the text says why."""


class Word(str):
    """An argument that is a word of the language: a type, a reduction."""


def row(*names, pointwise=False, tolerance=None):
    def add(f):
        for name in names:
            assert name not in ROWS, name
            ROWS[name] = f
            if pointwise:
                POINTWISE.add(name)
            if tolerance:
                TOLERANCE[name] = tolerance
        return f
    return add


def lacks(reason, names):
    for name in names.split():
        assert name not in REASONS, name
        REASONS[name] = reason


def axes_of(dim):
    """PyTorch's dim of a reduction: None or () is all."""
    return () if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)


def extents(size):
    """sizes as a list or one by one."""
    return tuple(size[0]) if len(size) == 1 and isinstance(size[0], (list, tuple)) else tuple(size)


def number(x):
    """A 0-d tensor where clgrad wants a number."""
    return x.item() if isinstance(x, torch.Tensor) else x


REDUCTION = {'mean': Word('mean'), 'sum': Word('sum'), 'none': Word('each')}
TYPES = {torch.float32: 'f32', torch.float64: 'f64', torch.float16: 'f16', torch.bfloat16: 'bf16',
         torch.int64: 'i64', torch.int32: 'i32', torch.int16: 'i16', torch.int8: 'i8', torch.uint8: 'u8',
         torch.uint16: 'u16', torch.uint32: 'u32', torch.uint64: 'u64', torch.bool: 'bool'}


# Of other types than F32: entries whose samples have no counterpart, or are wrong with a reason. Types are names, 'half'
# (F16 and BF16) or 'whole' (BOOL and integers).
OTHER_TYPES = {}


def lacks_types(types, why, names):
    for name in names.split():
        assert name not in OTHER_TYPES, name
        OTHER_TYPES[name] = (types.split(), why)


lacks_types('bool', 'bool has no arithmetic', '''square index_add put scatter_add scatter_reduce.sum scatter_reduce.prod
            scatter_reduce.amin scatter_reduce.amax scatter_reduce.mean''')
lacks_types('whole', 'of integers: cast first', '''nn.functional.margin_ranking_loss nn.functional.bilinear
            nn.functional.triplet_margin_loss nn.functional.cosine_embedding_loss nn.functional.local_response_norm nn.functional.poisson_nll_loss
            nn.functional.pairwise_distance''')
lacks_types('whole', 'PyTorch gives I64, or the type that is asked for', 'einsum linalg.vander tril_indices triu_indices')
lacks_types('u8', 'PyTorch gives U8, clgrad BOOL', 'all any')
lacks_types('whole', 'bounds that are fractions make it F32', 'nn.functional.hardtanh')
lacks_types('whole', 'ends that are fractions, of integers', 'arange')
lacks_types('whole', 'of equal elements PyTorch says any, clgrad the first', 'kthvalue')
lacks_types('u8', 'PyTorch rounds halves of bytes up, clgrad to even', 'nn.functional.upsample_bilinear')
lacks_types('u8', 'PyTorch computes in bytes, which wrap', '''trapz trapezoid cumulative_trapezoid
            nn.functional.softmin.with_dtype''')
lacks_types('half', 'PyTorch overflows in half, clgrad computes in F32', 'nn.functional.soft_margin_loss matrix_exp')
lacks_types('half', 'only F32 and F64', 'nextafter')
lacks_types('whole f64', 'zeros of sin(pi x) are zeros, where PyTorch has what rounding of pi leaves', 'sinc')
lacks_types('i64', 'numbers beyond 2^53, which the file does not hold', 'abs')
lacks_types('f64', 'numbers of an expression are read to an ulp', 'nn.functional.threshold full_like')
lacks_types('f64', 'PyTorch\'s 1/6 is that of F32', 'nn.functional.hardsigmoid')
lacks_types('whole f64', 'PyTorch computes them in their own type, and errs by more than 8 eps', 'special.i1e special.ndtr special.log_ndtr')
lacks_types('whole', 'PyTorch computes it in F32, and errs by more than 8 eps', 'special.i1')
lacks_types('f64', 'PyTorch\'s trigamma errs by a thousand eps', 'digamma')
lacks_types('f64', 'differences of what is nearly equal: nothing is wider than F64, so PyTorch\'s own rounding is not known', '''
            native_group_norm native_layer_norm native_batch_norm _native_batch_norm_legit nn.functional.group_norm
            nn.functional.layer_norm nn.functional.rms_norm logsumexp norm.nuc''')


def other_type(entry, dtype):
    """Why samples of this type have no counterpart; None: they have."""
    types, why = OTHER_TYPES.get(entry, ((), None))
    kind = 'whole' if not dtype.is_floating_point else 'half' if dtype in (torch.float16, torch.bfloat16) else ''
    return why if TYPES[dtype] in types or kind in types else None


def type_of(dtype):
    if dtype not in TYPES:
        raise Skip('a type that clgrad has not')
    return Word(TYPES[dtype])


# ---- one tensor, element by element

for name in '''abs acos acosh asin asinh atan atanh ceil cos cosh deg2rad digamma erf erfc erfinv exp exp2 expm1 floor
               frac lgamma log log10 log1p log2 logical_not neg rad2deg reciprocal rsqrt sigmoid sign signbit sin sinc
               sinh sqrt square tan tanh trunc i0 isreal'''.split():
    row(name, pointwise=True)(lambda c, a, n=name: getattr(c, n)(a))
for name, ours in dict(isfinite='is_finite', isinf='is_inf', isnan='is_nan', isposinf='is_posinf', isneginf='is_neginf',
                       sgn='sign', round='round', bitwise_not='bitwise_not').items():
    row(name, pointwise=True)(lambda c, a, n=ours: getattr(c, n)(a))
for name, ours in dict(relu='relu', hardswish='hard_swish', hardsigmoid='hard_sigmoid', logsigmoid='log_sigmoid',
                       mish='mish', softsign='softsign', tanhshrink='tanhshrink', silu='silu', selu='selu',
                       relu6='relu6').items():
    row('nn.functional.' + name, pointwise=True)(lambda c, a, inplace=False, n=ours: getattr(c, n)(a))
for name, ours in dict(i0e='i0e', i1='i1', i1e='i1e', ndtri='ndtri', entr='entr', erfcx='erfcx',
                       log_ndtr='log_ndtr').items():
    row('special.' + name, pointwise=True)(lambda c, a, n=ours: getattr(c, n)(a))

for name in '''positive clone contiguous conj conj_physical resolve_conj resolve_neg alias_copy real'''.split():
    # a call that changes nothing: what is asked is that clgrad needs none
    row(name)(lambda c, a, **k: c.reshape(a, a.shape))


@row('special.ndtr', pointwise=True)
def _(c, a):
    if a.numel() and a.min() < -5:
        raise Skip('PyTorch loses the tail to a difference')
    return c.ndtr(a)


@row('round.decimals_0', 'round.decimals_3', 'round.decimals_neg_3', pointwise=True)
def _(c, a, decimals=0):
    return c.round_decimals(a, decimals)


@row('nan_to_num', pointwise=True)
def _(c, a, nan=None, posinf=None, neginf=None):
    return c.nan_to_num(a, nan or 0.0, math.nan if posinf is None else posinf, math.nan if neginf is None else neginf)


@row('logit')
def _(c, a, eps=None):
    return c.logit(a, -1 if eps is None else eps)



def polygamma(c, a, n):
    if n and not a.is_floating_point():
        raise Skip('poles are infinite, where PyTorch has large numbers')
    if n == 1 and a.dtype == torch.float64:
        raise Skip('PyTorch\'s trigamma errs by a thousand eps')
    return c.polygamma(n, a)


for n in range(5):
    row(f'polygamma.polygamma_n_{n}', pointwise=True)(lambda c, a, n=0: polygamma(c, a, n))
row('special.polygamma.special_polygamma_n_0', pointwise=True)(lambda c, a, n=0: polygamma(c, a, n))

row('nn.functional.leaky_relu', pointwise=True)(
    lambda c, a, negative_slope=0.01, inplace=False: c.leaky_relu(a, negative_slope))
row('nn.functional.elu', pointwise=True)(lambda c, a, alpha=1.0, inplace=False: c.elu(a, alpha))
row('nn.functional.celu', pointwise=True)(lambda c, a, alpha=1.0, inplace=False: c.celu(a, alpha))
row('nn.functional.softplus', pointwise=True)(lambda c, a, beta=1, threshold=20: c.softplus(a, beta, threshold))
row('nn.functional.softshrink', pointwise=True)(lambda c, a, lambd=0.5: c.softshrink(a, lambd))


@row('nn.functional.hardshrink', pointwise=True)
def _(c, a, lambd=0.5):
    if lambd < 0:
        raise Skip('a lambda below 0 is refused')
    return c.hardshrink(a, lambd)


row('nn.functional.hardtanh', pointwise=True)(
    lambda c, a, min_val=-1.0, max_val=1.0, inplace=False: c.hardtanh(a, min_val, max_val))
row('nn.functional.threshold', pointwise=True)(
    lambda c, a, threshold, value, inplace=False: c.threshold(a, threshold, value))
row('nn.functional.gelu', pointwise=True)(
    lambda c, a, approximate='none': c.gelu_tanh(a) if approximate == 'tanh' else c.gelu(a))
row('nn.functional.prelu')(lambda c, a, weight: c.prelu(a, weight))
row('nn.functional.glu')(lambda c, a, dim=-1: c.glu(a, dim))


@row('nn.functional.rrelu')
def _(c, a, lower=1 / 8, upper=1 / 3, training=False, inplace=False):
    if training:
        raise Skip('random numbers are others')
    return c.rrelu(a, lower, upper, False)


# ---- two tensors

def pair(c, n, a, b):
    if not isinstance(a, torch.Tensor) and not isinstance(b, torch.Tensor):
        raise Skip('two numbers')
    return getattr(c, n)(a, b)


for name in '''atan2 copysign eq floor_divide fmax fmin fmod ge gt hypot le logaddexp logaddexp2 logical_and logical_or
               logical_xor lt maximum minimum ne nextafter pow remainder bitwise_and bitwise_or bitwise_xor heaviside lcm gcd
               xlogy igamma igammac ldexp mul'''.split():
    row(name, pointwise=True)(lambda c, a, b, n=name: pair(c, n, a, b))
for name, ours in {'bitwise_left_shift': 'left_shift', 'bitwise_right_shift': 'right_shift', 'max.binary': 'maximum',
                   'min.binary': 'minimum', 'true_divide': 'div', 'div.no_rounding_mode': 'div',
                   'clamp_max': 'minimum', 'clamp_min': 'maximum', 'special.xlog1py': 'xlog1py',
                   'special.zeta': 'zeta', 'float_power': 'float_power'}.items():
    row(name, pointwise=True)(lambda c, a, b, n=ours: pair(c, n, a, b))
for name, ours in dict(radd='add', rdiv='div', rmul='mul', rand='bitwise_and', ror='bitwise_or', rxor='bitwise_xor',
                       rmod='remainder', rpow='pow', rsub='sub').items():
    row(f'__{name}__', pointwise=True)(lambda c, a, b, n=ours: pair(c, n, b, a))
row('__rmatmul__')(lambda c, a, b: c.matmul(b, a))
row('div.trunc_rounding', pointwise=True)(lambda c, a, b, rounding_mode=None: pair(c, 'trunc_divide', a, b))
row('div.floor_rounding', pointwise=True)(lambda c, a, b, rounding_mode=None: pair(c, 'floor_divide', a, b))
def times(c, x, alpha):
    if alpha == 1:
        return x
    if isinstance(x, torch.Tensor) and (x.dtype == torch.bool or x.dtype == torch.uint8 and alpha < 0):
        raise Skip('a factor that the type has not')
    return c.mul(x, alpha)


row('add')(lambda c, a, b, alpha=1: pair(c, 'add', a, times(c, b, alpha)))
row('sub')(lambda c, a, b, alpha=1: pair(c, 'sub', a, times(c, b, alpha)))
row('rsub')(lambda c, a, b, alpha=1: pair(c, 'sub', b, times(c, a, alpha)))


@row('isclose', 'allclose')
def _(c, a, b, rtol=1e-5, atol=1e-8, equal_nan=False):
    if c.entry == 'allclose':
        return c.allclose(a, b, rtol, atol, equal_nan)
    return c.isclose(a, b, rtol, atol, equal_nan)


@row('equal')
def _(c, a, b):
    if a.shape != b.shape:
        raise Skip('shapes differ: false without a look at an element')
    return c.all(c.eq(a, b), (), False)


@row('clamp')
def _(c, a, min=None, max=None):
    if isinstance(min, torch.Tensor) or isinstance(max, torch.Tensor):
        y = a if min is None else c.maximum(a, min)
        return y if max is None else c.minimum(y, max)
    return c.clamp(a, math.nan if min is None else min, math.nan if max is None else max)


@row('lerp')
def _(c, a, b, weight):
    return c.lerp(a, b, weight) if isinstance(weight, torch.Tensor) else c.lerp_scalar(a, b, weight)


row('addcmul')(lambda c, a, b, d, value=1: c.addcmul(a, b, d, value))
row('addcdiv')(lambda c, a, b, d, value=1: c.addcdiv(a, b, d, value))
row('where')(lambda c, a, cond, b: c.where(cond, a, b))


@row('masked_fill')
def _(c, a, mask, value):
    if isinstance(value, torch.Tensor) and value.requires_grad:
        return c.where(mask, value, a)
    return c.masked_fill(a, mask, number(value))



row('fill', 'zero_')(lambda c, a, value=0: c.full_like(a, number(value)))
row('isin')(lambda c, a, b, **k: c.any(c.eq(c.unsqueeze(c.reshape(a, a.shape), -1), c.reshape(b, (-1,))), (-1,), False))

# ---- types

for name, dtype in dict(bool=torch.bool, byte=torch.uint8, char=torch.int8, short=torch.int16, int=torch.int32,
                        long=torch.int64, half=torch.float16, bfloat16=torch.bfloat16, float=torch.float32,
                        double=torch.float64).items():
    row(name)(lambda c, a, d=dtype, memory_format=None: c.cast(a, type_of(d)))


@row('to')
def _(c, a, *args, **k):
    dtypes = [x for x in [*args, *k.values()] if isinstance(x, torch.dtype)]
    others = [x.dtype for x in args if isinstance(x, torch.Tensor)]
    return c.cast(a, type_of((dtypes + others + [a.dtype])[0]))


# ---- reductions

def cast(c, a, dtype):
    return a if dtype is None else c.cast(a, type_of(dtype))


def kept_type(c, a, y):
    """A sum of integers is I64, PyTorch's products keep the type."""
    return y if a.is_floating_point() else c.cast(y, type_of(a.dtype))


for name in 'sum mean nansum nanmean'.split():
    row(name)(lambda c, a, dim=None, keepdim=False, dtype=None, n=name:
              getattr(c, n)(cast(c, a, dtype), axes_of(dim), keepdim))
for name in 'amax amin any all'.split():
    row(name)(lambda c, a, dim=None, keepdim=False, n=name: getattr(c, n)(a, axes_of(dim), keepdim))
row('logsumexp')(lambda c, a, dim, keepdim=False: c.logsumexp(a, axes_of(dim), keepdim))
row('argmax')(lambda c, a, dim=None, keepdim=False: c.argmax(a, axes_of(dim), keepdim))
row('argmin')(lambda c, a, dim=None, keepdim=False: c.argmin(a, axes_of(dim), keepdim))
row('count_nonzero')(lambda c, a, dim=None: c.count_nonzero(a, axes_of(dim), False))


@row('prod')
def _(c, a, dim=None, keepdim=False, dtype=None):
    return c.prod(cast(c, a, dtype), axes_of(dim), keepdim)


def moments(c, a, dim, unbiased, keepdim, correction):
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    n = correction if correction is not None else 0 if unbiased is False else 1
    return axes_of(dim), n, bool(keepdim)


def deviation(names):
    def f(c, a, dim=None, unbiased=None, keepdim=False, correction=None):
        axes, n, keep = moments(c, a, dim, unbiased, keepdim, correction)
        return [getattr(c, x)(a, axes, n, keep) for x in names]
    return f


for name, ours in dict(var=['variance'], std=['std'], var_mean=['var_mean', 'var_mean_second'],
                        std_mean=['std_mean', 'std_mean_second']).items():
    row(name, name + '.unbiased')(deviation(ours))


@row('max.reduction_no_dim', 'min.reduction_no_dim')
def _(c, a):
    # PyTorch's gradient is that of amax where several elements are the largest
    return getattr(c, 'a' + c.entry[:3])(a, (), False)


@row('max.reduction_with_dim', 'min.reduction_with_dim')
def _(c, a, dim, keepdim=False):
    n = c.entry[:3]
    return [getattr(c, n)(a, dim, keepdim), getattr(c, n + '_second')(a, dim, keepdim)]


@row('aminmax')
def _(c, a, dim=None, keepdim=False):
    return [c.aminmax(a, axes_of(dim), keepdim), c.aminmax_second(a, axes_of(dim), keepdim)]


@row('sum_to_size')
def _(c, a, *size):
    size = extents(size)
    lead = a.dim() - len(size)
    axes = tuple(range(lead)) + tuple(lead + i for i, n in enumerate(size) if n == 1 and a.shape[lead + i] != 1)
    if not axes and not a.is_floating_point():
        return c.reshape(c.cast(a, Word('i64')), size)
    return c.reshape(c.sum(a, axes, True) if axes else a, size)


row('trace')(lambda c, a: c.trace(a))
row('linalg.vecdot')(lambda c, a, b, dim=-1: kept_type(c, a, c.sum(c.mul(a, b), (dim,), False)))
row('dist')(lambda c, a, b, p=2: c.dist(a, b, p))
row('cdist')(lambda c, a, b, p=2, compute_mode=None: c.cdist(a, b, p))
row('nn.functional.pdist')(lambda c, a, p=2: c.pdist(a, p))
row('corrcoef')(lambda c, a: c.corrcoef(a))
row('cov')(lambda c, a, correction=1, fweights=None, aweights=None: c.cov(a, correction, fweights, aweights))


@row('linalg.vector_norm')
def _(c, a, ord=2, dim=None, keepdim=False, dtype=None):
    return c.norm(cast(c, a, dtype), ord, axes_of(dim), keepdim)


@row('norm', 'norm.fro', 'norm.inf')
def _(c, a, p='fro', dim=None, keepdim=False, dtype=None):
    return c.norm(cast(c, a, dtype), 2 if p in ('fro', None) else number(p), axes_of(dim), keepdim)


# ---- softmax

for name in 'softmax log_softmax'.split():
    row(name, name + '.with_dtype')(lambda c, a, dim, dtype=None, n=name: getattr(c, n)(cast(c, a, dtype), dim))
row('nn.functional.softmin', 'nn.functional.softmin.with_dtype')(
    lambda c, a, dim=None, dtype=None: c.softmin(cast(c, a, dtype), dim))
row('_softmax_backward_data')(
    lambda c, g, y, dim, dtype: c.mul(y, c.sub(g, c.sum(c.mul(g, y), (dim,), True))))

# ---- scans, sorting

row('cumsum')(lambda c, a, dim, dtype=None: c.cumsum(cast(c, a, dtype), dim))
row('cumprod')(lambda c, a, dim, dtype=None: c.cumprod(cast(c, a, dtype), dim))
row('logcumsumexp')(lambda c, a, dim: c.logcumsumexp(a, dim))
row('cummax')(lambda c, a, dim: [c.cummax(a, dim), c.cummax_second(a, dim)])
row('cummin')(lambda c, a, dim: [c.cummin(a, dim), c.cummin_second(a, dim)])
row('sort')(lambda c, a, dim=-1, descending=False, stable=False:
            [c.sort(a, dim, descending), c.sort_second(a, dim, descending)])
row('argsort')(lambda c, a, dim=-1, descending=False, stable=False: c.argsort(a, dim, descending))
row('msort')(lambda c, a: c.msort(a))
row('topk')(lambda c, a, k, dim=-1, largest=True, sorted=True:
            [c.topk(a, k, dim, not largest), c.topk_second(a, k, dim, not largest)])
row('kthvalue')(lambda c, a, k, dim=-1, keepdim=False:
                [c.kthvalue(a, k, dim, keepdim), c.kthvalue_second(a, k, dim, keepdim)])


@row('median', 'nanmedian')
def _(c, a, dim=None, keepdim=False):
    median, place = getattr(c, c.entry), getattr(c, c.entry + '_second')
    if dim is None:
        return median(c.reshape(a, (-1,)), 0, False)
    return [median(a, dim, keepdim), place(a, dim, keepdim)]


@row('mode')
def _(c, a, dim=-1, keepdim=False):
    return [c.mode(a, dim, keepdim), None]


INTERPOLATION = ['linear', 'lower', 'higher', 'midpoint', 'nearest']


@row('quantile', 'nanquantile')
def _(c, a, q, dim=None, keepdim=False, interpolation='linear'):
    x = a if dim is not None else c.reshape(a, [-1])
    if not isinstance(q, torch.Tensor):
        q = c.full_like(c.reshape(c.slice(c.reshape(a, [-1]), 0, 0, 1, 1), []), q)
    y = getattr(c, c.entry)(x, q, 0 if dim is None else dim, keepdim, INTERPOLATION.index(interpolation))
    if dim is None and keepdim:
        raise Skip('all axes kept: a reshape')
    return y


@row('searchsorted')
def _(c, sorted_sequence, values, right=False, side=None, out_int32=False, sorter=None):
    if not isinstance(values, torch.Tensor):
        raise Skip('a number to search for')
    y = c.searchsorted(sorted_sequence, values, right or side == 'right', sorter)
    return c.cast(y, Word('i32')) if out_int32 else y


@row('bucketize')
def _(c, a, boundaries, right=False, out_int32=False):
    y = c.bucketize(a, boundaries, right)
    return c.cast(y, Word('i32')) if out_int32 else y


row('histc')(lambda c, a, bins=100, min=0, max=0: c.histc(a, bins, min, max))
row('bincount')(lambda c, a, weights=None, minlength=0: c.bincount(a, weights, minlength))


@row('diff')
def _(c, a, n=1, dim=-1, prepend=None, append=None):
    return c.diff(a, n, dim, prepend, append) if n else a_copy(c, a)


# ---- shapes

row('reshape', 'view', 'view_copy')(lambda c, a, *shape: c.reshape(a, extents(shape)))
row('reshape_as', 'view_as')(lambda c, a, b: c.reshape(a, b.shape))
row('ravel')(lambda c, a: c.reshape(a, (-1,)))
row('flatten')(lambda c, a, start_dim=0, end_dim=-1: c.flatten(a, start_dim, end_dim))


row('unflatten')(lambda c, a, dim, sizes: c.unflatten(a, dim, sizes))
row('permute', 'permute_copy')(lambda c, a, *dims: c.permute(a, extents(dims)))
row('transpose', 'transpose_copy')(lambda c, a, dim0, dim1: c.transpose(a, dim0, dim1))
row('t', 't_copy', 'T')(lambda c, a: c.permute(a, tuple(reversed(range(a.dim())))))
row('mT', 'mH', 'H')(lambda c, a: c.transpose(a, -2, -1) if a.dim() else a_copy(c, a))


def a_copy(c, a):
    return c.reshape(a, a.shape)


row('movedim')(lambda c, a, source, destination: c.movedim(a, axes_of(source), axes_of(destination)))


@row('squeeze', 'squeeze_copy', 'squeeze.multiple')
def _(c, a, dim=None):
    if dim is not None and not isinstance(dim, int) and len(dim) == 0:
        return a_copy(c, a)
    return c.squeeze(a, axes_of(dim))


row('unsqueeze', 'unsqueeze_copy')(lambda c, a, dim: c.unsqueeze(a, dim))
row('expand', 'expand_copy', 'broadcast_to')(lambda c, a, *shape: c.expand(a, extents(shape)))
row('expand_as')(lambda c, a, b: c.expand(a, b.shape))


@row('broadcast_tensors')
def _(c, *t):
    shape = torch.broadcast_shapes(*[x.shape for x in t])
    return [c.expand(x, shape) for x in t]


row('flip')(lambda c, a, dims: c.flip(a, tuple(dims)) if len(dims) else a_copy(c, a))
row('fliplr')(lambda c, a: c.fliplr(a))
row('flipud')(lambda c, a: c.flipud(a))


row('rot90')(lambda c, a, k=1, dims=(0, 1): c.rot90(a, k, dims[0], dims[1]))


@row('roll')
def _(c, a, shifts, dims=None):
    return c.roll(a, (shifts,) if isinstance(shifts, int) else tuple(shifts), axes_of(dims))


row('select')(lambda c, a, dim, index: c.select(a, dim, index))
row('narrow', 'narrow_copy')(lambda c, a, dim, start, length: c.narrow(a, dim, int(number(start)), length))


@row('slice')
def _(c, a, dim=0, start=None, end=None, step=1):
    return c.slice(a, dim, start or 0, 2 ** 40 if end is None else min(end, 2 ** 40), step)


def pieces(c, a, sizes, dim):
    at, out = 0, []
    for n in sizes:
        out.append(c.slice(a, dim, at, at + n, 1))
        at += n
    return out


@row('split', 'unsafe_split', 'split.list_args', 'split_with_sizes', 'split_with_sizes_copy')
def _(c, a, size, dim=0):
    n = a.shape[dim]
    return pieces(c, a, size if not isinstance(size, int) else [min(size, n - i) for i in range(0, n, size)], dim)


@row('chunk', 'unsafe_chunk')
def _(c, a, chunks, dim=0):
    return pieces(c, a, [t.shape[dim] for t in a.chunk(chunks, dim)], dim)


@row('tensor_split')
def _(c, a, indices_or_sections, dim=0):
    if isinstance(indices_or_sections, torch.Tensor):
        indices_or_sections = indices_or_sections.tolist()
    return pieces(c, a, [t.shape[dim] for t in a.tensor_split(indices_or_sections, dim)], dim)


@row('hsplit', 'vsplit', 'dsplit')
def _(c, a, n):
    dim = {'h': 1 if a.dim() > 1 else 0, 'v': 0, 'd': 2}[c.entry[0]]
    return pieces(c, a, [t.shape[dim] for t in a.tensor_split(n, dim)], dim)


@row('unbind', 'unbind_copy')
def _(c, a, dim=0):
    rest = [n for k, n in enumerate(a.shape) if k != dim % a.dim()]
    return [c.reshape(c.slice(a, dim, i, i + 1, 1), rest) for i in range(a.shape[dim])]


row('cat')(lambda c, t, dim=0: c.concat(dim, *t))
row('stack')(lambda c, t, dim=0: c.stack(dim, *t))


def at_least(c, a, n, image=False):
    shape = tuple(a.shape)
    if len(shape) < n:
        shape = {1: (1,), 2: (1, 1) if not shape else (1, *shape),
                 3: (1, 1, 1) if not shape else (1, shape[0], 1) if len(shape) == 1 else (*shape, 1)}[n]
    return c.reshape(a, shape)


for n in (1, 2, 3):
    row(f'atleast_{n}d')(lambda c, *t, n=n: [at_least(c, x, n) for x in t[0]]
                         if isinstance(t[0], (list, tuple)) else [at_least(c, x, n) for x in t])
row('hstack')(lambda c, t: c.concat(0 if t[0].dim() < 2 else 1, *[at_least(c, x, 1) for x in t]))
row('vstack')(lambda c, t: c.concat(0, *[at_least(c, x, 2) for x in t]))
row('dstack')(lambda c, t: c.concat(2, *[at_least(c, x, 3) for x in t]))
row('column_stack')(lambda c, t: c.concat(1, *[c.reshape(x, x.shape if x.dim() > 1 else (-1, 1)) for x in t]))


@row('meshgrid.variadic_tensors', 'meshgrid.list_of_tensors')
def _(c, *t, indexing='ij'):
    t = t[0] if isinstance(t[0], (list, tuple)) else t
    swap = indexing == 'xy' and len(t) > 1
    sizes = [x.numel() for x in t]
    if swap:
        sizes[0], sizes[1] = sizes[1], sizes[0]
    out = []
    for i, x in enumerate(t):
        at = 1 - i if swap and i < 2 else i
        out.append(c.expand(c.reshape(x, [-1 if k == at else 1 for k in range(len(t))]), sizes))
    return out


row('repeat')(lambda c, a, *sizes: c.repeat(a, extents(sizes)))
row('tile')(lambda c, a, *sizes: c.tile(a, extents(sizes)))


@row('constant_pad_nd', 'nn.functional.pad.constant')
def _(c, a, pad, *rest, value=None):
    value = next((x for x in rest if not isinstance(x, str) and x is not None), value) or 0
    if any(p < 0 for p in pad):
        raise Skip('a margin below 0: clg_slice')
    before, after = [0] * a.dim(), [0] * a.dim()
    for k in range(len(pad) // 2):
        before[-1 - k], after[-1 - k] = pad[2 * k], pad[2 * k + 1]
    return c.pad(a, before, after, value)


def pad_mode(c, a, pad, mode, value=None):
    last = list(zip(pad[::2], pad[1::2]))[::-1]  # PyTorch's begin with the last dimension
    return getattr(c, 'pad_' + mode)(a, [x for x, _ in last], [y for _, y in last])


for name in 'reflect replicate replicate_negative circular'.split():
    row('nn.functional.pad.' + name)(pad_mode)


row('diagonal', 'diagonal_copy')(lambda c, a, offset=0, dim1=0, dim2=1: c.diagonal(a, offset, dim1, dim2))
row('linalg.diagonal')(lambda c, a, offset=0, dim1=-2, dim2=-1: c.diagonal(a, offset, dim1, dim2))
row('diag')(lambda c, a, diagonal=0: c.diag(a, diagonal))
row('diag_embed')(lambda c, a, offset=0, dim1=-2, dim2=-1: c.diag_embed(a, offset, dim1, dim2))
row('diagflat')(lambda c, a, offset=0: c.diagflat(a, offset))
row('tril')(lambda c, a, diagonal=0: c.tril(a, diagonal))
row('triu')(lambda c, a, diagonal=0: c.triu(a, diagonal))
row('diagonal_scatter')(lambda c, a, src, offset=0, dim1=0, dim2=1: c.diagonal_scatter(a, src, offset, dim1, dim2))
row('unfold', 'unfold_copy')(lambda c, a, dimension, size, step: c.unfold_dim(a, dimension, size, step))
row('nn.functional.pixel_shuffle')(lambda c, a, upscale_factor: c.pixel_shuffle(a, upscale_factor))
row('nn.functional.pixel_unshuffle')(lambda c, a, downscale_factor: c.pixel_unshuffle(a, downscale_factor))
row('nn.functional.channel_shuffle')(lambda c, a, groups: c.channel_shuffle(a, groups))


@row('__getitem__')
def _(c, a, index):
    x, shape, d = a, [], 0
    index = index if isinstance(index, tuple) else (index,)
    if any(isinstance(i, (torch.Tensor, list, bool)) or i is None for i in index):
        raise Skip('indices that are tensors, or None')
    known = sum(i is not Ellipsis for i in index)
    for i in index:
        if i is Ellipsis:
            shape += a.shape[d:d + a.dim() - known]
            d += a.dim() - known
        elif isinstance(i, slice):
            lo, hi, step = i.indices(a.shape[d])
            x = c.slice(x, d, lo, max(lo, hi), step)
            shape.append(len(range(lo, hi, step)))
            d += 1
        else:
            i %= a.shape[d]
            x = c.slice(x, d, i, i + 1, 1)
            d += 1
    return c.reshape(x, shape + list(a.shape[d:]))


# ---- indices

row('index_select')(lambda c, a, dim, index: c.index_select(a, dim, index))


@row('nn.functional.embedding')
def _(c, weight, index, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    if max_norm is not None:
        raise Skip('max_norm changes the table itself')
    named = {} if padding_idx is None else dict(padding_idx=padding_idx, use_padding=True)
    if scale_grad_by_freq:
        named['scale_grad_by_freq'] = True
    return c.embedding(weight, index, **named)


@row('nn.functional.embedding_bag')
def _(c, weight, index, offsets=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, mode='mean', sparse=False,
      per_sample_weights=None, include_last_offset=False, padding_idx=None):
    if max_norm is not None:
        raise Skip('max_norm changes the table itself')
    named = {'mode': ['mean', 'sum', 'max'].index(mode)}
    named.update({} if padding_idx is None else dict(padding_idx=padding_idx, use_padding=True))
    if per_sample_weights is not None:
        named['weight'] = per_sample_weights
    for name, value in ('scale_grad_by_freq', scale_grad_by_freq), ('include_last_offset', include_last_offset):
        named.update({name: True} if value else {})
    return c.embedding_bag(weight, index, offsets, **named)


def lists(name):
    def f(c, a, sorted=True, return_inverse=False, return_counts=False, dim=None):
        if return_inverse and return_counts or not sorted:
            raise Skip('an order that is not said, or three results')
        ending = (a,) if dim is None else (a, dim)
        first = getattr(c, name + ('' if dim is None else '_dim'))(*ending)
        has = return_inverse and name == 'unique' or return_counts and name != 'unique'
        if (return_inverse or return_counts) and not has:
            return [first, None]
        return [first, getattr(c, name + ('' if dim is None else '_dim') + '_second')(*ending)] if has else first
    return f


row('unique')(lists('unique'))
row('unique_consecutive')(lambda c, a, **named: lists('unique_consecutive')(c, a, True, **named))


row('nn.functional.one_hot')(lambda c, a, num_classes=-1:
                             c.one_hot(a, int(a.max()) + 1 if num_classes == -1 else num_classes))


@row('gather')
def _(c, a, dim, index, sparse_grad=False):
    if index.dtype == torch.uint8:
        raise Skip('an index of u8')
    return c.gather(a, dim, index)





@row('take_along_dim')
def _(c, a, index, dim=None):
    if dim is None:
        return c.take_along_dim(c.reshape(a, (-1,)), c.reshape(index, (-1,)), 0)
    return c.take_along_dim(a, index, dim)


row('take')(lambda c, a, index: c.take(a, index))


@row('scatter')
def _(c, a, dim, index, src, reduce=None):
    if reduce is not None:
        raise Skip('reduce of scatter: scatter_reduce')
    return c.scatter(a, dim, index, src) if isinstance(src, torch.Tensor) else c.scatter_value(a, dim, index, src)


row('scatter_add')(lambda c, a, dim, index, src: c.scatter_add(a, dim, index, src))
SCATTER = dict(sum=0, prod=1, mean=2, amax=3, amin=4)  # clg_scatter_reduction
for name in 'sum prod mean amin amax'.split():
    row('scatter_reduce.' + name)(lambda c, a, dim, index, src, reduce, include_self=True:
                                  c.scatter_reduce(a, dim, index, src, SCATTER[reduce], include_self))
    if name != 'sum':
        row('index_reduce.' + name)(lambda c, a, dim, index, src, reduce, include_self=True:
                                    c.index_reduce(a, dim, index, src, SCATTER[reduce], include_self))


@row('index_add')
def _(c, a, dim, index, source, alpha=1):
    return c.index_add(a, dim, index, source, alpha)


row('index_copy')(lambda c, a, dim, index, source: c.index_copy(a, dim, index, source))
row('index_fill')(lambda c, a, dim, index, value: c.index_fill(a, dim, index, number(value)))
row('masked_select')(lambda c, a, mask: c.masked_select(a, mask))
row('masked_scatter')(lambda c, a, mask, source: c.masked_scatter(a, mask, source))


@row('repeat_interleave')
def _(c, a, repeats=None, dim=None, output_size=None):
    x, dim = (c.reshape(a, (-1,)), 0) if dim is None else (a, dim)
    if isinstance(repeats, torch.Tensor) and repeats.numel() > 1:
        return c.repeat_interleave_each(x, repeats, dim)
    return c.repeat_interleave(x, int(number(repeats)), dim)


row('put')(lambda c, a, index, source, accumulate=False: c.put(a, index, source, accumulate))
row('argwhere')(lambda c, a: c.argwhere(a))


@row('nonzero')
def _(c, a, as_tuple=False):
    if as_tuple and a.dim() == 0:
        raise Skip('a number as a vector')
    if as_tuple:
        return [c.select(c.nonzero(a), 1, d) for d in range(a.dim())]
    return c.nonzero(a)


# ---- matrix products

row('matmul', 'bmm.triton_optimized')(lambda c, a, b: c.matmul(a, b))
row('nn.functional.linear')(lambda c, x, w, b=None: linear(c, x, w, b))


def linear(c, x, w, b):
    y = c.matmul(x, c.transpose(w, 0, 1) if w.dim() == 2 else w)
    return y if b is None else c.add(y, b)


@row('index_put')
def _(c, a, indices, values, accumulate=False):
    if any(i.dtype == torch.bool for i in indices):
        raise Skip('a mask for an index')
    return c.index_put(a, accumulate, values, *indices)
