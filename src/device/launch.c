// SPDX-License-Identifier: MIT
// Arguments, launches and CLBlast.
#include "device/internal.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/log.h"

#include <clblast_c.h>
#include <string.h>

clg_status clg__kernel_set(clg__kernel *k, int arg, const void *value, size_t bytes, clg__err *e)
{
    const cl_int rc = clSetKernelArg(k->kernel, (cl_uint) arg, bytes, value);
    if (rc != CL_SUCCESS)
        return clg__cl_fail(k->gpu, e, rc, "kernel %s: argument %d", k->name, arg);
    return CLG_OK;
}

clg_status clg__kernel_local_fits(const clg__kernel *k, size_t bytes, clg__err *e)
{
    if (k->local_bytes + bytes > k->gpu->caps.local_bytes)
        return clg__fail(e, CLG_EDEVICE, "kernel %s wants %zu bytes of local memory, there are %llu",
                         k->name, k->local_bytes + bytes, (unsigned long long) k->gpu->caps.local_bytes);
    return CLG_OK;
}

clg_status clg__kernel_set_local(clg__kernel *k, int arg, size_t bytes, clg__err *e)
{
    k->local_bytes += bytes;
    return clg__kernel_set(k, arg, NULL, bytes ? bytes : 4, e);
}

clg_status clg__kernel_set_buf(clg__kernel *k, int arg, clg__buf *b, clg__err *e)
{
    if (arg < k->n_args && k->bound[arg] == b->number)
        return CLG_OK;
    const clg_status st = clg__kernel_set(k, arg, &b->mem, sizeof b->mem, e);
    if (st >= 0 && arg < k->n_args)
        k->bound[arg] = b->number;
    return st;
}

// Some drivers report less than they run for kernels that require a size: the requirement counts.
clg_status clg__kernel_fit(const clg__kernel *k, int dims, size_t groups[3], size_t items[3],
                           size_t argument_bytes, clg__err *e)
{
    const clg__caps *c = &k->gpu->caps;
    size_t all = items[0] * items[1] * items[2], most = (size_t) c->max_work_group;
    if (!k->fixed_size && k->max_items && k->max_items < most)
        most = k->max_items;
    if (all > most && dims == 1 && !k->fixed_size) {
        groups[0] = (groups[0] * items[0] + most - 1) / most;
        items[0] = all = most;
    }
    if (all > most)
        return clg__fail(e, CLG_EDEVICE,
                         "kernel %s wants work-groups of %zux%zux%zu items, this device runs it with at "
                         "most %zu", k->name, items[0], items[1], items[2], most);
    if (c->local_bytes && k->local_bytes > c->local_bytes)
        return clg__fail(e, CLG_EDEVICE, "kernel %s wants %zu bytes of local memory, there are %llu",
                         k->name, k->local_bytes, (unsigned long long) c->local_bytes);
    if (c->max_parameter_bytes && argument_bytes > (size_t) c->max_parameter_bytes)
        return clg__fail(e, CLG_EDEVICE, "kernel %s has %zu bytes of arguments, this device takes %d",
                         k->name, argument_bytes, c->max_parameter_bytes);
    return CLG_OK;
}

static void mark_written(clg__buf *const *writes, int n, cl_event event)
{
    for (int i = 0; i < n; i++) {
        if (writes[i]->written)
            clReleaseEvent(writes[i]->written);
        writes[i]->written = clRetainEvent(event) == CL_SUCCESS ? event : NULL;
    }
}

// PoCL compiles a kernel for its work-group's size, and once more for grids of 2^16 items and more, Mesa for less.
bool clg__small_grid(const size_t groups[3], const size_t items[3])
{
    enum { SMALL_GRID = 65535 };
    return groups[0] * items[0] <= SMALL_GRID && groups[1] * items[1] <= SMALL_GRID && groups[2] * items[2] <= SMALL_GRID;
}

uint64_t clg__launch_id(uint64_t kernel, const size_t items[3], bool small)
{
    const uint64_t what[] = { kernel, items[0], items[1], items[2], small };
    return clg__hash(what, sizeof what, 0);
}

bool clg__was_launched(const clg__gpu *g, uint64_t id)
{
    for (int i = 0; i < g->n_launched; i++) {
        if (g->launched[i] == id)
            return true;
    }
    return false;
}

void clg__note_launched(clg__gpu *g, uint64_t id)
{
    enum { MANY = 1 << 16 };
    if (g->n_launched == MANY) // then each is waited for once more
        g->n_launched = 0;
    if (clg__grow((void **) &g->launched, &g->cap_launched, g->n_launched + 1, sizeof *g->launched))
        g->launched[g->n_launched++] = id;
}

// What this launch makes the driver compile; 0: nothing.
static uint64_t first_launch(const clg__gpu *g, clg__kernel *k, const size_t groups[3], const size_t items[3])
{
    const uint64_t id = clg__launch_id(k->id, items, clg__small_grid(groups, items));
    if (k->launched == id)
        return 0;
    if (!clg__was_launched(g, id))
        return id;
    k->launched = id;
    return 0;
}

static void note_first_launch(clg__gpu *g, clg__kernel *k, uint64_t id)
{
    k->launched = id;
    g->compiling = true;
    clg__note_launched(g, id);
}

clg_status clg__kernel_launch(clg__kernel *k, int dims, const size_t groups[3],
                              const size_t items[3], clg__buf *const *writes, int n_writes,
                              clg__err *e)
{
    clg__gpu *g = k->gpu;
    size_t global[3];
    cl_event event = NULL;
    for (int d = 0; d < 3; d++)
        global[d] = groups[d] * items[d];
    pthread_mutex_lock(&g->lock);
    const bool want = n_writes > 0 || k->timing >= 0;
    const uint64_t first = g->compiles_late ? first_launch(g, k, groups, items) : 0;
    const bool timed = first && clg__log_on(CLG__LOG_BUILD);
    if (timed)
        clg__finish(g->queue); // what was launched before is not this kernel's
    const double start = timed ? clg__seconds() : 0;
    const cl_int rc = clEnqueueNDRangeKernel(g->queue, k->kernel, (cl_uint) dims, NULL, global,
                                             items, 0, NULL, want ? &event : NULL);
    if (rc == CL_SUCCESS) {
        g->stats.launches++;
        if (first)
            note_first_launch(g, k, first);
        if (timed && clg__finish(g->queue) == CL_SUCCESS)
            clg__log(CLG__LOG_BUILD, "kernel %s compiled by the driver and run once, %.3f s", k->name,
                     clg__seconds() - start);
        if (event) {
            mark_written(writes, n_writes, event);
            clg__profile_note(g, k->timing, event);
            clReleaseEvent(event);
        }
    }
    pthread_mutex_unlock(&g->lock);
    if (rc != CL_SUCCESS)
        return clg__cl_fail(g, e, rc, "launch of %s (%zux%zux%zu groups of %zux%zux%zu items; the kernel "
                            "takes at most %zu)", k->name, groups[0], groups[1], groups[2], items[0],
                            items[1], items[2], k->max_items);
    return CLG_OK;
}

// CLBlast keeps caches that Debian's version does not guard well: one caller at a time.
static pthread_mutex_t blas_lock = PTHREAD_MUTEX_INITIALIZER;

clg_status clg__gpu_blas_gemm(clg__gpu *g, clg_dtype t, bool ta, bool tb, size_t m, size_t n,
                              size_t k, clg__buf *a, size_t a_off, size_t lda, clg__buf *b,
                              size_t b_off, size_t ldb, clg__buf *c, size_t c_off, size_t ldc,
                              int timing, clg__err *e)
{
    const CLBlastTranspose x = ta ? CLBlastTransposeYes : CLBlastTransposeNo,
                           y = tb ? CLBlastTransposeYes : CLBlastTransposeNo;
    cl_event event = NULL;
    CLBlastStatusCode rc;
    pthread_mutex_lock(&blas_lock);
    if (t == CLG_F64)
        rc = CLBlastDgemm(CLBlastLayoutRowMajor, x, y, m, n, k, 1.0, a->mem, a_off, lda, b->mem,
                          b_off, ldb, 0.0, c->mem, c_off, ldc, &g->queue, &event);
    else
        rc = CLBlastSgemm(CLBlastLayoutRowMajor, x, y, m, n, k, 1.0f, a->mem, a_off, lda, b->mem,
                          b_off, ldb, 0.0f, c->mem, c_off, ldc, &g->queue, &event);
    pthread_mutex_unlock(&blas_lock);
    if (rc != CLBlastSuccess)
        // its own codes are far from OpenCL's, which it passes on
        return clg__cl_fail(g, e, rc == CLBlastTempBufferAllocFailure ? CL_MEM_OBJECT_ALLOCATION_FAILURE
                                                                      : (cl_int) rc,
                            "CLBlast gemm %zux%zux%zu (status %d)", m, n, k, (int) rc);
    pthread_mutex_lock(&g->lock);
    g->stats.launches++;
    if (event) {
        mark_written(&c, 1, event);
        clg__profile_note(g, timing, event);
        clReleaseEvent(event);
    }
    pthread_mutex_unlock(&g->lock);
    return CLG_OK;
}
