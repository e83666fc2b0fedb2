// SPDX-License-Identifier: MIT
// What a plan makes of a variable alone (its launches that `prepare`): made once, and kept while the variable is the
// same. In training it is another one in each step, and nothing is kept; a network that only runs has its weights in
// the order in which its kernels read them from the third run on, for as much memory again.
#include "sched/plan.h"

#include "base/alloc.h"
#include "graph/build.h"

enum { RUNS = 2 }; // with the same variable before one is kept

static bool has(const clg__kept *k, int temp)
{
    bool is = false;
    for (int i = 0; i < k->n_temps; i++)
        is |= k->temp[i] == temp;
    return is;
}

bool clg__kept_add(clg__plan *p, clg__kept k, int temp)
{
    clg__kept *last = p->n_kept ? &p->kept[p->n_kept - 1] : NULL;
    clg__step *s = &p->steps[p->n_steps - 1];
    const bool goes_on = p->n_steps > 1 && last && s[-1].kept == p->n_kept && last->leaf == k.leaf &&
                         last->position[0] == k.position[0] && last->position[1] == k.position[1];
    if (s->kept || goes_on) { // of one operation, which has no more temporaries than there is room for
        s->kept = p->n_kept;
        if (!has(last, temp))
            last->temp[last->n_temps++] = temp;
        return true;
    }
    if (!clg__grow((void **) &p->kept, &p->cap_kept, p->n_kept + 1, sizeof *p->kept))
        return false;
    k.temp[k.n_temps++] = temp;
    p->kept[p->n_kept++] = k;
    s->kept = p->n_kept;
    return true;
}

// The views of the arena, as before.
static void let_go(clg__plan *p, clg__kept *k)
{
    for (int i = 0; i < k->n_temps; i++) {
        if (!k->buf[i])
            continue;
        clg__gpu_kept_less(p->gpu, p->places[k->temp[i]].bytes);
        clg__buf_unref(k->buf[i]);
        k->buf[i] = NULL;
        p->bufs[k->temp[i]] = clg__scratch_view(p->scratch, p->places[k->temp[i]].view);
        p->bound_generation = CLG__UNBOUND;
    }
    k->valid = false;
}

// Where there is no memory for it the plan goes on as it is.
static void keep(clg__plan *p, clg__kept *k)
{
    clg__err none = { 0 };
    for (int i = 0; i < k->n_temps; i++) {
        const size_t bytes = p->places[k->temp[i]].bytes;
        if (!clg__gpu_may_keep(p->gpu, bytes))
            break;
        k->buf[i] = clg__buf_alloc(p->gpu, bytes, &none);
        if (!k->buf[i]) {
            clg__gpu_kept_less(p->gpu, bytes);
            break;
        }
        p->bufs[k->temp[i]] = k->buf[i];
        p->bound_generation = CLG__UNBOUND;
    }
    if (!k->buf[k->n_temps - 1])
        let_go(p, k);
}

void clg__kept_begin(clg__plan *p, const clg__work *w)
{
    for (int i = 0; i < p->n_kept; i++) {
        clg__kept *k = &p->kept[i];
        const uint64_t content = clg__buf_content(p->bufs[k->leaf]);
        const bool variable = w->nodes[p->places[k->leaf].node_index]->of_variable;
        bool same = variable && content == k->content;
        k->content = variable ? content : 0;
        for (int s = 0; s < 2; s++) {
            const int64_t start = k->position[s] ? p->positions.all[k->position[s]].now : 0;
            same = same && start == k->start[s];
            k->start[s] = start;
        }
        k->same = same ? k->same + 1 : 0;
        if (!same)
            let_go(p, k);
        else if (k->same == RUNS)
            keep(p, k);
    }
}

void clg__kept_end(clg__plan *p, bool ok)
{
    for (int i = 0; i < p->n_kept; i++) {
        clg__kept *k = &p->kept[i];
        k->valid |= ok && k->buf[0];
    }
}

void clg__kept_free(clg__plan *p)
{
    for (int i = 0; i < p->n_kept; i++)
        let_go(p, &p->kept[i]);
    clg__free(p->kept);
}
