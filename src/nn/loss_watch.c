// SPDX-License-Identifier: MIT
// The course of a loss. Jumps and rises are measured against a window of the steps before, by its median and its median
// absolute deviation; a plateau against the whole course, which is kept as at most BLOCKS means of medians, so that what
// counts as long grows with the training.
#include "nn/fp.h"
#include "nn/monitor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 64, RISING = 6, LEAST = 10 };

struct clg_loss_watch_t {
    int window, patience;
    double spike;
    double *ring, *sorted; // the window, oldest first; room to sort
    int n;                 // in it
    int64_t steps;
    // a jump that may end
    int above;             // steps since
    double level, limit;   // the median before it; below this it has ended
    // the best half window
    double best, best_scatter;
    bool any_best;
    // the course
    double block[BLOCKS];
    int blocks, per, filled; // medians in a block; in the one that is being filled
    double part;             // their sum
    bool plateau, diverging, not_finite; // said
    clg_tensor later; // kept
    char text[500];
};

clg_loss_watch clg_loss_watch_create(const struct clg_loss_watch_params *given)
{
    struct clg_loss_watch_params p;
    if (clg_params_read(&p, sizeof p, given))
        return NULL;
    if (p.window < 0 || (p.window > 0 && p.window < LEAST) || p.window > 1000000 || p.patience < 0 || !(p.spike >= 0) ||
        !isfinite(p.spike))
        return NULL;
    clg_loss_watch w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->window = p.window > 0 ? p.window : 50;
    w->patience = p.patience > 0 ? p.patience : 4;
    w->spike = p.spike > 0 ? p.spike : 12;
    w->per = 1;
    w->ring = malloc((size_t) w->window * sizeof *w->ring);
    w->sorted = malloc((size_t) w->window * sizeof *w->sorted);
    if (!w->ring || !w->sorted)
        clg_loss_watch_destroy(&w);
    return w;
}

void clg_loss_watch_destroy(clg_loss_watch *pw)
{
    if (!pw || !*pw)
        return;
    clg_drop(&(*pw)->later);
    free((*pw)->ring);
    free((*pw)->sorted);
    free(*pw);
    *pw = NULL;
}

const char *clg_loss_watch_text(clg_loss_watch w)
{
    return w ? w->text : "";
}

// ---- medians

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

static double median(double *v, int n)
{
    qsort(v, (size_t) n, sizeof *v, by_size);
    return n % 2 ? v[n / 2] : v[n / 2 - 1] + (v[n / 2] - v[n / 2 - 1]) / 2;
}

static double median_of(clg_loss_watch w, const double *v, int n)
{
    memcpy(w->sorted, v, (size_t) n * sizeof *v);
    return median(w->sorted, n);
}

// A standard deviation, were it normal.
static double scatter_about(clg_loss_watch w, double middle, const double *v, int n)
{
    for (int i = 0; i < n; i++)
        w->sorted[i] = fabs(v[i] - middle);
    return 1.4826 * median(w->sorted, n);
}

static double largest(const double *v, int n)
{
    double most = v[0];
    for (int i = 1; i < n; i++)
        most = v[i] > most ? v[i] : most;
    return most;
}

static double least(const double *v, int n)
{
    double low = v[0];
    for (int i = 1; i < n; i++)
        low = v[i] < low ? v[i] : low;
    return low;
}

// ---- what is found

static clg_finding say_not_finite(clg_loss_watch w, double loss)
{
    char a[FIGURE];
    if (w->not_finite)
        return CLG_FINDING_NONE;
    w->not_finite = true;
    snprintf(w->text, sizeof w->text,
             "The loss is %s at step %lld: clg_device_watch (clgrad train --watch) names the operation that made it; a "
             "smaller learning rate or clipped gradients often help.",
             clg__figure(loss, a), (long long) w->steps);
    return CLG_FINDING_NOT_FINITE;
}

static clg_finding say_diverging(clg_loss_watch w, double now, double before)
{
    char a[FIGURE], b[FIGURE];
    if (w->diverging)
        return CLG_FINDING_NONE;
    w->diverging = true;
    snprintf(w->text, sizeof w->text,
             "The loss rises: %s at step %lld after %s: go back to an earlier checkpoint with a smaller learning rate, or "
             "clip the gradients.",
             clg__figure(now, a), (long long) w->steps, clg__figure(before, b));
    return CLG_FINDING_DIVERGING;
}

static clg_finding say_spike(clg_loss_watch w, double loss, double middle, double scatter)
{
    char a[FIGURE], b[FIGURE], c[FIGURE];
    snprintf(w->text, sizeof w->text,
             "The loss jumped to %s at step %lld, from %s with a scatter of %s: a batch out of the ordinary, or too large a "
             "step; clipping by norm bounds what one batch can do.",
             clg__figure(loss, a), (long long) w->steps, clg__figure(middle, b), clg__figure(scatter, c));
    return CLG_FINDING_SPIKE;
}

static clg_finding say_plateau(clg_loss_watch w, double now, double before, int64_t steps, bool ever)
{
    char a[FIGURE], b[FIGURE];
    if (w->plateau)
        return CLG_FINDING_NONE;
    w->plateau = true;
    if (ever)
        snprintf(w->text, sizeof w->text,
                 "The loss has not fallen for %lld steps (%s, %s before): a smaller learning rate may go on, or it is done.",
                 (long long) steps, clg__figure(now, a), clg__figure(before, b));
    else
        snprintf(w->text, sizeof w->text,
                 "The loss has not fallen since the first step (%s, %s before): another learning rate, and look at the "
                 "gradients, the labels and the order of the data.",
                 clg__figure(now, a), clg__figure(before, b));
    return CLG_FINDING_PLATEAU;
}

// ---- the course

static double mean_of(const double *v, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += v[i] / n;
    return sum;
}

static clg_finding look_back(clg_loss_watch w)
{
    const int quarter = w->blocks / 4, at = w->blocks - 2 * quarter;
    if (w->blocks < 16 || w->steps < (int64_t) w->patience * w->window || w->diverging)
        return CLG_FINDING_NONE;
    double d[BLOCKS];
    for (int i = 0; i + 1 < w->blocks; i++)
        d[i] = fabs(w->block[i + 1] - w->block[i]);
    const double scatter = 1.4826 * median(d, w->blocks - 1) / sqrt(2.0), error = scatter * sqrt(2.0 / quarter);
    const double first = mean_of(w->block, quarter), before = mean_of(w->block + at, quarter);
    const double now = mean_of(w->block + at + quarter, quarter), fell = before - now, all = first - now;
    const int64_t steps = w->steps / 2;
    if (fell > 3 * error)
        w->plateau = false;
    if (all > 4 * error) // it has fallen: does it go on with a twentieth of that in a quarter of the time?
        return fell + 1.5 * error < 0.05 * all ? say_plateau(w, now, before, steps, true) : CLG_FINDING_NONE;
    const bool long_enough = w->steps >= 2 * (int64_t) w->patience * w->window;
    return long_enough && all < error ? say_plateau(w, now, first, steps, false) : CLG_FINDING_NONE;
}

// A median more; pairs of blocks become one where there is no room.
static clg_finding go_on(clg_loss_watch w, double m)
{
    w->part += m / w->per;
    if (++w->filled < w->per)
        return CLG_FINDING_NONE;
    if (w->blocks == BLOCKS) {
        for (int i = 0; i < BLOCKS / 2; i++)
            w->block[i] = w->block[2 * i] / 2 + w->block[2 * i + 1] / 2;
        w->blocks = BLOCKS / 2;
        w->per *= 2;
        w->part /= 2;
        return CLG_FINDING_NONE; // the block goes on
    }
    w->block[w->blocks++] = w->part;
    w->part = 0;
    w->filled = 0;
    return look_back(w);
}

// ---- a step

static void append(clg_loss_watch w, double loss)
{
    const bool full = w->n == w->window;
    for (int i = 1; i < w->n && full; i++)
        w->ring[i - 1] = w->ring[i];
    w->n -= full;
    w->ring[w->n++] = loss;
}

// The last few rise, each above the one before, by far more than what was before them moves.
static bool runs_away(const clg_loss_watch w)
{
    const int n = w->n - RISING;
    if (n < 4)
        return false;
    for (int i = n; i < w->n; i++) {
        if (!(w->ring[i] > w->ring[i - 1]))
            return false;
    }
    const double low = least(w->ring, n), range = largest(w->ring, n) - low;
    return w->ring[w->n - 1] - w->ring[n - 1] > 8 * range && range > 0;
}

static clg_finding within_jump(clg_loss_watch w, double loss)
{
    if (loss < w->limit) {
        w->above = 0;
        append(w, loss);
        return CLG_FINDING_NONE;
    }
    if (++w->above < w->window / 5 + 1)
        return CLG_FINDING_NONE;
    const double level = w->level;
    w->above = 0;
    w->n = 0; // what is normal is found anew
    append(w, loss);
    return say_diverging(w, loss, level);
}

static clg_finding rises(clg_loss_watch w, double scatter)
{
    const int half = w->window / 2;
    const double now = median_of(w, w->ring + w->n - half, half);
    if (!w->any_best || now < w->best) {
        w->best = now;
        w->best_scatter = scatter;
        w->any_best = true;
    }
    const double rise = now - w->best;
    if (rise < w->best_scatter)
        w->diverging = false;
    const bool far = w->best_scatter > 0 && rise > 4 * w->best_scatter && rise > 2 * scatter;
    return far ? say_diverging(w, now, w->best) : CLG_FINDING_NONE;
}

clg_finding clg_loss_watch_add(clg_loss_watch w, double loss)
{
    if (!w)
        return CLG_FINDING_NONE;
    DEFAULT_FP;
    clg_finding f = CLG_FINDING_NONE;
    w->steps++;
    if (!isfinite(loss))
        return say_not_finite(w, loss);
    w->not_finite = false;
    if (w->above > 0)
        return within_jump(w, loss);
    if (w->n >= LEAST) {
        const double m = median_of(w, w->ring, w->n), s = scatter_about(w, m, w->ring, w->n);
        const double reach = largest(w->ring, w->n) - m;
        if (s > 0 && loss > m + w->spike * s && loss > m + 3 * reach) {
            w->above = 1;
            w->level = m;
            w->limit = m + (loss - m) / 3;
            return say_spike(w, loss, m, s);
        }
        append(w, loss);
        if (runs_away(w))
            f = say_diverging(w, loss, least(w->ring, w->n));
        if (f == CLG_FINDING_NONE && w->n == w->window)
            f = rises(w, s);
    } else {
        append(w, loss);
    }
    const int block = w->window / 5;
    if (f == CLG_FINDING_NONE && w->steps % block == 0 && w->n >= block)
        f = go_on(w, median_of(w, w->ring + w->n - block, block));
    return f;
}

clg_finding clg_loss_watch_add_later(clg_loss_watch w, clg_tensor loss)
{
    clg_finding f = CLG_FINDING_NONE;
    if (!w)
        return f;
    if (w->later)
        f = clg_loss_watch_add(w, clg_item(w->later, NULL));
    clg_drop(&w->later);
    const bool good = loss && !clg_check_inputs("loss_watch_add_later", "loss", &loss, 1);
    w->later = good ? clg_keep(loss) : NULL;
    if (loss && !good)
        f = clg_loss_watch_add(w, (double) NAN);
    return f;
}
