#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""handles.py ROOT: test_handles.c calls, in rows of handle_calls.h, every public function that takes a handle."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
HANDLES = r'\bclg_(tensor|var|scope|store|optim|device)\b(?! \*\*)'
test = ''.join((root / 'tests' / name).read_text() for name in ('handle_calls.h', 'handle_calls_loss.h', 'test_handles.c'))
# A macro stands in for its function: clg_eval for clg_eval_n, clg_scope_push for clg_scope_push_at.
called = set(re.findall(r'\b(clg_\w+)\(', test))
called |= {name + end for name in called for end in ('_n', '_at')}
missing, seen = [], 0

for header in sorted((root / 'include/clgrad').glob('*.h')):
    text = re.sub(r'//[^\n]*', '', header.read_text())
    for declaration in re.findall(r'^CLG_API [^;]*;', text, re.M):
        name = re.search(r'\b(clg_\w+)\(', declaration)
        if not name or '##' in declaration:
            continue
        if re.search(HANDLES, declaration[name.end():]):
            seen += 1
            if name[1] not in called:
                missing.append(f'{header.name}: {name[1]} is not called')
# The rows of the two maps are called through the maps.
if not all(f'CLG_{kind}_MAP({kind})' in test for kind in ('UNARY', 'BINARY')):
    missing.append('the maps of ops.h are not called')
if seen < 100:
    missing.append(f'only {seen} functions were found')
print('\n'.join(missing))
sys.exit(bool(missing))
