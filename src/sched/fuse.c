// SPDX-License-Identifier: MIT
// What is stored, what is computed inline, and which results share a kernel.
//
// 1. Bottom-up, every pointwise value is inlined where it is used, unless it is asked for, is used
//    several times and dear to repeat, does not fit, or cannot be reached through a view.
// 2. Every stored value is a group; groups merge where one pass over the same elements makes both:
//    a producer with its consumer (also as epilogue of a reduction or kernel), siblings that load the
//    same tensor, sibling reductions.
// 3. Groups of one text and one level share a launch.
#include "sched/fuse.h"

#include "base/alloc.h"
#include "base/log.h"
#include "graph/build.h"

#include <stdlib.h>
#include <string.h>

static int new_group(clg__fusion *f, clg__grp_kind kind)
{
    if (!clg__grow((void **) &f->g, &f->capacity, f->n + 1, sizeof *f->g)) {
        f->failed = true;
        return -1;
    }
    f->g[f->n] = (clg__grp) { .kind = kind, .kernel = -1, .merged_into = -1 };
    return f->n++;
}

static bool store_value(clg__fusion *f, int ir)
{
    clg__ir *v = &f->w->ir[ir];
    if (v->stored && v->group >= 0)
        return true;
    const int k = new_group(f, CLG__GRP_POINTWISE);
    if (k < 0)
        return false;
    f->g[k].roots[0] = ir;
    f->g[k].n_roots = 1;
    v->stored = true;
    v->group = k;
    return true;
}

// Emit alone, storing what does not fit, until it works.
static bool emit_settled(clg__fusion *f, int group, clg__group *text)
{
    for (;;) {
        const clg__emit_result r = clg__emit(f, group, text);
        if (r.ok)
            return true;
        if (r.culprit < 0 || f->w->ir[r.culprit].stored)
            return false;
        if (!store_value(f, r.culprit))
            return false;
    }
}

// More than half: one number beside two is as small as beside a thousand, or a last batch of two would be
// grouped as no other.
static bool is_big(const clg__work *w, int value, int64_t numel)
{
    return w->ir[value / CLG__MAX_OUTPUTS].numel * 2 > numel;
}

static int big_loads(const clg__fusion *f, const clg__group *t, int64_t numel)
{
    int n = 0;
    for (int i = 0; i < t->n_operands; i++) {
        if (t->operands[i].kind == CLG__FROM_BUFFER)
            n += is_big(f->w, t->operands[i].input, numel);
    }
    return n;
}

// Its elements come straight from a kernel that can apply it as an epilogue and has no other user.
static bool is_epilogue(const clg__fusion *f, const clg__ir *v)
{
    for (int i = 0; i < v->n_src; i++) {
        const clg__ir *s = &f->w->ir[v->src[i].ir];
        if (s->op->kind == CLG__KERNEL && s->uses == 1 && s->numel == v->numel &&
            f->g[s->group].variant && f->g[s->group].variant->epilogue)
            return true;
    }
    return false;
}

static bool decide_pointwise(clg__fusion *f, int ir, clg__group *text)
{
    clg__ir *v = &f->w->ir[ir];
    if (v->n_src > CLG__INSN_SOURCES) {
        clg__fail(f->w->err, CLG_EINVAL, "eval: %s has %d inputs, an instruction has at most %d",
                  v->op->name, v->n_src, CLG__INSN_SOURCES);
        return false;
    }
    v->stored = true; // for the trial: a group of its own
    const int before = f->n, k = new_group(f, CLG__GRP_POINTWISE);
    if (k < 0)
        return false;
    f->g[k].roots[0] = ir;
    f->g[k].n_roots = 1;
    v->group = k;
    if (!emit_settled(f, k, text)) {
        clg__fail(f->w->err, CLG_EBUILD, "eval: %s does not fit a kernel", v->op->name);
        return false;
    }
    v = &f->w->ir[ir];
    v->n_insns = text->n_insns;
    bool keep = v->need || v->wanted || !f->w->fuse;
    if (!keep && v->uses > 1)
        keep = text->n_insns > 24 || big_loads(f, text, v->numel) > 2 || is_epilogue(f, v);
    if (keep)
        return true;
    v->stored = false;
    v->group = -1;
    if (f->n == before + 1)
        f->n = before;
    else
        f->g[k].merged_into = k; // others were made after it: dead
    return true;
}

static bool decide(clg__fusion *f, clg__group *text)
{
    clg__work *w = f->w;
    for (int i = 0; i < w->n_ir; i++) {
        const clg__op_kind kind = w->ir[i].op->kind;
        if (clg__is_pointwise(&w->ir[i])) {
            if (!decide_pointwise(f, i, text))
                return false;
        } else if (kind == CLG__REDUCE || kind == CLG__KERNEL) {
            const int k = new_group(f, kind == CLG__REDUCE ? CLG__GRP_REDUCE : CLG__GRP_KERNEL);
            if (k < 0)
                return false;
            w->ir[i].stored = true;
            w->ir[i].group = k;
            if (kind == CLG__KERNEL) {
                f->g[k].kernel = i;
                f->g[k].variant = clg__choose_variant(w, &w->ir[i], true);
                if (!f->g[k].variant)
                    return false;
                continue;
            }
            f->g[k].reds[0] = i;
            f->g[k].n_reds = 1;
            if (!w->fuse && clg__is_pointwise(&w->ir[w->ir[i].src[0].ir]) &&
                !store_value(f, w->ir[i].src[0].ir))
                return false;
            if (!emit_settled(f, k, text)) {
                clg__fail(w->err, CLG_EBUILD, "eval: %s does not fit a kernel", w->ir[i].op->name);
                return false;
            }
        }
    }
    return true;
}

// ---- the group graph

int clg__group_n_loads(const clg__fusion *f, int k)
{
    const clg__grp *g = &f->g[k];
    return (g->text ? g->text->n_operands : 0) +
           (g->kind == CLG__GRP_KERNEL ? f->w->ir[g->kernel].n_src : 0);
}

int clg__group_load(const clg__fusion *f, int k, int i)
{
    const clg__grp *g = &f->g[k];
    const int n = g->text ? g->text->n_operands : 0;
    if (i < n) {
        const clg__operand *o = &g->text->operands[i];
        return o->kind == CLG__FROM_BUFFER ? o->input % CLG__EPILOGUE_BASE : -1;
    }
    const clg__ref *r = &f->w->ir[g->kernel].src[i - n];
    return CLG__VALUE(r->ir, r->out);
}

enum { FAR = 32 }; // siblings further apart stay apart, so that long delays end

// The group that makes what k loads i-th; -1: there is none.
static int dep_of(const clg__fusion *f, int k, int i)
{
    const int value = clg__group_load(f, k, i);
    const int d = value < 0 ? -1 : f->w->ir[value / CLG__MAX_OUTPUTS].group;
    return d == k ? -1 : d;
}

// Longest ways from the inputs. Groups come nearly in order: few passes settle them.
static void find_levels(clg__fusion *f)
{
    for (int k = 0; k < f->n; k++)
        f->g[k].level = f->g[k].merged_into < 0 ? 0 : -1;
    for (bool changed = true; changed;) {
        changed = false;
        for (int k = 0; k < f->n; k++) {
            int level = 0;
            const int n = f->g[k].merged_into < 0 ? clg__group_n_loads(f, k) : 0;
            for (int i = 0; i < n; i++) {
                const int d = dep_of(f, k, i);
                if (d >= 0 && f->g[d].level >= level)
                    level = f->g[d].level + 1;
            }
            changed |= n > 0 && level != f->g[k].level;
            f->g[k].level = n > 0 ? level : f->g[k].level;
        }
    }
    f->dirty = false;
}

// Does `from` need `target`, ignoring the direct edge when `indirect`? Only what lies above the target can.
static bool reaches(const clg__fusion *f, int from, int target, bool indirect, char *seen)
{
    if (f->g[from].level <= f->g[target].level)
        return false;
    const int n = clg__group_n_loads(f, from);
    for (int i = 0; i < n; i++) {
        const int d = dep_of(f, from, i);
        if (d == target && !indirect)
            return true;
        if (d < 0 || d == target || seen[d])
            continue;
        seen[d] = 1;
        if (reaches(f, d, target, false, seen))
            return true;
    }
    return false;
}

static bool path(clg__fusion *f, int from, int target, bool indirect)
{
    if (f->dirty)
        find_levels(f);
    if (f->g[from].level <= f->g[target].level)
        return false;
    char *seen = clg__calloc((size_t) f->n, 1);
    f->failed |= !seen;
    const bool yes = !seen || reaches(f, from, target, indirect, seen);
    clg__free(seen);
    return yes;
}

static bool set_text(clg__fusion *f, int k, const clg__group *text)
{
    if (!f->g[k].text)
        f->g[k].text = clg__malloc(sizeof *text);
    if (!f->g[k].text) {
        f->failed = true;
        return false;
    }
    *f->g[k].text = *text;
    return true;
}

// Try to compute group b inside group a.
static bool try_merge(clg__fusion *f, int a, int b, clg__group *text)
{
    clg__work *w = f->w;
    clg__grp saved = f->g[a], *ga = &f->g[a], *gb = &f->g[b];
    if (ga->n_roots + gb->n_roots > CLG__GROUP_OUTPUTS ||
        ga->n_reds + gb->n_reds > CLG__GROUP_REDUCTIONS)
        return false;
    // b must not come before something that a needs, nor after something that needs a
    if (path(f, b, a, true) || path(f, a, b, false))
        return false;
    for (int i = 0; i < gb->n_roots; i++)
        ga->roots[ga->n_roots++] = gb->roots[i];
    for (int i = 0; i < gb->n_reds; i++)
        ga->reds[ga->n_reds++] = gb->reds[i];
    for (int i = 0; i < gb->n_roots; i++)
        w->ir[gb->roots[i]].group = a;
    for (int i = 0; i < gb->n_reds; i++)
        w->ir[gb->reds[i]].group = a;
    const clg__emit_result r = clg__emit(f, a, text);
    if (r.ok && text->n_operands + text->n_outputs <= 28 && set_text(f, a, text)) {
        gb->merged_into = a;
        f->dirty = true;
        return true;
    }
    clg__group *keep = ga->text;
    *ga = saved;
    ga->text = keep;
    for (int i = 0; i < gb->n_roots; i++)
        w->ir[gb->roots[i]].group = b;
    for (int i = 0; i < gb->n_reds; i++)
        w->ir[gb->reds[i]].group = b;
    return false;
}

static int64_t group_numel(const clg__fusion *f, int k)
{
    const clg__grp *g = &f->g[k];
    if (g->kind == CLG__GRP_KERNEL)
        return f->w->ir[g->kernel].numel;
    if (g->kind == CLG__GRP_REDUCE)
        return f->w->ir[g->reds[0]].numel;
    return f->w->ir[g->roots[0]].numel;
}

static bool share_a_load(const clg__fusion *f, int a, int b, int64_t numel)
{
    const int n = clg__group_n_loads(f, a), m = clg__group_n_loads(f, b);
    for (int i = 0; i < n; i++) {
        const int x = clg__group_load(f, a, i);
        for (int j = 0; j < m && x >= 0; j++) {
            if (x == clg__group_load(f, b, j) && is_big(f->w, x, numel))
                return true;
        }
    }
    return false;
}

static bool alive(const clg__fusion *f, int k)
{
    return f->g[k].merged_into < 0;
}

// Does any other group read the kernel's value? Several may have inlined its one user.
static bool read_elsewhere(const clg__fusion *f, int kernel_group, int user)
{
    for (int k = 0; k < f->n; k++) {
        const int n = k == user || k == kernel_group || !alive(f, k) ? 0 : clg__group_n_loads(f, k);
        for (int i = 0; i < n; i++) {
            const int value = clg__group_load(f, k, i);
            if (value >= 0 && value / CLG__MAX_OUTPUTS == f->g[kernel_group].kernel)
                return true;
        }
    }
    return false;
}

static bool can_be_epilogue(const clg__fusion *f, int kernel_group, int user)
{
    const clg__grp *g = &f->g[kernel_group];
    const clg__ir *v = &f->w->ir[g->kernel];
    return g->variant->epilogue && v->op->row_axis_from_end > 0 && g->n_roots == 0 &&
           v->uses == 1 && !v->wanted && !v->node->outs && f->g[user].n_roots == 1 &&
           f->w->ir[f->g[user].roots[0]].dtype == v->dtype && !read_elsewhere(f, kernel_group, user);
}

static bool merge_into_producer(clg__fusion *f, int k, clg__group *text)
{
    const int n = clg__group_n_loads(f, k);
    for (int i = 0; i < n; i++) {
        const int d = dep_of(f, k, i);
        if (d < 0 || !alive(f, d) || group_numel(f, d) != group_numel(f, k))
            continue;
        if (f->g[d].kind == CLG__GRP_KERNEL && !can_be_epilogue(f, d, k))
            continue;
        if (f->g[d].kind == CLG__GRP_REDUCE && f->g[k].twin)
            continue;
        if (try_merge(f, d, k, text)) {
            if (f->g[d].kind == CLG__GRP_KERNEL)
                f->w->ir[f->g[d].kernel].stored = false;
            return true;
        }
    }
    return false;
}

static bool merge_sibling(clg__fusion *f, int k, clg__group *text)
{
    const clg__grp *g = &f->g[k];
    for (int a = 0; a < f->n; a++) {
        if (a == k || !alive(f, a) || f->g[a].kind != g->kind || g->kind == CLG__GRP_KERNEL ||
            abs(f->g[a].level - g->level) > FAR || group_numel(f, a) != group_numel(f, k))
            continue;
        int64_t numel = group_numel(f, k);
        if (g->kind == CLG__GRP_REDUCE) {
            const clg__node *x = f->w->ir[f->g[a].reds[0]].node, *y = f->w->ir[g->reds[0]].node;
            const clg__reduce *rx = x->params, *ry = y->params;
            if (!clg__shape_equal(&x->in[0]->pub.shape, &y->in[0]->pub.shape) ||
                memcmp(rx->axis, ry->axis, sizeof rx->axis) != 0)
                continue;
            numel = clg_numel(x->in[0]->pub.shape);
        }
        if (share_a_load(f, a, k, numel) && try_merge(f, a, k, text))
            return true;
    }
    return false;
}

// Groups of one text share a launch, as the updates of all parameters do: at the end of a reduction they
// would save nothing and make each reduction a kernel of its own.
static bool find_twins(clg__fusion *f)
{
    uint64_t *hash = clg__calloc((size_t) f->n + 1, sizeof *hash);
    if (!hash)
        return false;
    bool ok = true;
    for (int k = 0; k < f->n && ok; k++) {
        if (alive(f, k) && f->g[k].kind == CLG__GRP_POINTWISE)
            ok = clg__codegen_hash(f->g[k].text, f->w->dev->caps, &hash[k]);
    }
    for (int k = 0; k < f->n && ok; k++) {
        for (int j = 0; j < k && hash[k]; j++) {
            if (hash[j] == hash[k])
                f->g[j].twin = f->g[k].twin = true;
        }
    }
    clg__free(hash);
    return ok;
}

static bool settle(clg__fusion *f, clg__group *text)
{
    for (int k = 0; k < f->n; k++) {
        if (!alive(f, k) || f->g[k].kind == CLG__GRP_KERNEL)
            continue;
        if (!emit_settled(f, k, text) || !set_text(f, k, text)) {
            clg__fail(f->w->err, CLG_EBUILD, "eval: a group does not fit a kernel");
            return false;
        }
    }
    return true;
}

static bool merge_groups(clg__fusion *f, clg__group *text)
{
    if (!settle(f, text))
        return false;
    if (!f->w->fuse)
        return true;
    if (!find_twins(f))
        return false;
    find_levels(f);
    // Values come in dependency order, groups nearly so: walk the values.
    for (int i = 0; i < f->w->n_ir; i++) {
        const int k = f->w->ir[i].group;
        if (k < 0 || !alive(f, k) || !f->w->ir[i].stored || f->g[k].kind == CLG__GRP_KERNEL)
            continue;
        if (f->g[k].kind == CLG__GRP_POINTWISE && f->g[k].n_roots == 1 &&
            f->g[k].roots[0] == i && merge_into_producer(f, k, text))
            continue;
        merge_sibling(f, k, text);
    }
    return !f->failed;
}

// Results that only their own group reads stay in registers.
static bool drop_private(clg__fusion *f, clg__group *text)
{
    char *read = clg__calloc((size_t) f->w->n_ir + 1, 1);
    if (!read)
        return false;
    for (int k = 0; k < f->n; k++) {
        const int n = alive(f, k) ? clg__group_n_loads(f, k) : 0;
        for (int i = 0; i < n; i++) {
            const int value = clg__group_load(f, k, i);
            if (value >= 0)
                read[value / CLG__MAX_OUTPUTS] = 1;
        }
    }
    for (int k = 0; k < f->n; k++) {
        clg__grp *g = &f->g[k];
        bool changed = false;
        if (!alive(f, k))
            continue;
        for (int i = 0; i < g->n_roots + g->n_reds; i++) {
            clg__ir *v = &f->w->ir[i < g->n_roots ? g->roots[i] : g->reds[i - g->n_roots]];
            const int id = i < g->n_roots ? g->roots[i] : g->reds[i - g->n_roots];
            if (v->stored && !read[id] && !v->wanted) {
                v->stored = false;
                changed = true;
            }
        }
        if (changed && clg__emit(f, k, text).ok)
            set_text(f, k, text);
    }
    clg__free(read);
    return !f->failed;
}

// ---- order and launches

static bool same_slots(const clg__group *a, const clg__group *b)
{
    if (a->n_operands != b->n_operands)
        return false;
    for (int i = 0; i < a->n_operands; i++) {
        const clg__operand *x = &a->operands[i], *y = &b->operands[i];
        if (x->kind != y->kind || x->kind == CLG__FROM_RANDOM)
            return false;
        if (x->kind == CLG__FROM_SLOT && x->input != y->input)
            return false;
    }
    return true;
}

// What nothing in the plan waits for runs last, so that the updates of all parameters share launches.
static bool mark_last(clg__fusion *f, int top)
{
    char *read = clg__calloc((size_t) f->n + 1, 1);
    if (!read)
        return false;
    for (int k = 0; k < f->n; k++) {
        const int n = alive(f, k) ? clg__group_n_loads(f, k) : 0;
        for (int i = 0; i < n; i++) {
            const int d = dep_of(f, k, i);
            if (d >= 0)
                read[d] = 1;
        }
    }
    for (int k = 0; k < f->n; k++) {
        if (alive(f, k) && f->g[k].kind == CLG__GRP_POINTWISE && !read[k])
            f->g[k].level = top;
    }
    clg__free(read);
    return true;
}

// May n groups like g share a launch? Slots are arguments once, buffers for every group.
static bool arguments_fit(const clg__fusion *f, const clg__group *g, int n)
{
    const int most = f->w->dev->caps->max_parameter_bytes;
    int bytes = 16 + n * g->n_outputs * 8;
    for (int k = 0; k < g->n_operands; k++) {
        const clg__operand_kind kind = g->operands[k].kind;
        bytes += kind == CLG__FROM_BUFFER ? n * 8 : kind == CLG__FROM_RANDOM ? 16 : 8;
    }
    return n * (g->n_operands + g->n_outputs) <= 100 && (most == 0 || bytes <= most);
}

// Groups of one launch: same level, same text, and few enough arguments for the device.
static bool add_companions(clg__fusion *f, int k, int *at)
{
    const clg__grp *g = &f->g[k];
    if (g->kind != CLG__GRP_POINTWISE || !f->w->fuse)
        return true;
    int n = 1;
    for (int j = k + 1; j < f->n && n < CLG__LAUNCH_GROUPS && arguments_fit(f, g->text, n + 1); j++) {
        clg__grp *o = &f->g[j];
        bool same;
        if (!alive(f, j) || o->launch >= 0 || o->kind != g->kind || o->level != g->level ||
            !same_slots(g->text, o->text))
            continue;
        if (!clg__codegen_same(g->text, o->text, f->w->dev->caps, &same))
            return false;
        if (!same)
            continue;
        o->launch = g->launch;
        f->order[(*at)++] = j;
        n++;
    }
    return true;
}

static bool make_order(clg__fusion *f)
{
    f->order = clg__malloc(((size_t) f->n + 1) * sizeof *f->order);
    f->launch_start = clg__malloc(((size_t) f->n + 1) * sizeof *f->launch_start);
    if (!f->order || !f->launch_start)
        return false;
    int top = 0, at = 0;
    find_levels(f);
    for (int k = 0; k < f->n; k++) {
        f->g[k].launch = -1;
        top = f->g[k].level > top ? f->g[k].level : top;
    }
    if (!mark_last(f, top))
        return false;
    for (int l = 0; l <= top; l++) {
        for (int k = 0; k < f->n; k++) {
            if (!alive(f, k) || f->g[k].level != l || f->g[k].launch >= 0)
                continue;
            f->launch_start[f->n_launches] = at;
            f->g[k].launch = f->n_launches++;
            f->order[at++] = k;
            if (!add_companions(f, k, &at))
                return false;
        }
    }
    f->launch_start[f->n_launches] = at;
    return true;
}

bool clg__fuse(clg__fusion *f)
{
    clg__group *text = clg__malloc(sizeof *text);
    const bool ok = text && decide(f, text) && merge_groups(f, text) && drop_private(f, text) &&
                    make_order(f);
    clg__free(text);
    if (!ok)
        clg__fail(f->w->err, CLG_ENOMEM, "eval: out of host memory while planning");
    return ok;
}

void clg__fusion_free(clg__fusion *f)
{
    for (int k = 0; k < f->n; k++)
        clg__free(f->g[k].text);
    clg__free(f->g);
    clg__free(f->order);
    clg__free(f->launch_start);
}
