// SPDX-License-Identifier: MIT
// What a run learns by: optimizer, learning rates, precision.
#include "training.h"

#include <string.h>

const char *optim_choice(int i)
{
    static const char *const names[] = { "adam", "adamw", "sgd" };
    return i < 3 ? names[i] : NULL;
}

const char *schedule_choice(int i)
{
    static const char *const names[] = { "one-cycle", "cosine" };
    return i < 2 ? names[i] : NULL;
}

const char *amp_choice(int i)
{
    static const char *const names[] = { "none", "f16", "bf16" };
    return i < 3 ? names[i] : NULL;
}

const char *choose(word_list *list, const char *word)
{
    for (int i = 0; word && list(i); i++) {
        if (strcmp(list(i), word) == 0)
            return list(i);
    }
    return NULL;
}

static bool is(const char *word, word_list *list, int i)
{
    return strcmp(word, list(i)) == 0;
}

// The network's own rule has its own numbers, another one its usual ones.
double default_rate(const classifier *net, const char *optim)
{
    const bool sgd = is(optim, optim_choice, 2);
    return sgd == net->sgd ? net->lr : sgd ? 0.05 : 0.001;
}

clg_optim make_optimizer(const training *t)
{
    const classifier *net = t->d->form.net;
    const bool sgd = is(t->o.optim, optim_choice, 2);
    const double decay = sgd == net->sgd ? net->weight_decay : sgd ? 5e-4 : 0.01;
    clg_optim o = NULL;
    if (sgd)
        o = clg_sgd_create(t->store, clg_sgd_params(.lr = t->o.lr, .momentum = 0.9, .nesterov = true,
                                                    .weight_decay = decay));
    else if (is(t->o.optim, optim_choice, 1))
        o = clg_adamw_create(t->store, clg_adam_params(.lr = t->o.lr, .weight_decay = decay));
    else
        o = clg_adam_create(t->store, clg_adam_params(.lr = t->o.lr));
    if (o && is(t->o.amp, amp_choice, 1) && clg_optim_scale(o, NULL) < 0)
        clg_optim_destroy(&o);
    return o;
}

double rate_at(const training *t, long step)
{
    const long total = t->o.epochs * t->per_epoch;
    return is(t->o.schedule, schedule_choice, 0) ? clg_lr_one_cycle(t->o.lr, step, total, 0, 0, 0)
                                                 : clg_lr_cosine(t->o.lr, 0, step, total);
}

clg_autocast precision(const training *t)
{
    return (clg_autocast) { .on = !is(t->o.amp, amp_choice, 0),
                            .type = is(t->o.amp, amp_choice, 1) ? CLG_F16 : CLG_BF16 };
}
