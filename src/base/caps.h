// SPDX-License-Identifier: MIT
// The target: what a device can do, as plain data, for choosing kernels without knowing OpenCL.
#ifndef CLG_BASE_CAPS_H
#define CLG_BASE_CAPS_H

#include <clgrad/base.h>

typedef struct clg__caps {
    bool cpu_class;   // CPU-class kernels (one work-item per work-group, vectors); CLGRAD_CLASS wins
    bool is_cpu;      // the device really is one
    bool blas;        // CLGRAD_BLAS=1: matrix products by CLBlast where it can
    bool strict;      // CLGRAD_PRECISION=strict: no kernel that rounds more than the plain sum does
    bool fp64, fp16, unified_memory, subgroups;
    bool local_is_dedicated; // CL_LOCAL: staging in local memory pays
    int compute_units;
    int max_work_group;
    int max_parameter_bytes; // of one kernel's arguments
    uint64_t local_bytes, global_bytes, max_alloc_bytes;
    int base_align; // bytes
    // Of CPUs. A kernel text's vectors have 16 elements on every machine (CLG__VL), so that sums have one order on all of
    // them; what follows from these is how many of its vectors are worked on at a time (ops/tile.c, ops/conv_depth.c).
    int lanes;            // 4-byte elements of a vector register: 4, 8 or 16; CLGRAD_LANES wins
    int registers;        // vector registers
    uint64_t cache_bytes; // of a core's second cache
} clg__caps;

enum { CLG__VL = 16 };
#endif
