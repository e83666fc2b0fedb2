#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""golden_torch.py > data/golden.txt: forward values and gradients of every operation, from PyTorch.
golden_torch.py promotion > data/promotion.txt: type and value of operations on mixed types.
golden_torch.py casts > data/casts.txt: values of each type as each other.

Run by hand with PyTorch 2.15 (pip install torch); the tests read only the files. The first line is
"torch VERSION". Per case:

    case NAME OP P... end     the operation and its parameters; or an expression of tools/cases.txt
    in T RANK DIM... VALUE... an input: f tracked float, c constant float, i integer, b bool
    out RANK DIM... VALUE...  the result
    grad K VALUE...           d sum(result * w) / d input K, w[i] = ((37 i) % 11 - 5) / 5
"""
import math
import pathlib
import re
import sys

import torch
import torch.nn.functional as F

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)


def flat(t):
    return ' '.join('%.9g' % float(v) for v in t.detach().reshape(-1).tolist())


def dims(t):
    return ' '.join([str(t.dim())] + [str(d) for d in t.shape])


def case(name, op, params, inputs, f, grads=True):
    kinds, xs = [], []
    for x in inputs:
        kind = 'f'
        if isinstance(x, tuple):
            kind, x = x
        x = x.float().double() if x.is_floating_point() else x
        if kind == 'f':
            x = x.clone().requires_grad_(grads)
        kinds.append(kind)
        xs.append(x)
    y = f(*xs)
    print('case', name, op, *['%.9g' % p for p in params], 'end')
    for k, x in zip(kinds, xs):
        print('in', k, dims(x), flat(x))
    print('out', dims(y), flat(y))
    if grads and y.requires_grad:
        w = torch.tensor([((37 * i) % 11 - 5) / 5 for i in range(y.numel())]).reshape(y.shape)
        gs = torch.autograd.grad((y * w).sum(), [x for x in xs if x.requires_grad], allow_unused=True)
        it = iter(gs)
        for i, x in enumerate(xs):
            if x.requires_grad:
                g = next(it)
                if g is not None:
                    print('grad', i, flat(g))


def r(*shape):
    return torch.randn(*shape)


def unary():
    pos, unit = r(7).abs() + 0.3, torch.rand(7) * 1.6 - 0.8
    free = torch.cat([r(9) * 2, torch.tensor([0.5, -0.25])])
    nan, inf = float('nan'), float('inf')
    for n in 'neg abs exp expm1 square sin cos tan atan sinh cosh tanh erf relu silu sigmoid'.split():
        case(n, n, [], [free], getattr(torch, n, None) or getattr(F, n))
    for n in 'log log1p log2 sqrt rsqrt reciprocal'.split():
        case(n, n, [], [pos], getattr(torch, n))
    for n in 'asin acos'.split():
        case(n, n, [], [unit], getattr(torch, n))
    for n in 'sign floor ceil round trunc'.split():
        case(n, n, [], [('c', torch.tensor([-2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 1.2, -1.7]))],
             getattr(torch, n), grads=False)
    case('gelu', 'gelu', [], [free], F.gelu)
    case('gelu_tanh', 'gelu_tanh', [], [free], lambda x: F.gelu(x, approximate='tanh'))
    case('hard_sigmoid', 'hard_sigmoid', [], [free * 2], F.hardsigmoid)
    case('hard_swish', 'hard_swish', [], [free * 2], F.hardswish)
    case('leaky_relu', 'leaky_relu', [0.1], [free], lambda x: F.leaky_relu(x, 0.1))
    case('elu', 'elu', [1.5], [free], lambda x: F.elu(x, 1.5))
    case('softplus', 'softplus', [2, 3], [free * 2], lambda x: F.softplus(x, 2, 3))
    case('clamp', 'clamp', [-0.5, 0.5], [free], lambda x: torch.clamp(x, -0.5, 0.5))
    case('relu_0', 'relu', [], [torch.tensor([0.0, -0.0, 1.0, -1.0])], torch.relu)
    case('abs_0', 'abs', [], [torch.tensor([0.0, 2.0, -2.0])], torch.abs)
    edge = torch.tensor([nan, inf, -inf, 0.0, 1.0])
    for n in 'exp log relu sigmoid tanh abs sqrt'.split():
        case(n + '_edge', n, [], [('c', edge)], getattr(torch, n), grads=False)
    case('is_nan', 'is_nan', [], [('c', edge)], torch.isnan, grads=False)
    case('is_inf', 'is_inf', [], [('c', edge)], torch.isinf, grads=False)
    case('is_finite', 'is_finite', [], [('c', edge)], torch.isfinite, grads=False)
    case('logical_not', 'logical_not', [], [('b', torch.tensor([True, False]))], torch.logical_not, grads=False)


def binary():
    a, b = r(3, 4), r(4) + 0.1
    for n in 'add sub mul div atan2 maximum minimum'.split():
        case(n, n, [], [a, b], getattr(torch, n))
        case(n + '_column', n, [], [r(3, 1), r(1, 4)], getattr(torch, n))
    case('pow', 'pow', [], [r(3, 4).abs() + 0.2, b], torch.pow)
    case('pow_0', 'pow', [], [torch.tensor([0.0, 0.0, 2.0]), torch.tensor([2.0, 0.0, 0.0])], torch.pow)
    case('fmod', 'fmod', [], [('c', r(9) * 5), ('c', r(9) * 2)], torch.fmod, grads=False)
    case('remainder', 'remainder', [], [('c', r(9) * 5), ('c', r(9) * 2)], torch.remainder, grads=False)
    i, j = torch.tensor([-7, 7, -7, 7, 5]), torch.tensor([3, 3, -3, -3, 2])
    for n in 'add sub mul fmod remainder maximum minimum div'.split():
        case(n + '_int', n, [], [('i', i), ('i', j)], getattr(torch, n), grads=False)
    case('pow_int', 'pow', [], [('i', i), ('i', j.abs())], torch.pow, grads=False)
    tie = torch.tensor([1.0, 2.0, 3.0])
    case('maximum_tie', 'maximum', [], [tie, torch.tensor([1.0, 5.0, 0.0])], torch.maximum)
    x, y = torch.tensor([1.0, 2.0, float('nan'), 2.0]), torch.tensor([1.0, 3.0, 1.0, -2.0])
    for n in 'eq ne lt le gt ge'.split():
        case(n, n, [], [('c', x), ('c', y)], getattr(torch, n), grads=False)
    for n in 'maximum minimum'.split():
        case(n + '_nan', n, [], [('c', x), ('c', y)], getattr(torch, n), grads=False)
    p, q = torch.tensor([True, True, False, False]), torch.tensor([True, False, True, False])
    for n in 'logical_and logical_or logical_xor'.split():
        case(n, n, [], [('b', p), ('b', q)], getattr(torch, n), grads=False)
    case('where', 'where', [], [('b', torch.tensor([[True], [False]])), r(2, 3), r(3)], torch.where)


def reductions():
    x = r(3, 4, 5)
    for axes, keep in (([0], 1), ([1], 0), ([2], 1), ([2], 0), ([0, 2], 0), ([0, 1, 2], 0)):
        tag = ''.join(map(str, axes)) + f'_{keep}'
        for n in 'sum mean amax amin logsumexp'.split():
            case(f'{n}_{tag}', n, [keep] + axes, [x],
                 lambda t: getattr(torch, n)(t, axes, keepdim=bool(keep)))
        case(f'var_{tag}', 'variance', [keep, 1] + axes, [x],
             lambda t: torch.var(t, axes, unbiased=True, keepdim=bool(keep)))
        case(f'std_{tag}', 'std', [keep, 0] + axes, [x],
             lambda t: torch.std(t, axes, unbiased=False, keepdim=bool(keep)))
    case('amax_tie', 'amax', [0, 0], [torch.tensor([2.0, 5.0, 5.0, 1.0])], lambda t: torch.amax(t, 0))
    for a in (0, 1, 2):
        case(f'argmax_{a}', 'argmax', [0, a], [('c', x)], lambda t: torch.argmax(t, a), grads=False)
        case(f'argmin_{a}', 'argmin', [0, a], [('c', x)], lambda t: torch.argmin(t, a), grads=False)
    tie = torch.tensor([[1.0, 3.0, 3.0], [float('nan'), 9.0, float('nan')], [-float('inf')] * 3])
    case('argmax_tie', 'argmax', [0, 1], [('c', tie)], lambda t: torch.argmax(t, 1), grads=False)
    case('amax_nan', 'amax', [0, 1], [('c', tie)], lambda t: torch.amax(t, 1), grads=False)
    b = torch.tensor([[True, False], [True, True], [False, False]])
    case('any', 'any', [0, 1], [('b', b)], lambda t: torch.any(t, 1), grads=False)
    case('all', 'all', [0, 1], [('b', b)], lambda t: torch.all(t, 1), grads=False)
    case('sum_bool', 'sum', [0, 0], [('b', b)], lambda t: torch.sum(t, 0), grads=False)


def rows():
    x = r(4, 7) * 3
    for a in (0, 1):
        case(f'softmax_{a}', 'softmax', [a], [x], lambda t: torch.softmax(t, a))
        case(f'log_softmax_{a}', 'log_softmax', [a], [x], lambda t: torch.log_softmax(t, a))
    case('softmax_wide', 'softmax', [1], [r(2, 40)], lambda t: torch.softmax(t, 1))
    case('softmax_big', 'softmax', [0], [torch.tensor([1000.0, 1001.0, -1000.0])], lambda t: torch.softmax(t, 0))
    target = torch.tensor([3, 0, 6, -100])
    for red, name in ((0, 'mean'), (1, 'sum'), (2, 'none')):
        for smooth in (0.0, 0.1):
            case(f'cross_entropy_{name}_{smooth}', 'cross_entropy', [red, smooth, 0], [x, ('i', target)],
                 lambda t, y: F.cross_entropy(t, y, reduction=name, label_smoothing=smooth))
            w = torch.rand(7) + 0.1
            case(f'cross_entropy_weight_{name}_{smooth}', 'cross_entropy', [red, smooth, 1],
                 [x, ('i', target), ('c', w)],
                 lambda t, y, w: F.cross_entropy(t, y, weight=w, reduction=name, label_smoothing=smooth))
    case('cross_entropy_2d', 'cross_entropy', [0, 0, 0], [r(2, 3, 4), ('i', torch.randint(0, 3, (2, 4)))],
         F.cross_entropy)
    for red, name in ((0, 'mean'), (1, 'sum'), (2, 'none')):
        case(f'mse_{name}', 'mse_loss', [red], [r(3, 2), r(3, 2)], lambda a, b: F.mse_loss(a, b, reduction=name))


def movement():
    x = r(2, 3, 4)
    case('reshape', 'reshape', [6, -1], [x], lambda t: t.reshape(6, -1))
    case('permute', 'permute', [2, 0, 1], [x], lambda t: t.permute(2, 0, 1))
    case('expand', 'expand', [5, 2, 3, 4], [x], lambda t: t.expand(5, 2, 3, 4))
    for a, b, c, s in ((0, 1, 4, 1), (2, 0, 4, 2), (2, 1, 4, 2), (1, 0, 3, 2)):
        case(f'slice_{a}_{b}_{c}_{s}', 'slice', [a, b, c, s], [x],
             lambda t: t[tuple([slice(None)] * a + [slice(b, c, s)])])
    case('flip', 'flip', [0, 2], [x], lambda t: t.flip(0, 2))
    case('pad', 'pad', [0.5, 0, 1, 2, 1, 0, 3], [x], lambda t: F.pad(t, (2, 3, 1, 0, 0, 1), value=0.5))
    case('concat', 'concat', [1], [x, r(2, 2, 4), r(2, 1, 4)], lambda *t: torch.cat(t, 1))
    case('stack', 'stack', [1], [x, r(2, 3, 4)], lambda *t: torch.stack(t, 1))
    case('one_hot', 'one_hot', [5], [('i', torch.tensor([[0, 4], [2, 2]]))], lambda t: F.one_hot(t, 5), grads=False)
    for a in (0, 1, 2):
        case(f'index_select_{a}', 'index_select', [a], [x, ('i', torch.tensor([1, 0, 1]))],
             lambda t, i: torch.index_select(t, a, i))


def heavy():
    for name, s, t in (('plain', (5, 7), (7, 3)), ('batch', (2, 5, 7), (2, 7, 3)), ('spread', (3, 1, 4, 6), (2, 6, 5)),
                       ('vector', (6,), (6, 4)), ('dot', (6,), (6,)), ('matvec', (3, 6), (6,)),
                       ('large', (7, 35), (35, 70))):
        case('matmul_' + name, 'matmul', [0], [r(*s), r(*t)], torch.matmul)
    case('matmul_transposed', 'matmul', [1], [r(5, 7), r(3, 7)], lambda a, b: a @ b.T)
    case('matmul_both', 'matmul', [2], [r(7, 5), r(3, 7)], lambda a, b: a.T @ b.T)
    for n, (x, w, st, p, d, g) in enumerate((
            ((2, 1, 6, 6), (3, 1, 3, 3), 1, 1, 1, 1), ((2, 3, 7, 8), (4, 3, 3, 3), 2, 1, 1, 1),
            ((1, 4, 9, 7), (6, 2, 3, 3), 1, 2, 2, 2), ((2, 3, 5, 5), (5, 3, 1, 1), 1, 0, 1, 1),
            ((1, 4, 8, 8), (4, 1, 3, 3), 2, 1, 1, 4), ((2, 2, 6, 9), (3, 2, 5, 2), 1, 2, 1, 1),
            ((1, 2, 5, 20), (18, 2, 3, 3), 1, 1, 1, 1), ((1, 2, 9, 15), (17, 2, 3, 3), 1, 0, 1, 1))):
        case(f'conv_{n}', 'conv2d', [st, p, d, g], [r(*x), r(*w), r(w[0])],
             lambda a, b, c: F.conv2d(a, b, c, stride=st, padding=p, dilation=d, groups=g))
    for n, (x, k, s, p, d, c) in enumerate((((2, 3, 6, 6), 2, 2, 0, 1, 0), ((1, 2, 7, 9), 3, 2, 1, 1, 0),
                                            ((1, 2, 7, 9), 3, 1, 1, 2, 0), ((1, 1, 7, 8), 3, 2, 1, 1, 1),
                                            ((1, 2, 6, 37), 2, 2, 0, 1, 0))):
        case(f'max_pool_{n}', 'max_pool2d', [k, s, p, d, c], [r(*x)],
             lambda t: F.max_pool2d(t, k, s, p, d, ceil_mode=bool(c)))
    for n, (x, k, s, p, c, e) in enumerate((((2, 3, 6, 6), 2, 2, 0, 0, 0), ((1, 2, 7, 9), 3, 2, 1, 0, 0),
                                            ((1, 2, 7, 9), 3, 2, 1, 0, 1), ((1, 1, 7, 8), 3, 2, 1, 1, 0))):
        case(f'avg_pool_{n}', 'avg_pool2d', [k, s, p, c, e], [r(*x)],
             lambda t: F.avg_pool2d(t, k, s, p, ceil_mode=bool(c), count_include_pad=not e))
    c = 3
    args = [r(4, c, 3, 2) * 2 + 1, torch.rand(c) + 0.5, r(c), ('c', r(c)), ('c', torch.rand(c) + 0.5)]
    case('batch_norm_train', 'batch_norm', [1], args,
         lambda x, w, b, m, v: F.batch_norm(x, m.clone(), v.clone(), w, b, True))
    case('batch_norm_eval', 'batch_norm', [0], args, lambda x, w, b, m, v: F.batch_norm(x, m, v, w, b, False))


def edges():
    """Where formulas break: ties, kinks, infinities, empty tensors; see what each row says."""
    inf, nan = float('inf'), float('nan')
    x, y = torch.tensor([-7.3, 7.3, -2.5, 2.5]), torch.tensor([2.1, -2.1, 0.7, 0.7])
    for n in 'fmod remainder'.split():
        case(n + '_grad', n, [], [x, y], getattr(torch, n))
    case('sqrt_0', 'sqrt', [], [torch.tensor([0.0, 4.0])], torch.sqrt)
    case('clamp_edge', 'clamp', [-0.5, 0.5], [torch.tensor([-0.5, 0.5, 0.75, -3.0])],
         lambda t: torch.clamp(t, -0.5, 0.5))
    case('clamp_nan', 'clamp', [-0.5, 0.5], [('c', torch.tensor([nan, inf, -inf]))],
         lambda t: torch.clamp(t, -0.5, 0.5), grads=False)
    case('hard_sigmoid_edge', 'hard_sigmoid', [], [torch.tensor([-3.0, 3.0, 0.0])], F.hardsigmoid)
    zero = torch.tensor([0.0, -0.0, 1.0, -1.0])
    case('leaky_relu_0', 'leaky_relu', [0.1], [zero], lambda t: F.leaky_relu(t, 0.1))
    case('elu_0', 'elu', [1.5], [zero], lambda t: F.elu(t, 1.5))
    case('softplus_far', 'softplus', [1, 20], [torch.tensor([100.0, -100.0, 20.5, 19.5])],
         lambda t: F.softplus(t, 1, 20))
    small = torch.tensor([1e-6, -1e-6, 1e-3])
    for n in 'expm1 log1p tanh sinh erf'.split():
        case(n + '_small', n, [], [small], getattr(torch, n))
    far = torch.tensor([30.0, -30.0, 90.0, -90.0])
    for n, f in (('gelu', F.gelu), ('silu', F.silu), ('erf', torch.erf), ('relu', torch.relu)):
        case(n + '_far', n, [], [far], f)
    for n in 'sigmoid tanh'.split():
        case(n + '_far', n, [], [('c', far)], getattr(torch, n), grads=False)
    case('pow_negative', 'pow', [], [torch.tensor([-2.0, -2.0, -0.5]), ('c', torch.tensor([3.0, 2.0, -1.0]))],
         torch.pow)
    case('sign_nan', 'sign', [], [('c', torch.tensor([nan, inf, -inf]))], torch.sign, grads=False)
    case('atan2_axes', 'atan2', [], [('c', torch.tensor([0.0, 0.0, 1.0, -1.0])), ('c', torch.tensor([1.0, -1.0, 0.0, 0.0]))],
         torch.atan2, grads=False)
    case('div_0', 'div', [], [('i', torch.tensor([1, -1, 0])), ('i', torch.tensor([0, 0, 0]))], torch.div, grads=False)
    i = torch.tensor([-7, 0, 9])
    for n in 'neg abs sign square'.split():
        case(n + '_int', n, [], [('i', i)], getattr(torch, n), grads=False)
    case('clamp_int', 'clamp', [-2, 3], [('i', i)], lambda t: torch.clamp(t, -2, 3), grads=False)
    case('sum_int', 'sum', [0, 0], [('i', i)], lambda t: t.sum(0), grads=False)
    case('amax_int', 'amax', [0, 0], [('i', i)], lambda t: t.amax(0), grads=False)
    tie = torch.tensor([[2.0, 5.0], [5.0, 1.0]])
    case('amax_tie_all', 'amax', [0, 0, 1], [tie], lambda t: torch.amax(t, [0, 1]))
    case('amin_tie', 'amin', [1, 1], [torch.tensor([[1.0, 1.0, 3.0]])], lambda t: torch.amin(t, 1, keepdim=True))
    case('minimum_tie', 'minimum', [], [torch.tensor([1.0, 2.0]), torch.tensor([1.0, 5.0])], torch.minimum)
    case('logsumexp_inf', 'logsumexp', [0, 1], [('c', torch.tensor([[-inf] * 3, [inf, 1.0, 0.0], [1e3, 1e3, -1e3]]))],
         lambda t: torch.logsumexp(t, 1), grads=False)
    for n in 'softmax log_softmax'.split():
        case(n + '_inf', n, [1], [('c', torch.tensor([[-inf] * 3, [-inf, 0.0, 1.0]]))],
             lambda t: getattr(torch, n)(t, 1), grads=False)
    case('var_one', 'variance', [0, 1, 1], [('c', torch.ones(2, 1))], lambda t: torch.var(t, 1), grads=False)
    case('std_0', 'std', [0, 1, 1], [torch.tensor([[1.0, 1.0, 1.0], [1.0, 2.0, 4.0]])], lambda t: torch.std(t, 1))
    none = torch.full((3,), -100)
    for red, name in ((0, 'mean'), (1, 'sum')):
        case(f'cross_entropy_ignored_{name}', 'cross_entropy', [red, 0, 0], [('c', r(3, 4)), ('i', none)],
             lambda t, y: F.cross_entropy(t, y, reduction=name), grads=False)
    empty = torch.zeros(2, 0)
    case('sum_empty', 'sum', [0, 1], [('c', empty)], lambda t: t.sum(1), grads=False)
    case('mean_empty', 'mean', [0, 1], [('c', empty)], lambda t: t.mean(1), grads=False)
    case('any_empty', 'any', [0, 1], [('b', empty.bool())], lambda t: t.any(1), grads=False)
    case('all_empty', 'all', [0, 1], [('b', empty.bool())], lambda t: t.all(1), grads=False)
    case('matmul_empty', 'matmul', [0], [('c', empty), ('c', torch.zeros(0, 3))], torch.matmul, grads=False)
    case('argmax_flat', 'argmax', [0], [('c', r(3, 4))], torch.argmax, grads=False)


def conventions():
    """What no formula says: gradients at kinks, ties, limits, NaN and infinities. Where a row has fewer numbers
    than an op's neighbours, PyTorch's scalar and vector code differ there, or only the sign of a zero is new."""
    inf, nan = float('inf'), float('nan')
    special = torch.tensor([nan, inf, -inf, 0.0, -0.0, 1.0, -1.0])
    names = ('neg abs sign exp exp2 expm1 log log1p log2 sqrt rsqrt reciprocal square sin cos tan asin acos atan '
             'sinh cosh tanh erf floor ceil round trunc relu sigmoid').split()
    for n in names:
        case(n + '_special', n, [], [special], getattr(torch, n, None) or getattr(F, n))
    case('hard_sigmoid_special', 'hard_sigmoid', [], [special], F.hardsigmoid)
    finite = torch.tensor([nan, 0.0, -0.0, 1.0, -1.0])  # PyTorch multiplies by 0 at infinity
    for n, f in (('silu', F.silu), ('gelu', F.gelu), ('hard_swish', F.hardswish),
                 ('gelu_tanh', lambda t: F.gelu(t, approximate='tanh'))):
        case(n + '_special', n, [], [finite], f)
    case('leaky_relu_special', 'leaky_relu', [0.1], [special], lambda t: F.leaky_relu(t, 0.1))
    case('elu_special', 'elu', [1.5], [special], lambda t: F.elu(t, 1.5))
    case('softplus_special', 'softplus', [2, 3], [special], lambda t: F.softplus(t, 2, 3))
    three = torch.tensor([-3.0, 3.0, -3.25, 3.25, -2.75, 2.75])
    case('hard_sigmoid_3', 'hard_sigmoid', [], [three], F.hardsigmoid)
    case('hard_swish_3', 'hard_swish', [], [three], F.hardswish)
    limits = torch.tensor([-0.5, 0.5, 0.25, -0.75, 0.75, nan, inf, -inf])
    case('clamp_limits', 'clamp', [-0.5, 0.5], [limits], lambda t: torch.clamp(t, -0.5, 0.5))
    case('clamp_min', 'clamp', [-0.5, nan], [limits], lambda t: torch.clamp_min(t, -0.5))
    case('clamp_max', 'clamp', [nan, 0.5], [limits], lambda t: torch.clamp_max(t, 0.5))
    case('clamp_crossed', 'clamp', [0.5, -0.5], [limits], lambda t: torch.clamp(t, 0.5, -0.5))
    a = torch.tensor([nan, nan, 1.0, inf, -inf, 0.0, -0.0, 1.0, 2.0])
    b = torch.tensor([nan, 1.0, nan, inf, inf, -0.0, 0.0, 1.0, 3.0])
    for n in 'maximum minimum'.split():
        case(n + '_special', n, [], [a, b], getattr(torch, n))
    case('atan2_special', 'atan2', [], [torch.tensor([0.0, -0.0, 0.0, 1.0, nan, 1.0]),
                                        torch.tensor([0.0, 0.0, -0.0, 0.0, 1.0, nan])], torch.atan2)
    u = torch.tensor([1.0, -0.5, 0.5, -1.0, 7.0, -7.0, 7.0, inf, 1.0, nan])
    v = torch.tensor([0.1, inf, -inf, 0.1, inf, 3.0, -3.0, 2.0, 0.0, 1.0])
    for n in 'fmod remainder'.split():
        case(n + '_special', n, [], [u, v], getattr(torch, n))
    case('pow_special', 'pow', [], [torch.tensor([0.0, 0.0, 0.0, 1.0, inf, 0.5, nan, 2.0, -1.0]),
                                    torch.tensor([0.0, 1.0, -1.0, nan, 0.0, inf, 0.0, -inf, 2.0])], torch.pow)
    case('div_special', 'div', [], [torch.tensor([1.0, 0.0, inf, 1.0, -1.0]), torch.tensor([0.0, 0.0, inf, inf, 0.0])],
         torch.div)
    rows = torch.tensor([[nan, 1.0, 2.0], [inf, 1.0, inf], [-inf, -inf, -inf], [2.0, 2.0, 1.0]])
    for n in 'sum mean'.split():
        case(n + '_special', n, [0, 1], [rows], lambda t: getattr(torch, n)(t, 1))
    for n in 'softmax log_softmax'.split():
        case(n + '_special', n, [1], [rows], lambda t: getattr(torch, n)(t, 1))
    case('where_special', 'where', [], [('b', torch.tensor([True, False, True])), torch.tensor([nan, nan, 1.0]),
                                        torch.tensor([2.0, 2.0, nan])], torch.where)
    case('mse_special', 'mse_loss', [2], [torch.tensor([inf, inf, nan, 1.0]), torch.tensor([inf, -inf, 1.0, 1.0])],
         lambda a, b: F.mse_loss(a, b, reduction='none'))
    image = torch.tensor([[[[1.0, nan, 3.0, 3.0], [nan, 5.0, 3.0, 2.0], [-inf, -inf, 4.0, 4.0],
                            [-inf, -inf, 4.0, 4.0]]]])
    case('max_pool_special', 'max_pool2d', [2, 2, 0, 1, 0], [image], lambda t: F.max_pool2d(t, 2))
    case('max_pool_special_3', 'max_pool2d', [3, 1, 1, 1, 0], [image], lambda t: F.max_pool2d(t, 3, 1, 1))
    case('max_pool_special_dilated', 'max_pool2d', [2, 1, 1, 2, 0], [image], lambda t: F.max_pool2d(t, 2, 1, 1, 2))
    case('avg_pool_special', 'avg_pool2d', [2, 2, 1, 0, 1], [image],
         lambda t: F.avg_pool2d(t, 2, 2, 1, count_include_pad=False))
    m = torch.tensor([[1.0, 0.0], [inf, 1.0], [nan, 0.0]])
    case('matmul_special', 'matmul', [0], [m, torch.tensor([[0.0, inf], [1.0, 2.0]])], torch.matmul)
    case('conv_special', 'conv2d', [1, 1, 1, 1], [torch.tensor([[[[inf, 1.0], [0.0, 2.0]]]]), r(1, 1, 3, 3), r(1)],
         lambda a, b, c: F.conv2d(a, b, c, padding=1))
    case('pad_special', 'pad', [-inf, 0, 0, 1, 0, 1, 0], [r(1, 2, 2)], lambda t: F.pad(t, (1, 0, 0, 1), value=-inf))


def quotients():
    """Pairs of everything special; kinks and limits of one number."""
    inf, nan = float('inf'), float('nan')
    x = torch.tensor([-inf, -2.5, -1.0, -0.5, -0.0, 0.0, 0.375, 1.0, 2.5, inf, nan])
    a, b = (t.reshape(-1) for t in torch.meshgrid(x, x, indexing='ij'))
    case('fmod_pairs', 'fmod', [], [a, b], torch.fmod)
    case('remainder_pairs', 'remainder', [], [a, b], torch.remainder)
    case('floor_divide_pairs', 'floor_divide', [], [('c', a), ('c', b)], torch.floor_divide)
    case('trunc_divide_pairs', 'trunc_divide', [], [('c', a), ('c', b)],
         lambda s, t: torch.div(s, t, rounding_mode='trunc'))
    case('maximum_pairs', 'maximum', [], [a, b], torch.maximum)
    case('minimum_pairs', 'minimum', [], [a, b], torch.minimum)
    some = torch.isfinite(b) & torch.isfinite(a)  # at infinity PyTorch divides it by itself
    case('atan2_pairs', 'atan2', [], [a[some], b[some]], torch.atan2)
    case('atan2_all', 'atan2', [], [('c', a), ('c', b)], torch.atan2)
    # integers, and a divisor of 0 is an error there
    i, j = torch.tensor([-7, -6, -1, 0, 1, 6, 7, 1000003]), torch.tensor([-7, -3, -2, -1, 1, 2, 3, 7])
    i, j = (t.reshape(-1) for t in torch.meshgrid(i, j, indexing='ij'))
    for n in 'fmod remainder floor_divide'.split():
        case(n + '_integers', n, [], [('i', i), ('i', j)], getattr(torch, n))
    case('trunc_divide_integers', 'trunc_divide', [], [('i', i), ('i', j)],
         lambda s, t: torch.div(s, t, rounding_mode='trunc'))
    kink = torch.tensor([nan, inf, -3.0, -2.0, -1.0, -0.0, 0.0, 1.0, 2.0, 3.0])
    case('relu_kink', 'relu', [], [kink], torch.relu)
    case('elu_kink', 'elu', [2], [kink], lambda t: F.elu(t, 2))
    case('leaky_relu_kink', 'leaky_relu', [0.3], [kink], lambda t: F.leaky_relu(t, 0.3))
    case('hard_sigmoid_kink', 'hard_sigmoid', [], [kink], F.hardsigmoid)
    case('hard_swish_kink', 'hard_swish', [], [kink], F.hardswish)
    case('clamp_kink', 'clamp', [-2, 2], [kink], lambda t: torch.clamp(t, -2, 2))
    case('clamp_crossed', 'clamp', [2, -1], [kink], lambda t: torch.clamp(t, 2, -1))
    case('softplus_kink', 'softplus', [1, 2], [kink], lambda t: F.softplus(t, 1, 2))


def shapes():
    """Empty tensors, one element, no dimension."""
    none, row, one, point = torch.zeros(0, 3), r(2, 0), r(1, 1), r(1)[0]
    for n in 'sum any all'.split():
        x = none.bool() if n != 'sum' else none
        kind = 'b' if n != 'sum' else 'c'
        case(n + '_of_none', n, [0, 0], [(kind, x)], lambda t: getattr(torch, n)(t, 0), grads=False)
        case(n + '_none', n, [1, 1], [(kind, x)], lambda t: getattr(torch, n)(t, 1, keepdim=True), grads=False)
    for n in 'sum mean amax amin logsumexp'.split():
        for a in (0, -1):
            case(f'{n}_0d_{a}', n, [0, a], [point], lambda t: getattr(torch, n)(t, a))
    for n in 'argmax argmin'.split():
        case(n + '_0d', n, [0, -1], [('c', point)], lambda t: getattr(torch, n)(t, -1), grads=False)
    for n in 'softmax log_softmax'.split():
        case(n + '_0d', n, [-1], [point], lambda t: getattr(torch, n)(t, -1))
        case(n + '_none', n, [0], [none], lambda t: getattr(torch, n)(t, 0))
        case(n + '_one', n, [0], [one], lambda t: getattr(torch, n)(t, 0))
    case('var_0d', 'variance', [0, 0, 0], [point], lambda t: torch.var(t, 0, correction=0))
    case('flip_0d', 'flip', [0], [point], lambda t: t.flip(0))
    case('squeeze_0d', 'squeeze', [-1], [point], lambda t: t.squeeze(-1))
    case('transpose_0d', 'transpose', [0, -1], [point], lambda t: t.transpose(0, -1))
    case('flatten_0d', 'flatten', [0, -1], [point], lambda t: t.flatten(0, -1))
    case('unsqueeze_0d', 'unsqueeze', [0], [point], lambda t: t.unsqueeze(0))
    case('index_select_0d', 'index_select', [0], [point, ('i', torch.tensor([0]))],
         lambda t, i: torch.index_select(t, 0, i))
    case('index_select_0d_index', 'index_select', [-1], [r(2, 3), ('i', torch.tensor(1))],
         lambda t, i: torch.index_select(t, -1, i))
    case('index_select_none', 'index_select', [0], [r(2, 3), ('i', torch.zeros(0, dtype=torch.long))],
         lambda t, i: torch.index_select(t, 0, i))
    case('stack_0d', 'stack', [-1], [point, point + 1], lambda *t: torch.stack(t, -1))
    case('concat_none', 'concat', [0], [none, r(2, 3)], lambda *t: torch.cat(t, 0))
    case('concat_legacy', 'concat', [-1], [torch.zeros(0), r(2, 3), torch.zeros(0), r(2, 1)], lambda *t: torch.cat(t, -1))
    case('expand_none', 'expand', [2, 0, 3], [none], lambda t: t.expand(2, 0, 3))
    case('expand_to_none', 'expand', [0, 3], [r(1, 3)], lambda t: t.expand(0, 3))
    case('reshape_none', 'reshape', [2, -1], [none], lambda t: t.reshape(2, -1))
    case('pad_none', 'pad', [1.5, 0, 0, 0, 2, 0, 0], [torch.zeros(0, 1, 2)], lambda t: F.pad(t, (0, 0, 0, 0, 0, 2), value=1.5))
    for name, s, t in (('k', (2, 0), (0, 3)), ('m', (0, 2), (2, 3)), ('n', (2, 3), (3, 0)), ('batch', (0, 2, 3), (3, 2)),
                       ('vectors', (0,), (0,)), ('vector', (3, 0), (0,)), ('one', (1, 1), (1, 1))):
        case('matmul_none_' + name, 'matmul', [0], [r(*s), r(*t)], torch.matmul)
    case('conv_none', 'conv2d', [1, 1, 1, 1], [r(0, 2, 4, 4), r(3, 2, 3, 3), r(3)],
         lambda a, b, c: F.conv2d(a, b, c, padding=1))
    case('conv_one', 'conv2d', [1, 0, 1, 1], [r(1, 1, 1, 1), r(1, 1, 1, 1), r(1)], F.conv2d)
    case('max_pool_none', 'max_pool2d', [2, 2, 0, 1, 0], [r(0, 2, 4, 4)], lambda t: F.max_pool2d(t, 2))
    case('avg_pool_none', 'avg_pool2d', [2, 2, 0, 0, 0], [r(0, 2, 4, 4)], lambda t: F.avg_pool2d(t, 2))
    case('avg_pool_one', 'avg_pool2d', [1, 1, 0, 0, 0], [r(1, 1, 1, 1)], lambda t: F.avg_pool2d(t, 1))
    case('max_pool_wider', 'max_pool2d', [2, 2, 0, 1, 1], [r(1, 1, 1, 3)], lambda t: F.max_pool2d(t, 2, 2, 0, 1, True))
    case('avg_pool_wider', 'avg_pool2d', [3, 2, 0, 1, 0], [r(1, 1, 2, 4)], lambda t: F.avg_pool2d(t, 3, 2, 0, True))
    case('one_hot_none', 'one_hot', [3], [('i', torch.zeros(2, 0, dtype=torch.long))], lambda t: F.one_hot(t, 3), grads=False)
    case('one_hot_0d', 'one_hot', [3], [('i', torch.tensor(2))], lambda t: F.one_hot(t, 3), grads=False)


def options():
    """Parameters for height and width apart; what batch norm keeps; views under their own names."""
    case('conv_hw', 'conv2d_hw', [2, 1, 0, 2, 1, 2], [r(1, 2, 7, 6), r(3, 2, 3, 2)],
         lambda a, b: F.conv2d(a, b, stride=(2, 1), padding=(0, 2), dilation=(1, 2)))
    case('max_pool_hw', 'max_pool2d_hw', [3, 2, 2, 1, 1, 0], [r(1, 2, 7, 6)],
         lambda t: F.max_pool2d(t, (3, 2), (2, 1), (1, 0)))
    case('avg_pool_hw', 'avg_pool2d_hw', [2, 3, 1, 2, 0, 1], [r(1, 2, 6, 7)],
         lambda t: F.avg_pool2d(t, (2, 3), (1, 2), (0, 1)))
    nan = torch.tensor([[[[1.0, float('nan'), 3.0, 3.0], [0.0, 5.0, 3.0, 2.0]]]])
    case('max_pool_nan', 'max_pool2d', [2, 2, 0, 1, 0], [('c', nan)], lambda t: F.max_pool2d(t, 2), grads=False)
    x, m, v = r(4, 3, 5), r(3), torch.rand(3) + 0.5
    for k, momentum in ((0, 0.1), (1, 0.25)):
        mean, var = m.clone().float().double(), v.clone().float().double()
        F.batch_norm(x.float().double(), mean, var, training=True, momentum=momentum)
        case(f'running_mean_{k}', 'running', [momentum, 0], [('c', x), ('c', m), ('c', v)], lambda *a: mean, grads=False)
        case(f'running_var_{k}', 'running', [momentum, 1], [('c', x), ('c', m), ('c', v)], lambda *a: var, grads=False)
    t = r(2, 1, 3, 4)
    case('flatten', 'flatten', [1, 2], [t], lambda a: a.flatten(1, 2))
    case('transpose', 'transpose', [1, -1], [t], lambda a: a.transpose(1, -1))
    case('squeeze', 'squeeze', [1], [t], lambda a: a.squeeze(1))
    case('unsqueeze', 'unsqueeze', [-1], [t], lambda a: a.unsqueeze(-1))


def norms():
    """Normalisation: expressions of tools/cases.txt."""
    def e(name, expression, inputs, f, grads=True):
        case('n_' + name, expression.replace(' ', ''), [], inputs, f, grads)

    x, w, b = r(3, 4, 5) * 2 + 1, torch.rand(4) + 0.5, r(4)
    e('batch_1d', 'batch_norm(a, b, c, training=true)', [r(6, 4), w, b],
      lambda t, u, v: F.batch_norm(t, None, None, u, v, True))
    e('batch_3d', 'batch_norm(a, b, c, training=true, eps=0.01)', [r(2, 4, 2, 3, 2), w, b],
      lambda t, u, v: F.batch_norm(t, None, None, u, v, True, eps=0.01))
    e('instance', 'instance_norm(a, b, c)', [x, w, b], lambda t, u, v: F.instance_norm(t, weight=u, bias=v))
    stats = ('c', r(4)), ('c', torch.rand(4) + 0.5)
    e('instance_use', 'instance_norm(a, b, c, d, e, use_running=true)', [x, w, b, *stats],
      lambda t, u, v, m, s: F.instance_norm(t, m, s, u, v, use_input_stats=False))
    m, s = (t[1].clone().float().double() for t in stats)
    F.instance_norm(x.float().double(), m, s, momentum=0.25)
    e('instance_running', 'instance_norm_running(a, b, c)', [('c', x), *stats], lambda *a: torch.cat([m, s]),
      grads=False)
    rows = r(4, 3, 5) * 2 - 1
    e('layer', 'layer_norm(a, [5], b, c)', [rows, torch.rand(5) + 0.5, r(5)],
      lambda t, u, v: F.layer_norm(t, (5,), u, v))
    e('layer_dims', 'layer_norm(a, [3,5], b, eps=0.1)', [rows, torch.rand(3, 5) + 0.5],
      lambda t, u: F.layer_norm(t, (3, 5), u, eps=0.1))
    e('layer_one', 'layer_norm(a, [1])', [r(3, 1)], lambda t: F.layer_norm(t, (1,)))
    e('rms', 'rms_norm(a, [5], b, eps=0.001)', [rows, torch.rand(5) + 0.5], lambda t, u: F.rms_norm(t, (5,), u, eps=1e-3))
    e('rms_dims', 'rms_norm(a, [3,5], eps=0.1)', [rows], lambda t: F.rms_norm(t, (3, 5), eps=0.1))
    e('group', 'group_norm(a, 2, b, c)', [x, w, b], lambda t, u, v: F.group_norm(t, 2, u, v))
    e('group_2d', 'group_norm(a, 2)', [r(3, 4)], lambda t: F.group_norm(t, 2))
    e('group_one', 'group_norm(a, 4, b, c)', [r(3, 4), w, b], lambda t, u, v: F.group_norm(t, 4, u, v))
    for n in (1, 2, 3, 4, 9):
        e(f'local_{n}', f'local_response_norm(a, {n}, 0.5, 0.75, 2)', [x],
          lambda t: F.local_response_norm(t, n, 0.5, 0.75, 2))
    e('local_2d', 'local_response_norm(a, 3, 0.0001, 0.75, 1)', [r(2, 4, 3, 2)],
      lambda t: F.local_response_norm(t, 3))
    zero = torch.tensor([[0.0, 0.0, 0.0], [3.0, -4.0, 0.5], [-1.0, 2.0, 2.0]])
    for p, text in ((0, '0'), (0.5, '0.5'), (1, '1'), (2, '2'), (3, '3'), (-1, '-1'), (float('inf'), 'inf')):
        e(f'normalize_{text}', f'normalize(a, {text}, 1, 1e-12)', [zero if p != 0.5 else zero[1:]],
          lambda t: F.normalize(t, p))
    e('normalize_eps', 'normalize(a, 2, 0, 4)', [zero], lambda t: F.normalize(t, dim=0, eps=4))


TYPES = dict(f32=torch.float32, f64=torch.float64, i32=torch.int32, i64=torch.int64, u8=torch.uint8,
             bool=torch.bool, f16=torch.float16, bf16=torch.bfloat16, i8=torch.int8, i16=torch.int16,
             u16=torch.uint16, u32=torch.uint32, u64=torch.uint64)


def casts():
    """FROM TO VALUE RESULT: what PyTorch defines; floats beyond an integer type's range are not."""
    reals = [0.0, -0.0, 1, -1, 0.5, 1.5, 2.5, -2.5, 0.1, -0.3, 100.7, 126.9, -127.5, 200.25, 255.7, 300.5, 2049, 4097,
             32767.4, -32768.6, 65503, 65504, 65519.9, 65520, -65520, 70000, 1e5, 1e-3, 6.2e-5, 6e-8, 3e-8, 2.9e-8,
             1e-10, 1e-38, 1e-40, 16777217, 123456789, 2147483647, -2147483648, 4294967295, 3e9, 9e15, 9.2e18, 1.8e19,
             3.38e38, 3.4e38, 1e300, -1e300, math.inf, -math.inf, math.nan, 1 + 2.0 ** -11, 1 + 3 * 2.0 ** -11,
             1 + 2.0 ** -8, 1 + 3 * 2.0 ** -8, 1 + 2.0 ** -11 + 2.0 ** -40]
    whole = [0, 1, -1, 2, 100, 127, 128, -128, -129, 200, 255, 256, 300, 2047, 2049, 2051, 32767, 32768, -32768, 40000,
             65504, 65519, 65520, 65535, 65536, -70000, 2 ** 24 + 1, 2 ** 31 - 1, -2 ** 31, 2 ** 31, 2 ** 32 - 1,
             2 ** 32, 2 ** 53 + 1, 2 ** 63 - 1, -2 ** 63, 2 ** 63, 2 ** 64 - 1]
    for a, t in TYPES.items():
        if t == torch.bool:
            values = [0, 1]
        elif t.is_floating_point:
            values = torch.tensor(reals, dtype=torch.float64).to(t)
            values = sorted({repr(float(v)): float(v) for v in values}.values(), key=repr)
        else:
            i = torch.iinfo(t)
            values = [v for v in whole if i.min <= v <= i.max]
        x = torch.tensor(values, dtype=t)
        for b, u in TYPES.items():
            y = x.to(u)
            for v, r in zip(values, y.tolist()):
                if t.is_floating_point and not u.is_floating_point and u != torch.bool:
                    i = torch.iinfo(u)
                    if not math.isfinite(v) or not i.min <= math.trunc(v) <= i.max:
                        continue
                print(a, b, '%.17g' % v if t.is_floating_point else int(v),
                      '%.17g' % r if u.is_floating_point else int(r))


def windows():
    """Convolutions, pooling, unfold and fold: operations as expressions of tools/cases.txt."""
    nan, inf = float('nan'), float('inf')

    def e(name, expression, inputs, f, grads=True):
        case(name, expression.replace(' ', ''), [], inputs, f, grads)

    e('conv1d', 'conv1d(a, b, c, stride=2, padding=2, dilation=2)', [r(2, 3, 11), r(4, 3, 3), r(4)],
      lambda x, w, b: F.conv1d(x, w, b, 2, 2, 2))
    e('conv1d_groups', 'conv1d(a, b, groups=2)', [r(2, 4, 7), r(6, 2, 4)], lambda x, w: F.conv1d(x, w, groups=2))
    e('conv1d_same', 'conv1d(a, b, padding_same=true)', [r(1, 2, 7), r(3, 2, 4)],
      lambda x, w: F.conv1d(x, w, padding='same'))
    e('conv2d_same', 'conv2d(a, b, padding_same=true, dilation_w=3)', [r(1, 2, 5, 6), r(3, 2, 3, 2)],
      lambda x, w: F.conv2d(x, w, padding='same', dilation=(1, 3)))
    e('conv2d_end', 'conv2d(a, b, padding_h=1, padding_end_h=2, padding_end_w=3, stride=2)',
      [r(1, 2, 5, 6), r(3, 2, 3, 2)], lambda x, w: F.conv2d(F.pad(x, (0, 3, 1, 2)), w, stride=2))
    e('conv3d', 'conv3d(a, b, c, padding=1)', [r(2, 2, 3, 4, 5), r(3, 2, 3, 2, 3), r(3)],
      lambda x, w, b: F.conv3d(x, w, b, padding=1))
    e('conv3d_options', 'conv3d(a, b, stride_d=2, stride_w=3, padding_h=1, dilation_d=2, dilation_w=2, groups=2)',
      [r(1, 4, 6, 4, 7), r(4, 2, 2, 3, 2)],
      lambda x, w: F.conv3d(x, w, None, (2, 1, 3), (0, 1, 0), (2, 1, 2), 2))
    e('transpose1d', 'conv_transpose1d(a, b, c, stride=3, padding=1, output_padding=2, dilation=2)',
      [r(2, 3, 5), r(3, 2, 3), r(2)], lambda x, w, b: F.conv_transpose1d(x, w, b, 3, 1, 2, 1, 2))
    e('transpose2d', 'conv_transpose2d(a, b, c)', [r(2, 3, 4, 5), r(3, 2, 3, 3), r(2)], F.conv_transpose2d)
    e('transpose2d_one', 'conv_transpose2d(a, b, padding=1)', [r(2, 3, 4, 15), r(3, 17, 3, 3)],
      lambda x, w: F.conv_transpose2d(x, w, padding=1))
    e('transpose2d_most', 'conv_transpose2d(a, b, c, stride_h=2, stride_w=3, padding_h=1, output_padding_h=1, '
      'output_padding_w=2, groups=2, dilation_h=2)', [r(1, 4, 3, 4), r(4, 3, 2, 3), r(6)],
      lambda x, w, b: F.conv_transpose2d(x, w, b, (2, 3), (1, 0), (1, 2), 2, (2, 1)))
    e('transpose2d_over', 'conv_transpose2d(a, b, dilation=3, output_padding=2)', [r(1, 1, 2, 3), r(1, 2, 2, 2)],
      lambda x, w: F.conv_transpose2d(x, w, dilation=3, output_padding=2))
    e('transpose3d', 'conv_transpose3d(a, b, c, stride_h=2, output_padding_h=1, padding_w=1)',
      [r(1, 2, 2, 3, 4), r(2, 3, 2, 2, 3), r(3)],
      lambda x, w, b: F.conv_transpose3d(x, w, b, (1, 2, 1), (0, 0, 1), (0, 1, 0)))

    special = torch.tensor([[[[1., 1, nan, 0, 2], [1, 1, 0, nan, 2], [-inf, -inf, 3, 3, 2], [-inf, -inf, 3, 3, inf]]]])
    for name, x, k in (('1d', r(2, 3, 9), 'kernel=3, stride=2, padding=1, ceil_mode=true'),
                       ('2d', r(1, 2, 6, 7), 'kernel=3, stride=2, padding=1, ceil_mode=true'),
                       ('3d', r(1, 1, 4, 5, 6), 'kernel=3, stride=2, padding=1, ceil_mode=true')):
        best, mean = getattr(F, 'max_pool' + name), getattr(F, 'avg_pool' + name)
        e('max_pool' + name, f'max_pool{name}(a, {k})', [x], lambda t: best(t, 3, 2, 1, 1, True))
        e('max_index' + name, f'max_pool_indices(a, {k})', [('c', x)],
          lambda t: best(t, 3, 2, 1, 1, True, return_indices=True)[1], grads=False)
        e('max_pool_far' + name, f'max_pool{name}(a, kernel=2, stride=1, padding=1, dilation=2)', [x],
          lambda t: best(t, 2, 1, 1, 2))
        e('avg_pool' + name, f'avg_pool{name}(a, {k})', [x], lambda t: mean(t, 3, 2, 1, True))
        e('avg_in' + name, f'avg_pool{name}(a, {k}, exclude_padding=true)', [x], lambda t: mean(t, 3, 2, 1, True, False))
        e('lp_pool' + name, f'lp_pool{name}(a, 3, kernel=3, stride=2, ceil_mode=true)', [x.abs() + 0.1],
          lambda t: getattr(F, 'lp_pool' + name)(t, 3., 3, 2, True))
        size = (2, 5, 4)[-(x.dim() - 2):]
        for kind in ('max', 'avg'):
            e(f'adaptive_{kind}{name}', f'adaptive_{kind}_pool{name}(a, [{",".join(map(str, size))}])', [x],
              lambda t: getattr(F, f'adaptive_{kind}_pool{name}')(t, size))
        places = best(x, 2, return_indices=True)[1]
        y = r(*places.shape)
        e('unpool' + name, f'max_unpool{name}(a, b, [{",".join(str(n) for n in x.shape[2:])}])', [y, ('i', places)],
          lambda t, i: getattr(F, 'max_unpool' + name)(t, i, 2, output_size=x.shape[2:]))
        places = torch.arange(2 ** (x.dim() - 2)).reshape((1, 1) + (2,) * (x.dim() - 2)).expand((2,) * x.dim())
        e('unpool_size' + name, f'max_unpool{name}(a, b, [], kernel=3, stride=2, padding=1)',
          [r(*places.shape), ('i', places)], lambda t, i: getattr(F, 'max_unpool' + name)(t, i, 3, 2, 1))
    e('avg_divisor2d', 'avg_pool2d(a, kernel=2, stride=1, divisor=3)', [r(1, 2, 3, 4)],
      lambda t: F.avg_pool2d(t, 2, 1, divisor_override=3))
    e('avg_divisor3d', 'avg_pool3d(a, kernel=2, divisor=-5)', [r(1, 2, 4, 3, 4)],
      lambda t: F.avg_pool3d(t, 2, divisor_override=-5))
    e('max_special', 'max_pool2d(a, kernel=2, stride=1)', [special], lambda t: F.max_pool2d(t, 2, 1))
    e('max_special_index', 'max_pool_indices(a, kernel=2, stride=1, padding=1)', [('c', special)],
      lambda t: F.max_pool2d(t, 2, 1, 1, return_indices=True)[1], grads=False)
    e('adaptive_special', 'adaptive_max_pool2d(a, [3,4])', [special], lambda t: F.adaptive_max_pool2d(t, (3, 4)))
    e('adaptive_special_index', 'adaptive_indices(a, [3,4])', [('c', special)],
      lambda t: F.adaptive_max_pool2d(t, (3, 4), return_indices=True)[1], grads=False)
    e('adaptive_more', 'adaptive_avg_pool2d(a, [5,-1])', [r(1, 2, 3, 4)], lambda t: F.adaptive_avg_pool2d(t, (5, None)))
    e('lp_zero', 'lp_pool2d(a, 2, kernel=2)', [torch.zeros(1, 1, 2, 4)], lambda t: F.lp_pool2d(t, 2., 2))
    e('unfold', 'unfold(a, kernel_h=2, kernel_w=3, dilation_w=2, padding_h=1, padding_w=2, stride_h=2)',
      [r(2, 3, 4, 6)], lambda t: F.unfold(t, (2, 3), (1, 2), (1, 2), (2, 1)))
    e('fold', 'fold(a, [4,6], kernel_h=2, kernel_w=3, dilation_w=2, padding_h=1, padding_w=2, stride_h=2)',
      [r(2, 12, 18)], lambda t: F.fold(t, (4, 6), (2, 3), (1, 2), (1, 2), (2, 1)))


def images_without_a_batch():
    """[C, sizes] wherever PyTorch takes it."""
    def e(name, expression, inputs, f):
        case('single_' + name, expression.replace(' ', ''), [], inputs, f)

    for nd in (1, 2, 3):
        size, kernel = (4, 5, 4)[:nd], (3, 2, 2)[:nd]
        word = lambda v: '[' + ','.join(map(str, v)) + ']'
        of = lambda name: getattr(F, f'{name}{nd}d')
        e(f'conv{nd}', f'conv{nd}d(a, b, c, padding=1, groups=2)', [r(4, *size), r(6, 2, *kernel), r(6)],
          lambda x, w, b: of('conv')(x, w, b, padding=1, groups=2))
        e(f'transpose{nd}', f'conv_transpose{nd}d(a, b, c, stride=2, output_padding=1)',
          [r(2, *size), r(2, 3, *kernel), r(3)],
          lambda x, w, b: of('conv_transpose')(x, w, b, 2, 0, 1))
        e(f'max{nd}', f'max_pool{nd}d(a, kernel=3, stride=2, padding=1, ceil_mode=true)', [r(2, *size)],
          lambda x: of('max_pool')(x, 3, 2, 1, 1, True))
        e(f'avg{nd}', f'avg_pool{nd}d(a, kernel=2, padding=1, exclude_padding=true)', [r(2, *size)],
          lambda x: of('avg_pool')(x, 2, 2, 1, False, False))
        e(f'lp{nd}', f'lp_pool{nd}d(a, 3, kernel=2)', [r(2, *size).abs() + 0.1], lambda x: of('lp_pool')(x, 3., 2))
        for kind in ('max', 'avg'):
            to = (3, 2, 5)[:nd]
            e(f'adaptive_{kind}{nd}', f'adaptive_{kind}_pool{nd}d(a, {word(to)})', [r(2, *size)],
              lambda x: of(f'adaptive_{kind}_pool')(x, to))
        x = r(2, *size)
        places = of('max_pool')(x, 2, return_indices=True)[1]
        e(f'unpool{nd}', f'max_unpool{nd}d(a, b, {word(size)})', [r(*places.shape), ('i', places)],
          lambda y, i: of('max_unpool')(y, i, 2, output_size=size))
    e('fold', 'fold(a, [4,5], kernel=2)', [r(12, 12)], lambda x: F.fold(x, (4, 5), 2))


def vocabulary():
    """Pointwise operations and activations that came later: expressions of tools/cases.txt."""
    nan, inf = float('nan'), float('inf')

    def e(name, expression, inputs, f, grads=True):
        case('v_' + name, expression.replace(' ', ''), [], inputs, f, grads)

    x = torch.tensor([0.3, -0.7, 1.6, 2.25, -2.4, 0.05, 4.5, -3.6, 11.3])
    unit = torch.tensor([0.3, -0.7, 0.01, -0.95, 0.999, 0.5])
    special = torch.tensor([nan, inf, 0.0, 1.0])
    pos = x.abs()
    for n in 'erfc lgamma digamma sinc frac deg2rad rad2deg'.split():
        e(n, n + '(a)', [x], getattr(torch, n))
    for n in 'selu mish softsign'.split():
        e(n, n + '(a)', [x], getattr(F, n))
    e('log_sigmoid', 'log_sigmoid(a)', [x], F.logsigmoid)
    e('tanhshrink', 'tanhshrink(a)', [x], F.tanhshrink)
    e('log10', 'log10(a)', [pos], torch.log10)
    e('erfinv', 'erfinv(a)', [unit], torch.erfinv)
    for n in 'erfc lgamma digamma log10 frac'.split():
        e(n + '_special', n + '(a)', [('c', special)], getattr(torch, n), False)
    edge = torch.tensor([nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 6.0, 3.0])
    e('selu_special', 'selu(a)', [edge], F.selu)
    e('log_sigmoid_special', 'log_sigmoid(a)', [edge], F.logsigmoid)
    e('celu', 'celu(a, 0.7)', [edge], lambda t: F.celu(t, 0.7))
    e('softshrink', 'softshrink(a, 0.5)', [edge], F.softshrink)
    e('hardshrink', 'hardshrink(a, 0.5)', [edge], F.hardshrink)
    e('hardtanh', 'hardtanh(a, -1, 0.5)', [edge], lambda t: F.hardtanh(t, -1, 0.5))
    e('relu6', 'relu6(a)', [edge], F.relu6)
    e('threshold', 'threshold(a, 1, 5)', [edge], lambda t: F.threshold(t, 1, 5))
    e('nan_to_num', 'nan_to_num(a, 2, 7, -8)', [edge], lambda t: torch.nan_to_num(t, 2, 7, -8))
    for n in 'signbit isposinf isneginf'.split():
        e(n, n.replace('isp', 'is_p').replace('isn', 'is_n') + '(a)', [('c', edge)], getattr(torch, n), False)
    e('prelu', 'prelu(a, b)', [r(2, 3, 4), r(3)], F.prelu)
    e('prelu_one', 'prelu(a, b)', [r(5), r(1)], F.prelu)
    e('prelu_special', 'prelu(a, b)', [torch.tensor([[nan, 0.0], [inf, -0.0]]), r(2)], F.prelu)
    e('glu', 'glu(a, 1)', [r(2, 6, 3)], lambda t: F.glu(t, 1))
    e('softmin', 'softmin(a, -1)', [r(3, 4)], lambda t: F.softmin(t, -1))
    e('rrelu', 'rrelu(a, 0.1, 0.4, false)', [x], lambda t: F.rrelu(t, 0.1, 0.4))
    e('logit', 'logit(a, 0.1)', [torch.tensor([0.05, 0.95, 0.5, nan, -1.0, 2.0, 0.3])], lambda t: torch.logit(t, 0.1))
    e('logit_all', 'logit(a, -1)', [torch.tensor([0.0, 1.0, -0.5, 1.5, 0.5, 0.3])], torch.logit)
    for k in 1, 2, 3, 4:
        e(f'polygamma{k}', f'polygamma({k}, a)', [pos[:4]], lambda t: torch.polygamma(k, t))
    tens = torch.tensor([1.2345, -2.555, 155.0, 250.0, 350.0, inf, nan])
    e('round_decimals', 'round_decimals(a, 2)', [('c', tens)], lambda t: torch.round(t, decimals=2), False)
    e('round_tens', 'round_decimals(a, -2)', [('c', tens)], lambda t: torch.round(t, decimals=-2), False)
    a = torch.tensor([nan, nan, 1.0, inf, -inf, 0.0, 1.0, 2.0, -1.0, inf])
    b = torch.tensor([nan, 1.0, nan, inf, inf, 0.0, 1.0, 3.0, 0.0, 1.0])
    for n in 'hypot xlogy logaddexp logaddexp2'.split():
        e(n + '_special', n + '(a, b)', [a, b], getattr(torch, n))
        e(n, n + '(a, b)', [r(3, 4), r(4).abs() + 0.2], getattr(torch, n))
    e('copysign', 'copysign(a, b)', [torch.tensor([2.0, 0.0, -3.0, 1.5]), torch.tensor([-0.0, -1.0, 2.0, 4.0])], torch.copysign)
    e('heaviside', 'heaviside(a, b)', [('c', a), ('c', b)], torch.heaviside, False)
    e('nextafter', 'nextafter(a, b)', [('c', a[5:9]), ('c', b[5:9])], torch.nextafter, False)
    e('lerp', 'lerp(a, b, c)', [r(3, 4), r(4), torch.tensor([[0.2], [0.5], [1.7]])], torch.lerp)
    e('lerp_scalar', 'lerp_scalar(a, b, 0.3)', [r(3), r(3)], lambda s, t: torch.lerp(s, t, 0.3))
    e('addcmul', 'addcmul(a, b, c, 0.5)', [r(3, 4), r(4), r(3, 1)], lambda s, t, u: torch.addcmul(s, t, u, value=0.5))
    e('addcdiv', 'addcdiv(a, b, c, 0.5)', [r(3, 4), r(4), r(3, 1)], lambda s, t, u: torch.addcdiv(s, t, u, value=0.5))
    e('float_power', 'float_power(a, b)', [('i', torch.tensor([-2, 3, 0])), ('i', torch.tensor([3, -2, 0]))], torch.float_power, False)
    near = torch.tensor([1.0, 1.1, nan, inf, -inf, 0.0]), torch.tensor([1.05, 1.3, nan, inf, inf, 0.01])
    e('isclose', 'isclose(a, b, 0.1, 0.02, true)', [('c', t) for t in near], lambda s, t: torch.isclose(s, t, 0.1, 0.02, True), False)
    i, j = torch.tensor([-7, 7, 0, 5, -128, 12, 1000003]), torch.tensor([3, -3, 0, 0, 64, 18, 1024])
    for n in 'gcd lcm bitwise_and bitwise_or bitwise_xor'.split():
        e(n, n + '(a, b)', [('i', i), ('i', j)], getattr(torch, n), False)
    k = torch.tensor([0, 1, 7, 62, 64, -1, 100])
    e('left_shift', 'left_shift(a, b)', [('i', i), ('i', k % 40)], torch.bitwise_left_shift, False)
    e('right_shift', 'right_shift(a, b)', [('i', i), ('i', k)], torch.bitwise_right_shift, False)
    e('bitwise_not', 'bitwise_not(a)', [('i', i)], torch.bitwise_not, False)


def statistics():
    """Reductions of reduce.h: expressions of tools/cases.txt, name_second the second of two results."""
    nan, inf = float('nan'), float('inf')

    def e(name, expression, inputs, f, grads=True):
        case('s_' + name, expression.replace(' ', ''), [], inputs, f, grads)

    x, z = r(3, 5), torch.tensor([[2.0, 0.0, -3.0], [0.0, 4.0, 0.0], [1.5, -2.0, 3.0]])
    e('prod', 'prod(a, [1], true)', [z], lambda t: t.prod(1, True))
    e('prod_all', 'prod(a, all, false)', [x], torch.prod)
    e('prod_nan', 'prod(a, [0], false)', [('c', torch.tensor([[nan, inf], [0.0, 0.0]]))], lambda t: t.prod(0), False)
    e('prod_int', 'prod(a, all, false)', [('i', torch.tensor([3, -4, 5]))], torch.prod, False)
    for p in (0, 0.5, 1, 1.5, 2, 3, inf, -inf, -1):
        e(f'norm_{p}', f'norm(a, {p}, [1], false)'.replace('-inf', 'neginf'), [z + (p < 0)], lambda t: torch.linalg.vector_norm(t, p, 1))
    e('norm_all', 'norm(a, 2, all, true)', [x], lambda t: torch.linalg.vector_norm(t, 2, (0, 1), True))
    e('norm_tie', 'norm(a, inf, [1], false)', [torch.tensor([[2.0, -2.0, 1.0]])], lambda t: torch.linalg.vector_norm(t, inf, 1))
    e('norm_0', 'norm(a, 2, all, false)', [torch.zeros(3)], torch.norm)
    e('norm_large', 'norm(a, 2, all, false)', [('c', torch.tensor([1e30, -2e30]))], torch.norm, False)
    e('dist', 'dist(a, b, 1.5)', [x, r(5)], lambda s, t: torch.dist(s, t, 1.5))
    for p in (0, 1, 2, 3, inf):
        e(f'cdist_{p}', f'cdist(a, b, {p})', [r(2, 3, 4), r(5, 4)], lambda s, t: torch.cdist(s, t, p))
    e('cdist_same', 'cdist(a, a, 2)', [r(3, 2)], lambda s: torch.cdist(s, s), False)
    tie = torch.tensor([[1.0, 3.0, 3.0], [nan, 9.0, nan], [-inf, -inf, -inf], [0.5, 0.5, 2.0]])
    for n in 'max min'.split():
        e(n, f'{n}(a, 1, false)', [tie], lambda t: getattr(torch, n)(t, 1).values)
        e(n + '_keep', f'{n}(a, 0, true)', [x], lambda t: getattr(torch, n)(t, 0, True).values)
        e(n + '_at', f'{n}_second(a, 1, true)', [('c', tie)], lambda t: getattr(torch, n)(t, 1, True).indices, False)
        e(n + '_0d', f'{n}(a, 0, false)', [torch.tensor(3.0)], lambda t: getattr(torch, n)(t, 0).values)
    e('aminmax', 'aminmax(a, [1], false)', [tie], lambda t: torch.aminmax(t, dim=1).min)
    e('aminmax_max', 'aminmax_second(a, [1], true)', [tie], lambda t: torch.aminmax(t, dim=1, keepdim=True).max)
    e('count_nonzero', 'count_nonzero(a, [0], false)', [('c', tie * torch.tensor([1.0, 0.0, 1.0]))], lambda t: torch.count_nonzero(t, 0), False)
    hole = torch.tensor([[1.0, nan, 3.0], [nan, nan, nan]])
    e('nansum', 'nansum(a, [1], false)', [hole], lambda t: torch.nansum(t, 1))
    e('nanmean', 'nanmean(a, [1], true)', [hole], lambda t: torch.nanmean(t, 1, True))
    e('nanmean_all', 'nanmean(a, all, false)', [hole], torch.nanmean)
    for k, n in enumerate(('var_mean', 'std_mean')):
        e(n, f'{n}(a, [0], {k}, false)', [x], lambda t: getattr(torch, n)(t, 0, correction=k)[0])
        e(n + '_mean', f'{n}_second(a, all, {k}, false)', [x], lambda t: getattr(torch, n)(t, correction=k)[1])
    e('trace', 'trace(a)', [x], torch.trace)
    e('trace_tall', 'trace(a)', [r(5, 3)], torch.trace)
    e('diff', 'diff(a, 1, -1, none, none)', [x], torch.diff)
    e('diff_2', 'diff(a, 2, 0, b, none)', [x, r(2, 5)], lambda s, t: torch.diff(s, 2, 0, t))
    e('diff_append', 'diff(a, 1, 1, none, b)', [x, r(3, 1)], lambda s, t: torch.diff(s, 1, 1, append=t))
    e('diff_none', 'diff(a, 7, 1, none, none)', [x], lambda s: torch.diff(s, 7, 1), False)
    e('diff_bool', 'diff(a, 1, 0, none, none)', [('b', torch.tensor([True, True, False, True]))], torch.diff, False)
    e('trapezoid', 'trapezoid(a, none, 0.5, 0)', [x], lambda t: torch.trapezoid(t, dx=0.5, dim=0))
    e('trapezoid_x', 'trapezoid(a, b, 1, 1)', [x, r(5)], lambda s, t: torch.trapezoid(s, t))
    e('trapezoid_one', 'trapezoid(a, none, 1, 1)', [r(3, 1)], torch.trapezoid)
    f, a = torch.tensor([1, 3, 0, 2, 1]), torch.rand(5) + 0.1
    e('cov', 'cov(a, 1, none, none)', [x], torch.cov)
    e('cov_0', 'cov(a, 0, none, none)', [r(7)], lambda t: torch.cov(t, correction=0))
    e('cov_f', 'cov(a, 1, b, none)', [x, ('i', f)], lambda s, t: torch.cov(s, fweights=t))
    e('cov_a', 'cov(a, 1, none, b)', [x, a], lambda s, t: torch.cov(s, aweights=t))
    e('cov_fa', 'cov(a, 2, b, c)', [x, ('i', f), a], lambda s, t, u: torch.cov(s, correction=2, fweights=t, aweights=u))
    e('corrcoef', 'corrcoef(a)', [x], torch.corrcoef)
    e('corrcoef_one', 'corrcoef(a)', [r(7)], torch.corrcoef)


def losses():
    """Losses and distances, at their ends above all: expressions of tools/cases.txt."""
    nan, inf = float('nan'), float('inf')
    torch.manual_seed(101)
    short = dict(mean='mean', sum='sum', each='none', batchmean='batchmean')

    def e(name, expression, inputs, f, grads=True):
        case('l_' + name, expression.replace(' ', ''), [], inputs, f, grads)

    def ce(name, options, inputs, n_in='a, b', **more):
        e(name, f'cross_entropy({n_in}{options})', inputs, lambda x, t, *w: F.cross_entropy(x, t, *w, **more))

    k = torch.rand(5) + 0.2
    ce('ce_p', '', [r(4, 5), torch.softmax(r(4, 5), 1)])
    ce('ce_p_weight', ', weight=c, label_smoothing=0.2, reduction=sum', [r(4, 5, 3), torch.rand(4, 5, 3), ('c', k)],
       reduction='sum', label_smoothing=0.2)
    ce('ce_p_each', ', weight=c, label_smoothing=0.2, reduction=each', [r(2, 5, 2, 2), torch.rand(2, 5, 2, 2), ('c', k)],
       reduction='none', label_smoothing=0.2)
    ce('ce_p_one', ', reduction=each', [r(5), torch.rand(5)], reduction='none')
    ce('ce_one', ', weight=c, reduction=each', [r(5), ('i', torch.tensor(3)), ('c', k)], reduction='none')
    ce('ce_deep', ', weight=c, label_smoothing=0.1, use_ignore_index=true, ignore_index=1',
       [r(2, 5, 2, 1, 3), ('i', torch.randint(0, 5, (2, 2, 1, 3))), ('c', k)], ignore_index=1, label_smoothing=0.1)
    ce('ce_far', ', reduction=each', [torch.tensor([[1e4, -1e4, 0.0], [1e4, -1e4, 3.0]]), ('i', torch.tensor([1, 0]))],
       reduction='none')
    ce('ce_p_far', ', reduction=each', [torch.tensor([[1e4, -1e4, 0.0], [1e4, -1e4, 3.0]]),
                                        torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])], reduction='none')
    e('linear', 'linear_cross_entropy(a, b, c, d, label_smoothing=0.1)', [r(4, 3), r(5, 3), r(5), ('i', torch.tensor([0, 4, 2, -100]))],
      lambda x, w, b, t: F.linear_cross_entropy(x, w, t, linear_bias=b, label_smoothing=0.1))
    e('linear_deep', 'linear_cross_entropy(a, b, c, d)', [r(4, 3), r(5, 2, 3), r(5, 2), ('i', torch.randint(0, 5, (4, 2)))],
      lambda x, w, b, t: F.linear_cross_entropy(x, w, t, linear_bias=b))
    e('linear_one', 'linear_cross_entropy(a, b, none, c)', [r(3), r(5, 3), torch.rand(5)],
      lambda x, w, t: F.linear_cross_entropy(x, w, t))
    for name, s in ('1', (4, 5)), ('2', (2, 5, 3, 2)), ('3', (2, 5, 3)), ('5', (2, 5, 2, 1, 2)):
        t = torch.randint(0, 5, (s[0], *s[2:]))
        e('nll_' + name, 'nll_loss(a, b, weight=c, use_ignore_index=true, ignore_index=1)', [r(*s), ('i', t), ('c', k)],
          lambda x, t, w: F.nll_loss(x, t, w, ignore_index=1))
        e('nll_each_' + name, 'nll_loss(a, b, reduction=each)', [r(*s), ('i', t)], lambda x, t: F.nll_loss(x, t, reduction='none'))
    e('nll_one', 'nll_loss(a, b, weight=c, reduction=each)', [r(5), ('i', torch.tensor(2)), ('c', k)],
      lambda x, t, w: F.nll_loss(x, t, w, reduction='none'))
    e('nll_many', 'nll_loss(a, b)', [r(3, 70), ('i', torch.tensor([69, 0, -100]))], F.nll_loss)
    e('nll_inf', 'nll_loss(a, b, reduction=sum)', [torch.tensor([[-inf, 0.0], [-1.0, -inf]]), ('i', torch.tensor([1, 0]))],
      lambda x, t: F.nll_loss(x, t, reduction='sum'))
    e('nll_none', 'nll_loss(a, b)', [r(2, 3), ('i', torch.tensor([-100, -100]))], F.nll_loss)

    x, t = torch.tensor([0.5, -0.5, 2.0, 0.0, 1e4, -1e4, inf, nan, 0.3]), torch.zeros(9)
    for red, name in short.items():
        if red == 'batchmean':
            continue
        e('l1_' + red, f'l1_loss(a, b, {red})', [x if red == 'each' else r(3, 4), t if red == 'each' else r(3, 4)],
          lambda a, b: F.l1_loss(a, b, reduction=name))
        for beta in 0, 0.5, 2:
            e(f'smooth_l1_{beta}_{red}', f'smooth_l1_loss(a, b, {beta}, {red})',
              [x, t] if red == 'each' else [r(3, 4), r(3, 4)], lambda a, b: F.smooth_l1_loss(a, b, reduction=name, beta=beta))
        e('huber_' + red, f'huber_loss(a, b, 0.5, {red})', [x, t] if red == 'each' else [r(3, 4), r(3, 4)],
          lambda a, b: F.huber_loss(a, b, reduction=name, delta=0.5))

    p = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.5, 0.25, 1.0, 0.0])
    y = torch.tensor([0.0, 1.0, 1.0, 0.0, 0.3, 1.0, 0.5, 0.5])
    e('bce_ends', 'binary_cross_entropy(a, b, none, each)', [p, ('c', y)], lambda a, b: F.binary_cross_entropy(a, b, reduction='none'))
    e('bce', 'binary_cross_entropy(a, b, c, mean)', [torch.rand(3, 4), torch.rand(3, 4), ('c', torch.rand(4))], F.binary_cross_entropy)
    z = torch.tensor([1e4, -1e4, 1e4, -1e4, 0.0, 30.0, -30.0, 90.0])
    e('bcel_far', 'binary_cross_entropy_with_logits(a, b, none, none, each)', [z, ('c', y)],
      lambda a, b: F.binary_cross_entropy_with_logits(a, b, reduction='none'))
    e('bcel', 'binary_cross_entropy_with_logits(a, b, none, none, mean)', [r(3, 4) * 3, torch.rand(3, 4)],
      F.binary_cross_entropy_with_logits)
    e('bcel_weight', 'binary_cross_entropy_with_logits(a, b, c, d, sum)', [r(3, 4) * 3, torch.rand(3, 4), ('c', torch.rand(4)), ('c', torch.rand(3, 1))],
      lambda a, b, w, v: F.binary_cross_entropy_with_logits(a, b, w, reduction='sum', pos_weight=v))
    e('bcel_pos', 'binary_cross_entropy_with_logits(a, b, none, c, each)', [r(3, 4) * 3, torch.rand(3, 4), ('c', torch.rand(4))],
      lambda a, b, v: F.binary_cross_entropy_with_logits(a, b, reduction='none', pos_weight=v))
    e('kl', 'kl_div(a, b, false, batchmean)', [r(3, 4), torch.rand(3, 4)], lambda a, b: F.kl_div(a, b, reduction='batchmean'))
    e('kl_0', 'kl_div(a, b, false, each)', [torch.tensor([-1.0, -1e4, -2.0]), ('c', torch.tensor([0.0, 0.0, 1.0]))],
      lambda a, b: F.kl_div(a, b, reduction='none'))
    e('kl_log', 'kl_div(a, b, true, sum)', [r(3, 4), r(4)], lambda a, b: F.kl_div(a, b, reduction='sum', log_target=True))
    e('kl_scalar', 'kl_div(a, b, false, batchmean)', [torch.tensor(-1.0), torch.tensor(0.4)],
      lambda a, b: F.kl_div(a, b, reduction='batchmean'))
    counts = torch.tensor([0.0, 1.0, 1.5, 7.0, 1000.0, 0.5])
    e('poisson', 'poisson_nll_loss(a, b, true, true, 0, each)', [r(6), ('c', counts)], lambda a, b: F.poisson_nll_loss(a, b, True, True, reduction='none'))
    e('poisson_plain', 'poisson_nll_loss(a, b, false, false, 0.001, mean)', [torch.rand(3, 4), torch.rand(4) * 3],
      lambda a, b: F.poisson_nll_loss(a, b, False, False, eps=0.001))
    e('gaussian', 'gaussian_nll_loss(a, b, c, true, 0.01, each)', [r(2, 3), r(2, 3), torch.tensor([[0.5, 0.0, 2.0], [0.01, 0.001, 30.0]])],
      lambda a, b, v: F.gaussian_nll_loss(a, b, v, True, 0.01, 'none'))
    e('gaussian_rows', 'gaussian_nll_loss(a, b, c, false, 0.01, mean)', [r(2, 3), r(2, 1), torch.rand(2)],
      lambda a, b, v: F.gaussian_nll_loss(a, b, v, False, 0.01))
    e('gaussian_columns', 'gaussian_nll_loss(a, b, c, false, 0.01, sum)', [r(2, 3, 2), r(3, 2), torch.rand(2, 1, 2)],
      lambda a, b, v: F.gaussian_nll_loss(a, b, v, False, 0.01, 'sum'))

    sign = torch.tensor([1.0, -1.0, 1.0, -1.0, -1.0, 0.0, 1.0, -1.0])
    d = torch.tensor([0.5, 0.5, -0.5, 1.5, 1.0, 0.25, nan, nan])
    e('hinge', 'hinge_embedding_loss(a, b, 1, each)', [d, ('c', sign)], lambda a, b: F.hinge_embedding_loss(a, b, reduction='none'))
    e('ranking', 'margin_ranking_loss(a, b, c, 0.5, each)', [d, torch.tensor([0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0]), ('c', sign)],
      lambda a, b, s: F.margin_ranking_loss(a, b, s, 0.5, reduction='none'))
    e('ranking_mean', 'margin_ranking_loss(a, b, c, 0, mean)', [r(3, 4), r(1, 4), r(3, 1)], F.margin_ranking_loss)
    e('cosine_loss', 'cosine_embedding_loss(a, b, c, 0.2, each)', [r(8, 4), r(8, 4), ('c', sign)],
      lambda a, b, s: F.cosine_embedding_loss(a, b, s, 0.2, reduction='none'))
    e('cosine_loss_0', 'cosine_embedding_loss(a, b, c, 0, mean)', [torch.zeros(2, 3), r(2, 3), ('c', sign[:2])], F.cosine_embedding_loss)
    e('cosine_loss_one', 'cosine_embedding_loss(a, b, c, -0.5, sum)', [r(4), r(4), ('i', torch.tensor(-1))],
      lambda a, b, s: F.cosine_embedding_loss(a, b, s, -0.5, reduction='sum'))
    e('multi_margin', 'multi_margin_loss(a, b, 1, 1, none, mean)', [r(4, 5), ('i', torch.tensor([0, 4, 2, 2]))], F.multi_margin_loss)
    e('multi_margin_2', 'multi_margin_loss(a, b, 2, 0.5, c, each)', [r(4, 5), ('i', torch.tensor([0, 4, 2, 2])), ('c', r(5))],
      lambda x, t, w: F.multi_margin_loss(x, t, 2, 0.5, w, reduction='none'))
    e('multi_margin_one', 'multi_margin_loss(a, b, 2, 1, none, each)', [r(5), ('i', torch.tensor([3]))],
      lambda x, t: F.multi_margin_loss(x, t, 2, reduction='none'))
    e('multi_margin_0d', 'multi_margin_loss(a, b, 1, 1, none, sum)', [r(1)[0], ('i', torch.tensor(0))],
      lambda x, t: F.multi_margin_loss(x, t, reduction='sum'))
    many = torch.tensor([[0, 1, -1, 4, 4], [4, 4, 2, -1, 0], [-1, 0, 1, 2, 3], [0, 1, 2, 3, 4]])
    for red in 'mean', 'each':
        e('multilabel_' + red, f'multilabel_margin_loss(a, b, {red})', [r(4, 5), ('i', many)],
          lambda x, t: F.multilabel_margin_loss(x, t, reduction=short[red]))
    e('multilabel_one', 'multilabel_margin_loss(a, b, sum)', [r(5), ('i', many[0])], lambda x, t: F.multilabel_margin_loss(x, t, reduction='sum'))
    e('multilabel_0d', 'multilabel_margin_loss(a, b, each)', [r(1)[0], ('i', torch.tensor(0))],
      lambda x, t: F.multilabel_margin_loss(x, t, reduction='none'))
    e('multilabel_soft', 'multilabel_soft_margin_loss(a, b, c, each)', [r(3, 4) * 3, torch.rand(3, 4), ('c', torch.rand(4))],
      lambda x, t, w: F.multilabel_soft_margin_loss(x, t, w, reduction='none'))
    e('multilabel_soft_far', 'multilabel_soft_margin_loss(a, b, none, sum)', [z.reshape(2, 4), ('c', y.reshape(2, 4))],
      lambda x, t: F.multilabel_soft_margin_loss(x, t, reduction='sum'))
    e('soft_margin', 'soft_margin_loss(a, b, mean)', [r(3, 4), ('c', r(4))], F.soft_margin_loss)
    e('soft_margin_far', 'soft_margin_loss(a, b, each)', [torch.tensor([1e4, -30.0, 30.0, 0.0]), ('i', torch.tensor([1, 1, -1, 1]))],
      lambda x, t: F.soft_margin_loss(x, t.double(), reduction='none'))
    e('triplet', 'triplet_margin_loss(a, b, c, 1, 2, 0.000001, false, mean)', [r(4, 5), r(4, 5), r(4, 5)], F.triplet_margin_loss)
    e('triplet_swap', 'triplet_margin_loss(a, b, c, 2, 3, 0.001, true, each)', [r(4, 5), r(4, 5), r(4, 5)],
      lambda a, b, c: F.triplet_margin_loss(a, b, c, 2, 3, 0.001, True, reduction='none'))
    e('triplet_one', 'triplet_margin_loss(a, b, c, 2, 1, 0, true, each)', [r(5), r(5), r(5)],
      lambda a, b, c: F.triplet_margin_loss(a, b, c, 2, 1, 0, True, reduction='none'))
    e('triplet_angle', 'triplet_margin_with_distance_loss(a, b, c, 1, true, sum)', [r(4, 5), r(4, 5), r(4, 5)],
      lambda a, b, c: F.triplet_margin_with_distance_loss(
          a, b, c, distance_function=lambda s, t: 1 - F.cosine_similarity(s, t, dim=-1), swap=True, reduction='sum'))

    e('cosine', 'cosine_similarity(a, b, 1, 0.00000001)', [r(3, 4, 2), r(4, 1)], lambda a, b: F.cosine_similarity(a, b, 1))
    e('cosine_0', 'cosine_similarity(a, b, -1, 0.5)', [torch.tensor([[0.0, 0.0], [0.1, 0.2], [3.0, 4.0]]), r(2)],
      lambda a, b: F.cosine_similarity(a, b, -1, 0.5))
    u, v = r(3, 5), r(3, 5)
    u[1] = v[1]
    u[2, 3] = v[2, 3]
    for q in 0, 0.5, 1, 1.5, 2, 3, inf:
        e(f'pairwise_{q}', f'pairwise_distance(a, b, {q}, 0, true)', [u, v],
          lambda a, b: F.pairwise_distance(a, b, q, 0, True))
        e(f'pdist_{q}', f'pdist(a, {q})', [torch.cat([u, v[1:2]])], lambda a: F.pdist(a, q))
    e('pairwise_row', 'pairwise_distance(a, b, 2, 0.000001, false)', [r(2, 3, 4), r(4)], F.pairwise_distance)
def scans():
    """Scans: expressions of tools/cases.txt, name_second the second of two results."""
    nan, inf = float('nan'), float('inf')

    def e(name, expression, inputs, f, grads=True):
        case('c_' + name, expression.replace(' ', ''), [], inputs, f, grads)

    x, z = r(3, 5), torch.tensor([[2.0, 0.0, -3.0, 1.5], [0.0, 4.0, 0.0, 2.0], [1.5, -2.0, 3.0, 0.0]])
    tie = torch.tensor([[1.0, 3.0, 3.0, 2.0], [1.0, nan, 9.0, nan], [-inf, -inf, 2.0, inf], [0.5, 0.5, -2.0, 0.5]])
    for a in (0, 1):
        e(f'cumsum_{a}', f'cumsum(a, {a})', [x], lambda t: torch.cumsum(t, a))
        e(f'cumprod_{a}', f'cumprod(a, {a})', [z], lambda t: torch.cumprod(t, a))
        e(f'logcumsumexp_{a}', f'logcumsumexp(a, {a})', [x * 3], lambda t: torch.logcumsumexp(t, a))
        for n in 'cummax cummin'.split():
            e(f'{n}_{a}', f'{n}(a, {a})', [tie], lambda t: getattr(torch, n)(t, a).values)
            e(f'{n}_at_{a}', f'{n}_second(a, {a})', [('c', tie)], lambda t: getattr(torch, n)(t, a).indices, False)
    e('cumsum_0d', 'cumsum(a, -1)', [torch.tensor(3.0)], lambda t: torch.cumsum(t, -1))
    e('cummax_0d', 'cummax(a, 0)', [torch.tensor(3.0)], lambda t: torch.cummax(t, 0).values)
    e('cumsum_nan', 'cumsum(a, 1)', [('c', tie)], lambda t: torch.cumsum(t, 1), False)
    e('cumprod_nan', 'cumprod(a, 1)', [('c', tie)], lambda t: torch.cumprod(t, 1), False)
    e('cumsum_bool', 'cumsum(a, 0)', [('b', torch.tensor([True, False, True, True]))], lambda t: torch.cumsum(t, 0), False)
    e('logcumsumexp_inf', 'logcumsumexp(a, 1)', [('c', tie)], lambda t: torch.logcumsumexp(t, 1), False)
    e('logcumsumexp_far', 'logcumsumexp(a, 0)', [torch.tensor([-900.0, 0.0, 900.0, 899.0])], lambda t: torch.logcumsumexp(t, 0))
    e('cumsum_none', 'cumsum(a, 1)', [r(3, 0)], lambda t: torch.cumsum(t, 1), False)


def sequences():
    """ctc_loss: padded labels and labels one after another, repeated ones, rows that are impossible."""
    torch.manual_seed(103)
    short = dict(mean='mean', sum='sum', each='none')
    x = torch.log_softmax(r(7, 5, 4) * 2, 2)
    steps, lengths = torch.tensor([7, 5, 7, 3, 0]), torch.tensor([3, 0, 4, 2, 0])
    padded = torch.tensor([[1, 1, 2, 0], [3, 3, 3, 3], [1, 2, 3, 1], [2, 2, 1, 1], [1, 1, 1, 1]])
    for red, name in short.items():
        case('q_' + red, f'ctc_loss(a,b,c,d,0,false,{red})', [], [x] + [('i', t) for t in (padded, steps, lengths)],
             lambda a, b, c, d: F.ctc_loss(a, b, c, d, 0, name))
    flat = torch.cat([padded[k, :lengths[k]] for k in range(5)])
    case('q_flat', 'ctc_loss(a,b,c,d,3,false,each)', [], [x] + [('i', t) for t in (flat % 3, steps, lengths)],
         lambda a, b, c, d: F.ctc_loss(a, b, c, d, 3, 'none'))
    for z in False, True:
        case(f'q_impossible_{z}', f'ctc_loss(a,b,c,d,0,{str(z).lower()},each)', [],
             [x[:, :2]] + [('i', t) for t in (torch.tensor([[1, 1, 1, 1], [1, 2, 1, 2]]), steps[:2], torch.tensor([4, 4]))],
             lambda a, b, c, d: F.ctc_loss(a, b, c, d, 0, 'none', z))
    case('q_one', 'ctc_loss(a,b,c,d,0,false,mean)', [], [x[:, 0]] + [('i', t) for t in (padded[0, :3], torch.tensor(7), torch.tensor(3))],
         lambda a, b, c, d: F.ctc_loss(a, b, c, d))


def creation():
    """Sequences, grids, windows: expressions of tools/cases.txt; the first argument gives the type."""
    nan = float('nan')
    torch.manual_seed(102)
    w = torch.signal.windows

    def e(name, expression, inputs, f, grads=True):
        case('n_' + name, expression.replace(' ', ''), [], inputs, f, grads)

    def made(name, expression, f, of=torch.zeros(1)):
        e(name, expression, [('c' if of.is_floating_point() else 'i', of)], lambda a: f(), False)

    for n in 0, 1, 2, 7, 8:
        made(f'linspace_{n}', f'linspace(a, -1.5, 2.25, {n})', lambda: torch.linspace(-1.5, 2.25, n))
        made(f'logspace_{n}', f'logspace(a, -1.5, 2.25, {n}, 3)', lambda: torch.logspace(-1.5, 2.25, n, 3))
        made(f'linspace_int_{n}', f'linspace(a, -10, 7, {n})', lambda: torch.linspace(-10, 7, n, dtype=torch.int64), torch.zeros(1, dtype=torch.int64))
        for p in True, False:
            t = str(p).lower()
            made(f'hann_{n}_{t}', f'hann_window(a, {n}, {t})', lambda: torch.hann_window(n, p))
            made(f'hamming_{n}_{t}', f'hamming_window(a, {n}, {t}, 0.54, 0.46)', lambda: torch.hamming_window(n, p))
            made(f'blackman_{n}_{t}', f'blackman_window(a, {n}, {t})', lambda: torch.blackman_window(n, p))
            made(f'bartlett_{n}_{t}', f'bartlett_window(a, {n}, {t})', lambda: torch.bartlett_window(n, p))
            made(f'kaiser_{n}_{t}', f'kaiser_window(a, {n}, {t}, 12)', lambda: torch.kaiser_window(n, p))
            made(f'nuttall_{n}_{t}', f'nuttall_window(a, {n}, {t})', lambda: w.nuttall(n, sym=not p))
            made(f'gaussian_{n}_{t}', f'gaussian_window(a, {n}, {t}, 1.5)', lambda: w.gaussian(n, std=1.5, sym=not p))
            made(f'cosine_{n}_{t}', f'cosine_window(a, {n}, {t})', lambda: w.cosine(n, sym=not p))
            made(f'exponential_{n}_{t}', f'exponential_window(a, {n}, {t}, 2, nan)', lambda: w.exponential(n, tau=2, sym=not p))
            made(f'general_{n}_{t}', f'general_hamming_window(a, {n}, {t}, 0.6)', lambda: w.general_hamming(n, alpha=0.6, sym=not p))
    made('exponential_center', 'exponential_window(a, 7, true, 2, 1)', lambda: w.exponential(7, tau=2, center=1, sym=False))
    made('exponential_one', 'exponential_window(a, 1, true, 2, 1)', lambda: w.exponential(1, tau=2, center=1, sym=False))
    made('linspace_down', 'linspace(a, 3, -3, 6)', lambda: torch.linspace(3, -3, 6))
    made('eye', 'eye(a, 2, 3)', lambda: torch.eye(2, 3))
    for k in -6, -1, 0, 2, 9:
        made(f'tril_{k}', f'tril_indices(a, 4, 5, {k})', lambda: torch.tril_indices(4, 5, k))
        made(f'triu_{k}', f'triu_indices(a, 4, 5, {k})', lambda: torch.triu_indices(4, 5, k))
    x, y, z = r(3), r(2), r(4)
    e('vander', 'vander(a, 4, false)', [('c', x)], lambda a: torch.vander(a, 4), False)
    e('vander_up', 'vander(a, 3, true)', [('i', torch.tensor([0, -2, 3]))], lambda a: torch.vander(a, 3, True), False)
    e('meshgrid', 'meshgrid(a, b, c)', [x, y, z], lambda *t: torch.stack(torch.meshgrid(*t, indexing='ij')))
    e('meshgrid_xy', 'meshgrid_xy(a, b, c)', [x, y, z], lambda *t: torch.stack(torch.meshgrid(*t, indexing='xy')))
    e('cartesian', 'cartesian_prod(a, b, c)', [x, y, z], torch.cartesian_prod)
    e('cartesian_one', 'cartesian_prod(a)', [x], torch.cartesian_prod)
    for k in 0, 1, 2, 4, 5:
        e(f'combinations_{k}', f'combinations(a, {k}, false)', [z], lambda a: torch.combinations(a, k), k in (1, 2, 4))
        e(f'combinations_again_{k}', f'combinations(a, {k}, true)', [y], lambda a: torch.combinations(a, k, True), k > 0)
def orders():
    """Orders: expressions of tools/cases.txt, name_second the second of two results."""
    nan, inf = float('nan'), float('inf')

    def e(name, expression, inputs, f, grads=True):
        case('o_' + name, expression.replace(' ', ''), [], inputs, f, grads)

    tie = torch.tensor([[1.0, 3.0, 3.0, 2.0, -0.0], [1.0, nan, 9.0, nan, 0.0], [-inf, -inf, 2.0, inf, 0.0], [0.0, 0.5, -0.0, 0.5, -2.0]])
    x = r(3, 6)
    for d in (False, True):
        t = str(d).lower()
        e('sort_' + t, f'sort(a, 1, {t})', [tie], lambda s: torch.sort(s, dim=1, descending=d, stable=True).values)
        e('sort_at_' + t, f'sort_second(a, 1, {t})', [('c', tie)], lambda s: torch.sort(s, dim=1, descending=d, stable=True).indices, False)
        e('argsort_' + t, f'argsort(a, 0, {t})', [('c', tie)], lambda s: torch.argsort(s, dim=0, descending=d, stable=True), False)
        e('topk_' + t, f'topk(a, 2, 1, {t})', [x], lambda s: torch.topk(s, 2, 1, largest=not d).values)
        e('topk_at_' + t, f'topk_second(a, 3, 0, {t})', [('c', x)], lambda s: torch.topk(s, 3, 0, largest=not d).indices, False)
    e('msort', 'msort(a)', [x], torch.msort)
    e('sort_0d', 'sort(a, 0, false)', [torch.tensor(2.0)], lambda s: torch.sort(s, 0).values)
    e('kthvalue', 'kthvalue(a, 2, -1, false)', [x], lambda s: torch.kthvalue(s, 2).values)
    e('kthvalue_at', 'kthvalue_second(a, 3, 1, true)', [('c', x)], lambda s: torch.kthvalue(s, 3, 1, True).indices, False)
    e('median', 'median(a, 1, false)', [x], lambda s: torch.median(s, 1).values)
    e('median_keep', 'median(a, 0, true)', [x], lambda s: torch.median(s, 0, True).values)
    e('median_nan', 'median(a, 1, false)', [('c', tie)], lambda s: torch.median(s, 1).values, False)
    e('nanmedian', 'nanmedian(a, 1, false)', [('c', tie)], lambda s: torch.nanmedian(s, 1).values, False)
    e('nanmedian_none', 'nanmedian(a, 0, false)', [('c', torch.tensor([nan, nan]))], lambda s: torch.nanmedian(s, 0).values, False)
    q = torch.tensor([0.3, 0.5, 1.0])
    for k, kind in enumerate(('linear', 'lower', 'higher', 'midpoint', 'nearest')):
        e('quantile_' + kind, f'quantile(a, b, 1, false, {k})', [x, ('c', q)], lambda s, v: torch.quantile(s, v, dim=1, interpolation=kind))
        e('nanquantile_' + kind, f'nanquantile(a, b, 0, true, {k})', [('c', tie), ('c', q)], lambda s, v: torch.nanquantile(s, v, dim=0, keepdim=True, interpolation=kind), False)
    e('quantile_0d', 'quantile(a, b, 0, false, 0)', [x, ('c', torch.tensor(0.4))], lambda s, v: torch.quantile(s, v, dim=0))
    whole = torch.tensor([[3, 1, 3, 1, 2], [0, 0, 4, 4, 4]])
    e('mode', 'mode(a, 1, false)', [('i', whole)], lambda s: torch.mode(s, 1).values, False)
    e('mode_at', 'mode_second(a, 1, true)', [('i', whole)], lambda s: torch.mode(s, 1, True).indices, False)
    rise, v = torch.tensor([-1.0, 0.0, 0.0, 2.0]), torch.tensor([[0.0, nan, -2.0], [2.0, 3.0, -0.5]])
    for d in (False, True):
        t = str(d).lower()
        e('searchsorted_' + t, f'searchsorted(a, b, {t}, none)', [('c', rise), ('c', v)], lambda s, w: torch.searchsorted(s, w, right=d), False)
        e('bucketize_' + t, f'bucketize(a, b, {t})', [('c', v), ('c', rise)], lambda w, s: torch.bucketize(w, s, right=d), False)
        e('isin_' + t, f'isin(a, b, {t})', [('c', v), ('c', torch.tensor([-0.0, nan, 3.0]))], lambda w, s: torch.isin(w, s, invert=d), False)
    e('bincount', 'bincount(a, none, 7)', [('i', whole[0])], lambda s: torch.bincount(s, minlength=7), False)
    e('bincount_weights', 'bincount(a, b, 0)', [('i', whole[0]), ('c', torch.arange(5.0))], torch.bincount, False)
    e('histc', 'histc(a, 4, 0, 3)', [('c', tie)], lambda s: torch.histc(s, 4, 0, 3), False)
    e('histc_data', 'histc(a, 5, 0, 0)', [('c', x)], lambda s: torch.histc(s, 5), False)
    e('histogram', 'histogram(a, b, c, true)', [('c', v), ('c', torch.tensor([-1.0, 0.0, 2.0])), ('c', v * v)], lambda s, b, w: torch.histogram(s, b, weight=w, density=True).hist, False)
    e('histogram_edges', 'histogram_edges(a, 5, 0, 0)', [('c', x)], lambda s: torch.histogram(s, 5).bin_edges, False)
    e('unique', 'unique(a)', [('i', whole)], torch.unique, False)
    e('unique_inverse', 'unique_second(a)', [('i', whole)], lambda s: torch.unique(s, return_inverse=True)[1], False)
    e('unique_nan', 'unique(a)', [('c', tie)], torch.unique, False)
    e('unique_counts', 'unique_consecutive_second(a)', [('i', whole)], lambda s: torch.unique_consecutive(s, return_counts=True)[1], False)
    e('cumulative_trapezoid', 'cumulative_trapezoid(a, b, 1, 1)', [x, r(6)], lambda s, t: torch.cumulative_trapezoid(s, t))
    for k in 1, 2:
        e(f'gradient_{k}', f'gradient(a, none, 0.5, 1, {k})', [x], lambda s: torch.gradient(s, spacing=0.5, dim=1, edge_order=k)[0])
        e(f'gradient_at_{k}', f'gradient(a, b, 1, 1, {k})', [x, ('c', torch.tensor([0.0, 1.0, 1.5, 3.0, 3.5, 5.0]))], lambda s, t: torch.gradient(s, spacing=(t,), dim=1, edge_order=k)[0])
    e('median_int', 'median(a, 0, false)', [('i', torch.tensor([5, -3, 2, 9]))], lambda s: torch.median(s, 0).values, False)


def linear_algebra():
    """Products: expressions of tools/cases.txt; einsum by the numbers of tools/case_calls_linalg.h."""
    torch.manual_seed(211)
    nan = float('nan')
    lines = (pathlib.Path(__file__).parent.parent / 'tools/case_calls_linalg.h').read_text()
    equations = re.findall(r'^    "([^"]*)",', lines, re.M)

    def e(name, expression, inputs, f, grads=True):
        case('la_' + name, expression.replace(' ', ''), [], inputs, f, grads)

    def es(name, k, *shapes):
        letters = ', '.join('abcdefgh'[:len(shapes)])
        e(f'einsum_{name}', f'einsum({k}, {letters})', [r(*s) for s in shapes], lambda *x: torch.einsum(equations[k], *x))

    es('mm', 0, (3, 5), (5, 4))
    es('batch', 1, (2, 3, 5), (1, 5, 4))
    es('chain', 2, (3, 2), (2, 4), (4, 5), (5, 2))
    es('diagonal', 3, (3, 3, 4))
    es('ellipsis', 4, (2, 1, 3, 4), (4, 5, 3))
    es('heads', 5, (2, 2, 3, 4), (2, 1, 5, 4))
    es('bilinear', 6, (2, 3), (4, 3, 2), (2, 2))
    es('implicit', 7, (3, 4), (4, 3), (4, 2))
    es('outer', 8, (3,), (4,), (2,))
    es('rows', 9, (2, 3, 4), (2, 3, 4))
    es('one', 13, (2, 3), (4, 1))
    es('twice', 18, (3, 2, 3))
    es('dots', 19, (3, 4))
    es('dots_none', 19, (3,))
    es('sums', 21, (2, 3, 4), (3, 4))
    es('none', 0, (3, 0), (0, 2))
    es('six', 22, (2, 3), (3, 2), (2, 3), (3, 4), (4, 2), (2, 3))
    es('sum_batch', 23, (3, 2, 4), (3, 4, 2))
    e('outer', 'outer(a, b)', [r(3), r(4)], torch.outer)
    e('inner', 'inner(a, b)', [r(3, 5), r(2, 4, 5)], torch.inner)
    e('inner_0d', 'inner(a, b)', [r(3, 2), torch.tensor(2.0)], torch.inner)
    e('vecdot', 'vecdot(a, b, 1)', [r(2, 3, 4), r(3, 1)], lambda s, t: torch.linalg.vecdot(s, t, dim=1))
    e('tensordot', 'tensordot(a, b, 2)', [r(2, 3, 4), r(3, 4, 5)], lambda s, t: torch.tensordot(s, t, 2))
    e('tensordot_0', 'tensordot(a, b, 0)', [r(2), r(3)], lambda s, t: torch.tensordot(s, t, 0))
    e('tensordot_one', 'tensordot(a, b, 1)', [r(2, 1), r(3, 4)], lambda s, t: torch.tensordot(s, t, 1))
    e('tensordot_axes', 'tensordot_axes(a, b, [2,0], [-1,0])', [r(2, 3, 4), r(2, 5, 4)], lambda s, t: torch.tensordot(s, t, ([2, 0], [-1, 0])))
    full = torch.full((3, 4), nan)
    e('addmm', 'addmm(a, b, c, 0.5, -2)', [r(4), r(3, 5), r(5, 4)], lambda s, t, u: torch.addmm(s, t, u, beta=0.5, alpha=-2))
    e('addmm_nan', 'addmm(a, b, c, 0, 3)', [('c', full), r(3, 5), r(5, 4)], lambda s, t, u: torch.addmm(s, t, u, beta=0, alpha=3))
    e('addmv', 'addmv(a, b, c, 1, 1)', [r(1), r(3, 5), r(5)], torch.addmv)
    e('addr', 'addr(a, b, c, 0.5, 2)', [r(3, 4), r(3), r(4)], lambda s, t, u: torch.addr(s, t, u, beta=0.5, alpha=2))
    e('addr_nan', 'addr(a, b, c, 0, 1)', [('c', full), r(3), r(4)], lambda s, t, u: torch.addr(s, t, u, beta=0))
    e('addbmm', 'addbmm(a, b, c, 0.5, 2)', [r(3, 4), r(2, 3, 5), r(2, 5, 4)], lambda s, t, u: torch.addbmm(s, t, u, beta=0.5, alpha=2))
    e('baddbmm', 'baddbmm(a, b, c, 0.5, 2)', [r(1, 4), r(2, 3, 5), r(2, 5, 4)], lambda s, t, u: torch.baddbmm(s, t, u, beta=0.5, alpha=2))
    e('multi_dot', 'multi_dot(a, b, c, d)', [r(3), r(3, 5), r(5, 2), r(2, 4)], lambda *x: torch.linalg.multi_dot(x))
    for k in 0, 1, 5:
        e(f'matrix_power_{k}', f'matrix_power(a, {k})', [r(2, 3, 3)], lambda s: torch.linalg.matrix_power(s, k), k > 0)
    e('kron', 'kron(a, b)', [r(3, 1, 2), r(4, 2)], torch.kron)
    e('cross', 'cross(a, b, 1)', [r(2, 3, 4), r(1, 3, 4)], lambda s, t: torch.linalg.cross(s, t, dim=1))
    e('bilinear', 'bilinear(a, b, c, d)', [r(2, 3, 4), r(2, 3, 5), r(2, 4, 5), r(2)], F.bilinear)
    for k, kind in enumerate(('fro', 1, -1, float('inf'), -float('inf'))):
        e(f'matrix_norm_{k}', f'matrix_norm(a, {k}, 1, -1, true)', [r(2, 3, 4)], lambda s: torch.linalg.matrix_norm(s, kind, (1, -1), keepdim=True))


def factorisations():
    """What eliminates and what is definite: expressions of tools/cases.txt, after tools/case_calls_linalg.h."""
    torch.manual_seed(223)
    L = torch.linalg

    def e(name, expression, inputs, f, grads=True):
        case('fa_' + name, expression.replace(' ', ''), [], inputs, f, grads)

    a, b = r(2, 4, 4), r(2, 4, 3)
    for name, s in ('square', (2, 4, 4)), ('tall', (5, 3)), ('wide', (3, 5)):
        e('lu_' + name, 'lu_factor(a)', [r(*s)], lambda x: L.lu_factor(x).LU)
        e('lu_l_' + name, 'lu_l(a)', [r(*s)], lambda x: L.lu(x).L)
        e('lu_u_' + name, 'lu_u(a)', [r(*s)], lambda x: L.lu(x).U)
        e('lu_p_' + name, 'lu(a)', [('c', r(*s))], lambda x: L.lu(x).P, False)
    e('lu_pivots', 'lu_pivots(a)', [('c', a)], lambda x: L.lu_factor(x).pivots, False)
    one = torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 5.0, 7.0]])
    for name, m in ('one', one), ('two', one[:2, :2]), ('zero', torch.zeros(3, 3)):
        e('info_' + name, 'inv_info(a)', [('c', m)], lambda x: L.inv_ex(x).info, False)
        e('inv_' + name, 'inv(a)', [('c', m)], lambda x: L.inv_ex(x).inverse, False)
        e('det_' + name, 'det(a)', [('c', m)], L.det, False)
        e('slogdet_' + name, 'slogdet(a)', [('c', m)], lambda x: L.slogdet(x).sign, False)
        e('slogdet_log_' + name, 'slogdet_log(a)', [('c', m)], lambda x: L.slogdet(x).logabsdet, False)
    f = L.lu_factor(a)
    for left in (True, False):
        for adjoint in (True, False):
            e(f'lu_solve_{left}_{adjoint}', f'lu_solve(a, cast(b, i32), c, {str(left).lower()}, {str(adjoint).lower()})',
              [f.LU, ('i', f.pivots.int()), b if left else r(2, 3, 4)],
              lambda x, p, y: L.lu_solve(x, p.int(), y, left=left, adjoint=adjoint))
        for upper in (True, False):
            e(f'triangle_{left}_{upper}', f'solve_triangular(a, b, {str(upper).lower()}, {str(left).lower()}, false)',
              [r(4, 4) + 3 * torch.eye(4), b if left else r(2, 3, 4)], lambda x, y: L.solve_triangular(x, y, upper=upper, left=left))
    e('triangle_unit', 'solve_triangular(a, b, true, true, true)', [a, b], lambda x, y: L.solve_triangular(x, y, upper=True, unitriangular=True))
    e('solve', 'solve(a, b, true)', [a, b], L.solve)
    e('solve_right', 'solve(a, b, false)', [a, r(3, 4)], lambda x, y: L.solve(x, y, left=False))
    e('solve_batch', 'solve(a, b, true)', [r(3, 3), r(2, 1, 3, 2)], L.solve)
    e('solve_vector', 'solve(a, b, true)', [r(4, 4), r(4)], L.solve)
    e('solve_vectors', 'solve(a, b, true)', [a, r(2, 4)], L.solve)
    e('inv', 'inv(a)', [a], L.inv)
    e('inv_none', 'inv(a)', [r(2, 0, 0)], L.inv)
    e('det', 'det(a)', [a], L.det)
    e('det_big', 'det(a)', [r(5, 5)], L.det)
    e('slogdet_log', 'slogdet_log(a)', [a], lambda x: L.slogdet(x).logabsdet)
    e('slogdet', 'slogdet(a)', [('c', a)], lambda x: L.slogdet(x).sign, False)
    d = a @ a.mT + 0.5 * torch.eye(4)
    e('logdet', 'logdet(a)', [d], torch.logdet)
    e('logdet_nan', 'logdet(a)', [('c', torch.tensor([[0.0, 1.0], [1.0, 0.0]]))], torch.logdet, False)
    c = L.cholesky(d)
    for upper in (False, True):
        u, half = str(upper).lower(), torch.triu if upper else torch.tril  # PyTorch has gradients beyond it, of what it does not read
        t = c.mT if upper else c
        e('cholesky_' + u, f'cholesky(a, {u})', [d], lambda x: L.cholesky(x, upper=upper))
        e('cholesky_solve_' + u, f'cholesky_solve(a, b, {u})', [b, t], lambda y, x: torch.cholesky_solve(y, half(x), upper))
        e('cholesky_inverse_' + u, f'cholesky_inverse(a, {u})', [t], lambda x: torch.cholesky_inverse(half(x), upper))
    e('cholesky_info', 'cholesky_info(a, false)', [('c', torch.stack([d[0], d[0] - 2 * torch.diag(torch.tensor([0.0, 9.0, 0.0, 0.0]))]))],
      lambda x: L.cholesky_ex(x).info, False)


def spectra():
    """Orthogonal factors, eigenvalues, singular values; of vectors their squares, since signs are free."""
    torch.manual_seed(227)
    L = torch.linalg

    def e(name, expression, inputs, f, grads=True):
        case('sp_' + name, expression.replace(' ', ''), [], inputs, f, grads)

    for name, s in ('square', (2, 3, 3)), ('tall', (5, 3)), ('wide', (3, 5)):
        e('qr_' + name, 'qr(a, 0)', [r(*s)], lambda x: L.qr(x).Q)
        e('qr_r_' + name, 'qr_r(a, 0)', [r(*s)], lambda x: L.qr(x).R)
        e('qr_complete_' + name, 'qr(a, 1)', [r(*s)], lambda x: L.qr(x, 'complete').Q, name != 'tall')
        e('qr_complete_r_' + name, 'qr_r(a, 1)', [r(*s)], lambda x: L.qr(x, 'complete').R, name != 'tall')
        e('svdvals_' + name, 'svdvals(a)', [r(*s)], L.svdvals)
        e('svd_' + name, 'square(svd(a))', [r(*s)], lambda x: L.svd(x, False).U.square())
        e('svd_vh_' + name, 'square(svd_vh(a))', [r(*s)], lambda x: L.svd(x, False).Vh.square())
        e('pinv_' + name, 'pinv(a, -1)', [r(*s)], L.pinv)
        e('rank_' + name, 'matrix_rank(a, -1)', [('c', r(*s))], L.matrix_rank, False)
    e('qr_only_r', 'qr_r(a, 2)', [('c', r(5, 3))], lambda x: L.qr(x, 'r').R, False)
    e('lstsq', 'lstsq(a, b)', [r(5, 3), r(5, 2)], lambda x, y: L.lstsq(x, y).solution)
    e('lstsq_wide', 'lstsq(a, b)', [r(2, 3, 4), r(2, 3, 2)], lambda x, y: L.pinv(x) @ y)
    d = r(2, 4, 4)
    d = d + d.mT
    for upper in (False, True):
        u = str(upper).lower()
        way = 'U' if upper else 'L'
        e('eigvalsh_' + u, f'eigvalsh(a, {u})', [d], lambda x: L.eigvalsh(x, way))
        e('eigh_vectors_' + u, f'square(eigh_vectors(a, {u}))', [d], lambda x: L.eigh(x, way).eigenvectors.square())
    one = torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 5.0, 7.0]])
    e('rank_one', 'matrix_rank(a, 0.00001)', [('c', torch.stack([one, 0 * one]))], L.matrix_rank, False)
    e('eigvalsh_half', 'eigvalsh(a, false)', [('c', one)], L.eigvalsh, False)


def promotion():
    """HOW OP A B TYPE VALUE: a tensor of one 3 of type A, with B: a 1-D or 0-d tensor of 2, or a number."""
    torch.set_default_dtype(torch.float32)
    names = {t: n for n, t in TYPES.items()}
    ops = dict(add=torch.add, div=torch.div, pow=torch.pow, maximum=torch.maximum, eq=torch.eq,
               logical_and=torch.logical_and)

    def row(how, op, a, b, x, y):
        try:
            if op == 'pow' and torch.result_type(x, y) == torch.bool:
                return  # bool has no powers here
            r = ops[op](x, y)
        except (RuntimeError, NotImplementedError):  # it has no such kernel, or no common type
            return
        print(how, op, a, b, names[r.dtype], '%.9g' % float(r.reshape(-1)[0]))

    for op in ops:
        for a, t in TYPES.items():
            x = torch.tensor([3]).to(t)
            for b, u in TYPES.items():
                row('tensor', op, a, b, x, torch.tensor([2]).to(u))
                row('scalar', op, a, b, x, torch.tensor(2).to(u))
                row('first', op, a, b, torch.tensor(3).to(t), torch.tensor([2]).to(u))
            for v in (2, 2.5):
                if op in ('add', 'div', 'pow', 'eq'):
                    row('number', op, a, str(v), x, v)


def indices_and_images():
    i = torch.tensor([[1, 0, 2, 1], [2, 2, 0, 1]])
    case('gather', 'gather(a,1,b)', [], [r(2, 3), ('i', i)], lambda a, b: a.gather(1, b))
    case('scatter_add', 'scatter_add(a,1,b,c)', [], [r(2, 3), ('i', i), r(2, 4)], lambda a, b, c: a.scatter_add(1, b, c))
    for k, how in enumerate(('prod', 'mean', 'amax', 'amin')):
        for own in (True, False):
            case(f'scatter_{how}_{own}', f'scatter_reduce(a,1,b,c,{k + 1},{str(own).lower()})', [],
                 [r(2, 3), ('i', i), r(2, 4)], lambda a, b, c: a.scatter_reduce(1, b, c, how, include_self=own))
    case('index', 'index(a,b,c)', [], [r(3, 4, 2), ('i', torch.tensor([[1], [-1]])), ('i', torch.tensor([0, -2, 3]))],
         lambda a, b, c: a[b, c])
    case('index_put', 'index_put(a,true,c,b)', [], [r(3, 2), ('i', torch.tensor([1, -1, 1])), r(3, 2)],
         lambda a, b, c: a.index_put((b,), c, accumulate=True))
    case('unfold_dim', 'unfold_dim(a,0,3,2)', [], [r(6, 2)], lambda a: a.unfold(0, 3, 2))
    case('diag_embed', 'diag_embed(a,1,0,-1)', [], [r(2, 3)], lambda a: torch.diag_embed(a, 1, 0, -1))
    for mode in 'reflect replicate circular'.split():
        case('pad_' + mode, f'pad_{mode}(a,[2,1],[-1,2])', [], [r(1, 4, 3)],
             lambda a: F.pad(a, (1, 2, 2, -1), mode=mode))
    for k, mode in ((0, 'nearest'), (1, 'nearest-exact'), (2, 'bilinear'), (3, 'bicubic'), (4, 'area')):
        for corners in ((False, True) if k in (2, 3) else (False,)):
            for smooth in ((False, True) if k in (2, 3) else (False,)):
                case(f'interpolate_{mode}_{corners}_{smooth}',
                     f'interpolate(a,[7,3],mode={k},align_corners={str(corners).lower()},antialias={str(smooth).lower()})',
                     [], [r(1, 2, 4, 5)],
                     lambda a: F.interpolate(a, (7, 3), mode=mode, align_corners=corners if k in (2, 3) else None,
                                             antialias=smooth))
    case('interpolate_scale', 'interpolate(a,[],mode=2,scale_h=1.7,scale_w=0.6)', [], [r(1, 2, 4, 5)],
         lambda a: F.interpolate(a, scale_factor=(1.7, 0.6), mode='bilinear'))
    for k, mode in ((0, 'bilinear'), (1, 'nearest'), (2, 'bicubic')):
        for p, padding in ((0, 'zeros'), (1, 'border'), (2, 'reflection')):
            for corners in (False, True):
                for volume in ((False,) if k == 2 else (False, True)):
                    case(f'grid_sample_{mode}_{padding}_{corners}_{volume}',
                         f'grid_sample(a,b,mode={k},padding={p},align_corners={str(corners).lower()})', [],
                         [r(2, 2, 2, 3, 4), r(2, 1, 2, 3, 3)] if volume else [r(2, 2, 3, 4), r(2, 3, 2, 2)],
                         lambda a, b: F.grid_sample(a, b, mode, padding, corners))
    for corners in (False, True):
        case(f'affine_grid_{corners}', f'affine_grid(a,[2,1,3,4],{str(corners).lower()})', [], [r(2, 2, 3)],
             lambda a: F.affine_grid(a, (2, 1, 3, 4), align_corners=corners))
        case(f'affine_volume_{corners}', f'affine_grid(a,[1,1,2,1,3],{str(corners).lower()})', [], [r(1, 3, 4)],
             lambda a: F.affine_grid(a, (1, 1, 2, 1, 3), align_corners=corners))


def attention():
    torch.manual_seed(15)
    attend = F.scaled_dot_product_attention

    def e(name, expression, inputs, f):
        case('attention_' + name, expression.replace(' ', ''), [], inputs, f)

    q, k, v, ok = r(2, 3, 4, 5), r(2, 3, 6, 5), r(2, 3, 6, 2), torch.rand(4, 6) > 0.4
    ok[1] = False
    e('plain', 'scaled_dot_product_attention(a, b, c)', [q, k, v], attend)
    e('mask', 'scaled_dot_product_attention(a, b, c, d)', [q, k, v, ('b', ok)], attend)
    e('added', 'scaled_dot_product_attention(a, b, c, d, scale=0.5)', [q, k, v, r(3, 1, 6)],
      lambda a, b, c, d: attend(a, b, c, d, scale=0.5))
    e('heads', 'scaled_dot_product_attention(a, b, c, is_causal=true, enable_gqa=true)',
      [r(1, 4, 3, 2), r(1, 2, 3, 2), r(1, 2, 3, 4)], lambda a, b, c: attend(a, b, c, is_causal=True, enable_gqa=True))


def matrices_more():
    """Norms by singular values, condition numbers, inverse powers, exponentials, factors taken apart."""
    torch.manual_seed(229)
    L = torch.linalg

    def e(name, expression, inputs, f, grads=True):
        case('ma_' + name, expression.replace(' ', ''), [], inputs, f, grads)

    for k, kind in ((5, 'nuc'), (6, 2), (7, -2)):
        e(f'norm_{k}', f'matrix_norm(a, {k}, 0, -1, true)', [r(3, 2, 4)], lambda x: L.matrix_norm(x, kind, (0, -1), keepdim=True))
        e(f'norm_none_{k}', f'matrix_norm(a, {k}, 0, 1, false)', [('c', r(*((0, 3) if k < 7 else (3, 3))))], lambda x: L.matrix_norm(x, kind), False)
    for k, kind in enumerate(('fro', 1, -1, float('inf'), -float('inf'), 'nuc', 2, -2)):
        e(f'cond_{k}', f'cond(a, {k})', [r(2, 3, 3)],
          (lambda x: L.cond(x, kind)) if k > 5 else lambda x: L.matrix_norm(x, kind) * L.matrix_norm(L.inv(x), kind))  # PyTorch's own has no gradient
        e(f'cond_none_{k}', f'cond(a, {k})', [('c', r(2, 0, 0))], lambda x: L.cond(x, kind), False)
    e('cond_wide', 'cond(a, 6)', [r(2, 4)], L.cond)
    e('cond_0', 'cond(a, 1)', [('c', torch.stack([torch.zeros(2, 2), torch.eye(2)]))], lambda x: L.cond(x, 1), False)
    for k in -1, -3:
        e(f'power_{k}', f'matrix_power(a, {k})', [r(2, 3, 3)], lambda x: L.matrix_power(x, k))
    for name, m in ('small', r(3, 3) * 0.05), ('one', r(2, 3, 3)), ('large', r(3, 3) * 9), ('each', r(3, 2, 2) * torch.tensor([0.01, 1.0, 20.0])[:, None, None]), \
            ('0', torch.zeros(2, 2)), ('nilpotent', 40 * torch.triu(torch.ones(3, 3), 1)), ('number', torch.tensor([[-3.5]])), ('none', r(2, 0, 0)):
        e('exp_' + name, 'matrix_exp(a)', [m], torch.matrix_exp)
    for name, s in ('square', (2, 3, 3)), ('tall', (4, 2)), ('wide', (2, 4)):
        f = L.lu_factor(r(*s))
        take = lambda k: lambda x, p: torch.lu_unpack(x, p.int())[k]
        e('unpack_' + name, 'lu_unpack(a, cast(b, i32))', [('c', f.LU), ('i', f.pivots.int())], take(0), False)
        e('unpack_l_' + name, 'lu_unpack_l(a, cast(b, i32))', [f.LU, ('i', f.pivots.int())], take(1))
        e('unpack_u_' + name, 'lu_unpack_u(a, cast(b, i32))', [f.LU, ('i', f.pivots.int())], take(2))
    u, v = r(5, 3), r(2, 4)
    e('svd_full', 'square(svd_full(a))', [r(2, 3, 3)], lambda x: L.svd(x).U.square())
    e('svd_full_tall', 'square(svd_full_vh(a))', [u], lambda x: L.svd(x).Vh.square())
    e('svd_full_wide', 'square(svd_full(a))', [v], lambda x: L.svd(x).U.square())
    e('svd_full_rest', 'sum(square(slice(svd_full(a), 1, 3, 5, 1)), [1], false)', [('c', u)], lambda x: L.svd(x).U[:, 3:].square().sum(1), False)


def weights():
    """Losses with a weight for each element."""
    torch.manual_seed(233)

    def e(name, expression, inputs, f, grads=True):
        case('we_' + name, expression.replace(' ', ''), [], inputs, f, grads)

    for red, name in (('mean', 'mean'), ('sum', 'sum'), ('each', 'none')):
        x, t, w = r(3, 4), r(3, 4), torch.rand(3, 4)
        e('mse_' + name, f'mse_loss_weighted(a, b, c, {red})', [x, t, w], lambda x, t, w: F.mse_loss(x, t, reduction=name, weight=w))
        e('l1_' + name, f'l1_loss_weighted(a, b, c, {red})', [x, t, w], lambda x, t, w: F.l1_loss(x, t, reduction=name, weight=w))
        e('huber_' + name, f'huber_loss_weighted(a, b, c, 0.6, {red})', [x, t, w],
          lambda x, t, w: F.huber_loss(x, t, name, 0.6, w))
    e('mse_0', 'mse_loss_weighted(a, b, c, mean)', [('c', r(3)), ('c', r(3)), ('c', torch.zeros(3))], lambda x, t, w: F.mse_loss(x, t, weight=w), False)


def bags():
    """Bags of a table's rows, and what differs along an axis."""
    torch.manual_seed(239)

    def e(name, expression, inputs, f, grads=True):
        case('bag_' + name, expression.replace(' ', ''), [], inputs, f, grads)

    table, two, one = r(6, 3), torch.randint(0, 6, (4, 5)), torch.tensor([1, 2, 2, 5, 0, 3, 3, 1])
    off, last = torch.tensor([0, 3, 3, 4, 8]), torch.tensor([0, 3, 3, 4, 6])
    same = torch.tensor([[1.0, 2.0], [1.0, 2.0], [0.0, 2.0]])
    w, w2 = r(8), r(4, 5)
    for k, mode in enumerate(('mean', 'sum', 'max')):
        e(f'rows_{mode}', f'embedding_bag(a, b, none, mode={k})', [table, ('i', two)], lambda t, i: F.embedding_bag(i, t, mode=mode))
        e(f'rows_{mode}_padding', f'embedding_bag(a, b, none, mode={k}, use_padding=true, padding_idx=-4)', [table, ('i', two)],
          lambda t, i: F.embedding_bag(i, t, mode=mode, padding_idx=-4))
        e(f'{mode}', f'embedding_bag(a, b, c, mode={k})', [table, ('i', one), ('i', off)], lambda t, i, o: F.embedding_bag(i, t, o, mode=mode))
        e(f'{mode}_last', f'embedding_bag(a, b, c, mode={k}, include_last_offset=true)', [table, ('i', one[:6]), ('i', last)],
          lambda t, i, o: F.embedding_bag(i, t, o, mode=mode, include_last_offset=True))
        e(f'{mode}_padding', f'embedding_bag(a, b, c, mode={k}, use_padding=true, padding_idx=3)', [table, ('i', one), ('i', off)],
          lambda t, i, o: F.embedding_bag(i, t, o, mode=mode, padding_idx=3))
        e(f'{mode}_tie', f'embedding_bag(a, b, c, mode={k})', [same, ('i', torch.tensor([2, 1, 0, 0])), ('i', torch.tensor([0, 2]))],
          lambda t, i, o: F.embedding_bag(i, t, o, mode=mode))
    e('weight', 'embedding_bag(a, b, c, mode=1, weight=d, use_padding=true, padding_idx=2)', [table, ('i', one), ('i', off), w],
      lambda t, i, o, w: F.embedding_bag(i, t, o, mode='sum', per_sample_weights=w, padding_idx=2))
    e('rows_weight', 'embedding_bag(a, b, none, mode=1, weight=c)', [table, ('i', two), w2],
      lambda t, i, w: F.embedding_bag(i, t, mode='sum', per_sample_weights=w))
    e('none', 'embedding_bag(a, b, c)', [table, ('i', one[:0]), ('i', torch.zeros(3, dtype=torch.int64))], lambda t, i, o: F.embedding_bag(i, t, o))
    whole = torch.tensor([[1, 2, 1, 0, 2], [3, 0, 3, 0, 0], [1, 1, 1, 5, 1]])
    for a in (0, 1, -1):
        e(f'unique_{a}', f'unique_dim(a, {a})', [('i', whole)], lambda s: torch.unique(s, dim=a), False)
        e(f'unique_inverse_{a}', f'unique_dim_second(a, {a})', [('i', whole)], lambda s: torch.unique(s, return_inverse=True, dim=a)[1], False)
        e(f'consecutive_{a}', f'unique_consecutive_dim(a, {a})', [('i', whole.sort(1).values)], lambda s: torch.unique_consecutive(s, dim=a), False)
        e(f'counts_{a}', f'unique_consecutive_dim_second(a, {a})', [('i', whole.sort(1).values)],
          lambda s: torch.unique_consecutive(s, return_counts=True, dim=a)[1], False)
    deep = torch.randint(0, 2, (40, 3, 1, 1))
    e('unique_deep', 'unique_dim(a, 0)', [('i', deep)], lambda s: torch.unique(s, dim=0), False)
    e('unique_float', 'unique_dim(a, 0)', [('c', deep.double()[:, :2] - 0.5)], lambda s: torch.unique(s, dim=0), False)


def corners():
    """Zero, NaN and infinity beside each other, each first."""
    nan, inf = math.nan, math.inf
    def e(name, expression, inputs, f, grads=True):
        case('corner_' + name, expression.replace(' ', ''), [], inputs, f, grads)

    a = torch.tensor([0.0, -0.0, 0.0, nan, inf, nan, -inf, 0.0])
    b = torch.tensor([nan, nan, -0.0, 0.0, nan, inf, 0.0, -inf])
    for n in 'hypot logaddexp logaddexp2 xlogy'.split():
        e(n, n + '(a, b)', [a, b], getattr(torch, n))
    e('heaviside', 'heaviside(a, b)', [('c', a), ('c', b)], torch.heaviside, False)
    half = torch.tensor([-0.5, -1.5, -2.5, 0.5, -0.75, -3.25])
    e('digamma', 'digamma(a)', [half], torch.digamma)


def special():
    """Inverse hyperbolic functions, statistics' and Bessel's, with the ends of what they are defined for."""
    nan, inf = math.nan, math.inf

    def e(name, expression, inputs, f, grads=True):
        case('special_' + name, expression.replace(' ', ''), [], inputs, f, grads)

    x = torch.tensor([0.3, -0.7, 1.6, 2.25, -2.4, 0.05, 4.5, -3.6, 11.3, 40.0])
    edge = torch.tensor([nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 2.0, -2.0])
    domains = dict(asinh=x, acosh=x.abs() + 1, atanh=torch.tensor([0.3, -0.7, 0.01, -0.95, 0.999, 0.5]), entr=x.abs())
    for n, at in domains.items():
        f = getattr(torch, n, None) or getattr(torch.special, n)
        e(n, n + '(a)', [at], f)
        e(n + '_edge', n + '(a)', [('c', edge)], f, False)
    e('entr_ends', 'entr(a)', [torch.tensor([nan, 0.0, 1.0, inf])], torch.special.entr)
    a = torch.tensor([nan, nan, 1.0, inf, -inf, 0.0, 1.0, 2.0, -1.0, inf, 3.0])
    b = torch.tensor([nan, 1.0, nan, inf, inf, 0.0, 1.0, 3.0, 0.0, 1.0, -2.0])
    for n in 'fmax fmin ldexp'.split():
        e(n, n + '(a, b)', [a, b], getattr(torch, n))
    for n in 'ndtr log_ndtr i0 i0e i1 i1e'.split():
        e(n, n + '(a)', [x], getattr(torch.special, n))
        ends = edge[[0, 3, 4, 5, 6, 7, 8]] if n in ('i0', 'i1') else edge  # PyTorch's are NaN at infinity
        e(n + '_edge', n + '(a)', [('c', ends)], getattr(torch.special, n), False)
        if n != 'log_ndtr':
            e(n + '_ends', n + '(a)', [torch.tensor([nan, 0.0, -1.0])], getattr(torch.special, n))


if sys.argv[1:] == ['promotion']:
    promotion()
    sys.exit()

if sys.argv[1:] == ['casts']:
    casts()
    sys.exit()

print('torch', torch.__version__.split('+')[0])
unary()
binary()
reductions()
rows()
movement()
heavy()
edges()
options()
conventions()
shapes()
quotients()
windows()
images_without_a_batch()
vocabulary()
statistics()
norms()
losses()
scans()
creation()
orders()
sequences()
indices_and_images()
linear_algebra()
factorisations()
attention()
spectra()
matrices_more()
weights()
bags()
corners()
special()
