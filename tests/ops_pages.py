#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ops_pages.py ROOT [write]: docs/ops.md and docs/from-pytorch.md, made from tests/data/opinfo.txt and opinfo_types.txt.

Without `write`: are they what would be written, and does every function that they name stand in a public header?
"""
import collections
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
TYPES = 'f32 f64 f16 bf16 i64 i32 i16 i8 u8 u16 u32 u64 bool'.split()
MADE = '<!-- made by tests/ops_pages.py from tests/data/opinfo.txt and opinfo_types.txt: change those -->'


class Entry:
    def __init__(self, name):
        self.name, self.miss, self.uses = name, '', []
        self.left, self.kept, self.of = [], 0, 0
        self.samples, self.known = collections.Counter(), collections.Counter()
        self.reasons, self.gradient, self.none = collections.Counter(), set(), []


def read(path, more):
    """The entries of a file, and what another says of the same ones."""
    version, entries = read_file(path)
    by_name = {e.name: e for e in entries}
    for e in read_file(more)[1]:
        to = by_name[e.name]
        to.samples += e.samples
        to.known += e.known
        to.reasons += e.reasons
        to.gradient |= e.gradient
        to.none += e.none
    return version, entries


def read_file(path):
    entries, version, kind = [], '', ''
    for line in path.read_text().splitlines():
        word, _, rest = line.partition(' ')
        if word == 'torch':
            version = rest
        elif word == 'entry':
            entries.append(Entry(rest))
        elif word == 'miss':
            entries[-1].miss = rest
        elif word == 'use':
            entries[-1].uses = rest.split()
        elif word == 'left':
            n, _, why = rest.partition(' ')
            entries[-1].left.append((int(n), why))
        elif word == 'none':
            entries[-1].none.append(rest.split(' ', 1))
        elif word == 'thinned':
            entries[-1].kept, entries[-1].of = map(int, rest.split())
        elif word == 'sample':
            kind, _, known = rest.partition(' ')
            entries[-1].samples[kind] += 1
            if known:
                entries[-1].known[kind] += 1
                entries[-1].reasons[known.removeprefix('known ')] += 1
        elif word == 'grad':
            entries[-1].gradient.add(kind)
    return version, entries


def headers():
    """name of a public function: the header that declares it."""
    found = {}
    for path in sorted((root / 'include/clgrad').glob('*.h')):
        text = path.read_text()
        for name in re.findall(r'\b(clg_\w+)\(', ''.join(re.findall(r'^CLG_API [^;]*;', text, re.M))):
            found[name] = path.name
        for name in re.findall(r'^#define (clg_\w+)\(', text, re.M):  # clg_concat of clg_concat_n
            if name + '_n' in found:
                found[name] = path.name
        for which in ('UNARY', 'BINARY'):
            rows = re.search(rf'#define CLG_{which}_MAP\(M\)((?:.*\\\n)*.*)', text)
            for name in re.findall(r'\bM\((\w+)\)', rows[1]) if rows else ():
                found[f'clg_{name}'] = path.name
                if which == 'BINARY':
                    found[f'clg_{name}_scalar'] = found[f'clg_scalar_{name}'] = path.name
    return found


def torch_name(name):
    """As a user writes it: variants of an entry are one function."""
    if name.startswith('__'):
        return 'Tensor.' + name
    name = re.sub(r'\.(binary|reduction_\w+|unbiased|with_dtype|decimals_\w+|polygamma_n_\d|special_polygamma_n_0|decomposed|'
                  r'triton_optimized|variadic_tensors|list_of_tensors|list_args|multiple|without_cudnn|grad|no_rounding_mode|'
                  r'trunc_rounding|floor_rounding|mvlgamma_p_\d|constant|reflect|replicate|replicate_negative|circular|nearest|'
                  r'nearest-exact|linear|bilinear|bicubic|trilinear|area|subgradients_at_zero|sum|prod|mean|amin|amax|fro|inf)$',
                  lambda m: '' if name not in ('nn.functional.linear', 'nn.functional.bilinear') else m[0], name)
    return 'torch.' + name


def cells(e, types):
    out = []
    for t in types:
        n, bad = e.samples[t], e.known[t]
        out.append('' if not n else f'{n}' if not bad else f'{n - bad} of {n}')
    return out


def ops_page(version, entries):
    here = [e for e in entries if not e.miss]
    total, bad = sum(e.samples['f32'] for e in here), sum(e.known['f32'] for e in here)
    every, wrong = sum(sum(e.samples.values()) for e in here), sum(sum(e.known.values()) for e in here)
    types = [t for t in TYPES if any(e.samples[t] for e in here)]
    lines = ['# Operations and types, by PyTorch\'s own samples', '', MADE, '',
             f'PyTorch {version} tests its operations with samples (OpInfo): inputs, arguments, and the types that an '
             f'operation takes. {len(here)} of its {len(entries)} entries are written as calls of clgrad in '
             '`tests/opinfo_rows.py`, and `test_opinfo` replays them: value, type, shape, and for f32 and f64 the '
             'gradient of a fixed cotangent, within 8 eps of an element (and 4 of what an eps of the inputs moves, '
             'or of what PyTorch errs itself; what no arithmetic makes is exact). A few groups have their turn in each run of the tests, all with `--all`.', '',
             f'- f32: {total - bad} of {total} samples are right, {100 * (total - bad) / max(total, 1):.1f} %',
             f'- all types: {every - wrong} of {every}, {100 * (every - wrong) / max(every, 1):.1f} %',
             *(f'- {t}: {sum(e.samples[t] - e.known[t] for e in here)} of {sum(e.samples[t] for e in here)}' for t in types if t != 'f32'),
             f'- not counted: {sum(len(e.none) for e in here)} pairs of an entry and a type without a counterpart, or that differ for a reason; both are below', '',
             'A number is that of samples which are right; "grad" says in which types their gradients are checked too. '
             'Long lists of samples are thinned: "f32 of" says how many PyTorch has; of other types there are two or three of each.', '',
             '| entry | ' + ' | '.join(types) + ' | f32 of | grad |',
             '|---|' + '--:|' * len(types) + '--:|---|']
    for e in here:
        lines.append(f'| {e.name} | ' + ' | '.join(cells(e, types)) + f' | {e.of} | {" ".join(t for t in TYPES if t in e.gradient)} |')
    lines += ['', '## Samples that are wrong', '']
    known = [(e, r, n) for e in here for r, n in e.reasons.items()]
    lines += [f'- {e.name}, {n}: {r}' for e, r, n in known] or ['None is known.']
    lines += ['', '## Samples without a counterpart', '', 'Of f32, and not in the table.', '']
    lines += [f'- {e.name}: {n} of {e.of}, {why}' for e in here for n, why in e.left]
    lines += ['', 'Of other types, where there are samples of f32:', '']
    other = collections.defaultdict(list)
    for e in here:
        for t, why in e.none:
            other[(e.name, why)].append(t)
    lines += [f'- {name}, {" ".join(t)}: {why}' for (name, why), t in other.items()] or ['None.']
    lines += ['', '## Entries that are not here', '']
    reasons = collections.defaultdict(list)
    for e in entries:
        if e.miss:
            reasons[e.miss].append(e.name)
    lacking = sorted(r for r in reasons if r.startswith('clgrad has no '))
    for r in sorted(set(reasons) - set(lacking), key=lambda r: (-len(reasons[r]), r)):
        lines.append(f'- **{r}**: {", ".join(reasons[r])}')
    if lacking:
        lines += ['', 'A row is written for these, and waits for its function:', '']
        lines += [f'- {r.removeprefix("clgrad has no ")}: {", ".join(reasons[r])}' for r in lacking]
    return '\n'.join(lines) + '\n'


def names_page(entries, found):
    table = collections.OrderedDict()
    for e in entries:
        if not e.miss:
            table.setdefault(torch_name(e.name), {}).update({f'clg_{u}': True for u in e.uses})
    lines = ['# From PyTorch', '', MADE, '',
             'What a function of PyTorch is in clgrad: the functions that its samples are written with '
             '(`tests/opinfo_rows.py` says how), so that each row is tested. Several stand for a composition; '
             'names end in `_scalar`, or begin with `scalar_`, where a number stands beside a tensor. '
             'Shapes and axes are `CLG_SHAPE(2, 3)`, all axes `CLG_ALL`; optional arguments are fields of a params struct.', '',
             '| PyTorch | clgrad | header |', '|---|---|---|']
    for name, uses in sorted(table.items(), key=lambda row: row[0].lower()):
        here = sorted({found.get(u, '?') for u in uses})
        lines.append(f'| {name} | {", ".join(f"`{u}`" for u in uses)} | {", ".join(here)} |')
    return '\n'.join(lines) + '\n'


version, entries = read(root / 'tests/data/opinfo.txt', root / 'tests/data/opinfo_types.txt')
found = headers()
for e in entries:  # what takes any number of tensors is clg_index_put_n alone
    e.uses = [u + '_n' if f'clg_{u}' not in found and f'clg_{u}_n' in found else u for u in e.uses]
pages = {'docs/ops.md': ops_page(version, entries), 'docs/from-pytorch.md': names_page(entries, found)}
if sys.argv[2:] == ['write']:
    for name, text in pages.items():
        (root / name).write_text(text)
missing = sorted({f'{e.name}: clg_{u} is in no header' for e in entries for u in e.uses if f'clg_{u}' not in found})
stale = [f'{name} is not what tests/ops_pages.py {root} write makes' for name, text in pages.items()
         if not (root / name).exists() or (root / name).read_text() != text]
few = [] if len(entries) > 600 and sum(not e.miss for e in entries) >= 300 else ['fewer than 300 entries have samples']
if len(found) < 150:
    few.append(f'only {len(found)} functions were found in the headers')
print('\n'.join(missing + stale + few) or 'both pages are true')
sys.exit(bool(missing + stale + few))
