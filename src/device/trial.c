// SPDX-License-Identifier: MIT
// Making a driver compile what it would compile at a kernel's first launch: the kernel runs once, as one work-group,
// with the numbers that it will have and on memory of zeros, which nobody reads.
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE // MAP_ANONYMOUS
#endif
#include "device/internal.h"

#include "base/hash.h"
#include "base/log.h"

#include <string.h>
#include <sys/mman.h>

enum { MOST_ARGS = 160 };
// Drivers that copy what a buffer is made of get no more than this in all.
static const size_t copied_bytes = (size_t) 256 << 20;

typedef struct memory {
    cl_mem mem;
    void *zeros; // pages that cost nothing until they are touched
    size_t bytes;
} memory;

static bool make_buffer(clg__gpu *g, const clg__trial_arg *a, memory *m)
{
    const size_t bytes = a->bytes ? a->bytes : 64;
    cl_int rc;
    if (a->data) {
        m->mem = clCreateBuffer(g->context, CL_MEM_COPY_HOST_PTR, bytes, (void *) (uintptr_t) a->data, &rc);
        return m->mem != NULL;
    }
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return false;
    m->zeros = at;
    m->bytes = bytes;
    m->mem = clCreateBuffer(g->context, CL_MEM_USE_HOST_PTR, bytes, at, &rc);
    return m->mem != NULL;
}

static bool set_args(clg__gpu *g, cl_kernel k, const clg__trial *t, memory *m)
{
    for (int i = 0; i < t->n_args; i++) {
        const clg__trial_arg *a = &t->args[i];
        cl_int rc;
        if (a->kind == CLG__TRIAL_BUFFER)
            rc = make_buffer(g, a, &m[i]) ? clSetKernelArg(k, (cl_uint) i, sizeof m[i].mem, &m[i].mem)
                                          : CL_OUT_OF_HOST_MEMORY;
        else
            rc = clSetKernelArg(k, (cl_uint) i, a->bytes, a->kind == CLG__TRIAL_LOCAL ? NULL : &a->value);
        if (rc != CL_SUCCESS)
            return false;
    }
    return true;
}

static bool run(clg__gpu *g, cl_kernel k, const clg__trial *t)
{
    memory m[MOST_ARGS] = { 0 };
    const bool ok = set_args(g, k, t, m) && clEnqueueNDRangeKernel(g->queue, k, (cl_uint) t->dims, NULL, t->items,
                                                                   t->items, 0, NULL, NULL) == CL_SUCCESS &&
                    clg__finish(g->queue) == CL_SUCCESS;
    for (int i = 0; i < t->n_args; i++) {
        if (m[i].mem)
            clReleaseMemObject(m[i].mem);
        if (m[i].zeros)
            munmap(m[i].zeros, m[i].bytes);
    }
    return ok;
}

bool clg__trial_is_possible(const clg__gpu *g, const clg__trial *t)
{
    size_t bytes = 0;
    for (int i = 0; i < t->n_args && t->n_args <= MOST_ARGS; i++) {
        const bool buffer = t->args[i].kind == CLG__TRIAL_BUFFER;
        if (buffer && g->caps.max_alloc_bytes && t->args[i].bytes > g->caps.max_alloc_bytes)
            return false;
        bytes += buffer ? t->args[i].bytes : 0;
    }
    return g->compiles_late && t->n_args > 0 && t->n_args <= MOST_ARGS &&
           clg__small_grid(t->groups, t->items) && (clg__is_pocl(g->found) || bytes <= copied_bytes);
}

// Whatever goes wrong, the kernel is compiled at its first launch then.
void clg__trial_run(clg__gpu *g, cl_program p, const char *name, const clg__trial *t)
{
    cl_int rc;
    const uint64_t id = clg__launch_id(clg__hash(name, strlen(name), 0), t->items, true);
    if (!clg__trial_is_possible(g, t) || clg__was_launched(g, id))
        return;
    const double start = clg__seconds();
    cl_kernel k = clCreateKernel(p, name, &rc);
    if (!k)
        return;
    if (run(g, k, t)) {
        clg__note_launched(g, id);
        clg__log(CLG__LOG_BUILD, "kernel %s compiled by the driver ahead, %.3f s", name, clg__seconds() - start);
    }
    clReleaseKernel(k);
}
