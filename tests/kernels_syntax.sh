#!/bin/sh
# SPDX-License-Identifier: MIT
# kernels_syntax.sh FOLDER: every kernel file of the folder is legal OpenCL C 1.2 on its own, with its
# defaults and with double elements. No driver is needed. 77 where clang is not installed.
command -v clang >/dev/null || exit 77
failed=0
check() { # check FILE OPTION...
    file=$1
    shift
    clang -x cl -cl-std=CL1.2 -fsyntax-only -Xclang -finclude-default-header -I"$folder" \
        -Wall -Wno-unused-function -Wno-unknown-pragmas -Wno-macro-redefined -Werror=implicit-function-declaration "$@" "$file" ||
        { echo "$file $*: not legal alone" >&2; failed=1; }
}
# Alone too with the declarations that stand in for the driver's.
check_own() {
    file=$1
    shift
    clang -cc1 -x cl -cl-std=CL1.2 -triple x86_64-unknown-linux-gnu -fsyntax-only -w \
        -internal-isystem "$(clang -print-resource-dir)/include" -include opencl-c-base.h -D_OPENCL_H_ \
        -Dcl_khr_fp64 -I"$folder" -include "$folder/builtins.clh" "$@" "$file" ||
        { echo "$file $*: needs more than builtins.clh declares" >&2; failed=1; }
}
folder=$1
for file in "$folder"/*.cl; do
    check "$file"
    check "$file" -DE=double -DVEC=double16 -DMASK=long -DI=int -DFILL=0 -DLOG
    check "$file" -DBY_LANES
    check_own "$file"
    check_own "$file" -DE=double -DVEC=double16 -DMASK=long -DI=int -DFILL=0 -DLOG
done
for what in "" -DLOG -DSTATS; do
    check "$folder/softmax.cl" -DCPU -DEXP_F32 $what
    check "$folder/softmax.cl" -DCPU $what -DE=double -DVEC=double16 -DBY_LANES
    check_own "$folder/softmax.cl" -DCPU -DEXP_F32 $what
    check "$folder/softmax.cl" -DCOLUMNS $what
    check_own "$folder/softmax_columns.cl" -DEXP_F32 $what
    for places in 1 2 4 8 16; do
        check "$folder/softmax_short.cl" -DPLACES=$places $what -DBY_LANES
        check_own "$folder/softmax_short.cl" -DPLACES=$places $what -DEXP_F32
    done
done
for places in 1 2 4 8; do
    for file in "$folder/norm_stats_short.cl" "$folder/norm_slope_short.cl"; do
        check "$file" -DPLACES=$places
        check_own "$file" -DPLACES=$places
    done
done
check "$folder/ctc.cl" -DITEMS=1 -DEXP_F32
check_own "$folder/ctc.cl" -DITEMS=1 -DE=double -DVEC=double16
for step in 0 1 2; do
    for file in "$folder/fold_cpu.cl" "$folder/pool_back_cpu.cl"; do
        check "$file" -DSTEP=$step
        check "$file" -DSTEP=$step -DE=double -DVEC=double16 -DMASK=long -DND=3 -DBY_LANES
        check_own "$file" -DSTEP=$step
    done
done
for spans in "" -DAPART "-DAPART -DADAPTIVE"; do
    for file in "$folder/pool_max_cpu.cl" "$folder/pool_avg_cpu.cl"; do
        check "$file" $spans
        check "$file" $spans -DE=double -DVEC=double16 -DMASK=long -DND=3 -DBY_LANES
        check_own "$file" $spans
    done
done
for use in CONV_Y CONV_DX CONV_DW; do
    check "$folder/conv_gpu.cl" -D$use
    check_own "$folder/conv_gpu.cl" -D$use
done
exit $failed
