#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""readme.py ROOT LIBRARY SANITIZE CC: compile the C program of README.md exactly as it is shown, without
one warning, run it, and see that it learns. Its table of environment variables is the library's."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

root, library, sanitize, compiler = sys.argv[1:5]
library = pathlib.Path(library).resolve()
text = (pathlib.Path(root) / 'README.md').read_text()
options = (pathlib.Path(root) / 'src/base/options.def').read_text()
for name, what in re.findall(r'^OPTION\((\w+), "(.*)"\)', options, re.M):
    if f'| `{name}` | {what} |' not in text:
        sys.exit(f'README.md lacks "| `{name}` | {what} |"')
programs = re.findall(r'^```c\n(.*?)^```$', text, re.M | re.S)
whole = [p for p in programs if 'int main' in p]
if len(whole) != 1:
    sys.exit(f'README.md has {len(whole)} complete C programs, expected one')
with tempfile.TemporaryDirectory() as folder:
    source, program = pathlib.Path(folder, 'program.c'), pathlib.Path(folder, 'program')
    source.write_text(whole[0])
    flags = [] if sanitize == 'none' else [f'-fsanitize={sanitize}']
    subprocess.run([*compiler.split(), '-std=c11', '-Wall', '-Wextra', '-Werror', '-pedantic', *flags,
                    f'-I{root}/include', str(source), '-o', str(program), f'-L{library.parent}', '-lclgrad',
                    f'-Wl,-rpath,{library.parent}'], check=True)
    done = subprocess.run([str(program)], text=True, capture_output=True, timeout=120)
    print(done.stdout, done.stderr)
    losses = [float(x) for x in re.findall(r'loss (\S+)', done.stdout)]
    if done.returncode or len(losses) < 2 or not losses[-1] < 0.01 * losses[0]:
        sys.exit(f'status {done.returncode}, losses {losses}: it does not learn')
    wrong = subprocess.run([str(program)], text=True, capture_output=True, timeout=120,
                           env={**os.environ, 'CLGRAD_DEVICE': 'nonsense'})
    if wrong.returncode != 1 or "no device matches 'nonsense'" not in wrong.stderr:
        sys.exit(f'status {wrong.returncode}, {wrong.stderr!r}: it does not say what is wrong')
