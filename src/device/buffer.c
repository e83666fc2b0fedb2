// SPDX-License-Identifier: MIT
// Device memory: a pool with size classes. The queue is in order, so a buffer may be handed out again
// while kernels that used it are still queued: what is queued later runs later.
#include "device/internal.h"

#include "base/alloc.h"
#include "base/log.h"

#include <string.h>

enum { SMALLEST = 256, MAX_STAGING = 64 << 20 };

// Four classes per doubling: at most a fifth is wasted.
static int class_of(size_t bytes, size_t *capacity)
{
    size_t size = SMALLEST;
    int k = 0;
    while (k + 4 < CLG__CLASSES && size * 2 <= bytes) {
        size *= 2;
        k += 4;
    }
    for (size_t step = size / 4; k + 1 < CLG__CLASSES && size < bytes; k++)
        size += step;
    *capacity = size > bytes ? size : bytes;
    return k;
}

static void forget_event(clg__buf *b)
{
    if (b->written)
        clReleaseEvent(b->written);
    b->written = NULL;
}

static void release(clg__gpu *g, clg__buf *b)
{
    g->stats.bytes_pooled -= b->capacity;
    g->stats.buffers_pooled--;
    clReleaseMemObject(b->mem);
    clg__free(b);
}

void clg__gpu_trim(clg__gpu *g)
{
    pthread_mutex_lock(&g->lock);
    for (int k = 0; k < CLG__CLASSES; k++) {
        while (g->pool[k]) {
            clg__buf *b = g->pool[k];
            g->pool[k] = b->next;
            release(g, b);
        }
    }
    pthread_mutex_unlock(&g->lock);
}

static clg__buf *from_pool(clg__gpu *g, int k, size_t bytes)
{
    clg__buf *b = g->pool[k];
    if (!b || b->capacity < bytes)
        return NULL;
    g->pool[k] = b->next;
    g->stats.bytes_pooled -= b->capacity;
    g->stats.buffers_pooled--;
    g->stats.pool_hits++;
    return b;
}

static clg__buf *fresh(clg__gpu *g, size_t capacity, cl_int *rc)
{
    clg__buf *b = clg__calloc(1, sizeof *b);
    *rc = CL_OUT_OF_HOST_MEMORY;
    if (!b)
        return NULL;
    b->gpu = g;
    b->capacity = capacity;
    b->mem = clCreateBuffer(g->context, CL_MEM_READ_WRITE, capacity, NULL, rc);
    if (!b->mem) {
        clg__free(b);
        return NULL;
    }
    b->number = ++g->n_allocated;
    g->stats.allocations++;
    return b;
}

static bool over_cap(const clg__gpu *g, size_t capacity)
{
    return g->cap && g->stats.bytes_used + g->stats.bytes_pooled + capacity > g->cap;
}

clg__buf *clg__buf_alloc(clg__gpu *g, size_t bytes, clg__err *e)
{
    size_t capacity;
    cl_int rc = CL_SUCCESS;
    const int k = class_of(bytes, &capacity);
    if (capacity > g->caps.max_alloc_bytes && g->caps.max_alloc_bytes) {
        clg__fail(e, CLG_ENOMEM, "a tensor of %zu bytes is larger than the device allows (%llu)",
                  bytes, (unsigned long long) g->caps.max_alloc_bytes);
        return NULL;
    }
    pthread_mutex_lock(&g->lock);
    clg__buf *b = from_pool(g, k, bytes);
    if (!b && !over_cap(g, capacity))
        b = fresh(g, capacity, &rc);
    if (!b) { // once more with an empty pool
        pthread_mutex_unlock(&g->lock);
        clg__log(CLG__LOG_MEMORY, "%zu bytes do not fit: the pool is released", bytes);
        clg__gpu_trim(g);
        pthread_mutex_lock(&g->lock);
        if (!over_cap(g, capacity))
            b = fresh(g, capacity, &rc);
    }
    if (b) {
        b->refs = 1;
        b->bytes = bytes;
        b->next = NULL;
        g->stats.bytes_used += b->capacity;
        g->stats.buffers_used++;
        if (g->stats.bytes_used > g->stats.bytes_peak)
            g->stats.bytes_peak = g->stats.bytes_used;
    } else {
        clg__fail(e, CLG_ENOMEM,
                  "out of device memory: %zu bytes asked for, %llu in use, cap %llu (%s)", bytes,
                  (unsigned long long) g->stats.bytes_used, (unsigned long long) g->cap,
                  over_cap(g, capacity) ? "over the cap" : clg__cl_error(rc));
    }
    pthread_mutex_unlock(&g->lock);
    return b;
}

void clg__buf_ref(clg__buf *b)
{
    pthread_mutex_lock(&b->gpu->lock);
    b->refs++;
    pthread_mutex_unlock(&b->gpu->lock);
}

void clg__buf_unref(clg__buf *b)
{
    if (!b)
        return;
    clg__gpu *g = b->gpu;
    pthread_mutex_lock(&g->lock);
    if (--b->refs == 0) {
        size_t capacity;
        const int k = class_of(b->bytes, &capacity);
        forget_event(b);
        g->stats.bytes_used -= b->capacity;
        g->stats.buffers_used--;
        g->stats.bytes_pooled += b->capacity;
        g->stats.buffers_pooled++;
        b->next = g->pool[k];
        g->pool[k] = b;
    }
    pthread_mutex_unlock(&g->lock);
}

size_t clg__buf_bytes(const clg__buf *b)
{
    return b->bytes;
}

int clg__buf_refs(const clg__buf *b)
{
    return b->refs;
}

// Free the copies whose writes are done; with too much pending, wait for the oldest.
void clg__reap(clg__gpu *g)
{
    clg__staging **at = &g->staging;
    while (*at) {
        clg__staging *s = *at;
        cl_int status = CL_QUEUED;
        clGetEventInfo(s->done, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL);
        if (status > CL_COMPLETE && g->staging_bytes > MAX_STAGING && !s->next) {
            clWaitForEvents(1, &s->done);
            status = CL_COMPLETE;
        }
        if (status > CL_COMPLETE) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        g->staging_bytes -= s->bytes;
        clReleaseEvent(s->done);
        clg__free(s);
    }
}

void clg__staging_free(clg__gpu *g, clg__staging *list)
{
    for (clg__staging *next; list; list = next) {
        next = list->next;
        g->staging_bytes -= list->bytes;
        clReleaseEvent(list->done);
        clg__free(list);
    }
}

clg_status clg__buf_write(clg__buf *b, size_t offset, const void *src, size_t bytes, clg__err *e)
{
    clg__gpu *g = b->gpu;
    if (bytes == 0)
        return CLG_OK;
    if (offset + bytes > b->bytes)
        return clg__fail(e, CLG_EINVAL, "write of %zu bytes at %zu into a buffer of %zu", bytes,
                         offset, b->bytes);
    clg__staging *s = clg__malloc(sizeof *s + bytes);
    if (!s)
        return clg__fail(e, CLG_ENOMEM, "upload: out of host memory for %zu bytes", bytes);
    memcpy(s->data, src, bytes);
    s->bytes = bytes;
    pthread_mutex_lock(&g->lock);
    clg__reap(g);
    const cl_int rc = clEnqueueWriteBuffer(g->queue, b->mem, CL_FALSE, offset, bytes, s->data, 0,
                                           NULL, &s->done);
    if (rc == CL_SUCCESS) {
        s->next = g->staging;
        g->staging = s;
        g->staging_bytes += bytes;
        g->stats.uploads++;
        forget_event(b);
        if (clRetainEvent(s->done) == CL_SUCCESS)
            b->written = s->done;
    }
    pthread_mutex_unlock(&g->lock);
    if (rc == CL_SUCCESS)
        return CLG_OK;
    clg__free(s);
    return clg__fail(e, CLG_EDEVICE, "upload of %zu bytes failed: %s", bytes, clg__cl_error(rc));
}

clg_status clg__buf_read(clg__buf *b, size_t offset, void *dst, size_t bytes, clg__err *e)
{
    clg__gpu *g = b->gpu;
    if (clg__gpu_lost(g, e) < 0)
        return e ? e->status : CLG_EDEVICE;
    if (bytes == 0)
        return CLG_OK;
    if (offset + bytes > b->bytes)
        return clg__fail(e, CLG_EINVAL, "read of %zu bytes at %zu from a buffer of %zu", bytes,
                         offset, b->bytes);
    pthread_mutex_lock(&g->lock);
    cl_event wait = b->written;
    if (wait && clRetainEvent(wait) != CL_SUCCESS)
        wait = NULL;
    g->stats.reads++;
    pthread_mutex_unlock(&g->lock);
    cl_int rc = wait ? clFlush(g->queue) : clg__finish(g->queue);
    if (rc == CL_SUCCESS)
        rc = clEnqueueReadBuffer(g->read_queue, b->mem, CL_TRUE, offset, bytes, dst, wait != NULL,
                                 wait ? &wait : NULL, NULL);
    if (wait)
        clReleaseEvent(wait);
    if (rc != CL_SUCCESS)
        return clg__fail(e, CLG_EDEVICE, "read of %zu bytes failed: %s", bytes, clg__cl_error(rc));
    return CLG_OK;
}
