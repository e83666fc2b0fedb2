#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""transformer_torch.py > data/transformer.txt: PyTorch's results and gradients of attention and transformers' layers.

A line is a name and numbers: case KIND FLAGS, then parameters, inputs, results and gradients of sum(y w), where
w[i] = ((7 i) % 11 - 5) / 5. test_transformer.c knows what each kind and flag is."""
import torch

torch.manual_seed(5)
torch.set_default_dtype(torch.float64)
E, H, L, S, N, F = 6, 2, 3, 4, 2, 5


def show(name, t):
    print(name, ' '.join('%.9g' % v for v in t.detach().double().reshape(-1).tolist()))


def single(t):
    return t.float().double()


def finish(net, inputs, y, more=()):
    for name, p in net.named_parameters():
        show('param ' + name, p)
    for name, t in inputs.items():
        show(name, t)
    show('y', y)
    for name, t in more:
        show(name, t)
    w = ((7 * torch.arange(y.numel())) % 11 - 5).double() / 5
    named = list(net.named_parameters())
    wrt = [t for t in inputs.values() if t.requires_grad]
    g = torch.autograd.grad((y.reshape(-1) * w).sum(), wrt + [p for _, p in named])
    names = ['d' + k for k, t in inputs.items() if t.requires_grad] + ['grad ' + k for k, _ in named]
    for name, t in zip(names, g):
        show(name, t)
    print('end')


def prepare(net):
    for p in net.parameters():
        p.data = single(torch.randn(p.shape) * 0.4)
    return net


def shape(length, width, batched, first):
    return [length, width] if not batched else [N, length, width] if first else [length, N, width]


def given(*size):
    return single(torch.randn(*size)).requires_grad_()


def masks(flags, queries, keys):
    attn = pad = None
    if 'bool' in flags:
        attn = torch.tensor([[(3 * i + j) % 5 == 1 for j in range(keys)] for i in range(queries)])
    if 'heads' in flags:
        attn = torch.stack([single(torch.randn(queries, keys)) for _ in range(N * H)])
    if 'pad' in flags:
        pad = torch.zeros(N, keys, dtype=torch.bool)
        pad[0, -1] = True
    return attn, pad


def attention(flags):
    wide = 'wide' in flags
    net = prepare(torch.nn.MultiheadAttention(E, H, bias='nobias' not in flags, batch_first='first' in flags,
                                              kdim=5 if wide else None, vdim=3 if wide else None))
    batched, first = 'single' not in flags, 'first' in flags
    inputs = {'q': given(shape(L, E, batched, first))}
    q = k = v = inputs['q']
    if 'self' not in flags:
        inputs['k'] = k = given(shape(S, 5 if wide else E, batched, first))
        v = k
    if wide:
        inputs['v'] = v = given(shape(S, 3, batched, first))
    attn, pad = masks(flags, L, k.shape[1 if batched and first else 0])
    y, w = net(q, k, v, attn_mask=attn, key_padding_mask=pad, need_weights=True, average_attn_weights='each' not in flags)
    print('case attention', ' '.join(flags))
    more = [('weights', w)]
    if attn is not None and attn.dtype != torch.bool:
        show('mask', attn)
    finish(net, inputs, y, more)


def layer(kind, flags):
    make = torch.nn.TransformerEncoderLayer if kind == 'encoder' else torch.nn.TransformerDecoderLayer
    first = 'first' in flags
    net = make(E, H, F, 0, 'gelu' if 'gelu' in flags else 'relu', 1e-5, first, 'before' in flags, 'nobias' not in flags)
    if 'stack' in flags:
        norm = torch.nn.LayerNorm(E, bias='nobias' not in flags)
        net = (torch.nn.TransformerEncoder if kind == 'encoder' else torch.nn.TransformerDecoder)(net, 2, norm)
    net = prepare(net)
    inputs = {'x': given(shape(L, E, True, first))}
    if kind == 'decoder':
        inputs['memory'] = given(shape(S, E, True, first))
    attn, pad = masks(flags, L, L)
    if kind == 'encoder':
        y = net(inputs['x'], attn, src_key_padding_mask=pad)
    else:
        y = net(inputs['x'], inputs['memory'], attn, tgt_key_padding_mask=pad)
    print('case', kind, ' '.join(flags))
    finish(net, inputs, y)


print('# torch', torch.__version__.split('+')[0])
for case in ('self', 'self single', 'first bool pad', 'wide nobias', 'heads pad each', 'self first bool'):
    attention(case.split())
for case in ('first', 'before gelu bool pad', 'stack nobias'):
    layer('encoder', case.split())
for case in ('first bool', 'before gelu', 'stack pad'):
    layer('decoder', case.split())
