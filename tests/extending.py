#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""extending.py ROOT LIBRARY SANITIZE CC [stability]: docs/extending.md is true, or docs/stability.md. Programs of the latter
are compiled with public headers alone, and print what stands after them. The former's row, its composite and its kernel are compiled in
place of the library's own or beside them, exactly as they are shown, its program of a user's own with public headers
alone; values and gradients are looked at. LIBRARY is static: what is compiled here stands before what it has."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

root, library, sanitize, compiler = pathlib.Path(sys.argv[1]), *sys.argv[2:5]
pages = {name: (root / f'docs/{name}.md').read_text() for name in ('extending', 'stability')}
page = pages['extending']
flags = [] if sanitize == 'none' else [f'-fsanitize={sanitize}', '-g']
MAIN = '''
#include <clgrad/clgrad.h>
#include <math.h>
#include <stdio.h>
clg_tensor clg_running(clg_tensor a, int axis);
static clg_tensor row(const clg_tensor *x, int n, void *user) { (void) n; (void) user; return clg_softsign(x[0]); }
static clg_tensor composite(const clg_tensor *x, int n, void *user)
{
    (void) n; (void) user;
    return clg_l1_loss(x[0], clg_zeros(x[0]->dev, x[0]->dtype, x[0]->shape), CLG_REDUCE_MEAN);
}
static clg_tensor kernel(const clg_tensor *x, int n, void *user)
{
    (void) n; (void) user;
    return clg_running(x[0], *(int *) user);
}
int main(void)
{
    char error[1100];
    clg_device dev;
    clg_status st = clg_device_open(&dev, clg_device_params(.error = error, .error_size = sizeof error));
    if (st < 0)
        return puts(error), 1;
    int axes[] = { 0, 1 };
    clg_tensor x = clg_uniform(dev, CLG_F64, CLG_SHAPE(3, 4), -2, -0.1);
    st = clg_grad_check(row, NULL, &x, 1, NULL);
    if (st >= 0)
        st = clg_grad_check(composite, NULL, &x, 1, NULL);
    for (int i = 0; i < 2 && st >= 0; i++)
        st = clg_grad_check(kernel, &axes[i], &x, 1, NULL);
    clg_tensor ones = clg_full(dev, CLG_F32, CLG_SHAPE(1, 4), -3);
    clg_tensor all[] = { row(&ones, 1, NULL), clg_expand(composite(&ones, 1, NULL), ones->shape), kernel(&ones, 1, &axes[1]) };
    float y[3][4] = { { 0 } };
    for (int i = 0; i < 3 && st >= 0; i++)
        st = clg_read(all[i], y[i], sizeof y[i]);
    if (st < 0)
        puts(clg_error(dev, st));
    clg_device_close(&dev);
    printf("%g %g %g\\n", (double) y[0][3], (double) y[1][3], (double) y[2][3]);
    return st < 0;
}
'''


def section(title):
    return re.search(rf'^##? {title}.*?\n(.*?)(?=^##? )', page, re.M | re.S)[1]


def blocks(text, kind):
    return re.findall(rf'^```{kind}\n(.*?)^```$', text, re.M | re.S)


def replaced(text, old, new, what):
    text, n = re.subn(old, lambda m: new, text, count=1, flags=re.S | re.M)
    return text if n else sys.exit(f'{what}: the place of the example is not found')


def run(program, want, **env):
    done = subprocess.run([str(program)], text=True, capture_output=True, timeout=200, env={**os.environ, **env})
    print(done.stdout, done.stderr)
    if done.returncode or not want(done.stdout):
        sys.exit(f'{program.name}: status {done.returncode}')


def build(sources, program, *more):
    subprocess.run([*compiler.split(), '-std=c11', '-D_POSIX_C_SOURCE=200809L', '-Wall', '-Wextra', '-Werror', '-Wno-unused-parameter',
                    '-Wno-missing-field-initializers', '-ffp-contract=off', *flags, *more, *map(str, sources), '-o', str(program),
                    library, '-lOpenCL', *clblast, '-lz', '-ljansson', '-lm', '-pthread'], check=True)


def run_printed(name):
    """Every program of a page prints the text block that follows it."""
    found = re.findall(r'^```c\n(.*?)^```\n\n```text\n(.*?)^```$', pages[name], re.M | re.S)
    if len(found) < pages[name].count('int main(') or not found:
        sys.exit(f'{name}.md: a program has no text of what it prints')
    for k, (program, printed) in enumerate(found):
        # one for about an hour, as testing.h has it; all with tools/check --all
        if 'CLGRAD_TEST_FULL' not in os.environ and (k + int(time.time()) // 4096) % len(found):
            continue
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / f'{name}_{k}.c'
            source.write_text(program)
            build([source], source.with_suffix(''), f'-I{root}/include', '-pedantic')
            run(source.with_suffix(''), lambda out: out == printed)


clblast = ['-lclblast'] if shutil.which('ldconfig') is None or 'libclblast.so ' in subprocess.run(
    ['ldconfig', '-p'], text=True, capture_output=True).stdout else []
if sys.argv[5:] == ['stability']:
    run_printed('stability')
    sys.exit()
with tempfile.TemporaryDirectory() as folder:
    at = pathlib.Path(folder)
    row, composite, kernel, own = (section(t) for t in ('Pointwise: softsign', 'Composite: mean', 'Kernel: running',
                                                        'From outside'))
    # the row, in place of the library's: in the table and in its header
    shutil.copytree(root / 'include', at / 'include')
    (at / 'ops').mkdir()
    table, line = (root / 'src/ops/elementwise.def').read_text(), blocks(row, '')[0]
    (at / 'ops/elementwise.def').write_text(replaced(table, r'^EW1\(softsign,.*?\)\n(?=\S|\n)', line, 'elementwise.def'))
    headers = [h for h in (at / 'include/clgrad').glob('*.h') if re.search(r'M\(softsign\)', h.read_text())]
    headers[0].write_text(replaced(headers[0].read_text(), r'^    M\(softsign\).*?$', blocks(row, 'c')[0].rstrip('\n'),
                                   headers[0].name))
    (at / 'elementwise.c').write_text((root / 'src/ops/elementwise.c').read_text())
    # the composite, in place of the library's
    (at / 'loss_values.c').write_text(replaced((root / 'src/ops/loss_values.c').read_text(),
                                               r'^clg_tensor clg_l1_loss\(.*?^}\n', blocks(composite, 'c')[0], 'loss_values.c'))
    # the kernel, beside the library's
    shutil.copytree(root / 'cl', at / 'cl')
    cl, c = blocks(kernel, 'c')
    (at / 'cl/running.cl').write_text(cl)
    (at / 'running.c').write_text(c.replace('static clg_tensor running_vjp', 'clg_tensor clg_running(clg_tensor a, int axis);\n'
                                            'static clg_tensor running_vjp', 1))
    (at / 'main.c').write_text(MAIN)
    build([at / n for n in ('main.c', 'running.c', 'loss_values.c', 'elementwise.c')], at / 'inside', f'-I{at}',
          f'-I{at}/include', f'-I{root}/src', '-fvisibility=hidden')
    run(at / 'inside', lambda out: out == '-0.75 3 -12\n', CLGRAD_CL_DIR=str(at / 'cl'))
    # a user's own
    (at / 'own.c').write_text(blocks(own, 'c')[0])
    build([at / 'own.c'], at / 'own', f'-I{root}/include', '-pedantic')
    run(at / 'own', lambda out: '3x7' in out)
    (at / 'scratch.c').write_text(blocks(own, 'c')[1])
    build([at / 'scratch.c'], at / 'scratch', f'-I{root}/include', '-pedantic')
    run(at / 'scratch', lambda out: re.findall(r'-?\d+', out.split('\n', 1)[-1]) == ['2', '20', '-2'])
