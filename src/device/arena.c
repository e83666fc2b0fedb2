// SPDX-License-Identifier: MIT
// Memory of temporaries: arenas, which plans see through views (sub-buffers) that stay from run to run, as
// kernels' arguments do. A plan takes an arena while it enqueues; since the queue is in order, the next one may
// have it at once. So there is one, as large as the largest plan needs, unless several threads enqueue at a
// time. The bytes that a plan needs count as used while it enqueues, all else as pooled.
//
// An arena shrinks by going: when it is more than twice as large as anything that used it during the last
// evaluations, when it was long not used, and when memory is wanted (pool.c). Views of it go first; their plans
// make new ones.
#include "device/internal.h"

#include "base/alloc.h"
#include "base/log.h"

enum { LEAST = 1 << 20 }; // bytes: small plans seldom make it grow

struct clg__arena {
    clg__arena *next;
    cl_mem mem;
    size_t bytes;
    bool busy;
    uint64_t used_at;   // evaluation
    size_t window[2];   // most that was needed, in this window of evaluations and in the one before
};

struct clg__scratch {
    clg__gpu *gpu;
    clg__scratch *next, *prev; // all of the device
    int n, n_parts;
    clg__buf *view;       // n of them
    const clg__place_in *place;
    size_t *need;         // per part
    clg__arena **arena;   // per part; NULL: its views are gone
    uint64_t generation;  // of the views
    bool taken;
};

// ---- views, with the lock held

static void drop_views(clg__scratch *s, int part)
{
    for (int i = 0; i < s->n; i++) {
        clg__buf *v = &s->view[i];
        if (s->place[i].part != part || !v->mem)
            continue;
        if (v->written)
            clReleaseEvent(v->written);
        clReleaseMemObject(v->mem);
        v->mem = NULL;
        v->written = NULL;
    }
    s->arena[part] = NULL;
}

static cl_int make_views(clg__scratch *s, int part, clg__arena *a)
{
    cl_int rc = CL_SUCCESS;
    s->arena[part] = a;
    s->generation++;
    for (int i = 0; i < s->n && rc == CL_SUCCESS; i++) {
        if (s->place[i].part != part)
            continue;
        const cl_buffer_region r = { s->place[i].offset, s->place[i].bytes };
        s->view[i].mem = clCreateSubBuffer(a->mem, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &r, &rc);
        s->view[i].number = ++s->gpu->n_allocated;
    }
    if (rc != CL_SUCCESS)
        drop_views(s, part);
    return rc;
}

// ---- arenas, with the lock held

static void release(clg__gpu *g, clg__arena *a)
{
    clg__arena **at = &g->arenas;
    for (clg__scratch *s = g->scratches; s; s = s->next) {
        for (int k = 0; k < s->n_parts; k++) {
            if (s->arena[k] == a)
                drop_views(s, k);
        }
    }

    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    clg__log(CLG__LOG_MEMORY, "an arena of %.2f MB goes", 1e-6 * (double) a->bytes);
    g->stats.bytes_pooled -= a->bytes;
    g->stats.buffers_pooled--;
    clReleaseMemObject(a->mem);
    clg__free(a);
}

void clg__arena_release_idle(clg__gpu *g)
{
    for (clg__arena *a = g->arenas, *next; a; a = next) {
        next = a->next;
        if (!a->busy)
            release(g, a);
    }
}

void clg__arena_evaluated(clg__gpu *g, bool window, uint64_t idle)
{
    for (clg__arena *a = g->arenas, *next; a; a = next) {
        next = a->next;
        const size_t most = a->window[0] > a->window[1] ? a->window[0] : a->window[1];
        const bool large = window && a->bytes / 2 > most && a->bytes > CLG__POOL_FLOOR;
        if (!a->busy && (large || g->evaluations - a->used_at > idle)) {
            release(g, a);
        } else if (window) {
            a->window[1] = a->window[0];
            a->window[0] = 0;
        }
    }
}

static clg__arena *fresh(clg__gpu *g, size_t bytes, cl_int *rc)
{
    clg__arena *a = clg__calloc(1, sizeof *a);
    *rc = CL_OUT_OF_HOST_MEMORY;
    if (!a)
        return NULL;
    a->mem = clCreateBuffer(g->context, CL_MEM_READ_WRITE, bytes, NULL, rc);
    if (!a->mem) {
        clg__free(a);
        return NULL;
    }
    clg__log(CLG__LOG_MEMORY, "an arena of %.2f MB", 1e-6 * (double) bytes);
    a->bytes = bytes;
    a->used_at = g->evaluations;
    a->next = g->arenas;
    g->arenas = a;
    g->stats.allocations++;
    g->stats.bytes_pooled += bytes;
    g->stats.buffers_pooled++;
    return a;
}

// The arena that part has views of, else the smallest that fits, else a new one in place of the largest.
static clg__arena *find(clg__scratch *s, int part, cl_int *rc)
{
    clg__gpu *g = s->gpu;
    const size_t need = s->need[part];
    clg__arena *best = NULL, *small = NULL;
    *rc = CL_SUCCESS;
    if (s->arena[part] && !s->arena[part]->busy)
        return s->arena[part];
    for (clg__arena *a = g->arenas; a; a = a->next) {
        if (!a->busy && a->bytes >= need && (!best || a->bytes < best->bytes))
            best = a;
        if (!a->busy && a->bytes < need && (!small || a->bytes > small->bytes))
            small = a;
    }
    if (best)
        return best;
    if (small)
        release(g, small);
    if (!clg__make_room_below_cap(g, need))
        return NULL;
    const size_t held = g->stats.bytes_used + g->stats.bytes_pooled;
    const bool least = need < LEAST && LEAST <= g->caps.max_alloc_bytes && (!g->cap || held + LEAST <= g->cap);
    return fresh(g, least ? LEAST : need, rc);
}

static void leave(clg__scratch *s, int parts)
{
    clg__gpu *g = s->gpu;
    for (int k = 0; k < parts; k++) {
        s->arena[k]->busy = false;
        g->stats.bytes_used -= s->need[k];
        g->stats.bytes_pooled += s->need[k];
        g->stats.buffers_used--;
        g->stats.buffers_pooled++;
    }
}

static void enter(clg__gpu *g, clg__arena *a, size_t need)
{
    a->busy = true;
    a->used_at = g->evaluations;
    a->window[0] = need > a->window[0] ? need : a->window[0];
    g->stats.bytes_pooled -= need;
    g->stats.buffers_pooled--;
    g->stats.buffers_used++;
    clg__count_used(g, need);
}

static bool take(clg__scratch *s, cl_int *rc)
{
    *rc = CL_SUCCESS;
    for (int k = 0; k < s->n_parts; k++) {
        clg__arena *a = find(s, k, rc);
        if (a && s->arena[k] != a) {
            if (s->arena[k])
                drop_views(s, k);
            *rc = make_views(s, k, a);
        }
        if (!a || *rc != CL_SUCCESS) {
            leave(s, k);
            return false;
        }
        enter(s->gpu, a, s->need[k]);
    }
    return true;
}

clg_status clg__scratch_begin(clg__scratch *s, clg__err *e)
{
    clg__gpu *g = s->gpu;
    cl_int rc;
    size_t need = 0;
    pthread_mutex_lock(&g->lock);
    s->taken = take(s, &rc);
    if (!s->taken && rc != CL_SUCCESS) { // once more with an empty pool
        pthread_mutex_unlock(&g->lock);
        const bool again = clg__gpu_make_room(g);
        pthread_mutex_lock(&g->lock);
        s->taken = again && take(s, &rc);
    }
    for (int k = 0; k < s->n_parts && !s->taken; k++)
        need += s->need[k];
    if (!s->taken)
        clg__fail_memory(g, e, need, rc);
    pthread_mutex_unlock(&g->lock);
    return s->taken ? CLG_OK : CLG_ENOMEM;
}

void clg__scratch_end(clg__scratch *s)
{
    if (!s || !s->taken)
        return;
    pthread_mutex_lock(&s->gpu->lock);
    leave(s, s->n_parts);
    s->taken = false;
    pthread_mutex_unlock(&s->gpu->lock);
}

clg__buf *clg__scratch_view(clg__scratch *s, int i)
{
    return &s->view[i];
}

uint64_t clg__scratch_generation(const clg__scratch *s)
{
    return s->generation;
}

clg__scratch *clg__scratch_new(clg__gpu *g, const clg__place_in *place, int n, clg__err *e)
{
    clg__scratch *s = clg__calloc(1, sizeof *s);
    int parts = 0;
    for (int i = 0; i < n; i++)
        parts = place[i].part >= parts ? place[i].part + 1 : parts;
    clg__place_in *copy = clg__malloc(((size_t) n + 1) * sizeof *copy);
    if (s) {
        s->view = clg__calloc((size_t) n + 1, sizeof *s->view);
        s->need = clg__calloc((size_t) parts + 1, sizeof *s->need);
        s->arena = clg__calloc((size_t) parts + 1, sizeof *s->arena);
    }
    if (!s || !copy || !s->view || !s->need || !s->arena) {
        clg__fail(e, CLG_ENOMEM, "eval: out of host memory");
        if (s) {
            clg__free(s->view);
            clg__free(s->need);
            clg__free(s->arena);
        }
        clg__free(copy);
        clg__free(s);
        return NULL;
    }
    s->gpu = g;
    s->place = copy;
    s->n = n;
    s->n_parts = parts;
    for (int i = 0; i < n; i++) {
        const size_t end = place[i].offset + place[i].bytes;
        copy[i] = place[i];
        s->view[i] = (clg__buf) { .gpu = g, .refs = 1, .bytes = place[i].bytes, .capacity = place[i].bytes };
        s->need[place[i].part] = end > s->need[place[i].part] ? end : s->need[place[i].part];
    }
    pthread_mutex_lock(&g->lock);
    s->next = g->scratches;
    if (s->next)
        s->next->prev = s;
    g->scratches = s;
    pthread_mutex_unlock(&g->lock);
    return s;
}

void clg__scratch_free(clg__scratch *s)
{
    if (!s)
        return;
    clg__gpu *g = s->gpu;
    pthread_mutex_lock(&g->lock);
    for (int k = 0; k < s->n_parts; k++)
        drop_views(s, k);
    if (s->next)
        s->next->prev = s->prev;
    if (s->prev)
        s->prev->next = s->next;
    else
        g->scratches = s->next;
    pthread_mutex_unlock(&g->lock);
    clg__free(s->view);
    clg__free((void *) s->place);
    clg__free(s->need);
    clg__free(s->arena);
    clg__free(s);
}
