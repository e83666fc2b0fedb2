// SPDX-License-Identifier: MIT
// Measures the chosen families, a case after the other, with peers where they are wanted.
#include "families.h"

#include "../cases.h"
#include "../tool.h"
#include "work.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// Seconds with --quick, in equal parts for the families; first launches are not counted.
static const double quick_seconds = 50;
static const double endless_seconds = 10; // a first run that takes longer is the only one
enum { MOST_FAILURES = 10 }; // of cases, then the rest is left
static const double unlike_limit = 2e-3; // of the largest element; Winograd's forms are far below

double row_share(const bench_run *b, const bench_row *r)
{
    return roof_seconds(&b->roof, r->s->type, &r->least, NULL) / r->ours.best;
}

const char *row_bound(const bench_run *b, const bench_row *r)
{
    roof_kind k;
    roof_seconds(&b->roof, r->s->type, &r->least, &k);
    return roof_names[k];
}

double row_ratio(const bench_row *r)
{
    return r->peer_name ? r->peer.best / r->ours.best : 0;
}

double row_noise(const bench_row *r)
{
    const double a = r->ours.median / r->ours.best - 1, b = r->peer_name ? r->peer.median / r->peer.best - 1 : 0;
    return a > b ? a : b;
}

family_sums family_summary(const bench_run *b, int family)
{
    family_sums s = { .worst_share = INFINITY, .worst_ratio = INFINITY };
    double shares = 0, ratios = 0;
    for (int i = 0; i < b->n; i++) {
        const bench_row *r = &b->rows[i];
        if (r->s->family != family)
            continue;
        const double share = row_share(b, r), ratio = row_ratio(r);
        s.count++;
        shares += log(share);
        s.worst_share = fmin(s.worst_share, share);
        if (ratio > 0) {
            s.compared++;
            ratios += log(ratio);
            s.worst_ratio = fmin(s.worst_ratio, ratio);
        }
    }
    s.share = s.count ? exp(shares / s.count) : 0;
    s.ratio = s.compared ? exp(ratios / s.compared) : 0;
    return s;
}

// ---- one case

static void progress(int at, int of, const char *name)
{
    const char *term = getenv("TERM");
    if (!isatty(STDERR_FILENO) || (term && strcmp(term, "dumb") == 0))
        return;
    if (name)
        fprintf(stderr, "\r%d/%d  %.60s\033[K", at, of, name);
    else
        fprintf(stderr, "\r\033[K");
    fflush(stderr);
}

// Is the peer's result ours?
static bool agrees(work *w, const peer *p, void *state)
{
    const shape_case *s = w->s;
    const size_t size = clg_dtype_size(s->type);
    int64_t n = s->gemm.batch * s->gemm.m * s->gemm.n;
    const conv_shape *c = &s->conv;
    if (s->kind == SHAPE_CONV) {
        const bool dw = s->part == PART_DW, dx = s->part == PART_DX;
        n = dw ? c->c * c->o / c->groups : c->n * (dx ? c->c : c->o);
        for (int i = 0; i < c->axes; i++)
            n *= dw ? c->window[i] : dx ? c->in[i] : c->out[i];
    }
    char *ours = work_host(w, -1), *theirs = malloc((size_t) n * size + 1);
    bool same = ours && theirs && p->run(state, 1) >= 0 && p->result(state, theirs);
    double largest = 0, difference = 0;
    for (int64_t i = 0; i < n && same; i++) {
        const double x = clg_element_get(s->type, ours + (size_t) i * size),
                     y = clg_element_get(s->type, theirs + (size_t) i * size);
        largest = fmax(largest, fabs(y));
        difference = isfinite(x) ? fmax(difference, fabs(x - y)) : INFINITY;
    }
    same = same && difference <= unlike_limit * largest;
    free(ours);
    free(theirs);
    return same;
}

typedef struct opponents {
    const peer *p[MEASURE_ENGINES];
    void *state[MEASURE_ENGINES];
    int n;
    void *a, *b;
} opponents;

static void meet(bench_run *b, work *w, opponents *o)
{
    const clg_device_info *info = clg_device_get_info(b->dev);
    const bool arrays = w->s->kind == SHAPE_GEMM || w->s->kind == SHAPE_CONV;
    if (!b->peers)
        return;
    if (arrays) {
        o->a = work_host(w, 0);
        o->b = work_host(w, 1);
    }
    // a copy of as many bytes says nothing of arithmetic
    const double bytes = w->least.n[ROOF_FLOPS] > 0 ? 0 : w->least.n[ROOF_BYTES];
    const peer_problem problem = { w->s, bytes, o->a, o->b, device_cores(b->dev), info->name, info->type };
    for (int i = 0; b->peers[i] && o->n < MEASURE_ENGINES - 1; i++) {
        const peer *p = b->peers[i];
        if (b->o->peers ? !name_listed(b->o->peers, p->name) : p->only && strcmp(p->only, info->type) != 0)
            continue;
        o->state[o->n] = p->begin(&problem);
        if (o->state[o->n])
            o->p[o->n++] = p;
    }
}

static clg_status one_case(bench_run *b, const shape_case *s, patience p)
{
    work w;
    opponents o = { 0 };
    engine e[MEASURE_ENGINES];
    timing t[MEASURE_ENGINES];
    bench_row row = { .s = s };
    clg_status st = work_begin(&w, b->dev, s);
    const double from = measure_now();
    if (st >= 0)
        st = work_run(&w, 1) < 0 ? clg_error_status(b->dev) : CLG_OK;
    const double first = measure_now() - from;
    if (st >= 0)
        meet(b, &w, &o);
    e[0] = (engine) { &w, work_run };
    for (int i = 0; i < o.n; i++)
        e[i + 1] = (engine) { o.state[i], o.p[i]->run };
    int failed = -1;
    if (st >= 0 && first > endless_seconds) { // once is enough; what it compiled is the smaller part
        t[0] = (timing) { first, first, 1 };
        failed = measure(e + 1, o.n, p, t + 1);
        failed += failed >= 0;
    } else if (st >= 0) {
        failed = measure(e, 1 + o.n, p, t);
    }
    if (failed > 0)
        st = clg_fail(b->dev, CLG_EDEVICE, "%s failed", o.p[failed - 1]->name);
    if (failed == 0)
        st = clg_error_status(b->dev) < 0 ? clg_error_status(b->dev) : CLG_EDEVICE;
    if (st >= 0 && failed < 0) {
        row.ours = t[0];
        b->first += fmax(0, first - t[0].median);
        row.least = w.least;
        int best = -1;
        for (int i = 0; i < o.n; i++)
            best = best < 0 || t[i + 1].best < t[best + 1].best ? i : best;
        if (best >= 0) {
            row.peer = t[best + 1];
            row.peer_name = o.p[best]->name;
            row.unlike = first <= endless_seconds && o.p[best]->result && !agrees(&w, o.p[best], o.state[best]);
        }
        b->rows[b->n++] = row;
    }
    for (int i = 0; i < o.n; i++)
        o.p[i]->end(o.state[i]);
    free(o.a);
    free(o.b);
    work_end(&w);
    return st;
}

// ---- all

static bool wanted(const bench_run *b, const shape_case *s)
{
    return (!b->o->quick || s->quick) && name_listed(b->o->families, shape_families[s->family].name) &&
           (s->type != CLG_F64 || clg_device_has(b->dev, CLG_F64));
}

// How many wanted families come from f on.
static int families_left(const bench_run *b, int f)
{
    int n = 0;
    for (; f < shape_family_count; f++)
        n += name_listed(b->o->families, shape_families[f].name);
    return n > 0 ? n : 1;
}

static void failed_case(bench_run *b, const shape_case *s)
{
    progress(0, 0, NULL);
    fprintf(stderr, "clgrad bench: %s, %s: %s\n", shape_families[s->family].name, s->name, clg_error(b->dev, CLG_OK));
    clg_error_clear(b->dev);
    b->failed++;
}

static void one_family(bench_run *b, int family, double start)
{
    const patience p = b->o->quick ? (patience) { 2, 0.008 } : (patience) { 5, 0.03 };
    const int from = b->n;
    const double spent = measure_now() - start - b->first;
    const double until = b->o->quick ? spent + (quick_seconds - spent) / families_left(b, family) : INFINITY;
    for (int i = 0; i < shape_count && b->failed < MOST_FAILURES; i++) {
        const shape_case *s = &shape_cases[i];
        if (s->family != family || !wanted(b, s))
            continue;
        b->at++;
        if (measure_now() - start - b->first > until) {
            b->left_out++;
            continue;
        }
        progress(b->at, b->of, s->name);
        if (!b->o->quick && b->n > 0 && b->n == from) // the machine may be quieter now
            roof_measure(&b->roof, b->dev, (patience) { 2, 0.01 });
        if (one_case(b, s, p) < 0)
            failed_case(b, s);
        clg_device_trim(b->dev);
    }
    progress(0, 0, NULL);
    if (b->n > from && !b->o->json)
        page_family(b, family, from);
}

static int measure_families(bench_run *b)
{
    measure_processor(b->o->busy ? device_cores(b->dev) : 0);
    const double start = measure_now();
    for (int i = 0; i < shape_count; i++)
        b->of += wanted(b, &shape_cases[i]);
    b->rows = calloc((size_t) b->of + 1, sizeof *b->rows);
    if (!b->rows || roof_measure(&b->roof, b->dev, (patience) { 5, 0.02 }) < 0) {
        fprintf(stderr, "clgrad bench: %s\n", clg_error(b->dev, CLG_ENOMEM));
        free(b->rows);
        return EXIT_FAILED;
    }
    for (int f = 0; f < shape_family_count; f++)
        one_family(b, f, start);
    roof_measure(&b->roof, b->dev, (patience) { 5, 0.02 });
    b->seconds = measure_now() - start;
    for (int i = 0; i < b->n; i++) {
        const bench_row *r = &b->rows[i];
        if (r->unlike)
            fprintf(stderr, "clgrad bench: %s, %s: the result is not %s's\n", shape_families[r->s->family].name,
                    r->s->name, r->peer_name);
        b->failed += r->unlike;
    }
    if (b->o->json)
        page_json(b);
    else
        page_end(b);
    free(b->rows);
    return b->failed == 0 ? EXIT_OK : EXIT_FAILED;
}

static const char *known_family(int i)
{
    return i < shape_family_count ? shape_families[i].name : NULL;
}

static int check_names(const families_options *o, const peer *const *peers)
{
    char name[SHAPE_NAME];
    for (const char *at = o->families; at && *at; at += strcspn(at, ",")) {
        at += *at == ',';
        snprintf(name, sizeof name, "%.*s", (int) strcspn(at, ","), at);
        if (shapes_find_family(name) >= 0)
            continue;
        if (nearest(name, known_family))
            return usage_error("bench", "no family '%s'; there is %s", name, nearest(name, known_family));
        return usage_error("bench", "no family '%s'; see --list", name);
    }
    for (const char *at = o->peers; at && *at; at += strcspn(at, ",")) {
        bool known = false;
        at += *at == ',';
        snprintf(name, sizeof name, "%.*s", (int) strcspn(at, ","), at);
        for (int i = 0; peers && peers[i]; i++)
            known |= strcmp(peers[i]->name, name) == 0;
        if (!known)
            return usage_error("bench", "--peer: no peer '%s' in this build", name);
    }
    return EXIT_OK;
}

int bench_families(const families_options *o, const char *device)
{
    bench_run b = { .o = o };
    char error[SHAPE_ERROR];
    int code = EXIT_OK;
    if (!shapes_open(error)) {
        fprintf(stderr, "clgrad bench: %s\n", error);
        return EXIT_FAILED;
    }
    if (o->compare && !o->list && !(b.peers = peers_load()))
        code = EXIT_FAILED;
    if (code == EXIT_OK)
        code = check_names(o, b.peers);
    if (code == EXIT_OK && o->list) {
        page_list(o);
    } else if (code == EXIT_OK) {
        b.dev = open_device("bench", device, false);
        code = b.dev ? EXIT_OK : EXIT_FAILED;
        if (b.dev) {
            clg_manual_seed(b.dev, (uint64_t) time(NULL));
            code = measure_families(&b);
        }
        clg_device_close(&b.dev);
    }
    shapes_close();
    return code;
}
