# SPDX-License-Identifier: MIT
"""The goals on a CPU: what each asks for, and what a run of tools/cpu-page reached. A run is its JSON: 'bench' (of all
families), 'gemm' (large products beside one peer each), 'nets' (of tools/compare-torch), 'first', 'launch', 'record'."""
import math

CONVS = ['conv3x3', 'conv_nets', 'conv1x1', 'conv_strided', 'depthwise', 'grouped', 'conv_c1', 'conv_wide']
FIRST = {'demo': 3, 'resnet18': 8, 'vit': 6, 'vae': 5, 'resnet18_1': 1.5}
WARM = 0.15
SIDES = (512, 1024, 2048, 4096)
FORMS = ('NN', 'NT', 'TN', 'TT')


def mean(values):
    values = [v for v in values if v]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def cases(run, *families):
    return [c for c in run.get('bench', {}).get('cases', []) if c['family'] in families]


def of_cases(what, *families, of=mean, names=None):
    def value(run):
        values = [c[what] for c in cases(run, *families) if c[what] and (names is None or c['name'] in names)]
        return of(values) if values else None
    return value


def of_gemm(peer):
    names = [f'{n}x{n}x{n} {form}' for n in SIDES for form in FORMS]

    def value(run):
        found = {c['name']: c['ratio'] for c in run.get('gemm', {}).get(peer, [])}
        return mean(found[n] for n in names) if all(found.get(n) for n in names) else None
    return value


def of_net(name, what):
    def value(run):
        row = {r['net']: r for r in run.get('nets', {}).get('nets', [])}.get(name, {})
        return row.get(what, {}).get('ratio')
    return value


def of_first(name, which):
    return lambda run: run.get('first', {}).get(name, [None, None])[which]


def goals():
    """(group, what, bound, whether it is the most, value of a run)"""
    out = []

    def least(group, what, bound, value):
        out.append((group, what, bound, False, value))

    def most(group, what, bound, value):
        out.append((group, what, bound, True, value))
    group = 'Convolutions, times oneDNN'
    for families, bound, what in [(['conv3x3'], 1.3, '3x3, stride 1'), (['conv_nets'], 1.15, 'of the networks'),
                                  (['conv_strided'], 1.0, 'strided, dilated, transposed'), (['conv1x1'], 0.95, '1x1'),
                                  (['depthwise'], 1.0, 'depthwise'), (['grouped'], 1.0, 'grouped'),
                                  (['conv_c1'], 1.0, 'one to three channels')]:
        least(group, what + ', mean', bound, of_cases('ratio', *families))
    least(group, 'the worst of all', 0.7, of_cases('ratio', *CONVS, of=min))
    least('Convolutions, share of the roof', 'mean', 0.6, of_cases('roofline', *CONVS))
    least('Convolutions, share of the roof', 'the worst', 0.25, of_cases('roofline', *CONVS, of=min))
    group = 'Products'
    least(group, '512 to 4096, four transposes, times OpenBLAS', 1.0, of_gemm('OpenBLAS'))
    least(group, '512 to 4096, four transposes, times oneDNN', 0.97, of_gemm('oneDNN'))
    for family, what in [('gemm_small', 'small'), ('gemm_skinny', 'skinny'), ('gemm_batched', 'batched')]:
        least(group, what + ', times the best peer, mean', 0.9, of_cases('ratio', family))
    least(group, 'matrix times vector, share of the bandwidth', 0.8, of_cases('roofline', 'gemm_skinny', names=[
        '1x1000x2048 NT', '1x4096x4096 NN', '1x4096x4096 NT', '4096x4096x1 NN', '4096x4096x1 TN']))
    group = 'Bound by memory, mean'
    least(group, 'pointwise, times memcpy', 0.95, of_cases('ratio', 'pointwise'))
    for family, what in [('math', 'functions'), ('move', 'transposes, slices'), ('reduce', 'reductions'),
                         ('rows', 'softmax, cross-entropy'), ('norm', 'norms'), ('pool', 'pooling')]:
        least(group, what + ', times memcpy', 0.8, of_cases('ratio', family))
    least(group, 'random numbers, share of the roof', 0.5, of_cases('roofline', 'random'))
    most('Overhead, us', 'a launch replayed', 3.0, lambda run: run.get('launch') and 1e6 * run['launch'])
    most('Overhead, us', 'recording a node', 0.3, lambda run: run.get('record') and 1e6 * run['record'])
    for name, bound in FIRST.items():
        most('First result, s', name + ', nothing compiled', bound, of_first(name, 0))
        most('First result, s', name + ', compiled before', WARM, of_first(name, 1))
    group = "Networks, times PyTorch's best mode"
    for name, what, bound in [
            ('demo', 'step', 1.5), ('resnet18', 'step', 1.2), ('resnet18', 'forward', 1.2), ('mobilenet', 'forward', 1.2),
            ('unet', 'step', 1.0), ('vae', 'step', 1.0), ('vit', 'step', 1.0), ('mlp', 'step', 1.0), ('lstm', 'step', 1.0),
            ('lstm', 'forward', 1.0), ('embedding', 'step', 1.0)]:
        least(group, f"{name}, {'inference' if what == 'forward' else 'training step'}", bound, of_net(name, what))
    for name in ['demo_1', 'mlp_1', 'resnet18_1', 'resnet50_1', 'mobilenet_1', 'unet', 'vae_1', 'vit_1', 'lstm_1',
                 'embedding_1']:
        least(group, f'{name}, inference', 1.0, of_net(name, 'forward'))
    return out


def number(v):
    return '' if v is None else f'{v:.2f}' if v < 100 else f'{v:.0f}'


def table(runs):
    """Lines of Markdown: every goal, what each run reached, and where not all of them did: missed."""
    heads = [f'run {i + 1}' for i in range(len(runs))]
    out, last, count, met = [], None, 0, 0
    for group, what, bound, is_most, value in goals():
        if group != last:
            out += [''] * (last is not None) + [f'**{group}**', '', '| | goal | ' + ' | '.join(heads) + ' | |',
                                               '|' + '---|' * (len(heads) + 3)]
        last = group
        values = [value(run) for run in runs]
        known = [v for v in values if v is not None]
        missed = [v for v in known if (v > bound if is_most else v < bound)]
        count += bool(known)
        met += bool(known) and not missed
        out.append(f"| {what} | {'at most' if is_most else 'at least'} {bound:g} | " +
                   ' | '.join('not measured' if v is None else number(v) for v in values) +
                   f" | {'missed' if missed else ''} |")
    return [f'{met} of {count} measured goals are met in every run.', ''] + out
