#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""install.py ROOT BUILD VERSION SOVERSION SANITIZE CC [CXX]: install into a temporary folder, look at what is
there, compile and run an application through the installed pkg-config file, and configure a project that
has clgrad as a subproject."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

root, build, version, soversion, sanitize, *compilers = sys.argv[1:]
if sanitize != 'none':
    print('skipped: a sanitised library needs a sanitised application')
    sys.exit(77)
for program in 'meson', 'ninja', 'pkg-config', 'nm', 'readelf':
    if not shutil.which(program):
        print(f'skipped: no {program}')
        sys.exit(77)
bad = []


def run(command, **more):
    done = subprocess.run([str(c) for c in command], text=True, capture_output=True, **more)
    if done.returncode:
        sys.exit(f'{" ".join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}')
    return done.stdout


def expect(what, found, wanted):
    if found != wanted:
        bad.append(f'{what}: {found}, expected {wanted}')


def check_files(top):
    files = sorted(str(p.relative_to(top)) for p in top.rglob('*') if not p.is_dir())
    headers = [f for f in files if '/include/clgrad/' in '/' + f]
    public = sorted([p.name for p in (pathlib.Path(root) / 'include/clgrad').glob('*.h')] + ['lines.h'])  # which is made
    expect('headers', sorted(pathlib.Path(f).name for f in headers), public)
    rest = sorted(pathlib.Path(f).name for f in files if f not in headers)
    commands = re.findall(r'^COMMAND\((\w+)\)', (pathlib.Path(root) / 'tools/commands.def').read_text(), re.M)
    pages = ['clgrad.1'] + [f'clgrad-{name}.1' for name in commands]
    completion = ['clgrad', '_clgrad']  # of bash, of zsh
    expect('other files', rest, sorted(['clgrad', 'clgrad.pc', 'libclgrad.a', 'libclgrad.so',
                                        f'libclgrad.so.{soversion}', f'libclgrad.so.{version}'] + pages + completion))


def declared():
    """Every function of the public headers, out of the preprocessor."""
    text = run([*compilers[0].split(), '-E', '-P', f'-I{root}/include',
                pathlib.Path(root) / 'include/clgrad/clgrad.h'])
    return set(re.findall(r'visibility\("default"\)\)\)[^;]*?\b(clg_\w+)\s*\(', text))


def check_symbols(library):
    names = {line.split()[-1].split('@')[0] for line in run(['nm', '-D', '--defined-only', library]).splitlines()}
    public = {n for n in names if n.startswith('clg_') and not n.startswith('clg__')}
    expect('exported beside clg_*', sorted(names - public), [])
    expect('exported but not declared', sorted(public - declared()), [])
    expect('declared but not exported', sorted(declared() - public), [])
    soname = re.search(r'\(SONAME\).*\[(.*)\]', run(['readelf', '-d', library]))
    expect('soname', soname and soname[1], f'libclgrad.so.{soversion}')


def check_application(top, library, work):
    pc = next(top.rglob('clgrad.pc'))
    env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=str(top),
               PKG_CONFIG_PATH=f'{pc.parent}:{os.environ.get("PKG_CONFIG_PATH", "")}',
               LD_LIBRARY_PATH=str(library.parent))
    expect('pkg-config version', run(['pkg-config', '--modversion', 'clgrad'], env=env).strip(), version)
    flags = run(['pkg-config', '--cflags', '--libs', 'clgrad'], env=env).split()
    expect('headers by pkg-config', [f for f in flags if f.startswith('-I') and not f.startswith(f'-I{top}')], [])
    for compiler, name, standard in zip(compilers, ('main.c', 'main.cpp'), ('c11', 'c++11')):
        program = work / name.replace('.', '_')
        run([*compiler.split(), f'-std={standard}', '-Wall', '-Wextra', '-Werror', '-pedantic',
             f'{root}/tests/consumer/{name}', '-o', program, *flags])
        out = run([program], env=env)
        if name == 'main.c':
            expect('clg_version()', out.strip(), version)
    tool = next(top.rglob('bin/clgrad'))
    expect('clgrad --version', run([tool, '--version'], env=env).strip(), f'clgrad {version}')


def check_subproject(work):
    project = work / 'project'
    shutil.copytree(pathlib.Path(root) / 'tests/consumer', project)
    (project / 'subprojects').mkdir()
    (project / 'clgrad.wrap').rename(project / 'subprojects/clgrad.wrap')
    (project / 'subprojects/clgrad').symlink_to(root)
    run(['meson', 'setup', '--wrap-mode=forcefallback', project / 'build', project])
    run(['ninja', '-C', project / 'build', 'consumer.p/main.c.o'])


with tempfile.TemporaryDirectory() as folder:
    work = pathlib.Path(folder)
    top = work / 'installed'
    run(['meson', 'install', '-C', build, '--no-rebuild', '--quiet', '--destdir', top])
    library = next(top.rglob(f'libclgrad.so.{version}'))
    check_files(top)
    check_symbols(library)
    check_application(top, library, work)
    check_subproject(work)
print('\n'.join(bad))
sys.exit(bool(bad))
