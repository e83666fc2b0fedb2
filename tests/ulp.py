#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ulp.py BUILD [LINES...]: the table of the largest errors of functions in units of the last place, as Markdown.

Runs BUILD/tests/ulp on PoCL (both classes of kernels), Mesa's rusticl and oclgrind, where they are installed: all floats
where a function bends, ten million doubles; some seconds to minutes a function. With files of what `ulp` printed,
NAME=FILE each, it runs nothing:

    build/tests/ulp --classes cpu,gpu exp >pocl.txt; tests/ulp.py build pocl=pocl.txt"""
import os
import subprocess
import sys

RUSTICL = {'RUSTICL_ENABLE': 'llvmpipe', 'CLGRAD_DEVICE': '0', 'MALLOC_PERTURB_': '0'}
RUNS = [('pocl', '/etc/OpenCL/vendors/pocl.icd', {}, ['--classes', 'cpu,gpu', '--doubles', '10000000']),
        ('rusticl', '/etc/OpenCL/vendors/rusticl.icd', RUSTICL, ['--classes', 'gpu']),
        ('oclgrind', '/usr/lib/oclgrind/liboclgrind-rt-icd.so', {'CLGRAD_DEVICE': '0', 'CLGRAD_CL_OPTIONS': '-cl-opt-disable', 'CLGRAD_CACHE_DIR': ''},
         ['--classes', 'gpu', '--step', '262139', '--rest', '1048573'])]


def run(build):
    for name, icd, env, args in RUNS:
        if os.path.exists(icd):
            done = subprocess.run([build + '/tests/ulp'] + args, env={**os.environ, 'OCL_ICD_VENDORS': icd, **env}, check=True,
                                  stdout=subprocess.PIPE, text=True)
            yield name, done.stdout


def read(files):
    for file in files:
        name, path = file.split('=', 1)
        with open(path) as f:
            yield name, f.read()


def table(outputs):
    found, columns, names = {}, [], []
    for name, text in outputs:
        for line in text.splitlines():
            kind, dtype, function, part, ulps, at = line.split()[:6]
            column = (name, kind, dtype)
            if part == 'below':
                continue
            if part == 'all' and column not in columns:
                columns.append(column)
            if function not in names:
                names.append(function)
            if part == 'all' and float(ulps) >= found.get((column, function), (-1, ''))[0]:
                found[column, function] = (float(ulps), at)
    columns.sort(key=lambda c: c[2])
    print('| function | ' + ' | '.join(f'{n} {k}, {t}' for n, k, t in columns) + ' | worst at |')
    print('|---' * (len(columns) + 2) + '|')
    for function in sorted(names):
        cells = [found.get((c, function)) for c in columns]
        first = next((c for c in cells if c), (0, ''))
        print(f'| {function} | ' + ' | '.join('' if c is None else f'{c[0]:.2f}' for c in cells) + f' | {first[1]} |')


if __name__ == '__main__':
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    table(read(sys.argv[2:]) if len(sys.argv) > 2 else run(sys.argv[1]))
