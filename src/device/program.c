// SPDX-License-Identifier: MIT
// From kernel text to kernel objects. Every instance of a kernel is named by the hash of its text, so
// that one program can hold many, and what was built once is found again whatever asks for it.
#include "device/parts.h"
#include "device/workers.h"

#include "base/alloc.h"
#include "base/format.h"
#include "base/hash.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

typedef clg__instance instance;

// Those of one build: in order, and by key.
typedef struct instances {
    instance *all;
    int n, *bucket, n_buckets; // 1 + the first of each; 0: none
} instances;

// ---- what is built

// Several texts are of one program: it goes with the last of them.
struct clg__program {
    cl_program program;
    int texts;
};

static bool same_text(const instance *in, const char *text, size_t length)
{
    return in->text.length == length && memcmp(in->text.text, text, length) == 0;
}

static int find_built(clg__gpu *g, const instance *in)
{
    for (int i = g->built_bucket[in->key % CLG__BUILT_BUCKETS] - 1; i >= 0; i = g->built[i].next) {
        const clg__built *b = &g->built[i];
        if (strcmp(b->hash, in->hash) == 0 && same_text(in, b->text, b->length)) {
            g->built[i].used = ++g->tick;
            return i;
        }
    }
    return -1;
}

// By what was asked for, so that a new plan of known kernels writes and compares no whole texts.
static int find_asked(clg__gpu *g, const instance *in)
{
    if (g->cl_dir) // files may change
        return -1;
    for (int i = g->asked_bucket[in->asked_key % CLG__BUILT_BUCKETS] - 1; i >= 0; i = g->built[i].asked_next) {
        const clg__built *b = &g->built[i];
        if (b->asked_key == in->asked_key && b->asked_length == in->asked.length &&
            memcmp(b->asked, in->asked.text, in->asked.length) == 0) {
            g->built[i].used = ++g->tick;
            return i;
        }
    }
    return -1;
}

static void link_built(clg__gpu *g, int i)
{
    int *bucket = &g->built_bucket[g->built[i].key % CLG__BUILT_BUCKETS];
    g->built[i].next = *bucket - 1;
    *bucket = i + 1;
    bucket = &g->asked_bucket[g->built[i].asked_key % CLG__BUILT_BUCKETS];
    g->built[i].asked_next = *bucket - 1;
    *bucket = i + 1;
}

static void drop_built(clg__gpu *g, clg__built *b)
{
    if (--b->program->texts == 0) {
        clReleaseProgram(b->program->program);
        clg__free(b->program);
        g->stats.programs--;
    }
    clg__free(b->text);
    clg__free(b->asked);
}

void clg__built_free(clg__gpu *g)
{
    for (int i = 0; i < g->n_built; i++)
        drop_built(g, &g->built[i]);
    clg__free(g->built);
}

static int by_use(const void *a, const void *b)
{
    const clg__built *x = a, *y = b;
    return (x->used < y->used) - (x->used > y->used);
}

// Between builds: a build keeps all that it needs, however much that is. A quarter goes at once.
static void drop_oldest(clg__gpu *g)
{
    if (g->n_built <= g->max_built)
        return;
    qsort(g->built, (size_t) g->n_built, sizeof *g->built, by_use);
    while (g->n_built > g->max_built / 4 * 3)
        drop_built(g, &g->built[--g->n_built]);
    memset(g->built_bucket, 0, sizeof g->built_bucket);
    memset(g->asked_bucket, 0, sizeof g->asked_bucket);
    for (int i = 0; i < g->n_built; i++)
        link_built(g, i);
}

// ---- instances

// The one before it with the same text, NULL: there is none.
static const instance *same_before(const instances *all, const instance *in)
{
    for (int i = all->bucket[in->key % (uint64_t) all->n_buckets] - 1; i >= 0; i = all->all[i].next) {
        const instance *o = &all->all[i];
        if (strcmp(o->hash, in->hash) == 0 && same_text(in, o->text.text, o->text.length))
            return o;
    }
    return NULL;
}

// Does another text have this hash?
static bool is_taken(const clg__gpu *g, const instances *all, const instance *in)
{
    for (int i = g->built_bucket[in->key % CLG__BUILT_BUCKETS] - 1; i >= 0; i = g->built[i].next) {
        const clg__built *b = &g->built[i];
        if (strcmp(b->hash, in->hash) == 0 && !same_text(in, b->text, b->length))
            return true;
    }
    for (int i = all->bucket[in->key % (uint64_t) all->n_buckets] - 1; i >= 0; i = all->all[i].next) {
        const instance *o = &all->all[i];
        if (strcmp(o->hash, in->hash) == 0 && !same_text(in, o->text.text, o->text.length))
            return true;
    }
    return false;
}

static void set_hash(instance *in, const char *digits, int k)
{
    if (k == 0)
        clg__format(in->hash, sizeof in->hash, "%s", digits);
    else
        clg__format(in->hash, sizeof in->hash, "%s_%d", digits, k);
    in->key = clg__hash(in->hash, strlen(in->hash), 0);
}

static bool ask(clg__gpu *g, instance *in, const clg__source *u, clg__err *e)
{
    clg__str_add(&in->asked, u->file ? u->file : "");
    clg__str_add_n(&in->asked, "", 1);
    clg__str_add(&in->asked, u->defines ? u->defines : "");
    clg__str_add_n(&in->asked, "", 1);
    clg__str_add(&in->asked, u->file ? "" : u->text);
    if (in->asked.failed) {
        clg__fail(e, CLG_ENOMEM, "build: out of host memory");
        return false;
    }
    in->asked_key = clg__hash(in->asked.text, in->asked.length, 0);
    in->built = find_asked(g, in);
    return true;
}

// The next of a build.
static bool make_instance(clg__gpu *g, instances *all, const clg__source *u, clg__err *e)
{
    instance *in = &all->all[all->n];
    char digits[33];
    if (!ask(g, in, u, e))
        return false;
    if (in->built >= 0) {
        clg__format(in->hash, sizeof in->hash, "%s", g->built[in->built].hash);
        in->key = g->built[in->built].key;
        clg__format(in->name, sizeof in->name, "%.50s_%s", u->entry, in->hash);
        all->n++;
        return true;
    }
    clg__str_add(&in->text, u->defines ? u->defines : "");
    const bool ok = u->file ? clg__add_file(&in->text, g->cl_dir, u->file, e)
                            : clg__add_text(&in->text, g->cl_dir, u->text, e);
    if (!ok)
        return false;
    if (in->text.failed) {
        clg__fail(e, CLG_ENOMEM, "build: out of host memory");
        return false;
    }
    // A hash is a name, no proof: other text of the same hash has another name.
    clg__hash_hex(in->text.text, in->text.length, digits);
    digits[g->name_digits] = '\0';
    set_hash(in, digits, 0);
    for (int k = 1; is_taken(g, all, in); k++)
        set_hash(in, digits, k);
    clg__format(in->name, sizeof in->name, "%.50s_%s", u->entry, in->hash);
    in->missing = find_built(g, in) < 0 && !same_before(all, in);
    all->n++;
    if (!in->missing) // found by the one that is; a plan launches one text any number of times
        return true;
    int *bucket = &all->bucket[in->key % (uint64_t) all->n_buckets];
    in->next = *bucket - 1;
    *bucket = all->n;
    return true;
}

static int where_built(clg__gpu *g, const instance *in)
{
    return in->built >= 0 ? in->built : find_built(g, in);
}

static bool remember(clg__gpu *g, const instance *in, struct clg__program *p)
{
    char *text = clg__malloc(in->text.length + 1), *asked = clg__malloc(in->asked.length + 1);
    if (!text || !asked || !clg__grow((void **) &g->built, &g->cap_built, g->n_built + 1, sizeof *g->built)) {
        clg__free(text);
        clg__free(asked);
        return false;
    }
    clg__built *b = &g->built[g->n_built];
    *b = (clg__built) { .text = text, .length = in->text.length, .program = p, .used = ++g->tick, .key = in->key,
                        .asked = asked, .asked_length = in->asked.length, .asked_key = in->asked_key };
    memcpy(asked, in->asked.text, in->asked.length);
    clg__format(b->hash, sizeof b->hash, "%s", in->hash);
    memcpy(text, in->text.text, in->text.length);
    p->texts++;
    link_built(g, g->n_built++);
    return true;
}

typedef struct build {
    clg__gpu *g;
    clg__source *sources;
    const instance *in;
    int n;
    const clg__ahead *ahead;
    bool trials;  // of part 0, while other processes compile
    bool known[CLG__MOST_WORKERS + 1]; // part: the driver's cache has it
    int done;     // kernels
} build;

// Takes over the reference to p.
static bool remember_part(const build *b, int part, cl_program p)
{
    clg__gpu *g = b->g;
    struct clg__program *program = clg__calloc(1, sizeof *program);
    bool ok = program != NULL;
    if (ok)
        program->program = p;
    for (int i = 0; i < b->n && ok; i++)
        ok = !b->in[i].missing || b->in[i].part != part || remember(g, &b->in[i], program);
    if (program && program->texts > 0) {
        g->stats.programs++;
    } else {
        clReleaseProgram(p);
        clg__free(program);
    }
    return ok;
}

static clg_status build_part(build *b, int part, clg__err *e)
{
    clg__str source = { 0 }, files = { 0 };
    const int texts = clg__part_text(b->sources, b->in, b->n, part, &source, &files);
    clg_status st = CLG_OK;
    if (source.failed) {
        st = clg__fail(e, CLG_ENOMEM, "build: out of host memory");
    } else if (texts > 0) {
        clg__log(CLG__LOG_SOURCE, "%s", clg__str_text(&source));
        b->known[part] = clg__known_has(b->g, &source);
        cl_program p = clg__compile(b->g, &source, clg__str_text(&files), e);
        if (!p)
            st = e ? e->status : CLG_EBUILD;
        else if (!remember_part(b, part, p))
            st = clg__fail(e, CLG_ENOMEM, "build: out of host memory");
    }
    clg__str_free(&source);
    clg__str_free(&files);
    return st;
}

// What the driver would compile at first launches: of part 0, or of what is not part 0.
static void run_trials(build *b, bool first)
{
    for (int i = 0; i < b->n; i++) {
        const instance *in = &b->in[i];
        if (b->trials && (in->part == 0) != first)
            continue;
        const int at = in->part >= 0 && b->known[in->part] ? -1 : where_built(b->g, in);
        if (at >= 0)
            clg__trial_run(b->g, b->g->built[at].program->program, in->name, &b->sources[i].trial);
        b->done++;
        if (b->ahead && b->ahead->progress)
            b->ahead->progress(b->ahead->user, b->done, b->n);
    }
}

// Part 0, all of whose kernels are compiled.
static void note_known(const build *b)
{
    clg__str source = { 0 }, files = { 0 };
    if (clg__part_text(b->sources, b->in, b->n, 0, &source, &files) > 0 && !source.failed)
        clg__known_add(b->g, &source);
    clg__str_free(&source);
    clg__str_free(&files);
}

static clg_status build_here(void *user, bool beside, clg__err *e)
{
    build *b = user;
    const clg_status st = build_part(b, 0, e);
    b->trials = beside || (b->ahead && st >= 0);
    if (st >= 0 && b->trials)
        run_trials(b, true);
    if (st >= 0 && b->trials && !b->known[0])
        note_known(b);
    return st;
}

static clg_status build_missing(build *b, instance *in, clg__err *e)
{
    const int parts = clg__parts_split(b->g, in, b->n);
    clg_status st = parts > 1 ? clg__parts_compile(b->g, b->sources, in, b->n, parts, build_here, b, e)
                              : build_here(b, false, e);
    for (int p = 1; p < parts && st >= 0; p++)
        st = build_part(b, p, e);
    if (st >= 0 && b->ahead)
        run_trials(b, false);
    return st;
}

static clg__kernel *make_kernel(clg__gpu *g, const instance *in, const char *entry, clg__err *e)
{
    cl_int rc = CL_OUT_OF_HOST_MEMORY;
    cl_uint args = 0;
    cl_ulong local = 0;
    const int at = where_built(g, in);
    clg__kernel *k = clg__calloc(1, sizeof *k);
    if (k && at >= 0)
        k->kernel = clCreateKernel(g->built[at].program->program, in->name, &rc);
    if (k && k->kernel)
        rc = clGetKernelInfo(k->kernel, CL_KERNEL_NUM_ARGS, sizeof args, &args, NULL);
    if (k && k->kernel && rc == CL_SUCCESS) {
        clGetKernelWorkGroupInfo(k->kernel, g->id, CL_KERNEL_LOCAL_MEM_SIZE, sizeof local, &local,
                                 NULL);
        clGetKernelWorkGroupInfo(k->kernel, g->id, CL_KERNEL_WORK_GROUP_SIZE, sizeof k->max_items,
                                 &k->max_items, NULL);
        size_t size[3] = { 0 };
        // not said: as if one were required, which is always right where the device allows it
        k->fixed_size = clGetKernelWorkGroupInfo(k->kernel, g->id, CL_KERNEL_COMPILE_WORK_GROUP_SIZE,
                                                 sizeof size, size, NULL) != CL_SUCCESS || size[0] > 0;
        k->bound = clg__calloc((size_t) args + 1, sizeof *k->bound);
    }
    if (!k || !k->bound) {
        clg__cl_fail(g, e, rc == CL_SUCCESS ? CL_OUT_OF_HOST_MEMORY : rc, "kernel %s", entry);
        if (k && k->kernel)
            clReleaseKernel(k->kernel);
        clg__free(k);
        return NULL;
    }
    k->gpu = g;
    k->n_args = (int) args;
    k->local_bytes = (size_t) local;
    k->timing = -1;
    clg__format(k->name, sizeof k->name, "%s", in->name);
    k->id = clg__hash(k->name, strlen(k->name), 0);
    g->stats.kernels++;
    return k;
}

static bool build_all(clg__gpu *g, instances *all, clg__source *sources, int n, const clg__ahead *ahead, clg__err *e)
{
    build b = { .g = g, .sources = sources, .in = all->all, .n = n, .ahead = ahead };
    for (int i = 0; i < n; i++) {
        if (!make_instance(g, all, &sources[i], e))
            return false;
    }
    if (build_missing(&b, all->all, e) < 0)
        return false;
    for (int i = 0; i < n; i++) {
        sources[i].kernel = make_kernel(g, &all->all[i], sources[i].entry, e);
        if (!sources[i].kernel)
            return false;
    }
    return true;
}

bool clg__gpu_has_built(clg__gpu *g, const clg__source *s)
{
    instance in = { 0 };
    pthread_mutex_lock(&g->lock);
    const bool has = !ask(g, &in, s, NULL) || in.built >= 0; // out of memory: nothing shall come of it
    pthread_mutex_unlock(&g->lock);
    clg__str_free(&in.asked);
    return has;
}

clg_status clg__gpu_build(clg__gpu *g, clg__source *sources, int n, const clg__ahead *ahead, clg__err *e)
{
    instances all = { .n_buckets = 2 * n + 1 };
    all.all = clg__calloc((size_t) n, sizeof *all.all);
    all.bucket = clg__calloc((size_t) all.n_buckets, sizeof *all.bucket);
    for (int i = 0; i < n; i++)
        sources[i].kernel = NULL;
    bool ok = all.all && all.bucket;
    if (ok) {
        pthread_mutex_lock(&g->lock);
        ok = build_all(g, &all, sources, n, ahead, e);
        drop_oldest(g);
        pthread_mutex_unlock(&g->lock);
    } else {
        clg__fail(e, CLG_ENOMEM, "build: out of host memory");
    }
    for (int i = 0; i < n; i++) {
        if (all.all) {
            clg__str_free(&all.all[i].text);
            clg__str_free(&all.all[i].asked);
        }
        if (!ok && sources[i].kernel) {
            clg__kernel_free(sources[i].kernel);
            sources[i].kernel = NULL;
        }
    }
    clg__free(all.all);
    clg__free(all.bucket);
    return ok ? CLG_OK : e ? e->status : CLG_EBUILD;
}

void clg__kernel_free(clg__kernel *k)
{
    if (!k)
        return;
    pthread_mutex_lock(&k->gpu->lock);
    k->gpu->stats.kernels--;
    pthread_mutex_unlock(&k->gpu->lock);
    clReleaseKernel(k->kernel);
    clg__free(k->bound);
    clg__free(k);
}

const char *clg__kernel_name(const clg__kernel *k)
{
    return k->name;
}
