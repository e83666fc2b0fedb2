// SPDX-License-Identifier: MIT
// Opening and closing: context, the two queues, capabilities.
#include "device/internal.h"

#include "base/alloc.h"
#include "base/env.h"
#include "base/format.h"

#include <string.h>

// Vector registers, and the cache that kernels may fill. PoCL's local memory is as large as a core's second cache.
static clg_status fill_cpu_caps(clg__gpu *g, clg__err *e)
{
    enum { LEAST_CACHE = 256 << 10, USUAL_CACHE = 1 << 20, LARGEST_CACHE = 4 << 20 };
    clg__caps *c = &g->caps;
    const char *wish = clg__env(CLG__CLGRAD_LANES);
    int64_t lanes = g->found->lanes;
    if (wish && *wish && (!clg__parse_i64(wish, &lanes) || (lanes != 4 && lanes != 8 && lanes != 16)))
        return clg__fail(e, CLG_EINVAL, "CLGRAD_LANES is '%.100s', expected 4, 8 or 16", wish);
    c->lanes = lanes > 16 ? 16 : lanes == 4 || lanes == 8 || lanes == 16 ? (int) lanes : 8; // Mesa does not say
#ifdef __aarch64__
    c->registers = 32;
#else
    c->registers = c->lanes == 16 ? 32 : 16;
#endif
    const uint64_t cache = c->local_bytes < LEAST_CACHE ? USUAL_CACHE : c->local_bytes;
    c->cache_bytes = cache < LARGEST_CACHE ? cache : LARGEST_CACHE;
    return CLG_OK;
}

static clg_status fill_caps(clg__gpu *g, clg__err *e)
{
    const clg__found *f = g->found;
    const char *wish = clg__env(CLG__CLGRAD_CLASS), *blas = clg__env(CLG__CLGRAD_BLAS);
    const char *precision = clg__env(CLG__CLGRAD_PRECISION);
    g->caps = (clg__caps) {
        .strict = precision && strcmp(precision, "strict") == 0,
        .blas = blas && blas[0] == '1',
        .is_cpu = (f->cl_type & CL_DEVICE_TYPE_CPU) != 0,
        .fp64 = f->info.fp64,
        .fp16 = f->info.fp16,
        .unified_memory = f->info.unified_memory,
        .subgroups = f->info.subgroups,
        .local_is_dedicated = f->dedicated_local,
        // a driver that does not say has one of each
        .compute_units = f->info.compute_units > 0 ? f->info.compute_units : 1,
        .max_work_group = f->info.max_work_group > 0 ? f->info.max_work_group : 1,
        .max_parameter_bytes = f->parameter_bytes,
        .local_bytes = f->info.local_bytes,
        .global_bytes = f->info.global_bytes,
        .max_alloc_bytes = f->info.max_alloc_bytes,
        .base_align = f->base_align,
    };
    g->caps.cpu_class = g->caps.is_cpu && strstr(f->info.name, "llvmpipe") == NULL;
    if (precision && *precision && !g->caps.strict && strcmp(precision, "default") != 0)
        return clg__fail(e, CLG_EINVAL, "CLGRAD_PRECISION is '%s', expected default or strict", precision);
    if (fill_cpu_caps(g, e) < 0)
        return e->status;
    if (!wish || !*wish)
        return CLG_OK;
    if (strcmp(wish, "cpu") != 0 && strcmp(wish, "gpu") != 0)
        return clg__fail(e, CLG_EINVAL, "CLGRAD_CLASS is '%s', expected cpu or gpu", wish);
    g->caps.cpu_class = strcmp(wish, "cpu") == 0;
    return CLG_OK;
}

static clg_status take_device(clg__gpu *g, const struct clg_device_params *p, clg__err *e)
{
    clg__found *all;
    int n;
    const char *select = p && p->select ? p->select : clg__env(CLG__CLGRAD_DEVICE);
    if (clg__find_devices(&all, &n, e) < 0)
        return e->status;
    const int k = clg__choose_device(all, n, select, e);
    if (k >= 0) {
        g->number = k;
        g->found = clg__malloc(sizeof *g->found);
        if (g->found) {
            *g->found = all[k];
            memset(all[k].text, 0, sizeof all[k].text); // the strings move, and so does the context
            all[k].context = NULL;
        } else {
            clg__fail(e, CLG_ENOMEM, "device open: out of host memory");
        }
    }
    clg__found_free(all, n);
    return e->status;
}

static clg_status make_identity(clg__gpu *g, clg__err *e)
{
    clg__str s = { 0 };
    clg__str_printf(&s, "%s|%s|%s|%s", g->found->info.name, g->found->info.vendor,
                    g->found->info.platform, g->found->info.driver);
    if (s.failed)
        return clg__fail(e, CLG_ENOMEM, "device open: out of host memory");
    g->identity = s.text;
    return CLG_OK;
}

// A marker besides: Mesa 22.3's clFinish does not wait for what was flushed before.
cl_int clg__finish(cl_command_queue q)
{
    cl_event last = NULL;
    cl_int rc = clEnqueueMarkerWithWaitList(q, 0, NULL, &last);
    if (rc == CL_SUCCESS) {
        rc = clFlush(q);
        if (rc == CL_SUCCESS)
            rc = clWaitForEvents(1, &last);
        cl_int status = CL_COMPLETE;
        if (rc != CL_SUCCESS && clGetEventInfo(last, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status,
                                               &status, NULL) == CL_SUCCESS && status < 0)
            rc = CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST; // whatever the driver called it
        clReleaseEvent(last);
    }
    const cl_int finished = clFinish(q);
    return rc == CL_SUCCESS ? finished : rc;
}

static void destroy(clg__gpu *g)
{
    if (g->queue)
        clg__finish(g->queue);
    if (g->read_queue)
        clg__finish(g->read_queue);
    clg__gpu_profile(g, NULL, NULL, NULL);
    clg__staging_free(g, g->staging);
    clg__gpu_trim(g);
    clg__built_free(g);
    clg__profile_free(g);
    clg__free(g->events);
    clg__free(g->launched);
    if (g->read_queue)
        clReleaseCommandQueue(g->read_queue);
    if (g->queue)
        clReleaseCommandQueue(g->queue);
    if (g->context)
        clReleaseContext(g->context);
    clg__found_free(g->found, g->found != NULL);
    clg__free(g->compiler);
    clg__free(g->identity);
    clg__free(g->cache_dir);
    clg__free(g->known_file);
    clg__free(g->cl_dir);
    pthread_mutex_destroy(&g->lock);
    pthread_mutex_destroy(&g->lost_lock);
    clg__free(g);
}

// The words lie behind the list of them.
static bool copy_command(clg__gpu *g, const char *const *argv, clg__err *e)
{
    size_t words = 0, bytes = 0;
    for (; argv[words]; words++)
        bytes += strlen(argv[words]) + 1;
    g->compiler = clg__malloc((words + 1) * sizeof *g->compiler + bytes);
    if (!g->compiler) {
        clg__fail(e, CLG_ENOMEM, "device open: out of host memory");
        return false;
    }
    char *at = (char *) (g->compiler + words + 1);
    for (size_t i = 0; i < words; i++) {
        const size_t n = strlen(argv[i]) + 1;
        g->compiler[i] = memcpy(at, argv[i], n);
        at += n;
    }
    g->compiler[words] = NULL;
    return true;
}

clg_status clg__gpu_open(clg__gpu **out, const struct clg_device_params *p, clg__err *e)
{
    *out = NULL;
    clg__gpu *g = clg__calloc(1, sizeof *g);
    if (!g)
        return clg__fail(e, CLG_ENOMEM, "device open: out of host memory");
    g->refs = 1;
    g->name_digits = 20;
    g->max_built = CLG__MAX_BUILT;
    pthread_mutex_init(&g->lock, NULL);
    pthread_mutex_init(&g->lost_lock, NULL);
    g->cap = p ? p->memory_cap : 0;
    g->profile = p && p->profile;
    if (p && p->compiler && !copy_command(g, p->compiler, e)) {
        destroy(g);
        return e->status;
    }
    g->compilers = p ? p->compilers : 0;
    if (take_device(g, p, e) < 0 || fill_caps(g, e) < 0 || make_identity(g, e) < 0) {
        destroy(g);
        return e->status;
    }
    cl_int rc;
    g->id = g->found->id;
    g->platform = g->found->platform;
    g->compiles_late = clg__compiles_late(g->found);
    g->context = g->found->context ? g->found->context : clCreateContext(NULL, 1, &g->id, NULL, NULL, &rc);
    g->found->context = NULL;
    if (g->context)
        g->queue = clCreateCommandQueue(g->context, g->id,
                                        g->profile ? CL_QUEUE_PROFILING_ENABLE : 0, &rc);
    if (g->queue)
        g->read_queue = clCreateCommandQueue(g->context, g->id, 0, &rc);
    if (!g->read_queue) {
        clg__fail(e, CLG_EDEVICE, "device open: %s has no context or queue to give: %s",
                  g->found->info.name, clg__cl_error(rc));
        destroy(g);
        return e->status;
    }
    if (!clg__build_options(g, e)) {
        destroy(g);
        return e->status;
    }
    clg__cache_open(g);
    clg__workers_open(g);
    *out = g;
    return CLG_OK;
}

void clg__gpu_ref(clg__gpu *g)
{
    pthread_mutex_lock(&g->lock);
    g->refs++;
    pthread_mutex_unlock(&g->lock);
}

void clg__gpu_unref(clg__gpu *g)
{
    if (!g)
        return;
    pthread_mutex_lock(&g->lock);
    const int left = --g->refs;
    pthread_mutex_unlock(&g->lock);
    if (left == 0)
        destroy(g);
}

const clg__caps *clg__gpu_caps(const clg__gpu *g)
{
    return &g->caps;
}

static int find_struck(const clg__gpu *g, const void *variant)
{
    int i = g->n_struck - 1;
    while (i >= 0 && g->struck[i] != variant)
        i--;
    return i;
}

bool clg__gpu_is_struck(clg__gpu *g, const void *variant)
{
    pthread_mutex_lock(&g->lock);
    const bool is = find_struck(g, variant) >= 0;
    pthread_mutex_unlock(&g->lock);
    return is;
}

bool clg__gpu_strike(clg__gpu *g, const void *variant)
{
    pthread_mutex_lock(&g->lock);
    const bool fits = g->n_struck < (int) (sizeof g->struck / sizeof g->struck[0]);
    if (fits)
        g->struck[g->n_struck++] = variant;
    pthread_mutex_unlock(&g->lock);
    return fits;
}

void clg__gpu_unstrike(clg__gpu *g, const void *variant)
{
    pthread_mutex_lock(&g->lock);
    const int at = find_struck(g, variant);
    if (at >= 0)
        g->struck[at] = g->struck[--g->n_struck];
    pthread_mutex_unlock(&g->lock);
}

bool clg__gpu_has_compilers(const clg__gpu *g)
{
    return g->compilers > 0;
}

const clg_device_info *clg__gpu_info(const clg__gpu *g)
{
    return &g->found->info;
}

void clg__gpu_stats(clg__gpu *g, clg_device_stats *s)
{
    pthread_mutex_lock(&g->lock);
    *s = g->stats;
    pthread_mutex_unlock(&g->lock);
}

cl_int clg__wait_all(clg__gpu *g)
{
    // What was written before the wait is done after it, whatever the events say: some drivers note it late.
    pthread_mutex_lock(&g->lock);
    clg__staging *done = g->staging, **end = &done;
    g->staging = NULL;
    pthread_mutex_unlock(&g->lock);
    const cl_int rc = clg__finish(g->queue);
    pthread_mutex_lock(&g->lock);
    if (rc == CL_SUCCESS) {
        clg__staging_free(g, done);
    } else {
        while (*end)
            end = &(*end)->next;
        *end = g->staging;
        g->staging = done;
    }
    pthread_mutex_unlock(&g->lock);
    return rc;
}

clg_status clg__gpu_finish(clg__gpu *g, clg__err *e)
{
    cl_int rc = clg__wait_all(g);
    if (rc != CL_SUCCESS && !clg__is_lost(rc) && clg__gpu_make_room(g))
        rc = clg__wait_all(g);
    if (rc != CL_SUCCESS)
        return clg__cl_fail(g, e, rc, "waiting for the device");
    return clg__gpu_lost(g, e);
}

clg_status clg__gpu_flush(clg__gpu *g, clg__err *e)
{
    const cl_int rc = clFlush(g->queue);
    return rc == CL_SUCCESS ? CLG_OK : clg__cl_fail(g, e, rc, "clFlush");
}

// PoCL's compiler uses globals of LLVM, which exit destroys before any destructor of ours could wait: a thread
// that still compiles then crashes. After this, a kernel runs as it was compiled.
clg_status clg__gpu_settle(clg__gpu *g, clg__err *e)
{
    pthread_mutex_lock(&g->lock);
    const bool wait = g->compiling;
    g->compiling = false;
    pthread_mutex_unlock(&g->lock);
    return wait ? clg__gpu_finish(g, e) : CLG_OK;
}
