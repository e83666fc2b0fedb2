#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bundle.py ROOT BUILD: tools/bundle's folder, moved elsewhere, finds this machine's driver and writes its page;
where there is none, or nothing but the C library it carries, it says so and writes a page all the same."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

root, build = sys.argv[1:3]


def start(folder, out, *options, **env):
    return subprocess.run([folder / 'run.sh', '--out', out, *options], text=True, capture_output=True, timeout=300,
                          env={**os.environ, **env}, cwd='/')


def page(out):
    return json.loads((out / 'result.json').read_text()), (out / 'result.txt').read_text()


def outcomes(result):
    return {s['name']: s['outcome'] for s in result['steps']}


with tempfile.TemporaryDirectory() as t:
    made, moved, out = (pathlib.Path(t) / n for n in ('made', 'far away', 'results'))
    subprocess.run([pathlib.Path(root) / 'tools/bundle', made, '--build', build], check=True)
    shutil.move(made, moved)

    names = 'host list devices caps launch groups ptx suite-identity bench demo'.split()
    r = start(moved, out, '--only', '|'.join(names), '--demo-steps', '2', '--seconds', '250')
    assert r.returncode == 0, r.stdout + r.stderr
    result, text = page(out)
    assert list(outcomes(result)) == [n for n in sorted(names, key=list(outcomes(result)).index)], outcomes(result)
    assert outcomes(result) == {n: 'skipped' if n == 'ptx' else 'ok' for n in names}, outcomes(result)
    step = {s['name']: s for s in result['steps']}
    assert step['caps']['data']['name'] == result['device'] and result['device'] in text
    assert step['launch']['data']['launch_us'] > 0 and step['groups']['data']['ran'][0] == 1
    assert any(c['case'] == 'add' and c['seconds'] > 0 and c['inputs'] for c in step['bench']['data'])
    assert 'stopped after step 2' in step['demo']['output'] and 'stopped after step 2' in text
    assert '0 went wrong' in text and not (out / 'parts').exists()

    # no driver: every step that needs one goes wrong, none hangs, the page tells
    r = start(moved, out, '--only', 'host|list|caps|suite-identity|demo', '--seconds', '60', OCL_ICD_VENDORS=str(out / 'none'))
    assert r.returncode == 1, r.stdout + r.stderr
    result, text = page(out)
    assert outcomes(result)['host'] == 'ok' and outcomes(result)['caps'] == 'failed', outcomes(result)
    assert 'What went wrong' in text and 'OpenCL error -1001' in text

    # time is up: what is there is written, the rest left
    r = start(moved, out, '--seconds', '6', '--only', 'host|suite-*')
    result, text = page(out)
    assert outcomes(result)['host'] == 'ok' and len(result['steps']) < 4 and 'no time' in r.stdout, r.stdout

    # a system whose C library is older than ours
    r = start(moved, out, '--carried', '--only', 'host|caps|devices', '--seconds', '60')
    assert r.returncode == 0 and outcomes(page(out)[0])['caps'] == 'ok', r.stdout + r.stderr

    for bad in (['--seconds', 'soon'], ['--seconds'], ['--what']):
        r = start(moved, out, *bad)
        assert r.returncode == 2 and r.stderr.startswith('run.sh: '), (bad, r.stderr)
