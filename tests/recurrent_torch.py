#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""recurrent_torch.py > data/recurrent.txt: PyTorch's results and gradients of recurrent layers, for test_recurrent.c.

A line is a name and numbers: case KIND T N I H LAYERS DIRECTIONS BATCH_FIRST BIASES RELU LENGTHS, then parameters, inputs,
results and gradients of sum(y w) + sum(h_n) (+ sum(c_n)), where w[i] = ((7 i) % 11 - 5) / 5."""
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)


def show(name, t):
    print(name, ' '.join('%.9g' % v for v in t.detach().reshape(-1).tolist()))


def case(kind, t, n, i, h, layers=1, two=False, first=False, bias=True, relu=False, lengths=None, states=False):
    make = {'rnn': torch.nn.RNN, 'lstm': torch.nn.LSTM, 'gru': torch.nn.GRU}[kind]
    more = dict(nonlinearity='relu') if relu else {}
    net = make(i, h, layers, bias=bias, batch_first=first, bidirectional=two, **more)
    for p in net.parameters():
        p.data = p.data.float().double()
    d = 2 if two else 1
    shape = ([t, i] if n == 0 else [n, t, i] if first else [t, n, i])
    x = torch.randn(shape).float().double().requires_grad_()
    s = [torch.randn([layers * d, h] if n == 0 else [layers * d, n, h]).float().double().requires_grad_()
         for _ in range(2 if kind == 'lstm' else 1)] if states else []
    given = (tuple(s) if kind == 'lstm' else s[0]) if states else None
    if lengths:
        y, last = net(pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=False), given)
        y, _ = pad_packed_sequence(y, batch_first=first, total_length=t)
    else:
        y, last = net(x, given)
    last = last if kind == 'lstm' else (last,)
    print('case', kind, t, n, i, h, layers, d, int(first), int(bias), int(relu), int(states), ' '.join(map(str, lengths or [])))
    for name, p in net.named_parameters():
        show('param ' + name, p)
    show('x', x)
    for q, name in zip(s, ('h0', 'c0')):
        show(name, q)
    show('y', y)
    for q, name in zip(last, ('h_n', 'c_n')):
        show(name, q)
    w = ((7 * torch.arange(y.numel())) % 11 - 5).double() / 5
    loss = (y.reshape(-1) * w).sum() + sum(q.sum() for q in last)
    names = [k for k, _ in net.named_parameters()]
    for name, g in zip(['dx'] + ['grad ' + k for k in names], torch.autograd.grad(loss, [x] + list(net.parameters()))):
        show(name, g)
    print('end')


print('# torch', torch.__version__.split('+')[0])
for k in ('rnn', 'lstm', 'gru'):
    case(k, 3, 2, 3, 4)
    case(k, 4, 3, 2, 3, layers=2, two=True, first=True, lengths=[4, 1, 3], states=True)
    case(k, 1, 1, 3, 2, bias=False)
    case(k, 3, 0, 2, 3, two=True, states=True)
case('rnn', 5, 2, 2, 3, relu=True, lengths=[2, 5])
