// SPDX-License-Identifier: MIT
// From values to groups in launches: the passes in order.
#include "sched/fuse.h"

#include "base/alloc.h"
#include "base/log.h"

static const clg__pass passes[] = {
    { "lower", clg__pass_lower },
    { "decide", clg__pass_decide },
    { "merge", clg__pass_merge },
    { "registers", clg__pass_registers },
    { "launches", clg__pass_launches },
};

static bool show(const clg__fusion *f, const char *pass)
{
    clg__str text = { 0 }, *to = f->passes ? f->passes : &text;
    if (!f->passes && !clg__log_on(CLG__LOG_PASS))
        return true;
    const size_t start = to->length;
    clg__dump(f, pass, to);
    clg__log(CLG__LOG_PASS, "%s", clg__str_text(to) + start);
    const bool ok = !to->failed;
    clg__str_free(&text);
    return ok;
}

bool clg__fuse(clg__fusion *f)
{
    f->cost = clg__cost_of(f->w->dev->caps);
    f->emitter = clg__emitter_new();
    f->room = clg__malloc(sizeof *f->room);
    f->texts = clg__texts_new(f->w->dev->caps);
    bool ok = f->emitter && f->room && f->texts;
    for (size_t i = 0; i < sizeof passes / sizeof passes[0] && ok; i++)
        ok = passes[i].run(f) && show(f, passes[i].name);
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
