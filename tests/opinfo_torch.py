#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""opinfo_torch.py BUILD/tests/test_opinfo > data/opinfo.txt: PyTorch's own samples of its operations (OpInfo), as
calls of clgrad with what PyTorch gives for them. test_opinfo replays them without PyTorch.
opinfo_torch.py BUILD/tests/test_opinfo --types f64,f16,bf16,i64,i32,u8,bool > data/opinfo_types.txt: few samples of
each in other types.

Run by hand with PyTorch 2.15 (pip install torch numpy). The program's `--calls` says which functions the language of
tools/cases.txt has, so that a row of opinfo_rows.py begins to count when its function exists. --types f32,i64 after the
program: samples of those types, in place of f32 alone (i64 where that is not there), and nothing of entries without.
Other words are entries: then only those are written, for a look.

    torch VERSION
    entry NAME                an entry of OpInfo
    miss REASON               why nothing of it is here, or
    use FUNCTION ...          the public functions that its samples call
    left N REASON             samples of f32 that have no counterpart
    none TYPE REASON          samples of another type have none
    thinned N OF              of so many f32 samples that have one, N are here
    sample TYPE [known REASON]
    in K TYPE RANK DIM... : VALUE...    an input: t has a gradient, c has none
    out EXPRESSION ; TYPE TOLERANCE SIZE RANK DIM... : VALUE...
    grad INPUT TOLERANCE SIZE : VALUE...    of the output before, for a cotangent of cotangent()

Values are those of the same call in double precision, where the sample's type is narrower and that is no other
computation. An element may differ by TOLERANCE eps of its own size and by 4 eps of SIZE, which is how far the largest
change of an element goes, in eps, when each input moves by one: 0 for a value that has one element of each input.
A tolerance of 0 is for results that no arithmetic made.
"""
import collections
import inspect
import math
import subprocess
import sys
import types
import warnings

sys.modules['expecttest'] = types.ModuleType('expecttest')
sys.modules['expecttest'].TestCase = object
sys.modules['expecttest'].assert_expected_inline = None
warnings.simplefilter('ignore')

import torch  # noqa: E402
from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402

import opinfo_rows_linalg  # noqa: E402, F401, more rows
import opinfo_rows_nn  # noqa: E402, F401
from opinfo_rows import KNOWN, NATIVE, POINTWISE, REASONS, ROWS, SIZE, TOLERANCE, TYPES, Skip, Word, other_type  # noqa: E402

torch.set_num_threads(1)

# How many samples and numbers of an entry are kept, by type; a sample of more numbers than LARGEST is too large.
SAMPLES = {torch.float32: 40, torch.float64: 3}
NUMBERS = {torch.float32: 1800, torch.float64: 150}
OTHER_SAMPLES, OTHER_NUMBERS, LARGEST = 2, 75, 1500


WANTED = ['f32']
EXACT = {}  # (entry, result, input of a gradient): no f32 sample was rounded


class Missing(Exception):
    pass


class Expression(str):
    """Text of a call; what it calls is known to exist and to fit."""


class Calls:
    """c.NAME(...) of opinfo_rows.py for one sample."""

    def __init__(self, entry, calls):
        self.entry, self.calls = entry, calls
        self.inputs, self.used, self.gradients = [], [], True

    def has(self, name):
        return name in self.calls

    def like(self, dtype):
        return torch.zeros(1, dtype=dtype)

    def __getattr__(self, name):
        if name not in self.calls:
            raise Missing(f'clgrad has no {name}')
        return lambda *args, **named: self.call(name, args, named)

    def argument(self, x):
        if isinstance(x, torch.Tensor):
            for k, t in enumerate(self.inputs):
                if t is x:
                    return 't', 'abcdefgh'[k]
            if len(self.inputs) == 8:
                raise Skip('more than 8 inputs')
            self.inputs.append(x)
            return 't', 'abcdefgh'[len(self.inputs) - 1]
        if isinstance(x, Expression):
            return 't', str(x)
        if x is None:
            return '0', 'none'
        if isinstance(x, Word):
            return 'n', str(x)
        if isinstance(x, bool):
            return 'n', 'true' if x else 'false'
        if isinstance(x, complex):
            raise Skip('a complex number')
        if isinstance(x, (int, float)):
            return 'n', text_of(x)
        if isinstance(x, (list, tuple, torch.Size)):
            if any(isinstance(v, float) for v in x):
                raise Skip('a list of fractions')
            if len(x) > 8:
                raise Skip('more than 8 dimensions')
            return 's', '[' + ','.join(str(int(v)) for v in x) + ']'
        raise Missing(f'{x!r} is no argument')

    def call(self, name, args, named):
        args = [self.argument(x) for x in args]
        kinds = ''.join(k for k, _ in args)
        for function, signature, fields in self.calls[name]:
            if fits(signature, kinds) and all(f in fields for f in named):
                break
        else:
            raise Missing(f'{name} takes {self.calls[name]}, not {kinds} {list(named)}')
        self.used.append(function)
        words = [t for _, t in args] + [f'{k}={self.argument(v)[1]}' for k, v in named.items()]
        return Expression(f'{name}({", ".join(words)})')


def fits(signature, kinds):
    at = 0
    for k in kinds:
        s = signature[at:at + 1]
        if not s or not (s == k or (s == 'T' and k in 't0')):
            return False
        at += 0 if signature[at + 1:at + 2] == '*' else 1
    while signature[at:at + 1] == 'T':
        at += 1
    return at == len(signature) or signature[at + 1:] == '*'


def text_of(v):
    if isinstance(v, float) and math.isnan(v):
        return 'nan'
    if isinstance(v, float) and math.isinf(v):
        return 'inf' if v > 0 else 'neginf'
    return str(v) if isinstance(v, int) else repr(v)


def read_calls(program):
    calls = collections.defaultdict(list)
    text = subprocess.run([program, '--calls'], check=True, text=True, capture_output=True).stdout
    for line in text.splitlines():
        name, function, signature, *fields = line.split()
        calls[name].append((function, '' if signature == '-' else signature, fields))
    return calls


# ---- samples

def leaves(x):
    if isinstance(x, torch.Tensor):
        yield x
    elif isinstance(x, (list, tuple)):
        for y in x:
            yield from leaves(y)
    elif isinstance(x, dict):
        yield from leaves(list(x.values()))


def mapped(x, f):
    if isinstance(x, torch.Tensor):
        return f(x)
    if isinstance(x, (list, tuple)) and not isinstance(x, torch.Size):
        return type(x)(mapped(y, f) for y in x) if not hasattr(x, '_fields') else x
    if isinstance(x, dict):
        return {k: mapped(v, f) for k, v in x.items()}
    if isinstance(x, torch.dtype):
        return f(x)
    return x


def run(op, sample, change):
    """Outputs and their gradients for inputs that are changed: gradients[output][input]."""
    new = {}

    def one(t):
        if isinstance(t, torch.dtype):
            return change(t)
        if id(t) not in new:
            new[id(t)] = (t, change(t.detach()).clone().requires_grad_(t.requires_grad and t.is_floating_point()))
        return new[id(t)][1]

    args = mapped([sample.input, list(sample.args), sample.kwargs], one)
    y = op.op(args[0], *args[1], **args[2])
    flat = list(leaves(torch.tensor(y) if isinstance(y, (bool, int, float)) else y))
    inputs = {k: v for k, (_, v) in new.items()}
    grads = []
    for k, out in enumerate(flat):
        tracked = {i: t for i, t in inputs.items() if t.requires_grad}
        g = {}
        if out.requires_grad and tracked:
            w = cotangent(out).to(out.dtype)
            got = torch.autograd.grad(out, list(tracked.values()), w, retain_graph=True, allow_unused=True)
            g = {i: torch.zeros(v.shape, dtype=v.dtype) if v._is_zerotensor() else v
                 for i, v in zip(tracked, got) if v is not None}
        grads.append(g)
    return [t.detach() for t in flat], grads


def cotangent(t):
    n = t.numel()
    return torch.tensor([((37 * i) % 11 * 2 - 9) / 8 for i in range(n)], dtype=torch.float64).reshape(t.shape)


def wide(dtype):
    def change(t):
        if isinstance(t, torch.dtype):
            return torch.float64 if t == dtype else t
        return t.double() if t.is_floating_point() and t.dtype == dtype else t
    return change


def moved(dtype, generator):
    change = wide(dtype)
    eps = 2.0 ** -30

    def f(t):
        t = change(t)
        if isinstance(t, torch.dtype) or not t.is_floating_point():
            return t
        # 16 bits are sign enough; magnitudes near 1
        s = torch.randint(0, 2, t.shape, generator=generator) * 2 - 1
        return t + t * s * eps
    return f, eps


def finite_largest(t):
    t = t[torch.isfinite(t)] if t.numel() else t
    return float(t.abs().max()) if t.numel() else 0.0


def reference(native, in_double, size):
    """The double one, unless it is another computation (nextafter, limits of the type)."""
    if not native.is_floating_point() or not in_double.is_floating_point():
        return native
    a, b = native.double(), in_double.double()
    if a.shape != b.shape:
        return native
    rough = {torch.float32: 1e-3, torch.float64: 1e-9}.get(native.dtype, 0.1)
    beyond = b.abs() > torch.finfo(native.dtype).max
    near = torch.isclose(a, b, rough, 1000 * torch.finfo(native.dtype).eps * max(size, 1), equal_nan=True) | beyond
    return in_double if bool(near.all()) else native


class Result:
    """What is written of a value: numbers, and how near they must be met."""

    def __init__(self, native, in_double, others, eps, tolerance, relative, place):
        self.dtype, self.shape, self.value = native.dtype, tuple(native.shape), native
        self.tolerance, self.size, self.place = 0, 0.0, None
        if not native.is_floating_point():
            return
        if not others:  # of integers
            if not torch.equal(native.nan_to_num(), native.nan_to_num().round()) or place[0] == 'corrcoef':
                self.tolerance, self.size = tolerance, 0.0 if relative else finite_largest(native)
            return
        size = max((finite_largest(o.double() - in_double.double()) for o in others if o.shape == in_double.shape),
                   default=0) / eps
        self.value = reference(native, in_double, size)
        self.place = place
        if self.dtype == torch.float32:  # of F64 there is nothing wider to see it by
            same = torch.equal(native.nan_to_num().double(), self.value.nan_to_num().double())
            EXACT[place] = EXACT.get(place, True) and same
        self.tolerance = tolerance
        if not relative:
            own = finite_largest(native.double() - in_double.double()) / torch.finfo(native.dtype).eps
            self.size = max(size, own if self.value is in_double else 0, SIZE.get(place[0], 0))

    def within(self):
        exact = self.place and EXACT.get(self.place, False)
        return '0 0' if exact else f'{self.tolerance} {self.size:.3g}'


def numbers(t, dtype):
    flat = t.reshape(-1).tolist()
    if not t.is_floating_point():
        return ' '.join(str(int(v)) for v in flat)
    form = '%.17g' if dtype == torch.float64 else '%.9g' if dtype == torch.float32 else '%.6g'
    return ' '.join(form % v for v in flat)


def dims(shape):
    return ' '.join(str(n) for n in (len(shape), *shape))


def write_sample(op, entry, sample, dtype, calls):
    """The sample's lines, how many numbers they have, and the functions that it calls."""
    if any(t.is_complex() or t.layout != torch.strided for t in leaves([sample.input, sample.args, sample.kwargs])):
        raise Skip('complex numbers or sparse tensors')
    if any(t.dim() > 8 for t in leaves([sample.input, sample.args, sample.kwargs])):
        raise Skip('more than 8 dimensions')
    c = Calls(entry, calls)
    with torch.no_grad():
        expressions = ROWS[entry](c, sample.input, *sample.args, **sample.kwargs)
    expressions = list(expressions) if isinstance(expressions, (list, tuple)) else [expressions]
    many = sum(t.numel() for t in c.inputs)
    if many > LARGEST:
        raise Skip('large')
    native, native_g = run(op, sample, lambda t: t)
    double, double_g = run(op, sample, wide(dtype) if entry not in NATIVE else lambda t: t)
    if len(expressions) != len(native):
        raise Missing(f'{len(expressions)} expressions for {len(native)} results')
    others, others_g = [], []
    if dtype.is_floating_point:
        for seed in range(3):
            if entry in NATIVE:
                others, others_g, eps = [native], [native_g], 1
                break
            change, eps = moved(dtype, torch.Generator().manual_seed(seed))
            a, b = run(op, sample, change)
            others.append(a)
            others_g.append(b)
    else:
        eps = 1
    if len(c.inputs) == 0:
        raise Missing('no input')
    lines, tolerance = [], TOLERANCE.get(entry, 8)
    known = next((r for (e, w), r in KNOWN.items() if e == entry and any(x is not None and w in x for x in expressions)), '')
    lines.append(f'sample {TYPES[dtype]}' + (f' known {known}' if known else ''))
    count = many
    for t in c.inputs:
        kind = 't' if t.requires_grad else 'c'
        if t.dtype not in TYPES:
            raise Skip('a type that clgrad has not')
        lines.append(f'in {kind} {TYPES[t.dtype]} {dims(t.shape)} : {numbers(t.detach(), t.dtype)}')
    for k, e in enumerate(expressions):
        if e is None:
            continue
        if not isinstance(e, Expression):
            raise Missing(f'{e!r} is no expression')
        if native[k].dtype not in TYPES:
            raise Skip('a type that clgrad has not')
        r = Result(native[k], double[k], [o[k] for o in others], eps, tolerance, entry in POINTWISE, (entry, k))
        lines.append(lambda e=e, r=r: f'out {e} ; {TYPES[r.dtype]} {r.within()} {dims(r.shape)} : {numbers(r.value, r.dtype)}')
        count += native[k].numel()
        if dtype not in (torch.float32, torch.float64) or not c.gradients:
            continue
        for i, t in enumerate(c.inputs):
            if id(t) not in native_g[k]:
                continue
            g = Result(native_g[k][id(t)], double_g[k][id(t)], [o[k][id(t)] for o in others_g if id(t) in o[k]], eps,
                       tolerance, False, (entry, k, i))
            lines.append(lambda i=i, g=g: f'grad {i} {g.within()} : {numbers(g.value, g.dtype)}')
            count += native_g[k][id(t)].numel()
    return lines, count, c.used


def spread(n):
    """0 to n-1, far ones first."""
    order, step = [], n
    seen = set()
    while len(order) < n:
        step = max(step // 2, 1)
        for i in range(0, n, step):
            if i not in seen:
                seen.add(i)
                order.append(i)
    return order


def samples_of(op, dtype):
    torch.manual_seed(1)
    tracked = dtype in (torch.float32, torch.float64) and op.supports_autograd
    return list(op.sample_inputs('cpu', dtype, requires_grad=tracked))


def write_type(op, entry, dtype, calls, out, used, misses):
    kept, left = {}, collections.Counter()
    if WANTED != ['f32'] and other_type(entry, dtype):
        out.append(f'none {TYPES[dtype]} {other_type(entry, dtype)}')
        return 0, left
    samples = samples_of(op, dtype)
    room, places = NUMBERS.get(dtype, OTHER_NUMBERS), SAMPLES.get(dtype, OTHER_SAMPLES)
    fine = 0
    for i in spread(len(samples)):
        try:
            if len(kept) == places:
                break
            lines, count, functions = write_sample(op, entry, samples[i], dtype, calls)
        except Skip as e:
            left[str(e)] += 1
            continue
        except (RuntimeError, NotImplementedError, IndexError) as e:
            left['PyTorch itself refuses it'] += 1
            continue
        if count > (LARGEST if dtype == torch.float32 or WANTED == ['f32'] else 250) or kept and count > room:
            continue
        room -= count
        kept[i] = lines
        used.update(functions)
    out += [line for i in sorted(kept) for line in kept[i]]
    if WANTED != ['f32']:
        if left and not kept:
            out.append(f'none {TYPES[dtype]} {", ".join(left)}')
    elif dtype == torch.float32:
        for reason, n in left.items():
            out.append(f'left {n} {reason}')
        out.append(f'thinned {len(kept)} {len(samples)}')
    return len(kept), left


def write_entry(op, calls):
    entry = op.name + ('.' + op.variant_test_name if op.variant_test_name else '')
    lines, used, misses = [], {}, collections.Counter()

    class Used(dict):
        def update(self, names):
            for n in names:
                self[n] = True
    used = Used()
    reason = None
    if entry not in ROWS:
        reason = REASONS.get(entry) or next((r for p, r in REASONS.items() if p.endswith('*') and entry.startswith(p[:-1])), None)
        if reason is None:
            print('no row and no reason:', entry, file=sys.stderr)
            reason = '?'
    kinds = [d for d in TYPES if d in op.dtypes and TYPES[d] in WANTED]
    if WANTED == ['f32']:
        kinds = kinds or [d for d in (torch.int64,) if d in op.dtypes]
    elif torch.float32 not in op.dtypes:
        kinds = [d for d in kinds if d != torch.int64]  # these are with f32's
    if reason is None and not kinds:
        reason = 'no type in common'
    total, left = 0, collections.Counter()
    if reason is None:
        try:
            for dtype in kinds:
                n, l = write_type(op, entry, dtype, calls, lines, used, misses)
                total += n
                left += l
        except Missing as e:
            if not str(e).startswith('clgrad has no'):
                print(entry, e, file=sys.stderr)
            reason = str(e)
        except Exception as e:  # noqa: BLE001, a row that does not fit
            print(entry, repr(e), file=sys.stderr)
            reason = 'the row does not fit'
        if reason is None and total == 0 and not any(str(line).startswith('none') for line in lines):
            reason = ', '.join(left) or 'no samples'
    if reason is not None and WANTED != ['f32']:
        return
    print('entry', entry)
    if reason is not None:
        print('miss', reason)
        return
    if WANTED == ['f32']:
        print('use', *used)
    print('\n'.join(line if isinstance(line, str) else line() for line in lines))


def main():
    if sys.argv[2:3] == ['--types']:
        WANTED[:] = sys.argv[3].split(',')
        del sys.argv[2:4]
    calls = read_calls(sys.argv[1])
    print('torch', torch.__version__.split('+')[0])
    for op in op_db:
        entry = op.name + ('.' + op.variant_test_name if op.variant_test_name else '')
        if sys.argv[2:] and entry not in sys.argv[2:]:
            continue
        write_entry(op, calls)


if __name__ == '__main__':
    main()
