#!/bin/sh
# SPDX-License-Identifier: MIT
# oclgrind.sh CLASS PROGRAM...: run under the oclgrind simulator with the kernels of a class (cpu, gpu) and
# fail when it reports anything: accesses out of bounds, races, reads of uninitialised memory, divergent
# barriers. 77 where oclgrind is not installed.
icd=/usr/lib/oclgrind/liboclgrind-rt-icd.so
[ -e "$icd" ] || exit 77
class=$1
shift
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT
# Its check for uninitialised reads knows neither what LLVM's optimizer makes of kernels (freeze) nor shuffles:
# a lane of the upper half that goes into a shorter vector counts as one of the second vector. BY_LANES writes
# kernels without them. It rebuilds programs from source: no disk cache.
# Kernels for CPUs that want more local memory than the 32 KiB that it has by itself are taken too.
[ "$class" = cpu ] && export OCLGRIND_LOCAL_MEM_SIZE=1048576
export CLGRAD_CL_OPTIONS="-cl-opt-disable -DBY_LANES" CLGRAD_CLASS="$class" CLGRAD_CACHE_DIR=
OCL_ICD_VENDORS=$icd OCLGRIND_UNINITIALIZED=1 OCLGRIND_DATA_RACES=1 OCLGRIND_LOG=$log \
    OCLGRIND_MAX_ERRORS=20 OCLGRIND_NUM_THREADS=1 "$@"
status=$?
if [ -s "$log" ]; then
    head -60 "$log" >&2
    exit 1
fi
exit $status
