#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""headers.py ROOT CC [CXX]: every public header compiles alone, as C11 and as C++11, and documents
every function: a block with result, errors, and grad or owns or blocks, in this order."""
import pathlib
import re
import subprocess
import sys
import tempfile

KEYS = ('result', 'grad', 'owns', 'errors', 'blocks', 'source')
root, compilers = pathlib.Path(sys.argv[1]), sys.argv[2:4]
headers = sorted((root / 'include/clgrad').glob('*.h'))
bad = []
made = tempfile.TemporaryDirectory() # of lines.h

OURS = 'extern int a, file, i, in_file, in_line, line, n, p, result, t, was, x;\n' # a program may call its own so


def compile_alone(header, compiler, standard, language):
    command = [*compiler.split(), f'-std={standard}', '-Wall', '-Wextra', '-Werror', '-pedantic', '-Wshadow', '-x', language,
               '-fsyntax-only', f'-I{root / "include"}', f'-I{made.name}', '-']
    for times in 1, 2: # twice: the guard holds
        done = subprocess.run(command, input=OURS + f'#include <clgrad/{header}>\n' * times, text=True,
                              capture_output=True)
        if done.returncode:
            bad.append(f'{header} as {standard}:\n{done.stderr}')
            return


def block_above(lines, at):
    start = at
    while start > 0 and lines[start - 1].startswith('//'):
        start -= 1
    return [line[3:] for line in lines[start:at]]


def check_block(where, declaration, block):
    found = [word for line in block for word in KEYS if re.match(word + r'\b', line)]
    name = re.search(r'clg_\w+(?=\()', declaration)[0]
    wanted = {'errors'} if re.match(r'CLG_API void ', declaration) else {'errors', 'result'}
    if not block or not re.match(r'[A-Z0-9y]', block[0]):
        bad.append(f'{where}: {name} has no doc block')
    elif not wanted <= set(found) or not {'grad', 'owns', 'blocks'} & set(found):
        bad.append(f'{where}: {name} lacks one of {sorted(wanted)}, or grad, owns and blocks')
    elif [KEYS.index(word) for word in found] != sorted(KEYS.index(word) for word in found):
        bad.append(f'{where}: {name}: the order is {", ".join(KEYS)}')


for header in headers:
    for compiler, standard, language in zip(compilers, ('c11', 'c++11'), ('c', 'c++')):
        compile_alone(header.name, compiler, standard, language)
    lines = header.read_text().splitlines()
    for i, line in enumerate(lines):
        if line.startswith('CLG_API ') and '##' not in line:
            check_block(f'{header.name}:{i + 1}', line, block_above(lines, i))
        if re.match(r'#define CLG_(UNARY|BINARY)_MAP', line):
            check_block(f'{header.name}:{i + 1}', f'CLG_API clg_tensor clg_{line.split("_")[1]}_ops(',
                        block_above(lines, i))
        row = re.match(r'    M\(([a-z]\w*)\)', line)
        if row and not re.match(r'    M\(\w+\) +/\* .+ \| .+ \| .+ \*/', line):
            bad.append(f'{header.name}:{i + 1}: {row[1]} has no formula, types and gradient')
        if len(line) > 100:
            bad.append(f'{header.name}:{i + 1}: {len(line)} columns')
pathlib.Path(made.name, 'clgrad').mkdir()
subprocess.run([root / 'include/clgrad/lines.py', f'{made.name}/clgrad/lines.h', root / 'include', *compilers[0].split()],
               check=True)
for compiler, standard, language in zip(compilers, ('c11', 'c++11'), ('c', 'c++')):
    compile_alone('lines.h', compiler, standard, language)
made.cleanup()
print('\n'.join(bad))
sys.exit(bool(bad) if bad or len(compilers) == 2 else 77)
