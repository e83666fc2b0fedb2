#!/bin/sh
# SPDX-License-Identifier: MIT
# oclgrind.sh PROGRAM: run under the oclgrind simulator and fail when it reports anything: accesses out of
# bounds, races, reads of uninitialised memory, divergent barriers. 77 where oclgrind is not installed.
icd=/usr/lib/oclgrind/liboclgrind-rt-icd.so
[ -e "$icd" ] || exit 77
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT
OCL_ICD_VENDORS=$icd OCLGRIND_DATA_RACES=1 OCLGRIND_UNINITIALIZED=1 OCLGRIND_LOG=$log \
    OCLGRIND_MAX_ERRORS=20 OCLGRIND_NUM_THREADS=1 "$@"
status=$?
if [ -s "$log" ]; then
    head -60 "$log" >&2
    exit 1
fi
exit $status
