#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""summary.py BUILD...: one closing line for the meson test logs of these builds. Fails when a test
failed or none ran."""
import json
import pathlib
import sys

count = {'passed': 0, 'failed': 0, 'skipped': 0}
names = {'OK': 'passed', 'EXPECTEDFAIL': 'passed', 'SKIP': 'skipped'}
for build in sys.argv[1:]:
    log = pathlib.Path(build) / 'meson-logs/testlog.json'
    for line in log.read_text().splitlines() if log.exists() else []:
        t = json.loads(line)
        kind = names.get(t['result'], 'failed')
        count[kind] += 1
        if kind != 'passed':
            print(f"{kind}: {t['name']} ({build})")
print('%(passed)d passed, %(failed)d failed, %(skipped)d skipped' % count)
sys.exit(count['failed'] > 0 or count['passed'] == 0)
