#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""optim_torch.py > data/optim.txt: what PyTorch's optimizers make of twenty random gradients.
optim_torch.py schedules > data/schedules.txt: rates of PyTorch's schedulers over long runs.

Made once, by the version of PyTorch that the file names. Lines:
  weights W..., gradients G...           of all cases: 20 elements, 20 steps of them
  case NAME TYPE ROWSxCOLUMNS WHEN FIELD=VALUE...   clg_optim_params
  WHEN: in which steps there is a gradient: all, or third: the first of every three
  1 W...   20 W...                       weights after that many steps; in f64 for f32 too
  schedule NAME, T RATE0 RATE1 BETA1     of two groups that start at 0.1 and 0.03
Lion and LAMB, which PyTorch does not have, are their papers' formulas. Muon iterates in f64 here."""
import math
import random
import sys
import torch

torch.set_default_dtype(torch.float64)
random.seed(7)
N, STEPS = 20, 20
weights = [random.randint(-4096, 4096) / 2048 for _ in range(N)]
gradients = [[random.randint(-4096, 4096) * 2.0 ** random.randint(-16, -8) for _ in range(N)] for _ in range(STEPS)]
for k in range(STEPS):  # an element that has no gradient for long
    gradients[k][3] = 0.0 if k < 12 else gradients[k][3]


class Lion(torch.optim.Optimizer):
    def step(self):
        for g in self.param_groups:
            b1, b2 = g['betas']
            for p in g['params']:
                if p.grad is None:
                    continue
                m = self.state[p].setdefault('m', torch.zeros_like(p))
                p.mul_(1 - g['lr'] * g['weight_decay'])
                p.sub_(g['lr'] * torch.sign(b1 * m + (1 - b1) * p.grad))
                m.mul_(b2).add_((1 - b2) * p.grad)


class Lamb(torch.optim.Optimizer):
    def step(self):
        for g in self.param_groups:
            b1, b2 = g['betas']
            for p in g['params']:
                if p.grad is None:
                    continue
                s = self.state[p]
                s.setdefault('m', torch.zeros_like(p)), s.setdefault('v', torch.zeros_like(p))
                s['t'] = s.get('t', 0) + 1
                s['m'].mul_(b1).add_((1 - b1) * p.grad)
                s['v'].mul_(b2).add_((1 - b2) * p.grad ** 2)
                u = s['m'] / (1 - b1 ** s['t']) / ((s['v'] / (1 - b2 ** s['t'])).sqrt() + g['eps'])
                u = u + g['weight_decay'] * p
                a, b = p.norm(), u.norm()
                p.sub_(g['lr'] * (a / b if a > 0 and b > 0 else 1.0) * u)


def keep_f64(module):
    """PyTorch's Muon rounds to bf16 before it iterates."""
    import types
    to = torch.Tensor.to
    code = module._zeropower_via_newtonschulz

    def iterate(grad, coefficients, steps, eps):
        a, b, c = coefficients
        x = grad.T if grad.size(0) > grad.size(1) else grad
        x = x / x.norm().clamp(min=eps)
        for _ in range(steps):
            m = x @ x.T
            x = a * x + (b * m + c * m @ m) @ x
        return x.T if grad.size(0) > grad.size(1) else x
    module._zeropower_via_newtonschulz = iterate


from torch.optim import _muon
keep_f64(_muon)
O = torch.optim


def make(rule, f, params):
    f = dict(f)
    f.pop('master', None)
    flags = {k: True for k in ('nesterov', 'maximize', 'amsgrad', 'centered') if f.pop(k, None)}
    if f.pop('decoupled', None):
        flags['decoupled_weight_decay'] = True
    if 'beta1' in f or 'beta2' in f:
        d = (0.9, 0.99 if rule == 'lion' else 0.999)
        f['betas'] = (f.pop('beta1', d[0]), f.pop('beta2', d[1]))
    if f.pop('no_nesterov', None):
        flags['nesterov'] = False
    if f.pop('no_decay', None):
        flags['weight_decay'] = 0
    if 'alpha' in f and rule == 'adadelta':
        f['rho'] = f.pop('alpha')
    if 'initial' in f:
        f['initial_accumulator_value'] = f.pop('initial')
    if 'adjust' in f:
        f['adjust_lr_fn'] = ['original', 'match_rms_adamw', 'spectral_unclamped'][f.pop('adjust')]
    if rule == 'lion':
        return Lion(params, {'lr': 1e-4, 'betas': (.9, .99), 'weight_decay': 0, **f})
    if rule == 'lamb':
        return Lamb(params, {'lr': 1e-3, 'betas': (.9, .999), 'weight_decay': .01, 'eps': 1e-6, **f, **flags})
    cls = {'sgd': O.SGD, 'adam': O.Adam, 'adamw': O.AdamW, 'rmsprop': O.RMSprop, 'adagrad': O.Adagrad,
           'adadelta': O.Adadelta, 'adamax': O.Adamax, 'nadam': O.NAdam, 'radam': O.RAdam, 'muon': O.Muon}[rule]
    if params[0].dtype in (torch.float16, torch.bfloat16):
        flags['fused'] = True  # sums in f32, rounded where they are stored
    return cls(params, **f, **flags)


def text(values):
    return ' '.join(repr(float(v)) for v in values)


RULES = ['', 'sgd', 'adam', 'adamw', 'rmsprop', 'adagrad', 'adadelta', 'adamax', 'nadam', 'radam', 'lion', 'lamb', 'muon']


def case(name, rule, shape=(4, 5), dtype='f64', when='all', **f):
    t = {'f64': torch.float64, 'f16': torch.float16, 'bf16': torch.bfloat16}[dtype]
    p = torch.tensor(weights).reshape(shape).to(t).requires_grad_()
    master = f.get('master')
    w = p.detach().double().requires_grad_() if master else p
    o = make(rule, f, [w])
    print(f'case {name} {dtype} {shape[0]}x{shape[1]} {when} rule={RULES.index(rule)}',
          *[f'{k}={v!r}' for k, v in f.items()])
    for k in range(STEPS):
        g = torch.tensor(gradients[k]).reshape(shape).to(t).to(w.dtype)
        w.grad = g if when == 'all' or k % 3 == 0 else None
        with torch.no_grad():
            o.step()
        if k in (0, STEPS - 1):
            print(k + 1, text((w.detach().to(t) if master else w.detach()).double().flatten()))


def schedule(name, make, steps=1000, metric=None, rates=(.1, .03)):
    a, b = (torch.zeros(1, requires_grad=True) for _ in range(2))
    o = O.Adam([{'params': [a], 'lr': rates[0]}, {'params': [b], 'lr': rates[1]}])
    o.step()
    s = make(o)
    print('schedule', name)
    for k in range(steps):
        if k < 25 or k % 47 == 0 or k == steps - 1:
            print(k, *[repr(g['lr']) for g in o.param_groups], repr(o.param_groups[0]['betas'][0]))
        s.step(metric(k)) if metric else s.step()


if sys.argv[1:] == ['schedules']:
    S = torch.optim.lr_scheduler
    print(f'# PyTorch {torch.__version__.split("+")[0]}, made by tests/optim_torch.py')
    schedule('lambda', lambda o: S.LambdaLR(o, [lambda t: 1 / (1 + t), lambda t: .99 ** t]))
    schedule('multiplicative', lambda o: S.MultiplicativeLR(o, lambda t: .99 if t % 2 else 1.001))
    schedule('step', lambda o: S.StepLR(o, 7, .9))
    schedule('multi_step', lambda o: S.MultiStepLR(o, [300, 3, 5, 5, 12, 20], .3))
    schedule('constant', lambda o: S.ConstantLR(o, .3, 4))
    schedule('linear', lambda o: S.LinearLR(o, .1, .7, 300))
    schedule('linear_plain', lambda o: S.LinearLR(o))
    schedule('exponential', lambda o: S.ExponentialLR(o, .993))
    schedule('polynomial', lambda o: S.PolynomialLR(o, 900, .9))
    schedule('cosine', lambda o: S.CosineAnnealingLR(o, 11, 1e-3))
    schedule('cosine_long', lambda o: S.CosineAnnealingLR(o, 999))
    schedule('restarts', lambda o: S.CosineAnnealingWarmRestarts(o, 5, 2, 1e-4))
    schedule('restarts_plain', lambda o: S.CosineAnnealingWarmRestarts(o, 13))
    schedule('one_cycle', lambda o: S.OneCycleLR(o, .5, 1000))
    schedule('one_cycle_linear', lambda o: S.OneCycleLR(o, .5, 24, pct_start=.2, anneal_strategy='linear', three_phase=True,
                                                        div_factor=7., final_div_factor=30., base_momentum=.6), 24)
    schedule('one_cycle_short', lambda o: S.OneCycleLR(o, .5, 10, cycle_momentum=False), 10)
    schedule('chained', lambda o: S.ChainedScheduler([S.ConstantLR(o, .1, 2), S.ExponentialLR(o, .99), S.StepLR(o, 50)]))
    schedule('sequential', lambda o: S.SequentialLR(o, [S.LinearLR(o, .01, total_iters=10), S.CosineAnnealingLR(o, 90, 1e-5),
                                                        S.ExponentialLR(o, .999)], [10, 100]))
    schedule('sequential_restarts', lambda o: S.SequentialLR(
        o, [S.ConstantLR(o, .1, 3), S.CosineAnnealingWarmRestarts(o, 4, 3), S.StepLR(o, 3, .5)], [5, 600]))
    schedule('plateau', lambda o: S.ReduceLROnPlateau(o, factor=.5, patience=3, cooldown=2, min_lr=1e-3),
             metric=lambda k: 1 + ((k * 37) % 11) / (k + 3))
    schedule('plateau_max', lambda o: S.ReduceLROnPlateau(o, mode='max', threshold_mode='abs', threshold=.01, patience=1),
             metric=lambda k: k * .004 if k < 500 else math.nan)
    sys.exit(0)
print(f'# PyTorch {torch.__version__.split("+")[0]}, made by tests/optim_torch.py')
print('weights', text(weights))
for g in gradients:
    print('gradients', text(g))
case('sgd', 'sgd', lr=.1)
case('sgd_decay', 'sgd', lr=.1, weight_decay=.05, maximize=1)
case('sgd_momentum', 'sgd', lr=.1, momentum=.9, dampening=.25, weight_decay=.05)
case('sgd_nesterov', 'sgd', lr=.1, momentum=.9, nesterov=1)
case('sgd_sparse', 'sgd', lr=.1, momentum=.9, dampening=.25, when='third')
case('adam', 'adam', lr=.02)
case('adam_amsgrad', 'adam', lr=.02, amsgrad=1, weight_decay=.1)
case('adam_maximize', 'adam', lr=.02, beta1=.7, beta2=.8, eps=1e-3, maximize=1)
case('adam_decoupled', 'adam', lr=.02, weight_decay=.1, decoupled=1)
case('adam_sparse', 'adam', lr=.02, weight_decay=.1, when='third')
case('adamw', 'adamw', lr=.02)
case('adamw_amsgrad', 'adamw', lr=.02, amsgrad=1, weight_decay=.3)
case('rmsprop', 'rmsprop', lr=.02)
case('rmsprop_centered', 'rmsprop', lr=.02, alpha=.9, centered=1, eps=1e-3)
case('rmsprop_momentum', 'rmsprop', lr=.02, momentum=.8, weight_decay=.1)
case('rmsprop_all', 'rmsprop', lr=.02, momentum=.8, centered=1, alpha=.95, eps=1e-2, maximize=1)
case('adagrad', 'adagrad', lr=.1)
case('adagrad_decay', 'adagrad', lr=.1, lr_decay=.2, initial=.5, weight_decay=.1)
case('adagrad_sparse', 'adagrad', lr=.1, lr_decay=.2, when='third')
case('adadelta', 'adadelta')
case('adadelta_decay', 'adadelta', lr=2, alpha=.7, eps=1e-3, weight_decay=.1, maximize=1)
case('adamax', 'adamax', lr=.02)
case('adamax_decay', 'adamax', lr=.02, beta1=.8, beta2=.9, weight_decay=.1)
case('nadam', 'nadam', lr=.02)
case('nadam_decay', 'nadam', lr=.02, momentum_decay=.1, weight_decay=.1)
case('nadam_decoupled', 'nadam', lr=.02, weight_decay=.1, decoupled=1, when='third')
case('radam', 'radam', lr=.02)
case('radam_soon', 'radam', lr=.02, beta2=.9, weight_decay=.1)
case('radam_decoupled', 'radam', lr=.02, weight_decay=.1, decoupled=1, when='third')
case('lion', 'lion', lr=.02)
case('lion_decay', 'lion', lr=.02, beta1=.8, beta2=.6, weight_decay=.1)
case('lamb', 'lamb', lr=.02)
case('lamb_plain', 'lamb', lr=.02, no_decay=1, eps=1e-3)
case('muon', 'muon', lr=.02)
case('muon_tall', 'muon', shape=(10, 2), lr=.02, no_nesterov=1, adjust=1, momentum=.8)
case('muon_wide', 'muon', shape=(1, 20), lr=.02, adjust=2, ns_steps=3, weight_decay=.3)
for t in ('f16', 'bf16'):
    case('sgd_' + t, 'sgd', dtype=t, lr=.1, momentum=.9)
    case('adamw_' + t, 'adamw', dtype=t, lr=.02)
    case('master_' + t, 'adamw', dtype=t, lr=.02, master=1)
