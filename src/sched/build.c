// SPDX-License-Identifier: MIT
// One program for all kernels of a plan that no earlier one has built.
#include "sched/planner.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

// launch: of the plan; -1: the kernels are built, and never run
static bool add_units(clg__planner *f, const clg__kplan *kp, int launch)
{
    const bool tried = launch >= 0 && (f->ahead || clg__gpu_has_compilers(f->plan->gpu));
    for (int i = 0; i < kp->n_launches; i++) {
        const clg__launch *k = &kp->launches[i];
        if (k->blas.used)
            continue;
        if (k->defines.failed || k->text.failed ||
            !clg__grow((void **) &f->sources, &f->cap_sources, f->n_sources + 1, sizeof *f->sources))
            return clg__planner_oom(f);
        f->sources[f->n_sources++] = (clg__source) { .file = k->file, .entry = k->entry,
                                               .defines = clg__str_text(&k->defines),
                                               .text = clg__str_text(&k->text) };
        if (tried && !clg__trial_of(f, launch, k, &f->sources[f->n_sources - 1].trial))
            return clg__planner_oom(f);
    }
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

bool clg__pass_build(clg__planner *f)
{
    for (int l = 0; l < f->n_launches; l++) {
        if (!add_units(f, &f->kp[l], l))
            return false;
    }
    const int n = f->n_sources; // the steps take theirs in order
    for (int l = 0; l < f->n_launches; l++) {
        if (!add_units(f, &f->spare[l], -1))
            return false;
    }
    if (f->n_sources == 0)
        return true;
    if (clg__gpu_build(f->plan->gpu, f->sources, f->n_sources, f->ahead, f->w->err) < 0) {
        clg__find_unfit(f);
        return false;
    }
    const char **names = clg__malloc((size_t) n * sizeof *names);
    if (!names)
        return clg__planner_oom(f);
    for (int i = 0; i < n; i++)
        names[i] = clg__kernel_name(f->sources[i].kernel);
    qsort(names, (size_t) n, sizeof *names, by_text);
    for (int i = 0; i < n; i++)
        f->plan->n_kernels += i == 0 || strcmp(names[i - 1], names[i]) != 0;
    clg__free(names);
    return true;
}
