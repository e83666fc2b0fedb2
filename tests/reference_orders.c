// SPDX-License-Identifier: MIT
// Kernel ops that go along an axis in order, scans and sorts: values and bounds together.
#include "reference.h"

#include "checks.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct line { // of the elements along the axis, one line of them
    const int64_t *p;
    const ref_value *const *in;
    ref_value *out;
    int64_t n, first, step;
} line;

static int64_t at(const line *l, int64_t i)
{
    return l->first + i * l->step;
}

static double error_of(const line *l, int input, int64_t k)
{
    return reference_error(l->in[input], k);
}

// ---- scans; p: kind, from the end, outer, n, inner

static int64_t nth(const line *l, int64_t i)
{
    return at(l, l->p[1] ? l->n - 1 - i : i);
}

static void cumsum(const line *l)
{
    double sum = 0, size = 0, e = 0;
    int64_t whole = 0;
    for (int64_t i = 0; i < l->n; i++) {
        const int64_t k = nth(l, i);
        if (!l->out->f) {
            whole = (int64_t) ((uint64_t) whole + (uint64_t) l->in[0]->i[k]);
            l->out->i[k] = whole;
            continue;
        }
        sum += l->in[0]->f[k];
        size += fabs(l->in[0]->f[k]);
        e += error_of(l, 0, k);
        l->out->f[k] = sum;
        if (l->out->e)
            l->out->e[k] = e + reference_unit(l->out->dtype) * (4 * fabs(sum) + 2 * size);
    }
}

static void cumprod(const line *l)
{
    double product = 1, relative = 0;
    int64_t whole = 1;
    for (int64_t i = 0; i < l->n; i++) {
        const int64_t k = nth(l, i);
        if (!l->out->f) {
            whole = (int64_t) ((uint64_t) whole * (uint64_t) l->in[0]->i[k]);
            l->out->i[k] = whole;
            continue;
        }
        const double x = l->in[0]->f[k];
        relative += (x == 0 ? 0 : error_of(l, 0, k) / fabs(x)) + 2 * reference_unit(l->out->dtype);
        product *= x;
        l->out->f[k] = product;
        if (l->out->e)
            l->out->e[k] = fabs(product) * relative + reference_tiny(l->out->dtype);
    }
}

static void recurrence(const line *l)
{
    double y = 0, size = 0, e = 0;
    const double u = reference_unit(l->out->dtype);
    for (int64_t i = 0; i < l->n; i++) {
        const int64_t k = nth(l, i);
        const double c = l->in[0]->f[k], x = l->in[1]->f[k];
        e = fabs(c) * e + error_of(l, 0, k) * (fabs(y) + e) + error_of(l, 1, k);
        size = fabs(c) * size + fabs(x);
        y = c * y + x;
        l->out->f[k] = y;
        e += 4 * u * size;
        if (l->out->e)
            l->out->e[k] = e + reference_tiny(l->out->dtype);
    }
}

static void winner(const line *l)
{
    const bool low = l->p[0] == 4;
    int64_t best = 0;
    double e = 0;
    bool unsure = false; // equal numbers are equal on the device too
    for (int64_t i = 0; i < l->n; i++) {
        const int64_t k = at(l, i), b = at(l, best);
        bool take;
        if (l->in[0]->f) {
            const double x = l->in[0]->f[k], y = l->in[0]->f[b];
            const double apart = fabs(x - y), about = error_of(l, 0, k) + error_of(l, 0, b);
            unsure |= apart > 0 && apart <= about;
            take = isnan(x) || (!isnan(y) && (low ? x <= y : x >= y));
        } else {
            take = low ? l->in[0]->i[k] <= l->in[0]->i[b] : l->in[0]->i[k] >= l->in[0]->i[b];
        }
        best = take ? i : best;
        e = isfinite(error_of(l, 0, k)) ? fmax(e, error_of(l, 0, k)) : e;
        if (l->out->f)
            l->out->f[k] = l->in[0]->f[at(l, best)];
        else
            l->out->i[k] = l->in[0]->i[at(l, best)];
        l->out[1].i[k] = best;
        if (l->out->e) {
            l->out->e[k] = e;
            l->out[1].e[k] = unsure ? INFINITY : 0;
        }
    }
}

static void log_sums(const line *l)
{
    double top = -INFINITY, sum = 0, e = 0, low = INFINITY;
    for (int64_t i = 0; i < l->n; i++) {
        const int64_t k = at(l, i);
        const double x = l->in[0]->f[k], d = x == top ? 0 : x - top, part = exp(-fabs(d));
        sum = x > top ? sum * part + 1 : sum + part;
        top = x > top ? x : top;
        low = fmin(low, x);
        e = fmax(e, error_of(l, 0, k));
        l->out[0].f[k] = top;
        l->out[1].f[k] = sum;
        if (l->out->e) {
            const double range = isfinite(top - low) ? top - low : 200;
            l->out[0].e[k] = e;
            l->out[1].e[k] = sum * (expm1(4 * e) + reference_unit(l->out->dtype) * (2 * range + 24));
        }
    }
}

// ---- orders; p: rows, n, the step, falling, whether places count within rows

typedef struct item {
    double f;
    int64_t i, place;
    bool down;
} item;

static int before(const void *p, const void *q)
{
    const item *x = p, *y = q;
    const int way = isnan(x->f) || isnan(y->f) ? isnan(x->f) - isnan(y->f)
                                               : x->f != y->f ? (x->f > y->f) - (x->f < y->f) : (x->i > y->i) - (x->i < y->i);
    return way ? (x->down ? -way : way) : (x->place > y->place) - (x->place < y->place);
}

// Steps of a long sort but the last leave the elements where they are: what is seen is the last one's.
static void sort(const line *l)
{
    item *row = calloc((size_t) l->n + 1, sizeof *row);
    bool unsure = false;
    for (int64_t i = 0; i < l->n; i++)
        row[i] = (item) { l->in[0]->f ? l->in[0]->f[at(l, i)] : 0, l->in[0]->i ? l->in[0]->i[at(l, i)] : 0, i, l->p[3] };
    if (l->p[4])
        qsort(row, (size_t) l->n, sizeof *row, before);
    for (int64_t i = 0; i < l->n; i++) {
        if (i > 0 && l->in[0]->f) {
            const double apart = fabs(row[i].f - row[i - 1].f);
            unsure |= apart > 0 && apart <= error_of(l, 0, at(l, row[i].place)) + error_of(l, 0, at(l, row[i - 1].place));
        }
        l->out->i[at(l, i)] = row[i].place;
    }
    for (int64_t i = 0; i < l->n && l->out->e; i++)
        l->out->e[at(l, i)] = unsure ? INFINITY : 0;
    free(row);
}

// The first of them; p: rows, n, k, falling
static void topk(const line *l)
{
    item *row = calloc((size_t) l->n + 1, sizeof *row);
    const int64_t k = l->p[2], to = l->first / l->n * k;
    bool unsure = false;
    for (int64_t i = 0; i < l->n; i++)
        row[i] = (item) { l->in[0]->f ? l->in[0]->f[at(l, i)] : 0, l->in[0]->i ? l->in[0]->i[at(l, i)] : 0, i, l->p[3] };
    qsort(row, (size_t) l->n, sizeof *row, before);
    for (int64_t i = 0; i < l->n && i <= k; i++) {
        if (i > 0 && l->in[0]->f) {
            const double apart = fabs(row[i].f - row[i - 1].f);
            unsure |= apart > 0 && apart <= error_of(l, 0, at(l, row[i].place)) + error_of(l, 0, at(l, row[i - 1].place));
        }
        if (i < k)
            l->out->i[to + i] = row[i].place;
    }
    for (int64_t i = 0; i < k && l->out->e; i++)
        l->out->e[to + i] = unsure ? INFINITY : 0;
    free(row);
}

// Where elements belong in sorted rows; p: rows, n, elements for each, whether all share one row, right
static void searchsorted(const line *l)
{
    const int64_t n = l->p[1], row = l->p[3] ? 0 : l->first / l->n * n;
    const bool has_sorter = l->p[5];
    for (int64_t i = 0; i < l->n; i++) {
        const int64_t k = at(l, i);
        int64_t place = 0;
        bool unsure = false;
        for (int64_t j = 0; j < n; j++) {
            const int64_t b = row + (has_sorter ? l->in[2]->i[row + j] : j);
            bool before;
            if (l->in[0]->f) {
                const double x = l->in[0]->f[b], v = l->in[1]->f[k], about = error_of(l, 0, b) + error_of(l, 1, k);
                before = l->p[4] ? !(x > v) : !(x >= v);
                unsure |= about > 0 && fabs(x - v) <= about;
            } else
                before = l->p[4] ? l->in[0]->i[b] <= l->in[1]->i[k] : l->in[0]->i[b] < l->in[1]->i[k];
            place = before ? j + 1 : place;
        }
        l->out->i[k] = place;
        if (l->out->e)
            l->out->e[k] = unsure ? INFINITY : 0;
    }
}

static const struct {
    const char *name;
    void (*run)(const line *l);
    int outer, n, inner; // which numbers say how the axis lies
} orders[] = {
    { "cumsum", cumsum, 2, 3, 4 }, { "cumprod", cumprod, 2, 3, 4 }, { "recurrence", recurrence, 2, 3, 4 },
    { "cummax", winner, 2, 3, 4 }, { "cummin", winner, 2, 3, 4 },   { "log_sums", log_sums, 2, 3, 4 },
    { "sort_rank", sort, 0, 1, -1 },        { "sort_step", sort, 0, 1, -1 },
    { "topk", topk, 0, 1, -1 },
    { "searchsorted", searchsorted, 0, 2, -1 },
};

bool reference_order(const char *name, const int64_t *p, const ref_value *const *in, ref_value *out)
{
    for (size_t k = 0; k < sizeof orders / sizeof orders[0]; k++) {
        if (strcmp(orders[k].name, name) != 0)
            continue;
        const int64_t outer = p ? p[orders[k].outer] : 0, n = p ? p[orders[k].n] : 0, inner = p ? orders[k].inner < 0 ? 1 : p[orders[k].inner] : 0;
        for (int64_t r = 0; r < outer * inner; r++)
            orders[k].run(&(line) { p, in, out, n, r / inner * n * inner + r % inner, inner });
        return true;
    }
    return false;
}
