// SPDX-License-Identifier: MIT
// Finding devices: every platform, every device, what each can do, and which one to take.
#include "device/internal.h"

#include "base/alloc.h"
#include "base/env.h"
#include "base/format.h"
#include "base/fp.h"
#include "base/log.h"
#include "base/signals.h"

#include <pthread.h>
#include <string.h>

static char *device_text(cl_device_id id, cl_device_info what)
{
    size_t n = 0;
    if (clGetDeviceInfo(id, what, 0, NULL, &n) != CL_SUCCESS || n == 0)
        return clg__strdup("?");
    char *s = clg__calloc(1, n + 1);
    if (s && clGetDeviceInfo(id, what, n, s, NULL) != CL_SUCCESS)
        s[0] = '\0';
    return s;
}

static char *platform_text(cl_platform_id id, cl_platform_info what)
{
    size_t n = 0;
    if (clGetPlatformInfo(id, what, 0, NULL, &n) != CL_SUCCESS || n == 0)
        return clg__strdup("?");
    char *s = clg__calloc(1, n + 1);
    if (s && clGetPlatformInfo(id, what, n, s, NULL) != CL_SUCCESS)
        s[0] = '\0';
    return s;
}

static uint64_t number(cl_device_id id, cl_device_info what, size_t bytes)
{
    union {
        cl_uint u;
        cl_ulong l;
        size_t z;
    } v = { 0 };
    if (clGetDeviceInfo(id, what, bytes, &v, NULL) != CL_SUCCESS)
        return 0;
    return bytes == sizeof(cl_uint) ? v.u : bytes == sizeof(cl_ulong) ? v.l : v.z;
}

static bool has_extension(const char *all, const char *name)
{
    return all && strstr(all, name) != NULL;
}

static bool describe(clg__found *f)
{
    char *ext = device_text(f->id, CL_DEVICE_EXTENSIONS);
    f->text[0] = device_text(f->id, CL_DEVICE_NAME);
    f->text[1] = device_text(f->id, CL_DEVICE_VENDOR);
    f->text[2] = platform_text(f->platform, CL_PLATFORM_NAME);
    f->text[3] = device_text(f->id, CL_DRIVER_VERSION);
    clGetDeviceInfo(f->id, CL_DEVICE_TYPE, sizeof f->cl_type, &f->cl_type, NULL);
    cl_device_local_mem_type local = 0;
    clGetDeviceInfo(f->id, CL_DEVICE_LOCAL_MEM_TYPE, sizeof local, &local, NULL);
    f->dedicated_local = local == CL_LOCAL;
    f->parameter_bytes = (int) number(f->id, CL_DEVICE_MAX_PARAMETER_SIZE, sizeof(size_t));
    f->base_align = (int) number(f->id, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof(cl_uint)) / 8;
    f->lanes = (int) number(f->id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof(cl_uint));
    f->info = (clg_device_info) {
        .name = f->text[0],
        .vendor = f->text[1],
        .platform = f->text[2],
        .driver = f->text[3],
        .type = f->cl_type & CL_DEVICE_TYPE_GPU   ? "gpu"
                : f->cl_type & CL_DEVICE_TYPE_CPU ? "cpu"
                                                  : "accelerator",
        .fp64 = has_extension(ext, "cl_khr_fp64"),
        .fp16 = has_extension(ext, "cl_khr_fp16"),
        .subgroups = has_extension(ext, "subgroups"),
        .unified_memory = number(f->id, CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof(cl_uint)) != 0,
        .compute_units = (int) number(f->id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(cl_uint)),
        .max_work_group = (int) number(f->id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof(size_t)),
        .global_bytes = number(f->id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof(cl_ulong)),
        .max_alloc_bytes = number(f->id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof(cl_ulong)),
        .local_bytes = number(f->id, CL_DEVICE_LOCAL_MEM_SIZE, sizeof(cl_ulong)),
    };
    const bool have_ext = ext != NULL;
    clg__free(ext);
    return have_ext && f->text[0] && f->text[1] && f->text[2] && f->text[3];
}

bool clg__is_pocl(const clg__found *f)
{
    return strstr(f->info.platform, "Portable Computing") != NULL;
}

// PoCL, and Mesa on a CPU: a kernel becomes machine code when a thread of the driver first runs it.
bool clg__compiles_late(const clg__found *f)
{
    return clg__is_pocl(f) || strstr(f->info.platform, "rusticl") != NULL;
}

static bool contains(const char *text, const char *part)
{
    const size_t n = strlen(part);
    for (; *text; text++) {
        size_t i = 0;
        while (i < n && clg__lower(text[i]) == clg__lower(part[i]))
            i++;
        if (i == n)
            return true;
    }
    return n == 0;
}

static void rank_device(clg__found *f)
{
    const bool software = contains(f->info.name, "llvmpipe") || contains(f->info.name, "softpipe") ||
                          contains(f->info.platform, "oclgrind");
    f->rank = f->cl_type & CL_DEVICE_TYPE_GPU ? 3 : f->cl_type & CL_DEVICE_TYPE_ACCELERATOR ? 2 : 1;
    if (software) {
        f->rank = -1;
        f->info.passed_over = "emulates a device in software: only when named";
    }
}

static bool add_platform(cl_platform_id p, clg__found **all, int *n, int *capacity)
{
    cl_uint count = 0;
    if (clGetDeviceIDs(p, CL_DEVICE_TYPE_ALL, 0, NULL, &count) != CL_SUCCESS || count == 0)
        return true;
    cl_device_id *ids = clg__calloc(count, sizeof *ids);
    bool ok = ids != NULL;
    if (ok && clGetDeviceIDs(p, CL_DEVICE_TYPE_ALL, count, ids, NULL) != CL_SUCCESS)
        count = 0;
    for (cl_uint i = 0; ok && i < count; i++) {
        ok = clg__grow((void **) all, capacity, *n + 1, sizeof **all);
        if (!ok)
            break;
        clg__found *f = &(*all)[(*n)++];
        *f = (clg__found) { .platform = p, .id = ids[i] };
        ok = describe(f);
        if (ok)
            rank_device(f);
    }
    clg__free(ids);
    return ok;
}

clg_status clg__find_devices(clg__found **out, int *n, clg__err *e)
{
    cl_uint count = 0;
    int capacity = 0;
    *out = NULL;
    *n = 0;
    const cl_int rc = clGetPlatformIDs(0, NULL, &count);
    cl_platform_id *ids = clg__calloc(count + 1, sizeof *ids);
    bool ok = ids != NULL;
    if (ok && rc == CL_SUCCESS && count && clGetPlatformIDs(count, ids, NULL) != CL_SUCCESS)
        count = 0;
    for (cl_uint i = 0; ok && rc == CL_SUCCESS && i < count; i++)
        ok = add_platform(ids[i], out, n, &capacity);
    clg__free(ids);
    if (!ok) {
        clg__found_free(*out, *n);
        *out = NULL;
        return clg__fail(e, CLG_ENOMEM, "device list: out of host memory");
    }
    if (*n > 0)
        return CLG_OK;
    clg__free(*out);
    *out = NULL;
    return clg__fail(e, CLG_ENODEV,
                     "no OpenCL device found: install the OpenCL driver of your GPU, or PoCL for "
                     "the CPU (Debian and Ubuntu: apt install pocl-opencl-icd)");
}

void clg__found_free(clg__found *f, int n)
{
    for (int i = 0; f && i < n; i++) {
        for (int k = 0; k < 5; k++)
            clg__free(f[i].text[k]);
        if (f[i].context)
            clReleaseContext(f[i].context);
    }
    clg__free(f);
}

// Devices that have passed, so that a process tests each once. A failure may pass (memory, another
// process that holds the device) and is not kept.
static pthread_mutex_t passed_lock = PTHREAD_MUTEX_INITIALIZER;
static cl_device_id passed[32];
static int n_passed;

static bool has_passed(cl_device_id id)
{
    bool found = false;
    pthread_mutex_lock(&passed_lock);
    for (int i = 0; i < n_passed; i++)
        found |= passed[i] == id;
    pthread_mutex_unlock(&passed_lock);
    return found;
}

static bool passes(clg__found *f, char *why, size_t size)
{
    if (has_passed(f->id))
        return true;
    const bool ok = clg__self_test(f, why, size);
    pthread_mutex_lock(&passed_lock);
    if (ok && n_passed < (int) (sizeof passed / sizeof passed[0]))
        passed[n_passed++] = f->id;
    pthread_mutex_unlock(&passed_lock);
    return ok;
}

// "what 'select'. The devices: 0 is NAME (type, platform), 1 is ..."
static void list_devices(const clg__found *f, int n, bool reasons, clg_status st, const char *what,
                         const char *select, clg__err *e)
{
    clg__str s = { 0 };
    clg__str_add(&s, what);
    if (select)
        clg__str_printf(&s, " '%.100s'", select);
    clg__str_add(&s, n == 1 ? ". The only device: " : ". The devices: ");
    for (int i = 0; i < n; i++) {
        clg__str_printf(&s, "%s%d is %s (%s, %s)", i ? "; " : "", i, f[i].info.name, f[i].info.type,
                        f[i].info.platform);
        if (reasons && f[i].info.passed_over)
            clg__str_printf(&s, ", %s", f[i].info.passed_over);
    }
    clg__fail(e, st, "%s", s.failed ? what : clg__str_text(&s));
    clg__str_free(&s);
}

// The best candidate that passes the self-test; notes why each other was passed over.
static int choose_default(clg__found *f, int n, clg__err *e)
{
    char why[300];
    for (int rank = 3; rank >= 1; rank--) {
        for (int i = 0; i < n; i++) {
            if (f[i].rank != rank)
                continue;
            if (passes(&f[i], why, sizeof why)) {
                for (int j = 0; j < n; j++) {
                    if (j != i && !f[j].info.passed_over)
                        f[j].info.passed_over = "another device ranks before it";
                }
                f[i].info.is_default = true;
                return i;
            }
            clg__log(CLG__LOG_DEVICE, "%s: %s", f[i].info.name, why);
            f[i].rank = -1;
            f[i].text[4] = clg__strdup(why);
            f[i].info.passed_over = f[i].text[4] ? f[i].text[4] : "fails the self-test";
        }
    }
    list_devices(f, n, true, CLG_ENODEV,
                 "no OpenCL device can be the default; name one to insist on it", NULL, e);
    return -1;
}

// A type is a whole word, in any case.
static bool is_type(const clg__found *f, const char *select)
{
    return strlen(select) == strlen(f->info.type) && contains(f->info.type, select);
}

static bool is_named(const clg__found *f, const char *select)
{
    return select[strspn(select, " \t")] != '\0' && // a blank is part of every name
           (contains(f->info.name, select) || contains(f->info.platform, select) || is_type(f, select));
}

int clg__choose_device(clg__found *f, int n, const char *select, clg__err *e)
{
    int64_t index;
    if (!select || !*select)
        return choose_default(f, n, e);
    const bool is_number = clg__parse_i64(select, &index);
    if (is_number && index >= 0 && index < n)
        return (int) index;
    for (int i = 0; i < n && !is_number; i++) {
        if (is_type(&f[i], select) && f[i].rank >= 0)
            return i;
    }
    for (int i = 0; i < n && !is_number; i++) {
        if (is_named(&f[i], select))
            return i;
    }
    list_devices(f, n, false, CLG_EINVAL, is_number ? "no device has number" : "no device matches", select,
                 e);
    return -1;
}

// PoCL is spared its declarations, as in compile.c.
static cl_program build_test(const clg__found *f, cl_context c, cl_int *rc)
{
    const char *declared = "size_t __attribute__((overloadable, const)) get_global_id(uint);\n",
               *source = "kernel void t(global int *x) { x[get_global_id(0)] = 3 * (int) get_global_id(0) + 1; }";
    const bool own = clg__is_pocl(f);
    cl_program p = NULL;
    for (int plain = !own; plain < 2; plain++) {
        const char *text[] = { plain ? "" : declared, source };
        p = clCreateProgramWithSource(c, 2, text, NULL, rc);
        if (!p)
            break;
        *rc = clBuildProgram(p, 1, &f->id, plain ? "" : "-D_OPENCL_H_", NULL, NULL);
        if (*rc == CL_SUCCESS)
            break;
        clReleaseProgram(p);
        p = NULL;
    }
    return p;
}

// Build, run and check one kernel. Its context is the device's then: PoCL reads its library of built-in functions
// anew for each context that builds something.
bool clg__self_test(clg__found *f, char *why, size_t size)
{
    const size_t items = 64;
    int result[64] = { 0 };
    cl_int rc = CL_SUCCESS;
    const char *step = "create a context";
    cl_command_queue q = NULL;
    cl_program p = NULL;
    cl_kernel k = NULL;
    cl_mem m = NULL;
    cl_context c = clCreateContext(NULL, 1, &f->id, NULL, NULL, &rc);
    if (c && (step = "create a queue", q = clCreateCommandQueue(c, f->id, 0, &rc)) &&
        (step = "build a kernel", p = build_test(f, c, &rc)) &&
        (step = "create a kernel", k = clCreateKernel(p, "t", &rc)) &&
        (step = "allocate", m = clCreateBuffer(c, CL_MEM_READ_WRITE, sizeof result, NULL, &rc)) &&
        (step = "set an argument", rc = clSetKernelArg(k, 0, sizeof m, &m)) == CL_SUCCESS) {
        step = "run a kernel";
        rc = clEnqueueNDRangeKernel(q, k, 1, NULL, &items, NULL, 0, NULL, NULL);
        if (rc == CL_SUCCESS)
            rc = clEnqueueReadBuffer(q, m, CL_TRUE, 0, sizeof result, result, 0, NULL, NULL);
    }
    bool ok = rc == CL_SUCCESS && m;
    clg__format(why, size, "self-test could not %s: %s", step, clg__cl_error(rc));
    for (int i = 0; ok && i < 64; i++) {
        if (result[i] != 3 * i + 1) {
            clg__format(why, size, "self-test computed %d in place of %d", result[i], 3 * i + 1);
            ok = false;
        }
    }
    if (m)
        clReleaseMemObject(m);
    if (k)
        clReleaseKernel(k);
    if (p)
        clReleaseProgram(p);
    if (q)
        clReleaseCommandQueue(q);
    if (c && !ok)
        clReleaseContext(c);
    f->context = ok ? c : NULL;
    return ok;
}

static void report(char *error, size_t size, const clg__err *e)
{
    if (error && size)
        clg__format(error, size, "%s", e->text);
}

clg_status clg_device_list(clg_device_info **out, int *count, char *error, size_t error_size)
{
    CLG__DEFAULT_FP;
    CLG__QUIET_THREADS;
    clg__log_read();
    clg__err e = { 0 }, none = { 0 };
    clg__found *f;
    int n;
    if (!out || !count) {
        clg__fail(&e, CLG_EINVAL, "device list: out or count is NULL");
        report(error, error_size, &e);
        return e.status;
    }
    *out = NULL;
    *count = 0;
    if (clg__find_devices(&f, &n, &e) < 0) {
        report(error, error_size, &e);
        return e.status;
    }
    choose_default(f, n, &none);
    // The infos come first in one block with the owner behind them, for the free function.
    clg_device_info *list = clg__calloc((size_t) n + 2, sizeof *list);
    if (!list) {
        clg__found_free(f, n);
        clg__fail(&e, CLG_ENOMEM, "device list: out of host memory");
        report(error, error_size, &e);
        return CLG_ENOMEM;
    }
    list[0].name = (const char *) f;
    list[0].compute_units = n;
    for (int i = 0; i < n; i++)
        list[i + 1] = f[i].info;
    *out = list + 1;
    *count = n;
    return CLG_OK;
}

void clg_device_list_free(clg_device_info **list)
{
    if (!list || !*list)
        return;
    clg_device_info *head = *list - 1;
    clg__found_free((clg__found *) (uintptr_t) head->name, head->compute_units);
    clg__free(head);
    *list = NULL;
}
