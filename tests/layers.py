#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""layers.py ROOT: fail when a folder includes what lies above it, or a file breaks the house rules."""
import pathlib
import re
import sys

MAY = {'base': '', 'graph': 'base', 'device': 'base', 'ops': 'base graph', 'codegen': 'base graph',
       'autograd': 'base graph ops', 'sched': 'base graph codegen device', 'nn': '', 'image': 'base', 'io': 'base'}
MAX_LINES = {'.c': 800, '.h': 800, '.cl': 250, '.clh': 250}
# What follows the locale, the rounding mode or the environment of the process: base/format.h and base/env.h
# stand in for it. Where only public headers may be seen, whole numbers and text are fine.
PRINT = ['printf', 'fprintf', 'sprintf', 'snprintf', 'vprintf', 'vfprintf', 'vsprintf', 'vsnprintf']
STATE = ['strtod', 'strtof', 'strtold', 'strtol', 'strtoll', 'strtoul', 'strtoull', 'atof', 'atoi', 'atol', 'atoll',
         'sscanf', 'fscanf', 'scanf', 'tolower', 'toupper', 'isalpha', 'isalnum', 'isdigit', 'isspace', 'isupper',
         'islower', 'ispunct', 'isprint', 'isxdigit', 'strcoll', 'strxfrm', 'strcasecmp', 'strncasecmp',
         'setlocale', 'localeconv', 'getenv', 'secure_getenv', 'strftime', 'localtime']
MAY_USE = {'base/env.c': ['getenv'], 'io/write.c': PRINT + ['sscanf'], 'io': PRINT, 'nn': PRINT}
root, bad = pathlib.Path(sys.argv[1]), []


def check_includes(path, text):
    here = path.relative_to(root / 'src').parts[0]
    for number, line in enumerate(text, 1):
        m = re.match(r'\s*#\s*include\s+"(\w+)/', line)
        if m and m[1] != here and m[1] not in MAY.get(here, '').split():
            bad.append(f'{path}:{number}: {here}/ must not include {m[1]}/')
        if ('<CL/' in line or '<clblast' in line) and here != 'device':
            bad.append(f'{path}:{number}: only device/ may include OpenCL')


def check_process(path, text):
    name = str(path.relative_to(root / 'src'))
    allowed = MAY_USE.get(name, MAY_USE.get(name.split('/')[0], []))
    statement = ''
    for number, line in enumerate(text, 1):
        statement += line
        for word in re.findall(r'\b(\w+)\(', line.split('//')[0]):
            if word in PRINT + STATE and word not in allowed:
                bad.append(f'{path}:{number}: {word} follows the state of the process: base/format.h, base/env.h')
        ours = re.search(r'\bclg_(fail|poison)\(', statement)  # by base/format.h
        if set(PRINT) <= set(allowed) and not ours and re.search(r'"[^"]*%[-+ #0-9.*]*[aefgAEFG]', line):
            bad.append(f'{path}:{number}: a floating number as text follows the locale')
        if re.search(r'[;{}]\s*$', line):
            statement = ''


def check_page(path):
    """Files, functions and tests that a page of the docs names are there."""
    sources = [f for d in ('src', 'cl', 'include', 'tests', 'tools') for f in (root / d).rglob('*') if f.is_file()]
    known = {'/'.join(f.parts[-n:]) for f in sources for n in (1, 2, 3)} | {'lines.h'}  # which is made
    code = '\n'.join(f.read_text(errors='ignore') for f in sources if f.suffix in ('.c', '.h', '.def', '.clh', '.cl'))
    words = set(re.findall(r'\w+', code))
    for number, line in enumerate(path.read_text().splitlines(), 1):
        for name in re.findall(r'`(?:src/)?([\w/]+\.(?:c|h|def|cl|clh|py))`', line):
            if name not in known:
                bad.append(f'{path}:{number}: there is no file {name}')
        for name in re.findall(r'`((?:clg|CLG)_\w+)`', line):
            if name not in words:
                bad.append(f'{path}:{number}: there is no {name}')
        for program, tests in re.findall(r'`(\w+)`: ((?:\w+_\w+(?:, )?)+)', line) if line.startswith('|') else []:
            suite = root / 'tests' / f'test_{program}.c'
            text = suite.read_text() if suite.exists() else ''
            for test in re.findall(r'\w+', tests):
                if suite.exists() and not re.search(rf'\b{test}\b', text):
                    bad.append(f'{path}:{number}: test_{program}.c has no {test}')


def check_style(path, text):
    if 'SPDX-License-Identifier: MIT' not in ''.join(text[:2]):
        bad.append(f'{path}:1: no SPDX line')
    limit = MAX_LINES.get(path.suffix)
    if limit and len(text) > limit:
        bad.append(f'{path}: {len(text)} lines, at most {limit}')
    start = 0
    for number, line in enumerate(text, 1):
        if path.suffix == '.c' and line.startswith('{'):
            start = number
        if path.suffix == '.c' and line.startswith('}') and start:
            if number - start > 90:
                bad.append(f'{path}:{start}: a function of {number - start} lines, at most 90')
            start = 0


for path in sorted(root.glob('src/**/*')) + sorted(root.glob('tools/**/*')) + sorted(root.glob('cl/*')):
    if path.suffix in ('.c', '.h', '.cl', '.clh', '.def'):
        lines = path.read_text().splitlines(True)
        check_style(path, lines)
        if path.is_relative_to(root / 'src'):
            check_includes(path, lines)
            check_process(path, lines)
check_page(root / 'docs' / 'architecture.md')
# tools/bench/peer_*.c are about other libraries
for path in sorted(root.glob('tools/*.[ch]')) + sorted(root.glob('tools/bench/*.[ch]')) + \
        sorted(root.glob('tools/nets/*.[ch]')):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        m = re.match(r'\s*#\s*include\s+"([\w./]+)/', line)
        if (m and m[1] not in ('bench', 'nets', '..', '../bench')) or ('<CL/' in line and not path.name.startswith('peer_')):
            bad.append(f'{path}:{number}: tools use public headers only')
print('\n'.join(bad))
sys.exit(bool(bad))
