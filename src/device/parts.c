// SPDX-License-Identifier: MIT
// Which process compiles what. A part is a program of its own, whose text is the same here and there, so that the
// caches find it.
#include "device/parts.h"

#include "base/alloc.h"
#include "device/workers.h"

#include <stdlib.h>
#include <string.h>

// Seconds on a core of 2020, which decide how many processes are worth starting, and who gets what: a kernel with a
// text of so many bytes, and a process until it compiles.
static double seconds_of(size_t bytes)
{
    return 0.05 + 0.9e-5 * (double) bytes;
}
static const double start_seconds = 0.45, worth_starting = 1.0;

// A plan has any number of launches, of which each is looked at for each below.
enum { MOST_KERNELS = 4000 };

typedef struct load {
    double seconds; // of all kernels in the text
    int first;      // the instance that is missing
} load;

static int by_seconds(const void *a, const void *b)
{
    const load *x = a, *y = b;
    return x->seconds == y->seconds ? (x->first > y->first) - (x->first < y->first) : x->seconds < y->seconds ? 1 : -1;
}

static const clg__instance *same_text(const clg__instance *in, int n, const clg__instance *i)
{
    for (int k = 0; k < n; k++) {
        if (in[k].missing && in[k].key == i->key && strcmp(in[k].hash, i->hash) == 0)
            return &in[k];
    }
    return NULL;
}

static bool same_kernel_before(const clg__instance *in, int i)
{
    for (int k = 0; k < i; k++) {
        if (in[k].part == in[i].part && strcmp(in[k].name, in[i].name) == 0)
            return true;
    }
    return false;
}

int clg__parts_split(const clg__gpu *g, clg__instance *in, int n)
{
    int missing = 0;
    for (int i = 0; i < n; i++) {
        in[i].part = in[i].missing ? 0 : -1;
        missing += in[i].missing;
    }
    if (g->compilers == 0 || missing < 2 || n > MOST_KERNELS)
        return 1;
    missing = 0;
    double sum = 0, busy[CLG__MOST_WORKERS + 1] = { 0 };
    load *loads = clg__calloc((size_t) n + 1, sizeof *loads);
    int *at = clg__calloc((size_t) n + 1, sizeof *at);
    for (int i = 0; i < n; i++) {
        if (loads && at && in[i].missing) {
            at[i] = missing;
            loads[missing++] = (load) { 0, i };
        }
    }
    for (int i = 0; i < n; i++) {
        const clg__instance *of = in[i].missing ? &in[i] : same_text(in, n, &in[i]);
        if (!of)
            continue;
        in[i].part = 0;
        if (loads && at && !same_kernel_before(in, i)) {
            loads[at[of - in]].seconds += seconds_of(in[i].text.length);
            sum += seconds_of(in[i].text.length);
        }
    }
    const int most = loads && at ? g->compilers : 0;
    int parts = 1 + (int) (sum / worth_starting) > 1 + most ? 1 + most : 1 + (int) (sum / worth_starting);
    if (parts > 1)
        qsort(loads, (size_t) missing, sizeof *loads, by_seconds);
    for (int p = 1; p < parts; p++)
        busy[p] = start_seconds;
    for (int k = 0; k < missing && parts > 1; k++) { // the largest first, to whom has least to do
        int to = 0;
        for (int p = 1; p < parts; p++)
            to = busy[p] < busy[to] ? p : to;
        busy[to] += loads[k].seconds;
        in[loads[k].first].part = to;
    }
    for (int i = 0; i < n && parts > 1; i++) {
        if (in[i].part >= 0 && !in[i].missing)
            in[i].part = same_text(in, n, &in[i])->part;
    }
    clg__free(loads);
    clg__free(at);
    return parts;
}

int clg__part_text(const clg__source *sources, const clg__instance *in, int n, int part, clg__str *source,
                   clg__str *files)
{
    int texts = 0;
    for (int i = 0; i < n; i++) {
        if (!in[i].missing || in[i].part != part)
            continue;
        texts++;
        if (files->length < 200)
            clg__str_printf(files, " %s%s", sources[i].file ? "cl/" : "",
                            sources[i].file ? sources[i].file : sources[i].entry);
        clg__str_printf(source, "#define NAME(x) x##_%s\n#line 1 \"%s\"\n", in[i].hash, in[i].name);
        clg__str_add_n(source, in[i].text.text, in[i].text.length);
        clg__str_add(source, "\n#undef NAME\n");
        clg__add_undefs(source, clg__str_text(&in[i].text));
    }
    return texts;
}

// Kernels of one part, each once.
static bool make_job(const clg__gpu *g, const clg__source *sources, const clg__instance *in, int n, int part,
                     clg__job *j)
{
    clg__str files = { 0 };
    *j = (clg__job) { .identity = g->identity, .device = g->number, .options = g->options,
                      .own_declarations = g->own_declarations, .only_own = g->only_own };
    const int texts = clg__part_text(sources, in, n, part, &j->program, &files);
    clg__str_free(&files);
    j->kernels = clg__calloc((size_t) n + 1, sizeof *j->kernels);
    for (int i = 0; i < n && j->kernels; i++) {
        if (in[i].part == part && !same_kernel_before(in, i))
            j->kernels[j->n_kernels++] = (clg__job_kernel) { in[i].name, sources[i].trial };
    }
    return texts > 0 && j->kernels && !j->program.failed;
}

clg_status clg__parts_compile(clg__gpu *g, const clg__source *sources, const clg__instance *in, int n, int parts,
                              clg_status (*here)(void *user, bool beside, clg__err *e), void *user, clg__err *e)
{
    clg__worker worker[CLG__MOST_WORKERS + 1];
    clg__job job[CLG__MOST_WORKERS + 1];
    int started = 0;
    for (int p = 1; p < parts; p++) {
        worker[p].pid = -1;
        if (make_job(g, sources, in, n, p, &job[p]) && !clg__known_has(g, &job[p].program))
            started += clg__worker_start(g, &job[p], &worker[p]);
    }
    const double start = clg__seconds();
    const clg_status st = here(user, started > 0, e);
    const double own = clg__seconds() - start;
    for (int p = 1; p < parts; p++) {
        if (clg__worker_wait(&worker[p], own))
            clg__known_add(g, &job[p].program);
        clg__free(job[p].kernels); // what they point to is the sources'
        clg__str_free(&job[p].program);
    }
    return st;
}
