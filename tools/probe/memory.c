// SPDX-License-Identifier: MIT
// Probes of memory: bandwidth, transfers, large buffers, local memory.
#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 10 };
static const size_t MEGA = 1 << 20;

static void fill(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float) (i * 2654435761u % 100003);
}

static bool same(probe *p, const float *x, const float *y, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++) {
        if (x[i] != y[i])
            return probe_says(p, "%s: element %zu is %g, expected %g", what, i, (double) y[i], (double) x[i]);
    }
    return true;
}

int probe_copy(probe *p, const char *arg)
{
    static const char source[] = "kernel void f(global const float4 *a, global float4 *b)\n"
                                 "{\n    const size_t i = get_global_id(0);\n    b[i] = a[i];\n}\n";
    const size_t limit = probe_size(p, CL_DEVICE_MAX_MEM_ALLOC_SIZE) / 4;
    const size_t bytes = p->cpu ? 64 * MEGA : limit < 512 * MEGA ? limit / MEGA * MEGA : 512 * MEGA;
    const size_t most = probe_size(p, CL_DEVICE_MAX_WORK_GROUP_SIZE);
    float *x = malloc(bytes), *y = malloc(bytes);
    double t[ROUNDS];
    (void) arg;
    if (!x || !y)
        return probe_says(p, "out of host memory"), PROBE_FAILED;
    fill(x, bytes / 4);
    memset(y, 0x5a, bytes);
    cl_kernel k = probe_kernel(p, source, "-cl-std=CL1.2", "f");
    cl_mem a = k ? probe_buffer(p, CL_MEM_READ_ONLY, bytes, x) : NULL;
    cl_mem b = a ? probe_buffer(p, CL_MEM_READ_WRITE, bytes, y) : NULL;
    bool ok = b && probe_set(p, k, 2, (size_t[]) { sizeof a, sizeof b }, (const void *[]) { &a, &b });
    for (int i = -1; i < ROUNDS && ok; i++) {
        const double s = probe_run(p, k, bytes / 16, most < 256 ? most : 256);
        ok = s >= 0;
        t[i < 0 ? 0 : i] = s;
    }
    ok = ok && probe_ok(p, clEnqueueReadBuffer(p->queue, b, CL_TRUE, 0, bytes, y, 0, NULL, NULL), "read") &&
         same(p, x, y, bytes / 4, "copy");
    if (ok) {
        probe_number(p, "bytes", (double) bytes);
        probe_number(p, "read_and_write_gbs", 2e-9 * (double) bytes / probe_median(t, ROUNDS));
        probe_number(p, "best_gbs", 2e-9 * (double) bytes / t[0]);
    }
    free(x);
    free(y);
    return ok ? PROBE_OK : PROBE_FAILED;
}

// Gigabytes a second of write and read of `host` into the report.
static bool both_ways(probe *p, cl_mem m, float *host, const float *truth, size_t bytes, const char *name)
{
    double up[ROUNDS], down[ROUNDS];
    bool ok = true;
    char label[64];
    for (int i = -1; i < ROUNDS && ok; i++) {
        memcpy(host, truth, bytes);
        double from = probe_now();
        ok = probe_ok(p, clEnqueueWriteBuffer(p->queue, m, CL_TRUE, 0, bytes, host, 0, NULL, NULL), "write");
        up[i < 0 ? 0 : i] = probe_now() - from;
        memset(host, 0x5a, bytes);
        from = probe_now();
        ok = ok && probe_ok(p, clEnqueueReadBuffer(p->queue, m, CL_TRUE, 0, bytes, host, 0, NULL, NULL), "read");
        down[i < 0 ? 0 : i] = probe_now() - from;
    }
    if (!ok || !same(p, truth, host, bytes / 4, name))
        return false;
    snprintf(label, sizeof label, "%s_write_gbs", name);
    probe_number(p, label, 1e-9 * (double) bytes / probe_median(up, ROUNDS));
    snprintf(label, sizeof label, "%s_read_gbs", name);
    probe_number(p, label, 1e-9 * (double) bytes / probe_median(down, ROUNDS));
    return true;
}

int probe_transfer(probe *p, const char *arg)
{
    const size_t bytes = 64 * MEGA;
    cl_int status = CL_SUCCESS;
    float *truth = malloc(bytes), *host = malloc(bytes);
    (void) arg;
    if (!truth || !host)
        return probe_says(p, "out of host memory"), PROBE_FAILED;
    fill(truth, bytes / 4);
    cl_mem m = probe_buffer(p, CL_MEM_READ_WRITE, bytes, NULL);
    bool ok = m && both_ways(p, m, host, truth, bytes, "pageable");
    cl_mem pinned = ok ? probe_buffer(p, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR, bytes, NULL) : NULL;
    if (pinned) {
        float *at = clEnqueueMapBuffer(p->queue, pinned, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, 0, bytes, 0, NULL,
                                       NULL, &status);
        ok = probe_ok(p, status, "map") && both_ways(p, m, at, truth, bytes, "pinned");
    } else {
        ok = false;
    }
    free(truth);
    free(host);
    return ok ? PROBE_OK : PROBE_FAILED;
}

// Allocation alone proves nothing on drivers that allocate at first use: the ends are written and read.
static bool usable(probe *p, size_t bytes)
{
    const int mark = 12345;
    int got = 0;
    cl_mem m = probe_buffer(p, CL_MEM_READ_WRITE, bytes, NULL);
    const bool ok = m && probe_ok(p, clEnqueueWriteBuffer(p->queue, m, CL_TRUE, bytes - 4, 4, &mark, 0, NULL, NULL), "write") &&
                    probe_ok(p, clEnqueueWriteBuffer(p->queue, m, CL_TRUE, 0, 4, &mark, 0, NULL, NULL), "write") &&
                    probe_ok(p, clEnqueueReadBuffer(p->queue, m, CL_TRUE, bytes - 4, 4, &got, 0, NULL, NULL), "read") &&
                    got == mark;
    if (m)
        clReleaseMemObject(m);
    return ok;
}

int probe_alloc(probe *p, const char *arg)
{
    const size_t said = probe_size(p, CL_DEVICE_MAX_MEM_ALLOC_SIZE), all = probe_size(p, CL_DEVICE_GLOBAL_MEM_SIZE);
    (void) arg;
    if (p->cpu)
        return probe_says(p, "the device's memory is the host's"), PROBE_NOT_HERE;
    probe_number(p, "reported_gb", 1e-9 * (double) said);
    const bool as_said = usable(p, said / 4096 * 4096);
    json_object_set_new(p->out, "reported_works", json_boolean(as_said));
    size_t most = 0;
    for (size_t quarter = 1; quarter <= 3; quarter++) {
        const size_t bytes = all / 4 * quarter / 4096 * 4096;
        if (bytes > most && usable(p, bytes))
            most = bytes;
    }
    probe_number(p, "largest_of_quarters_gb", 1e-9 * (double) most);
    if (as_said)
        p->message[0] = '\0';
    return as_said ? PROBE_OK : PROBE_FAILED;
}

// A group passes its local memory round by one item, twice, and adds up what it finds.
static const char local_source[] =
    "#ifdef WORDS\n#define ARGS\n#else\n#define ARGS , local int *s, int WORDS\n#endif\n"
    "kernel void f(global int *a ARGS)\n{\n"
    "#ifdef WORDS\n    local int s[WORDS];\n#endif\n"
    "    const int i = get_local_id(0), n = get_local_size(0);\n"
    "    for (int j = i; j < WORDS; j += n)\n        s[j] = j ^ 0x5a5a;\n"
    "    barrier(CLK_LOCAL_MEM_FENCE);\n    int sum = 0;\n"
    "    for (int j = (i + 1) % n; j < WORDS; j += n)\n        sum += s[j];\n"
    "    a[get_global_id(0)] = sum;\n}\n";

int probe_local(probe *p, const char *arg)
{
    enum { ITEMS = 64, GROUPS = 16 };
    char kind[16] = "", options[64] = "-cl-std=CL1.2";
    int kilo = 0, got[ITEMS * GROUPS];
    if (sscanf(arg, "%15s %d", kind, &kilo) != 2 || kilo <= 0 || kilo > 1024)
        return probe_says(p, "expected \"static KB\" or \"argument KB\", not \"%s\"", arg), PROBE_FAILED;
    const bool fixed = strcmp(kind, "static") == 0;
    const int words = kilo * 256;
    if (fixed)
        snprintf(options, sizeof options, "-cl-std=CL1.2 -DWORDS=%d", words);
    cl_kernel k = probe_kernel(p, local_source, options, "f");
    cl_mem m = k ? probe_buffer(p, CL_MEM_READ_WRITE, sizeof got, NULL) : NULL;
    if (!m || !probe_set(p, k, fixed ? 1 : 3, (size_t[]) { sizeof m, (size_t) words * 4, sizeof words },
                         (const void *[]) { &m, NULL, &words }))
        return PROBE_FAILED;
    if (probe_run(p, k, ITEMS * GROUPS, ITEMS) < 0 ||
        !probe_ok(p, clEnqueueReadBuffer(p->queue, m, CL_TRUE, 0, sizeof got, got, 0, NULL, NULL), "read"))
        return PROBE_FAILED;
    for (int i = 0; i < ITEMS * GROUPS; i++) {
        int sum = 0;
        for (int j = (i % ITEMS + 1) % ITEMS; j < words; j += ITEMS)
            sum += j ^ 0x5a5a;
        if (got[i] != sum)
            return probe_says(p, "item %d found %d, expected %d", i, got[i], sum), PROBE_FAILED;
    }
    return PROBE_OK;
}
