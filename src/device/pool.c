// SPDX-License-Identifier: MIT
// Device memory: a pool with size classes. The queue is in order, so a buffer may be handed out again
// while kernels that used it are still queued: what is queued later runs later.
//
// The pool keeps what is likely to be asked for again. What is held, in use and idle, is at most twice the most
// that was in use during the last evaluations, least recently used goes first; and what lay idle for many
// evaluations goes. A loop of one or two plans never gives anything back: what it holds is at most the sum of
// what they use.
#include "device/internal.h"

#include "base/alloc.h"
#include "base/log.h"

enum { SMALLEST = 256 };
enum { WINDOW = 16, MAX_IDLE = 256 }; // evaluations

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

// Out of both lists: its class's, and all that are idle by time.
static void take(clg__gpu *g, clg__buf *b)
{
    if (b->prev)
        b->prev->next = b->next;
    else
        g->pool[b->size_class] = b->next;
    if (b->next)
        b->next->prev = b->prev;
    if (b->newer)
        b->newer->older = b->older;
    else
        g->newest_idle = b->older;
    if (b->older)
        b->older->newer = b->newer;
    else
        g->oldest_idle = b->newer;
    b->next = b->prev = b->newer = b->older = NULL;
    g->stats.bytes_pooled -= b->capacity;
    g->stats.buffers_pooled--;
}

static void put(clg__gpu *g, clg__buf *b)
{
    b->prev = b->newer = NULL;
    b->next = g->pool[b->size_class];
    if (b->next)
        b->next->prev = b;
    g->pool[b->size_class] = b;
    b->older = g->newest_idle;
    if (b->older)
        b->older->newer = b;
    else
        g->oldest_idle = b;
    g->newest_idle = b;
    b->idle_since = g->evaluations;
    g->stats.bytes_pooled += b->capacity;
    g->stats.buffers_pooled++;
}

static void release(clg__gpu *g, clg__buf *b)
{
    take(g, b);
    clReleaseMemObject(b->mem);
    clg__free(b);
}

static void shrink(clg__gpu *g)
{
    uint64_t most = g->window_peak[0] > g->window_peak[1] ? g->window_peak[0] : g->window_peak[1];
    most = 2 * most > CLG__POOL_FLOOR ? 2 * most : CLG__POOL_FLOOR;
    while (g->oldest_idle && g->stats.bytes_used + g->stats.bytes_pooled > most)
        release(g, g->oldest_idle);
}

void clg__gpu_evaluated(clg__gpu *g)
{
    pthread_mutex_lock(&g->lock);
    const bool window = ++g->evaluations % WINDOW == 0;
    clg__arena_evaluated(g, window, MAX_IDLE);
    if (window) {
        g->window_peak[1] = g->window_peak[0];
        g->window_peak[0] = g->stats.bytes_used;
        shrink(g);
    }
    while (g->oldest_idle && g->evaluations - g->oldest_idle->idle_since > MAX_IDLE)
        release(g, g->oldest_idle);
    pthread_mutex_unlock(&g->lock);
}

void clg__gpu_trim(clg__gpu *g)
{
    pthread_mutex_lock(&g->lock);
    while (g->oldest_idle)
        release(g, g->oldest_idle);
    clg__arena_release_idle(g);
    pthread_mutex_unlock(&g->lock);
}

bool clg__gpu_make_room(clg__gpu *g)
{
    if (clg__gpu_lost(g, NULL) < 0)
        return false;
    clg__log(CLG__LOG_MEMORY, "a call failed: waits for what is queued and releases the pool");
    const cl_int rc = clg__wait_all(g);
    if (clg__is_lost(rc))
        clg__cl_fail(g, NULL, rc, "waiting for the device");
    clg__gpu_trim(g); // only now does memory really go
    return clg__gpu_lost(g, NULL) >= 0;
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

bool clg__make_room_below_cap(clg__gpu *g, size_t bytes)
{
    while (g->oldest_idle && over_cap(g, bytes))
        release(g, g->oldest_idle);
    if (over_cap(g, bytes))
        clg__arena_release_idle(g);
    return !over_cap(g, bytes);
}

void clg__count_used(clg__gpu *g, size_t bytes)
{
    g->stats.bytes_used += bytes;
    if (g->stats.bytes_used > g->stats.bytes_peak)
        g->stats.bytes_peak = g->stats.bytes_used;
    if (g->stats.bytes_used > g->window_peak[0])
        g->window_peak[0] = g->stats.bytes_used;
}

void clg__fail_memory(clg__gpu *g, clg__err *e, size_t bytes, cl_int rc)
{
    __atomic_fetch_add(&g->failures, 1, __ATOMIC_RELAXED);
    clg__fail(e, CLG_ENOMEM, "out of device memory: %zu bytes asked for, %llu in use, cap %llu (%s)", bytes,
              (unsigned long long) g->stats.bytes_used, (unsigned long long) g->cap,
              rc == CL_SUCCESS ? "over the cap" : clg__cl_error(rc));
}

// With the lock held: from the pool, else a new one, for which idle ones make room below the cap.
static clg__buf *find(clg__gpu *g, int k, size_t capacity, cl_int *rc)
{
    clg__buf *b = g->pool[k];
    if (b && b->capacity >= capacity) {
        take(g, b);
        g->stats.pool_hits++;
        return b;
    }
    b = clg__make_room_below_cap(g, capacity) ? fresh(g, capacity, rc) : NULL;
    if (b)
        b->size_class = k;
    return b;
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
    clg__buf *b = find(g, k, capacity, &rc);
    if (!b && rc != CL_SUCCESS) { // once more with an empty pool
        pthread_mutex_unlock(&g->lock);
        const bool again = clg__gpu_make_room(g);
        pthread_mutex_lock(&g->lock);
        b = again ? find(g, k, capacity, &rc) : NULL;
    }
    if (b) {
        b->refs = 1;
        b->bytes = bytes;
        b->content = ++g->n_contents;
        g->stats.buffers_used++;
        clg__count_used(g, b->capacity);
    } else {
        clg__fail_memory(g, e, bytes, rc);
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

uint64_t clg__gpu_contents(clg__gpu *g)
{
    pthread_mutex_lock(&g->lock);
    const uint64_t n = g->n_contents;
    pthread_mutex_unlock(&g->lock);
    return n;
}

uint64_t clg__buf_content(const clg__buf *b)
{
    return b->content;
}

bool clg__gpu_may_keep(clg__gpu *g, size_t bytes)
{
    pthread_mutex_lock(&g->lock);
    const bool may = g->kept_bytes + bytes <= g->caps.global_bytes / 16;
    g->kept_bytes += may ? bytes : 0;
    pthread_mutex_unlock(&g->lock);
    return may;
}

void clg__gpu_kept_less(clg__gpu *g, size_t bytes)
{
    pthread_mutex_lock(&g->lock);
    g->kept_bytes -= bytes;
    pthread_mutex_unlock(&g->lock);
}

size_t clg__buf_bytes(const clg__buf *b)
{
    return b->bytes;
}

void clg__buf_unref(clg__buf *b)
{
    if (!b)
        return;
    clg__gpu *g = b->gpu;
    pthread_mutex_lock(&g->lock);
    if (--b->refs == 0) {
        if (b->written)
            clReleaseEvent(b->written);
        b->written = NULL;
        g->stats.bytes_used -= b->capacity;
        g->stats.buffers_used--;
        put(g, b);
        shrink(g);
    }
    pthread_mutex_unlock(&g->lock);
}
