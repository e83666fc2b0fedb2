// SPDX-License-Identifier: MIT
// Learning rates over time, as PyTorch's schedulers define them.
#include "nn/fp.h"
#include <clgrad/optim.h>

#include <math.h>

static const double pi = 3.14159265358979323846;

static int64_t from_0(int64_t t)
{
    return t > 0 ? t : 0;
}

double clg_lr_step(double lr, int64_t t, int64_t every, double gamma)
{
    DEFAULT_FP;
    return every > 0 ? pin(pin(lr) * pow(pin(gamma), (double) (from_0(t) / every))) : lr;
}

double clg_lr_cosine(double lr, double lr_min, int64_t t, int64_t period)
{
    DEFAULT_FP;
    if (period <= 0)
        return lr;
    lr = pin(lr);
    t = from_0(t);
    if (t / 2 >= period) // whole periods away, which the cosine of a large number does not know
        t -= t / 2 / period * 2 * period;
    return pin(lr_min + 0.5 * (lr - lr_min) * (1 + cos(pi * (double) t / (double) period)));
}

double clg_lr_warmup(double lr, double start_factor, int64_t t, int64_t steps)
{
    if (steps <= 0 || t >= steps)
        return lr;
    DEFAULT_FP;
    start_factor = pin(start_factor);
    t = from_0(t);
    return pin(lr * (start_factor + (1 - start_factor) * (double) t / (double) steps));
}

static double anneal(double from, double to, double share)
{
    return to + (from - to) / 2 * (1 + cos(pi * share));
}

double clg_lr_one_cycle(double max_lr, int64_t t, int64_t total, double pct, double div,
                        double final_div)
{
    DEFAULT_FP;
    max_lr = pin(max_lr);
    pct = pin(pct > 0 ? pct < 1 ? pct : 1 : 0.3);
    t = from_0(t);
    const double start = max_lr / (div > 0 ? div : 25);
    const double end = start / (final_div > 0 ? final_div : 1e4);
    const double top = pct * (double) total - 1, last = (double) total - 1, at = (double) t;
    if (at <= top)
        return pin(anneal(start, max_lr, top > 0 ? at / top : 1));
    if (at >= last)
        return pin(end);
    return pin(anneal(max_lr, end, (at - top) / (last - top)));
}
