#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""implementations.py: the OpenCL implementations that the device suites run on, one a line: its name and
the environment that chooses it, separated by tabs. PoCL and Mesa's where they are installed, and those of
CLGRAD_TEST_ICDS: a list separated by semicolons, each NAME:/path/of.icd or NAME:/path/of.icd:VAR=VALUE,...
NAME stands behind the @ of a test's name."""
import os
import re
import sys

STANDARD = [('pocl', '/etc/OpenCL/vendors/pocl.icd', {'CLGRAD_DECLARATIONS': 'own'}),
            # its compiler reads memory that it has released, and crashes on some values that meson fills that with
            ('rusticl', '/etc/OpenCL/vendors/rusticl.icd',
             {'RUSTICL_ENABLE': 'llvmpipe', 'CLGRAD_DEVICE': '0', 'MALLOC_PERTURB_': '0'}),
            # what GPUs get, where float64 is to be had; Mesa's driver optimizes these kernels, here that costs minutes
            ('pocl-gpu', '/etc/OpenCL/vendors/pocl.icd',
             {'CLGRAD_CLASS': 'gpu', 'CLGRAD_CL_OPTIONS': '-cl-opt-disable', 'CLGRAD_DECLARATIONS': 'own'})]


def fail(entry, why):
    sys.exit(f"CLGRAD_TEST_ICDS: '{entry}': {why}; expected NAME:/path/of.icd or NAME:/path/of.icd:VAR=VALUE,...")


def further(text):
    for entry in filter(None, (e.strip() for e in text.split(';'))):
        part = entry.split(':', 2)
        if len(part) < 2 or not re.fullmatch(r'[a-z][a-z0-9_-]*', part[0]):
            fail(entry, 'no name in front')
        if part[0] in [row[0] for row in STANDARD]:
            fail(entry, f"the name '{part[0]}' is taken")
        if not os.path.isfile(part[1]):
            fail(entry, f"there is no file '{part[1]}'")
        env = {}
        for setting in filter(None, part[2].split(',') if len(part) > 2 else []):
            name, equals, value = setting.partition('=')
            if not equals or not re.fullmatch(r'[A-Za-z_]\w*', name):
                fail(entry, f"'{setting}' is no VAR=VALUE")
            env[name] = value
        yield part[0], part[1], env


if __name__ == '__main__':
    rows = [row for row in STANDARD if os.path.isfile(row[1])]
    for name, icd, env in rows + list(further(os.environ.get('CLGRAD_TEST_ICDS', ''))):
        print('\t'.join([name, 'OCL_ICD_VENDORS=' + icd] + [f'{k}={v}' for k, v in env.items()]))
