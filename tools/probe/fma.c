// SPDX-License-Identifier: MIT
// Probe of the multiply-add peak in one type.
#include "probe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Chains enough to cover the latency of a multiply-add; x converges to b / (1 - a), never to 0 or infinity.
static const char source[] =
    "#ifdef HALF\n#ifndef cl_khr_fp16\n#define cl_khr_fp16\n#endif\n"
    "#pragma OPENCL EXTENSION cl_khr_fp16 : enable\n#endif\n"
    "#ifdef DOUBLE\n#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n#endif\n"
    "kernel void f(global float *out, int n)\n{\n"
    "    const T a = (T)(E)0.875f, b = (T)(E)0.25f;\n    T x[CHAINS];\n"
    "#pragma unroll\n"
    "    for (int c = 0; c < CHAINS; c++)\n        x[c] = (T)(E)(0.125f * (float)(c + 1));\n"
    "    for (int i = 0; i < n; i++) {\n"
    "#pragma unroll\n"
    "        for (int c = 0; c < CHAINS; c++)\n            x[c] = fma(x[c], a, b);\n    }\n"
    "    T s = x[0];\n"
    "#pragma unroll\n"
    "    for (int c = 1; c < CHAINS; c++)\n        s += x[c];\n"
    "    out[get_global_id(0)] = (float)FIRST(s);\n}\n";

int probe_fma(probe *p, const char *arg)
{
    enum { CHAINS = 12, MOST = 1 << 20 };
    const bool half = strcmp(arg, "half") == 0, wide = strcmp(arg, "double") == 0;
    const int lanes = p->cpu ? (wide ? 8 : 16) : half ? 2 : 1;
    const size_t units = probe_size(p, CL_DEVICE_MAX_COMPUTE_UNITS), group = p->cpu ? 1 : 256;
    const size_t items = p->cpu ? units * 8 : units * 8 * group;
    char options[256], type[32];
    int n = 256;
    double s = 0, best = 1e30;
    if (wide && !probe_size(p, CL_DEVICE_DOUBLE_FP_CONFIG))
        return probe_says(p, "the device has no double precision"), PROBE_NOT_HERE;
    snprintf(type, sizeof type, lanes > 1 ? "%s%d" : "%s", arg, lanes);
    snprintf(options, sizeof options, "-cl-std=CL1.2 -DT=%s -DE=%s -DCHAINS=%d -D%s '-DFIRST(s)=s%s'", type, arg,
             CHAINS, half ? "HALF" : wide ? "DOUBLE" : "SINGLE", lanes > 1 ? ".s0" : "");
    // no compiler takes quotes alike
    for (char *q = strchr(options, '\''); q; q = strchr(options, '\''))
        memmove(q, q + 1, strlen(q));
    cl_kernel k = probe_kernel(p, source, options, "f");
    cl_mem m = k ? probe_buffer(p, CL_MEM_WRITE_ONLY, items * 4, NULL) : NULL;
    if (!m)
        return half ? PROBE_NOT_HERE : PROBE_FAILED;
    // first grow the work to 20 ms, then keep the best of five
    for (int round = 0; round < 5;) {
        if (!probe_set(p, k, 2, (size_t[]) { sizeof m, sizeof n }, (const void *[]) { &m, &n }) ||
            (s = probe_run(p, k, items, group)) < 0)
            return PROBE_FAILED;
        if (s < 0.02 && n < MOST) {
            n *= 2;
            continue;
        }
        best = s < best ? s : best;
        round++;
    }
    float got = 0;
    if (!probe_ok(p, clEnqueueReadBuffer(p->queue, m, CL_TRUE, 4 * (items - 1), 4, &got, 0, NULL, NULL), "read"))
        return PROBE_FAILED;
    if (!(fabs((double) got - 2.0 * CHAINS) < 0.05 * CHAINS))
        return probe_says(p, "the chains end at %g, expected %g", (double) got, 2.0 * CHAINS), PROBE_FAILED;
    probe_number(p, "gflops", 2e-9 * (double) items * lanes * CHAINS * n / best);
    return PROBE_OK;
}
