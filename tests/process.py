#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""process.py TEST_GOLDEN: every kernel's text and every result bit of the golden suite, compared between runs
in which the process rounds upward, flushes denormals, traps, has a decimal comma or another alphabet."""
import os
import re
import subprocess
import sys

LOCALES = os.path.isdir(os.environ.get('LOCPATH', ''))
RUNS = [{}, {'CLGRAD_TEST_HOST': 'up flush trap', 'LC_ALL': 'de_DE.UTF-8'},
        {'CLGRAD_TEST_HOST': 'down flush', 'LC_ALL': 'tr_TR.UTF-8'}, {'CLGRAD_TEST_HOST': 'zero trap'}]


def run(state):
    env = {**os.environ, 'CLGRAD_LOG': 'source', **{k: v for k, v in state.items() if LOCALES or k != 'LC_ALL'}}
    p = subprocess.run(sys.argv[1:], env=env, capture_output=True, text=True)
    digest = re.search(r'^digest ([0-9a-f]{16})$', p.stdout, re.M)
    if p.returncode == 77:
        print(p.stdout)
        sys.exit(77)
    if p.returncode or not digest:
        sys.exit(f'{state}: exit status {p.returncode}\n{p.stdout}{p.stderr[-2000:]}')
    return digest[1], p.stderr


def first_difference(a, b):
    for x, y in zip(a.splitlines(), b.splitlines()):
        if x != y:
            return f'{x}\n{y}'
    return 'one is longer'


digest, text = run(RUNS[0])
if 'clgrad source' not in text:
    sys.exit('no kernel text was logged')
bad = 0
for state in RUNS[1:]:
    other, other_text = run(state)
    if other_text != text:
        print(f'{state}: the kernels\' text differs:\n{first_difference(text, other_text)}')
        bad += 1
    if other != digest:
        print(f'{state}: the results differ: {digest} without, {other} with')
        bad += 1
print(f'{len(RUNS)} runs, results {digest}, {len(text)} bytes of kernel text')
sys.exit(bad > 0)
