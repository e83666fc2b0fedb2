#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compare_torch.py BENCH.json: times PyTorch on the cases of `clgrad bench --cases --json`, on the GPU when it sees one.
The same shapes, random data, several inputs in turn, the median; fp32 with and without TF32. Prints JSON."""
import json
import statistics
import sys
import time

try:
    import torch
    import torch.nn.functional as F
except ImportError as error:
    print(json.dumps({'message': f'no PyTorch here: {error}'}))
    sys.exit(77)

cuda = torch.cuda.is_available()
device = torch.device('cuda' if cuda else 'cpu')
ROUNDS, INPUTS = 7, 4


def gradient(f, which):
    """The gradient alone: the forward pass is done once, outside the clock."""
    def make(x, w):
        x, w = x.clone().requires_grad_(which == 0), w.clone().requires_grad_(which == 1)
        y = f(x, w)
        g = torch.rand_like(y)
        return lambda: torch.autograd.grad(y, (x, w)[which], g, retain_graph=True)
    return make


def call(f):
    def make(*args):
        return lambda: f(*args)
    return make


OPS = {
    'add': call(torch.add), 'exp': call(torch.exp), 'gelu': call(F.gelu), 'sum': call(torch.sum),
    'sum_rows': call(lambda x: x.sum(1)), 'sum_columns': call(lambda x: x.sum(0)),
    'softmax': call(lambda x: torch.softmax(x, -1)), 'softmax_10': call(lambda x: torch.softmax(x, -1)),
    'transpose': call(lambda x: x.transpose(-1, -2).contiguous()), 'matmul': call(torch.matmul),
    'conv': call(lambda x, w: F.conv2d(x, w, padding=1)),
    'conv_dx': gradient(lambda x, w: F.conv2d(x, w, padding=1), 0),
    'conv_dw': gradient(lambda x, w: F.conv2d(x, w, padding=1), 1),
    'max_pool': call(lambda x: F.max_pool2d(x, 2)),
    'batch_norm': call(lambda x: F.relu(F.batch_norm(x, None, None, training=True))),
}


def maker(name):
    """The longest name of OPS that begins the case's name."""
    fits = [op for op in OPS if name == op or name.startswith(op + '_')]
    return OPS[max(fits, key=len)] if fits else None


def seconds(runs):
    def once(times):
        if cuda:
            a, b = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            a.record()
            for i in range(times):
                runs[i % len(runs)]()
            b.record()
            torch.cuda.synchronize()
            return 1e-3 * a.elapsed_time(b) / times
        start = time.perf_counter()
        for i in range(times):
            runs[i % len(runs)]()
        return (time.perf_counter() - start) / times
    once(2)
    times = max(1, int(0.02 / (once(2) + 1e-7)))
    return statistics.median(once(times) for _ in range(ROUNDS))


def main():
    bench = json.load(open(sys.argv[1]))
    out = {'torch': torch.__version__, 'device': torch.cuda.get_device_name() if cuda else 'CPU', 'cases': []}
    for case in bench:
        make, shapes = maker(case['case']), case.get('inputs')
        if not make or not shapes:
            continue
        for precision in ['fp32', 'tf32'] if cuda else ['fp32']:
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == 'tf32'
            try:
                w = [torch.rand(s, device=device) * 2 - 1 for s in shapes[1:]]
                with torch.enable_grad():
                    runs = [make(torch.rand(shapes[0], device=device) * 2 - 1, *w) for _ in range(INPUTS)]
                    t = seconds(runs)
                out['cases'].append({'case': case['case'], 'precision': precision, 'seconds': t})
            except Exception as error:  # one case must not take the others along
                out['cases'].append({'case': case['case'], 'precision': precision, 'error': str(error)[:300]})
    print(json.dumps(out))


main()
