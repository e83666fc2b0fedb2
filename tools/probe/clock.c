// SPDX-License-Identifier: MIT
// Time and order, without OpenCL.
#include "probe.h"

#include <stdlib.h>
#include <time.h>

double probe_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return x < y ? -1 : x > y;
}

double probe_median(double *t, int n)
{
    qsort(t, (size_t) n, sizeof t[0], by_value);
    return t[n / 2];
}
