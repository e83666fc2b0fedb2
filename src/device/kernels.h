// SPDX-License-Identifier: MIT
// The kernel files of cl/, embedded as bytes by cl/embed.py.
#ifndef CLG_DEVICE_KERNELS_H
#define CLG_DEVICE_KERNELS_H

#include <stddef.h>

typedef struct clg__kernel_source {
    const char *name; // "gemm_cpu", "common.clh"
    const char *text; // NUL-terminated
    size_t length;
} clg__kernel_source;
extern const clg__kernel_source clg__kernel_sources[]; // ends with a NULL name
#endif
