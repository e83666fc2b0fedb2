// SPDX-License-Identifier: MIT
// Probes of what a device says of itself and of what a launch takes.
#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_text(json_t *to, const char *name, const char *text)
{
    json_t *s = json_string(text);
    json_object_set_new(to, name, s ? s : json_string("(not UTF-8)"));
}

static void add_device_text(json_t *to, const char *name, cl_device_id d, cl_device_info what)
{
    static char text[32768];
    text[0] = '\0';
    clGetDeviceInfo(d, what, sizeof text - 1, text, NULL);
    add_text(to, name, text);
}

static json_t *describe(cl_device_id d)
{
    json_t *one = json_object();
    add_device_text(one, "name", d, CL_DEVICE_NAME);
    add_device_text(one, "vendor", d, CL_DEVICE_VENDOR);
    add_device_text(one, "version", d, CL_DEVICE_VERSION);
    add_device_text(one, "c_version", d, CL_DEVICE_OPENCL_C_VERSION);
    add_device_text(one, "driver", d, CL_DRIVER_VERSION);
    add_device_text(one, "extensions", d, CL_DEVICE_EXTENSIONS);
    return one;
}

int probe_list(probe *p, const char *arg)
{
    cl_platform_id platforms[16];
    cl_uint n = 0;
    (void) arg;
    if (!probe_ok(p, clGetPlatformIDs(16, platforms, &n), "clGetPlatformIDs"))
        return PROBE_FAILED;
    json_t *all = json_array();
    for (cl_uint i = 0; i < n && i < 16; i++) {
        char text[256] = "";
        cl_device_id devices[16];
        cl_uint m = 0;
        json_t *one = json_object(), *list = json_array();
        clGetPlatformInfo(platforms[i], CL_PLATFORM_NAME, sizeof text - 1, text, NULL);
        add_text(one, "name", text);
        clGetPlatformInfo(platforms[i], CL_PLATFORM_VERSION, sizeof text - 1, text, NULL);
        add_text(one, "version", text);
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 16, devices, &m) == CL_SUCCESS) {
            for (cl_uint k = 0; k < m && k < 16; k++)
                json_array_append_new(list, describe(devices[k]));
        }
        json_object_set_new(one, "devices", list);
        json_array_append_new(all, one);
    }
    json_object_set_new(p->out, "platforms", all);
    return PROBE_OK;
}

// cl_khr_subgroups and cl_nv_device_attribute_query, by number: not every header has them.
enum { MAX_SUB_GROUPS = 0x105C, NV_MAJOR = 0x4000, NV_MINOR = 0x4001, NV_WARP = 0x4003 };

int probe_caps(probe *p, const char *arg)
{
    static const struct {
        const char *name;
        cl_device_info what;
    } sizes[] = {
        { "compute_units", CL_DEVICE_MAX_COMPUTE_UNITS }, { "clock_mhz", CL_DEVICE_MAX_CLOCK_FREQUENCY },
        { "global_bytes", CL_DEVICE_GLOBAL_MEM_SIZE }, { "max_alloc_bytes", CL_DEVICE_MAX_MEM_ALLOC_SIZE },
        { "cache_bytes", CL_DEVICE_GLOBAL_MEM_CACHE_SIZE }, { "local_bytes", CL_DEVICE_LOCAL_MEM_SIZE },
        { "local_type", CL_DEVICE_LOCAL_MEM_TYPE }, { "constant_bytes", CL_DEVICE_MAX_CONSTANT_BUFFER_SIZE },
        { "max_work_group", CL_DEVICE_MAX_WORK_GROUP_SIZE }, { "max_parameter_bytes", CL_DEVICE_MAX_PARAMETER_SIZE },
        { "base_align_bits", CL_DEVICE_MEM_BASE_ADDR_ALIGN }, { "address_bits", CL_DEVICE_ADDRESS_BITS },
        { "vector_f32", CL_DEVICE_PREFERRED_VECTOR_WIDTH_FLOAT }, { "vector_f64", CL_DEVICE_PREFERRED_VECTOR_WIDTH_DOUBLE },
        { "vector_f16", CL_DEVICE_PREFERRED_VECTOR_WIDTH_HALF }, { "fp32_config", CL_DEVICE_SINGLE_FP_CONFIG },
        { "fp64_config", CL_DEVICE_DOUBLE_FP_CONFIG }, { "unified_memory", CL_DEVICE_HOST_UNIFIED_MEMORY },
        { "timer_ns", CL_DEVICE_PROFILING_TIMER_RESOLUTION }, { "max_sub_groups", MAX_SUB_GROUPS },
    };
    (void) arg;
    add_device_text(p->out, "name", p->device, CL_DEVICE_NAME);
    add_device_text(p->out, "version", p->device, CL_DEVICE_VERSION);
    add_device_text(p->out, "driver", p->device, CL_DRIVER_VERSION);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        json_object_set_new(p->out, sizes[i].name, json_integer((json_int_t) probe_size(p, sizes[i].what)));
    if (p->nvidia) {
        json_object_set_new(p->out, "compute_capability",
                            json_real((double) probe_size(p, NV_MAJOR) + 0.1 * (double) probe_size(p, NV_MINOR)));
        json_object_set_new(p->out, "warp", json_integer((json_int_t) probe_size(p, NV_WARP)));
    }
    cl_kernel k = probe_kernel(p, "kernel void f(global int *a) { a[get_global_id(0)] = 1; }", "-cl-std=CL1.2", "f");
    if (!k)
        return PROBE_FAILED;
    size_t multiple = 0, most = 0;
    clGetKernelWorkGroupInfo(k, p->device, CL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE, sizeof multiple,
                             &multiple, NULL);
    clGetKernelWorkGroupInfo(k, p->device, CL_KERNEL_WORK_GROUP_SIZE, sizeof most, &most, NULL);
    json_object_set_new(p->out, "group_multiple", json_integer((json_int_t) multiple));
    json_object_set_new(p->out, "kernel_work_group", json_integer((json_int_t) most));
    return PROBE_OK;
}

// Each item takes its opposite's number over a barrier.
static const char groups_source[] =
    "kernel void f(global int *a, local int *s)\n{\n"
    "    const int i = get_local_id(0), n = get_local_size(0);\n"
    "    s[i] = 3 * i + 1;\n    barrier(CLK_LOCAL_MEM_FENCE);\n    a[i] = s[n - 1 - i];\n}\n";

int probe_groups(probe *p, const char *arg)
{
    const size_t most = probe_size(p, CL_DEVICE_MAX_WORK_GROUP_SIZE);
    cl_kernel k = probe_kernel(p, groups_source, "-cl-std=CL1.2", "f");
    cl_mem m = k ? probe_buffer(p, CL_MEM_READ_WRITE, 4 * most, NULL) : NULL;
    int *got = calloc(most, sizeof *got);
    json_t *ran = json_array();
    (void) arg;
    json_object_set_new(p->out, "ran", ran);
    bool ok = m && got;
    for (size_t n = 1; n <= most && ok; n *= 2) {
        ok = probe_set(p, k, 2, (size_t[]) { sizeof m, 4 * n }, (const void *[]) { &m, NULL }) &&
             probe_run(p, k, n, n) >= 0 &&
             probe_ok(p, clEnqueueReadBuffer(p->queue, m, CL_TRUE, 0, 4 * n, got, 0, NULL, NULL), "read");
        for (size_t i = 0; i < n && ok; i++)
            ok = got[i] == (int) (3 * (n - 1 - i) + 1) || probe_says(p, "wrong after a barrier of %zu items", n);
        if (ok)
            json_array_append_new(ran, json_integer((json_int_t) n));
    }
    free(got);
    return ok ? PROBE_OK : PROBE_FAILED;
}

static double launches(probe *p, cl_command_queue q, cl_kernel k, bool wait)
{
    enum { N = 1000 };
    const size_t one = 1;
    double from = 0;
    for (int i = 0; i < N + 100; i++) {
        if (i == 100) {
            clFinish(q);
            from = probe_now();
        }
        if (!probe_ok(p, clEnqueueNDRangeKernel(q, k, 1, NULL, &one, &one, 0, NULL, NULL), "a launch"))
            return -1;
        if (wait)
            clFinish(q);
    }
    clFinish(q);
    return 1e6 * (probe_now() - from) / N;
}

int probe_launch(probe *p, const char *arg)
{
    cl_int status;
    cl_kernel k = probe_kernel(p, "kernel void f(global int *a) { a[get_global_id(0)] += 1; }", "-cl-std=CL1.2", "f");
    const int zero = 0;
    cl_mem m = k ? probe_buffer(p, CL_MEM_READ_WRITE, sizeof zero, (void *) &zero) : NULL;
    cl_command_queue plain = clCreateCommandQueue(p->context, p->device, 0, &status);
    (void) arg;
    if (!m || !probe_ok(p, status, "clCreateCommandQueue") ||
        !probe_set(p, k, 1, (size_t[]) { sizeof m }, (const void *[]) { &m }))
        return PROBE_FAILED;
    const double a = launches(p, plain, k, false), b = launches(p, p->queue, k, false),
                 c = launches(p, plain, k, true);
    probe_number(p, "launch_us", a);
    probe_number(p, "launch_profiled_us", b);
    probe_number(p, "launch_and_finish_us", c);
    int count = 0;
    if (!probe_ok(p, clEnqueueReadBuffer(plain, m, CL_TRUE, 0, sizeof count, &count, 0, NULL, NULL), "read"))
        return PROBE_FAILED;
    if (count != 3300)
        probe_says(p, "%d of 3300 launches counted", count);
    return a < 0 || b < 0 || c < 0 || count != 3300 ? PROBE_FAILED : PROBE_OK;
}
