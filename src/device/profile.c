// SPDX-License-Identifier: MIT
// Times of kernels, by OpenCL's events: which row of the profile a kernel's launches go to, and the sums.
#include "device/internal.h"

#include "base/alloc.h"

#include <string.h>

enum { TEXTS = 5 };

static void texts_of(clg_kernel_profile *p, const char **out[TEXTS])
{
    out[0] = &p->kernel;
    out[1] = &p->op;
    out[2] = &p->variant;
    out[3] = &p->layer;
    out[4] = &p->shape;
}

static bool is_same(const clg_kernel_profile *a, const clg_kernel_profile *b)
{
    return a->flops == b->flops && a->bytes == b->bytes && a->bytes_least == b->bytes_least &&
           strcmp(a->kernel, b->kernel) == 0 && strcmp(a->op, b->op) == 0 && strcmp(a->variant, b->variant) == 0 &&
           strcmp(a->layer, b->layer) == 0 && strcmp(a->shape, b->shape) == 0;
}

// Copies what its texts point at.
static bool keep(clg__timing *t, const clg_kernel_profile *p)
{
    const char **texts[TEXTS];
    size_t bytes = 0;
    *t = (clg__timing) { .is = *p };
    texts_of(&t->is, texts);
    for (int i = 0; i < TEXTS; i++)
        bytes += strlen(*texts[i]) + 1;
    char *at = t->text = clg__malloc(bytes);
    for (int i = 0; i < TEXTS && at; i++) {
        const size_t length = strlen(*texts[i]) + 1;
        memcpy(at, *texts[i], length);
        *texts[i] = at;
        at += length;
    }
    return t->text != NULL;
}

bool clg__gpu_profiles(const clg__gpu *g)
{
    return g->profile;
}

int clg__gpu_profile_row(clg__gpu *g, const clg_kernel_profile *p)
{
    if (!g->profile)
        return -1;
    pthread_mutex_lock(&g->lock);
    int row = 0;
    while (row < g->n_timing && !is_same(&g->timing[row].is, p))
        row++;
    if (row == g->n_timing) {
        if (clg__grow((void **) &g->timing, &g->cap_timing, g->n_timing + 1, sizeof *g->timing) &&
            keep(&g->timing[row], p))
            g->n_timing++;
        else
            row = -1; // what has no memory is not measured
    }
    pthread_mutex_unlock(&g->lock);
    return row;
}

void clg__kernel_profile_as(clg__kernel *k, int row)
{
    k->timing = row;
}

void clg__profile_note(clg__gpu *g, int row, cl_event event)
{
    if (row < 0 || !clg__grow((void **) &g->events, &g->cap_events, g->n_events + 1, sizeof *g->events))
        return;
    if (clRetainEvent(event) != CL_SUCCESS)
        return;
    g->events[g->n_events].event = event;
    g->events[g->n_events++].timing = row;
}

static void collect(clg__gpu *g)
{
    for (int i = 0; i < g->n_events; i++) {
        cl_ulong start = 0, end = 0;
        cl_event event = g->events[i].event;
        clWaitForEvents(1, &event);
        if (clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof start, &start,
                                    NULL) == CL_SUCCESS &&
            clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL) ==
                CL_SUCCESS) {
            g->timing[g->events[i].timing].launches++;
            g->timing[g->events[i].timing].seconds += 1e-9 * (double) (end - start);
        }
        clReleaseEvent(event);
    }
    g->n_events = 0;
}

clg_status clg__gpu_profile(clg__gpu *g, void (*each)(void *user, const clg_kernel_profile *row), void *user,
                            clg__err *e)
{
    if (!g->profile)
        return clg__fail(e, CLG_EINVAL, "profile: the device was opened without .profile");
    pthread_mutex_lock(&g->lock);
    collect(g);
    for (int i = 0; i < g->n_timing; i++) {
        clg__timing *t = &g->timing[i];
        if (t->launches && each) {
            clg_kernel_profile row = t->is;
            row.launches = t->launches;
            row.seconds = t->seconds;
            row.flops *= (double) t->launches;
            row.bytes *= (double) t->launches;
            row.bytes_least *= (double) t->launches;
            each(user, &row);
        }
        t->launches = 0;
        t->seconds = 0;
    }
    pthread_mutex_unlock(&g->lock);
    return CLG_OK;
}

void clg__profile_free(clg__gpu *g)
{
    for (int i = 0; i < g->n_timing; i++)
        clg__free(g->timing[i].text);
    clg__free(g->timing);
    g->timing = NULL;
    g->n_timing = g->cap_timing = 0;
}
