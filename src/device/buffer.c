// SPDX-License-Identifier: MIT
// Uploads and read-backs. A call that fails is made once more when what is queued has run and the pool is
// released, see clg__gpu_make_room.
#include "device/internal.h"

#include "base/alloc.h"

#include <string.h>

enum { MAX_STAGING = 64 << 20 };

static void forget_event(clg__buf *b)
{
    if (b->written)
        clReleaseEvent(b->written);
    b->written = NULL;
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
            clGetEventInfo(s->done, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL);
            status = status > CL_COMPLETE ? CL_COMPLETE : status; // some drivers note it late
        }
        if (status < 0)
            clg__cl_fail(g, NULL, CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST,
                         "an upload of %zu bytes", s->bytes);
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

static cl_int enqueue_write(clg__buf *b, size_t offset, clg__staging *s)
{
    clg__gpu *g = b->gpu;
    pthread_mutex_lock(&g->lock);
    clg__reap(g);
    const cl_int rc = clEnqueueWriteBuffer(g->queue, b->mem, CL_FALSE, offset, s->bytes, s->data, 0,
                                           NULL, &s->done);
    if (rc == CL_SUCCESS) {
        s->next = g->staging;
        g->staging = s;
        g->staging_bytes += s->bytes;
        g->stats.uploads++;
        forget_event(b);
        if (clRetainEvent(s->done) == CL_SUCCESS)
            b->written = s->done;
    }
    pthread_mutex_unlock(&g->lock);
    return rc;
}

clg_status clg__buf_write(clg__buf *b, size_t offset, const void *src, size_t bytes, clg__err *e)
{
    clg__gpu *g = b->gpu;
    if (clg__gpu_lost(g, e) < 0)
        return CLG_EDEVICE;
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
    cl_int rc = enqueue_write(b, offset, s);
    if (rc != CL_SUCCESS && !clg__is_lost(rc) && clg__gpu_make_room(g))
        rc = enqueue_write(b, offset, s);
    if (rc == CL_SUCCESS)
        return CLG_OK;
    clg__free(s);
    return clg__cl_fail(g, e, rc, "upload of %zu bytes", bytes);
}

// A driver may say anything when it waits for an event that failed: the event knows.
static cl_int of_event(cl_event event, cl_int rc)
{
    cl_int status = CL_COMPLETE;
    if (rc != CL_SUCCESS && event &&
        clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL) ==
            CL_SUCCESS && status < 0)
        return CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST;
    return rc;
}

static cl_int read_now(clg__buf *b, size_t offset, void *dst, size_t bytes)
{
    clg__gpu *g = b->gpu;
    pthread_mutex_lock(&g->lock);
    cl_event wait = b->written;
    if (wait && clRetainEvent(wait) != CL_SUCCESS)
        wait = NULL;
    pthread_mutex_unlock(&g->lock);
    cl_int rc = wait ? clFlush(g->queue) : clg__finish(g->queue);
    if (rc == CL_SUCCESS)
        rc = of_event(wait, clEnqueueReadBuffer(g->read_queue, b->mem, CL_TRUE, offset, bytes, dst,
                                                wait != NULL, wait ? &wait : NULL, NULL));
    if (wait)
        clReleaseEvent(wait);
    return rc;
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
    cl_int rc = read_now(b, offset, dst, bytes);
    if (rc != CL_SUCCESS && !clg__is_lost(rc) && clg__gpu_make_room(g))
        rc = read_now(b, offset, dst, bytes);
    if (rc != CL_SUCCESS)
        return clg__cl_fail(g, e, rc, "read of %zu bytes", bytes);
    pthread_mutex_lock(&g->lock);
    g->stats.reads++;
    pthread_mutex_unlock(&g->lock);
    return CLG_OK;
}
