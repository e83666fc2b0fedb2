// SPDX-License-Identifier: MIT
// The probes' handful of OpenCL helpers.
#include "probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool probe_says(probe *p, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(p->message, sizeof p->message, format, ap);
    va_end(ap);
    return false;
}

bool probe_ok(probe *p, cl_int status, const char *what)
{
    return status == CL_SUCCESS || probe_says(p, "%s: OpenCL error %d", what, (int) status);
}

static bool fits(cl_platform_id platform, cl_device_id d, const char *want)
{
    char device[256] = "", name[256] = "";
    clGetDeviceInfo(d, CL_DEVICE_NAME, sizeof device - 1, device, NULL);
    clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name - 1, name, NULL);
    return strstr(device, want) || strstr(name, want);
}

// The device that PROBE_DEVICE names, else the first GPU, else the first of all.
static bool choose(probe *p)
{
    cl_platform_id platforms[16];
    cl_uint n = 0;
    const char *want = getenv("PROBE_DEVICE");
    int best = -1;
    if (!probe_ok(p, clGetPlatformIDs(16, platforms, &n), "clGetPlatformIDs"))
        return false;
    for (cl_uint i = 0; i < n && i < 16; i++) {
        cl_device_id devices[16];
        cl_uint m = 0;
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 16, devices, &m) != CL_SUCCESS)
            continue;
        for (cl_uint k = 0; k < m && k < 16; k++) {
            cl_device_type type = 0;
            clGetDeviceInfo(devices[k], CL_DEVICE_TYPE, sizeof type, &type, NULL);
            int rank = (type & CL_DEVICE_TYPE_GPU) != 0;
            if (want && *want && !fits(platforms[i], devices[k], want))
                rank = -1;
            if (rank > best) {
                best = rank;
                p->platform = platforms[i];
                p->device = devices[k];
                p->cpu = type & CL_DEVICE_TYPE_CPU;
            }
        }
    }
    return best >= 0 || probe_says(p, "no OpenCL device%s%s", want ? " like " : "", want ? want : "");
}

bool probe_open(probe *p)
{
    cl_int status;
    char vendor[256] = "";
    if (!choose(p))
        return false;
    clGetDeviceInfo(p->device, CL_DEVICE_VENDOR, sizeof vendor - 1, vendor, NULL);
    p->nvidia = strstr(vendor, "NVIDIA") != NULL;
    p->context = clCreateContext(NULL, 1, &p->device, NULL, NULL, &status);
    if (!probe_ok(p, status, "clCreateContext"))
        return false;
    p->queue = clCreateCommandQueue(p->context, p->device, CL_QUEUE_PROFILING_ENABLE, &status);
    return probe_ok(p, status, "clCreateCommandQueue");
}

void probe_close(probe *p)
{
    if (p->queue)
        clFinish(p->queue);
    json_decref(p->out);
}

cl_kernel probe_kernel(probe *p, const char *source, const char *options, const char *name)
{
    cl_int status;
    cl_program program = clCreateProgramWithSource(p->context, 1, &source, NULL, &status);
    if (!probe_ok(p, status, "clCreateProgramWithSource"))
        return NULL;
    status = clBuildProgram(program, 1, &p->device, options, NULL, NULL);
    if (status != CL_SUCCESS) {
        char log[1500] = "";
        size_t size = 0;
        clGetProgramBuildInfo(program, p->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
        char *all = calloc(size + 1, 1);
        if (all)
            clGetProgramBuildInfo(program, p->device, CL_PROGRAM_BUILD_LOG, size, all, NULL);
        snprintf(log, sizeof log, "%s", all ? all : "");
        free(all);
        probe_says(p, "the program does not build (OpenCL error %d)%s%s", (int) status,
                   log[0] ? ": " : ", and the log is empty", log);
        return NULL;
    }
    cl_kernel k = clCreateKernel(program, name, &status);
    return probe_ok(p, status, "clCreateKernel") ? k : NULL;
}

cl_mem probe_buffer(probe *p, cl_mem_flags flags, size_t bytes, void *data)
{
    cl_int status;
    cl_mem m = clCreateBuffer(p->context, flags | (data ? CL_MEM_COPY_HOST_PTR : 0), bytes, data, &status);
    return probe_ok(p, status, "clCreateBuffer") ? m : NULL;
}

bool probe_set(probe *p, cl_kernel k, int n, const size_t *bytes, const void *const *values)
{
    for (int i = 0; i < n; i++) {
        if (!probe_ok(p, clSetKernelArg(k, (cl_uint) i, bytes[i], values[i]), "clSetKernelArg"))
            return false;
    }
    return true;
}

double probe_run(probe *p, cl_kernel k, size_t items, size_t group)
{
    cl_event event;
    cl_ulong from = 0, to = 0;
    if (!probe_ok(p, clEnqueueNDRangeKernel(p->queue, k, 1, NULL, &items, &group, 0, NULL, &event),
                  "clEnqueueNDRangeKernel"))
        return -1;
    bool ok = probe_ok(p, clFinish(p->queue), "clFinish");
    cl_int done = CL_COMPLETE;
    clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof done, &done, NULL);
    ok = ok && (done == CL_COMPLETE || probe_says(p, "the kernel ended with error %d", (int) done));
    clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof from, &from, NULL);
    clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof to, &to, NULL);
    clReleaseEvent(event);
    return ok ? 1e-9 * (double) (to - from) : -1;
}

size_t probe_size(probe *p, cl_device_info what)
{
    cl_ulong value = 0; // wide enough for cl_uint, size_t and cl_ulong on little-endian hosts
    clGetDeviceInfo(p->device, what, sizeof value, &value, NULL);
    return (size_t) value;
}

void probe_number(probe *p, const char *name, double value)
{
    json_object_set_new(p->out, name, json_real(value));
}
