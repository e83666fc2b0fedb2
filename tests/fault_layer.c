// SPDX-License-Identifier: MIT
// An OpenCL layer for tests: counts the calls that may fail, makes the n-th fail (or all from the n-th on, as
// a lost device does), fails builds and launches of one kernel, and knows which objects are alive. Loaded with OPENCL_LAYERS=libfault_layer.so, armed
// from inside the process: dlopen(the same path, RTLD_NOLOAD), then fault_arm() and friends.
#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl_layer.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

long fault_arm(long n, int sticky);
void fault_only(const char *names, cl_int error);
void fault_kernel(const char *name, cl_int build, cl_int launch);
long fault_fired(const char **name);
long fault_live(void);
long fault_bad(void);

static const cl_icd_dispatch *next;
static cl_icd_dispatch ours;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long count, at, fired, bad;
static int sticky_;
static const char *failed_call = "";
static const char *only; // beginnings of names, blank-separated; NULL: every call
static cl_int only_error;

// ---- live objects

typedef struct object {
    void *handle;
    long refs;
} object;
static object *objects;
static size_t n_objects, capacity;

static void born(void *handle)
{
    if (!handle)
        return;
    pthread_mutex_lock(&lock);
    if (n_objects == capacity) {
        object *p = realloc(objects, (capacity = 2 * capacity + 256) * sizeof *p);
        if (!p)
            abort();
        objects = p;
    }
    objects[n_objects++] = (object) { handle, 1 };
    pthread_mutex_unlock(&lock);
}

// Counts a retain or a release; false: no such object, which is a bug of the caller.
static int refer(void *handle, long by, const char *name)
{
    int found = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = n_objects; i-- > 0 && !found;) {
        if (objects[i].handle != handle)
            continue;
        found = 1;
        objects[i].refs += by;
        if (objects[i].refs == 0)
            objects[i] = objects[--n_objects];
    }
    if (!found) {
        bad++;
        fprintf(stderr, "fault layer: %s of %p, which is not alive\n", name, handle);
    }
    pthread_mutex_unlock(&lock);
    return found;
}

// ---- the fault

static int is_meant(const char *name)
{
    for (const char *p = only; p && *p; p += strspn(p, " ")) {
        const size_t n = strcspn(p, " ");
        if (strncmp(name, p, n) == 0)
            return 1;
        p += n;
    }
    return only == NULL;
}

static cl_int fault(const char *name, cl_int error)
{
    cl_int e = CL_SUCCESS;
    if (!is_meant(name))
        return e;
    pthread_mutex_lock(&lock);
    count++;
    if (at > 0 && (count == at || (sticky_ && count > at))) {
        if (fired++ == 0)
            failed_call = name;
        e = only ? only_error : error;
    }
    pthread_mutex_unlock(&lock);
    return e;
}

// From here on count, and fail, calls of these names alone, with this code. NULL: every call, each with a code
// of its own.
void fault_only(const char *names, cl_int error)
{
    pthread_mutex_lock(&lock);
    only = names;
    only_error = error;
    pthread_mutex_unlock(&lock);
}

long fault_arm(long n, int sticky)
{
    pthread_mutex_lock(&lock);
    const long before = count;
    count = fired = 0;
    at = n;
    sticky_ = sticky;
    failed_call = "";
    pthread_mutex_unlock(&lock);
    return before;
}

long fault_fired(const char **name)
{
    *name = failed_call;
    return fired;
}

long fault_live(void)
{
    long n = 0;
    for (size_t i = 0; i < n_objects; i++)
        n += objects[i].refs;
    return n;
}

long fault_bad(void)
{
    return bad;
}

// ---- the calls: C creates an object, F may fail, E may fail and gives an event, R counts references

#define CALLS(C, F, E, R)                                                                          \
    C(clCreateContext, cl_context, CL_DEVICE_NOT_AVAILABLE,                                        \
      (const cl_context_properties *p, cl_uint n, const cl_device_id *d,                           \
       void(CL_CALLBACK * f)(const char *, const void *, size_t, void *), void *u, cl_int *rc),    \
      (p, n, d, f, u, rc))                                                                         \
    C(clCreateCommandQueue, cl_command_queue, CL_OUT_OF_RESOURCES,                                 \
      (cl_context c, cl_device_id d, cl_command_queue_properties p, cl_int *rc), (c, d, p, rc))    \
    C(clCreateBuffer, cl_mem, CL_MEM_OBJECT_ALLOCATION_FAILURE,                                    \
      (cl_context c, cl_mem_flags f, size_t n, void *h, cl_int *rc), (c, f, n, h, rc))             \
    C(clCreateSubBuffer, cl_mem, CL_MEM_OBJECT_ALLOCATION_FAILURE,                                 \
      (cl_mem b, cl_mem_flags f, cl_buffer_create_type t, const void *r, cl_int *rc), (b, f, t, r, rc)) \
    C(clCreateProgramWithSource, cl_program, CL_OUT_OF_HOST_MEMORY,                                \
      (cl_context c, cl_uint n, const char **s, const size_t *l, cl_int *rc), (c, n, s, l, rc))    \
    C(clCreateProgramWithBinary, cl_program, CL_INVALID_BINARY,                                    \
      (cl_context c, cl_uint n, const cl_device_id *d, const size_t *l, const unsigned char **b,   \
       cl_int *s, cl_int *rc), (c, n, d, l, b, s, rc))                                             \
    C(clCreateKernel, cl_kernel, CL_OUT_OF_RESOURCES, (cl_program p, const char *n, cl_int *rc),   \
      (p, n, rc))                                                                                  \
    F(clGetPlatformIDs, CL_OUT_OF_HOST_MEMORY, (cl_uint n, cl_platform_id * p, cl_uint * m),       \
      (n, p, m))                                                                                   \
    F(clGetPlatformInfo, CL_OUT_OF_HOST_MEMORY,                                                    \
      (cl_platform_id p, cl_platform_info i, size_t n, void *v, size_t *r), (p, i, n, v, r))       \
    F(clGetDeviceIDs, CL_DEVICE_NOT_FOUND,                                                         \
      (cl_platform_id p, cl_device_type t, cl_uint n, cl_device_id * d, cl_uint * m),              \
      (p, t, n, d, m))                                                                             \
    F(clGetDeviceInfo, CL_OUT_OF_HOST_MEMORY,                                                      \
      (cl_device_id d, cl_device_info i, size_t n, void *v, size_t *r), (d, i, n, v, r))           \
    F(clBuildProgram, CL_BUILD_PROGRAM_FAILURE,                                                    \
      (cl_program p, cl_uint n, const cl_device_id *d, const char *o,                              \
       void(CL_CALLBACK * f)(cl_program, void *), void *u), (p, n, d, o, f, u))                    \
    F(clGetProgramInfo, CL_OUT_OF_HOST_MEMORY,                                                     \
      (cl_program p, cl_program_info i, size_t n, void *v, size_t *r), (p, i, n, v, r))            \
    F(clGetProgramBuildInfo, CL_OUT_OF_HOST_MEMORY,                                                \
      (cl_program p, cl_device_id d, cl_program_build_info i, size_t n, void *v, size_t *r),       \
      (p, d, i, n, v, r))                                                                          \
    F(clGetKernelInfo, CL_OUT_OF_HOST_MEMORY,                                                      \
      (cl_kernel k, cl_kernel_info i, size_t n, void *v, size_t *r), (k, i, n, v, r))              \
    F(clGetKernelWorkGroupInfo, CL_OUT_OF_RESOURCES,                                               \
      (cl_kernel k, cl_device_id d, cl_kernel_work_group_info i, size_t n, void *v, size_t *r),    \
      (k, d, i, n, v, r))                                                                          \
    F(clGetEventInfo, CL_OUT_OF_RESOURCES,                                                         \
      (cl_event e, cl_event_info i, size_t n, void *v, size_t *r), (e, i, n, v, r))                \
    F(clGetEventProfilingInfo, CL_PROFILING_INFO_NOT_AVAILABLE,                                    \
      (cl_event e, cl_profiling_info i, size_t n, void *v, size_t *r), (e, i, n, v, r))            \
    F(clSetKernelArg, CL_OUT_OF_RESOURCES, (cl_kernel k, cl_uint i, size_t n, const void *v),      \
      (k, i, n, v))                                                                                \
    F(clWaitForEvents, CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST,                               \
      (cl_uint n, const cl_event *e), (n, e))                                                      \
    F(clFlush, CL_OUT_OF_RESOURCES, (cl_command_queue q), (q))                                     \
    F(clFinish, CL_OUT_OF_RESOURCES, (cl_command_queue q), (q))                                    \
    E(clEnqueueReadBuffer,                                                                         \
      (cl_command_queue q, cl_mem m, cl_bool b, size_t o, size_t n, void *p, cl_uint w,            \
       const cl_event *l, cl_event *event), (q, m, b, o, n, p, w, l, event))                       \
    E(clEnqueueWriteBuffer,                                                                        \
      (cl_command_queue q, cl_mem m, cl_bool b, size_t o, size_t n, const void *p, cl_uint w,      \
       const cl_event *l, cl_event *event), (q, m, b, o, n, p, w, l, event))                       \
    E(clEnqueueMarkerWithWaitList,                                                                 \
      (cl_command_queue q, cl_uint w, const cl_event *l, cl_event *event), (q, w, l, event))       \
    E(clEnqueueNDRangeKernel,                                                                      \
      (cl_command_queue q, cl_kernel k, cl_uint d, const size_t *o, const size_t *g,               \
       const size_t *i, cl_uint w, const cl_event *l, cl_event *event),                            \
      (q, k, d, o, g, i, w, l, event))                                                             \
    R(Context, cl_context, CL_INVALID_CONTEXT)                                                     \
    R(CommandQueue, cl_command_queue, CL_INVALID_COMMAND_QUEUE)                                    \
    R(MemObject, cl_mem, CL_INVALID_MEM_OBJECT)                                                    \
    R(Program, cl_program, CL_INVALID_PROGRAM)                                                     \
    R(Kernel, cl_kernel, CL_INVALID_KERNEL)                                                        \
    R(Event, cl_event, CL_INVALID_EVENT)

// A wait that fails has waited nevertheless: what it waited for may not run on into freed memory.
static int is_wait(const char *name)
{
    return strcmp(name, "clFinish") == 0 || strcmp(name, "clWaitForEvents") == 0;
}

#define DEFINE_C(name, type, error, params, args)                                                  \
    static type CL_API_CALL my_##name params                                                       \
    {                                                                                              \
        const cl_int failed_ = fault(#name, error);                                                \
        if (failed_ && rc)                                                                         \
            *rc = failed_;                                                                         \
        type made = failed_ ? NULL : next->name args;                                              \
        born(made);                                                                                \
        return made;                                                                               \
    }
#define DEFINE_F(name, error, params, args)                                                        \
    static cl_int CL_API_CALL my_##name params                                                     \
    {                                                                                              \
        const cl_int failed_ = fault(#name, error);                                                \
        if (failed_ && is_wait(#name))                                                             \
            (void) next->name args;                                                                \
        return failed_ ? failed_ : next->name args;                                                \
    }
#define DEFINE_E(name, params, args)                                                               \
    static cl_int CL_API_CALL my_##name params                                                     \
    {                                                                                              \
        cl_int e = fault(#name, CL_OUT_OF_RESOURCES);                                              \
        if (e)                                                                                     \
            return e;                                                                              \
        e = next->name args;                                                                       \
        if (e == CL_SUCCESS && event)                                                              \
            born(*event);                                                                          \
        return e;                                                                                  \
    }
// A release never fails: nobody could do anything about it.
#define DEFINE_R(name, type, invalid)                                                              \
    static cl_int CL_API_CALL my_clRetain##name(type o)                                            \
    {                                                                                              \
        const cl_int e = fault("clRetain" #name, CL_OUT_OF_RESOURCES);                             \
        if (e)                                                                                     \
            return e;                                                                              \
        return refer(o, 1, "clRetain" #name) ? next->clRetain##name(o) : invalid;                  \
    }                                                                                              \
    static cl_int CL_API_CALL my_clRelease##name(type o)                                           \
    {                                                                                              \
        return refer(o, -1, "clRelease" #name) ? next->clRelease##name(o) : invalid;               \
    }
CALLS(DEFINE_C, DEFINE_F, DEFINE_E, DEFINE_R)

// ---- one kernel

static const char *kernel; // beginning of its name; NULL: none
static cl_int build_error, launch_error;
static struct { void *handle; char text[100]; } named[4096]; // kernels by name, programs by that of the
static int n_named;                                         // kernel that is meant; of each handle the latest

// From here on builds of programs with kernels of this name fail, and launches of them; 0: they do not.
void fault_kernel(const char *name, cl_int build, cl_int launch)
{
    pthread_mutex_lock(&lock);
    kernel = name;
    build_error = build;
    launch_error = launch;
    pthread_mutex_unlock(&lock);
}

static void name_object(void *handle, const char *text)
{
    pthread_mutex_lock(&lock);
    int i = 0;
    while (i < n_named && named[i].handle != handle)
        i++;
    if (handle && i < (int) (sizeof named / sizeof named[0])) {
        named[i].handle = handle;
        snprintf(named[i].text, sizeof named[i].text, "%s", text);
        n_named += i == n_named;
    }
    pthread_mutex_unlock(&lock);
}

static int is_of_kernel(void *handle)
{
    int meant = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < n_named; i++)
        meant |= named[i].handle == handle && strncmp(named[i].text, kernel, strlen(kernel)) == 0;
    pthread_mutex_unlock(&lock);
    return meant;
}

static cl_program CL_API_CALL named_program(cl_context c, cl_uint n, const char **s, const size_t *l, cl_int *rc)
{
    char entry[100];
    int meant = 0;
    snprintf(entry, sizeof entry, "NAME(%s", kernel ? kernel : "");
    for (cl_uint i = 0; i < n && kernel; i++)
        meant |= strstr(s[i], entry) != NULL;
    const cl_program p = my_clCreateProgramWithSource(c, n, s, l, rc);
    name_object(p, meant ? kernel : "");
    return p;
}

static cl_int CL_API_CALL named_build(cl_program p, cl_uint n, const cl_device_id *d, const char *o,
                                      void(CL_CALLBACK *f)(cl_program, void *), void *u)
{
    return kernel && build_error && is_of_kernel(p) ? build_error : my_clBuildProgram(p, n, d, o, f, u);
}

static cl_kernel CL_API_CALL named_kernel(cl_program p, const char *name, cl_int *rc)
{
    const cl_kernel k = my_clCreateKernel(p, name, rc);
    name_object(k, name);
    return k;
}

static cl_int CL_API_CALL named_launch(cl_command_queue q, cl_kernel k, cl_uint d, const size_t *o, const size_t *g,
                                       const size_t *i, cl_uint w, const cl_event *l, cl_event *event)
{
    if (kernel && launch_error && is_of_kernel(k))
        return launch_error;
    return my_clEnqueueNDRangeKernel(q, k, d, o, g, i, w, l, event);
}

CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info what, size_t size, void *value,
                                               size_t *size_ret)
{
    const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    static const char name[] = "clgrad fault layer";
    const void *from = what == CL_LAYER_API_VERSION ? (const void *) &version : name;
    const size_t n = what == CL_LAYER_API_VERSION ? sizeof version : sizeof name;
    if ((what != CL_LAYER_API_VERSION && what != CL_LAYER_NAME) || (value && size < n))
        return CL_INVALID_VALUE;
    if (value)
        memcpy(value, from, n);
    if (size_ret)
        *size_ret = n;
    return CL_SUCCESS;
}

CL_API_ENTRY cl_int CL_API_CALL clInitLayer(cl_uint n, const cl_icd_dispatch *target, cl_uint *n_ret,
                                            const cl_icd_dispatch **out)
{
    if (!target || !n_ret || !out || n < sizeof ours / sizeof(void *))
        return CL_INVALID_VALUE;
    next = target;
#define SET_C(name, type, error, params, args) ours.name = my_##name;
#define SET_F(name, error, params, args) ours.name = my_##name;
#define SET_E(name, params, args) ours.name = my_##name;
#define SET_R(name, type, invalid)                                                                 \
    ours.clRetain##name = my_clRetain##name;                                                       \
    ours.clRelease##name = my_clRelease##name;
    CALLS(SET_C, SET_F, SET_E, SET_R)
    ours.clCreateProgramWithSource = named_program;
    ours.clBuildProgram = named_build;
    ours.clCreateKernel = named_kernel;
    ours.clEnqueueNDRangeKernel = named_launch;
    *n_ret = sizeof ours / sizeof(void *);
    *out = &ours;
    return CL_SUCCESS;
}
