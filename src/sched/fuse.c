// SPDX-License-Identifier: MIT
// From values to groups in launches: the passes in order.
#include "sched/fuse.h"

#include "base/alloc.h"

bool clg__fuse(clg__fusion *f)
{
    f->cost = clg__cost_of(f->w->dev->caps);
    f->emitter = clg__emitter_new();
    f->room = clg__malloc(sizeof *f->room);
    f->texts = clg__texts_new(f->w->dev->caps);
    const bool ok = f->emitter && f->room && f->texts && clg__decide(f) && clg__merge(f) && clg__make_launches(f);
    if (!ok)
        clg__fail(f->w->err, CLG_ENOMEM, "eval: out of host memory while planning");
    return ok;
}

void clg__fusion_free(clg__fusion *f)
{
    for (int k = 0; k < f->n; k++) {
        clg__free(f->g[k].body);
        clg__free(f->g[k].loads);
    }
    clg__free(f->g);
    clg__free(f->emitter);
    clg__free(f->room);
    clg__texts_free(f->texts);
    clg__free(f->user_start);
    clg__free(f->user);
    clg__free(f->stack);
    clg__free(f->order);
    clg__free(f->launch_start);
}
