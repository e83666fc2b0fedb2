// SPDX-License-Identifier: MIT
// Measures the roofs, and says which one a case stands under.
#include "roof.h"

#include "processor.h"
#include "work.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

const char *const roof_names[ROOF_KINDS] = { "bytes", "flops", "ops", "products", "loads", "chain", "launch" };

static clg_status time_work(clg_device dev, const shape_case *s, patience p, double *best)
{
    work w;
    timing t;
    clg_status st = work_begin(&w, dev, s);
    if (st >= 0 && work_run(&w, 1) < 0)
        st = clg_error_status(dev);
    if (st >= 0 && measure(&(engine) { &w, work_run }, 1, p, &t) >= 0)
        st = clg_error_status(dev) < 0 ? clg_error_status(dev) : CLG_EDEVICE;
    *best = st < 0 ? 0 : t.best;
    work_end(&w);
    return st;
}

static void keep(roof *r, double *to, double now)
{
    if (r->measured > 0 && *to > 0 && now > 0)
        r->drift = fmax(r->drift, fabs(now - *to) / fmax(now, *to));
    *to = fmax(*to, now);
}

static clg_status product_peak(roof *r, clg_device dev, clg_dtype type, patience p, double *to)
{
    shape_case s = { .kind = SHAPE_GEMM, .type = type, .gemm = { .batch = 1, .m = 1024, .k = 1024, .n = 1024 } };
    double t;
    const clg_status st = time_work(dev, &s, p, &t);
    if (st >= 0)
        keep(r, to, 2.0 * 1024 * 1024 * 1024 / t);
    return st;
}

// a + b as an operation whose inputs are both new: bytes of three arrays.
typedef struct sum_work {
    clg_device dev;
    clg_tensor a, b;
} sum_work;

static int run_sum(void *state, int times)
{
    const sum_work *w = state;
    clg_status st = CLG_OK;
    for (int i = 0; i < times && st >= 0; i++) {
        const clg_scope s = clg_scope_push(w->dev);
        st = clg_eval(clg_add(w->a, w->b));
        clg_scope_pop(s);
    }
    return st < 0 ? st : clg_sync(w->dev);
}

static clg_status sum_peak(clg_device dev, int64_t n, patience p, double *best)
{
    timing t;
    const clg_scope scope = clg_scope_push(dev);
    sum_work w = { dev, clg_keep(clg_uniform(dev, CLG_F32, CLG_SHAPE(n), -1, 1)),
                   clg_keep(clg_uniform(dev, CLG_F32, CLG_SHAPE(n), -1, 1)) };
    clg_status st = clg_eval(w.a, w.b);
    if (st >= 0)
        st = run_sum(&w, 1);
    if (st >= 0 && measure(&(engine) { &w, run_sum }, 1, p, &t) >= 0)
        st = CLG_EDEVICE;
    *best = st < 0 ? 0 : t.best;
    clg_drop(&w.a);
    clg_drop(&w.b);
    clg_scope_pop(scope);
    return st;
}

int device_cores(clg_device dev)
{
    const long here = sysconf(_SC_NPROCESSORS_ONLN);
    const int units = clg_device_get_info(dev)->compute_units;
    return here > 0 && here < units ? (int) here : units;
}

clg_status roof_measure(roof *r, clg_device dev, patience p)
{
    static const int64_t elements[ROOF_SIZES] = { 1 << 17, 1 << 20, 1 << 24 };
    static const size_t tables[ROOF_TABLES] = { 1 << 14, 1 << 17, 1 << 20, 1 << 22, 1 << 24, 1 << 26 };
    clg_status st = CLG_OK;
    r->of_product = strcmp(clg_device_get_info(dev)->type, "cpu") != 0;
    for (int i = 0; i < ROOF_SIZES && st >= 0; i++) {
        double t;
        r->together[i] = 12.0 * (double) elements[i];
        st = sum_peak(dev, elements[i], p, &t);
        if (st >= 0)
            keep(r, &r->bytes[i], r->together[i] / t);
    }
    if (r->of_product) {
        st = st < 0 ? st : product_peak(r, dev, CLG_F32, p, &r->flops);
        if (st >= 0 && clg_device_has(dev, CLG_F64))
            st = product_peak(r, dev, CLG_F64, p, &r->flops64);
    } else {
        const int cores = device_cores(dev);
        keep(r, &r->flops, processor_fma(cores, false));
        keep(r, &r->flops64, processor_fma(cores, true));
        r->products = fmax(r->products, processor_products(cores));
        r->chain = fmax(r->chain, 1 / processor_latency());
        for (int i = 0; i < ROOF_TABLES && r->measured == 0; i++) {
            r->tables[i] = (double) tables[i];
            r->loads[i] = processor_loads(cores, tables[i]);
        }
    }
    double one;
    st = st < 0 ? st : sum_peak(dev, 1, p, &one);
    if (st >= 0)
        r->launches = fmax(r->launches, 1 / one);
    r->measured++;
    return st;
}

// Rates are known at some sizes; between them they change as powers of the size do.
static double between(const double *rate, const double *at, int n, double size)
{
    int i = 0;
    while (i < n && at[i] < size)
        i++;
    if (i == 0 || i == n || !(rate[i - 1] > 0) || !(rate[i] > 0))
        return rate[i == n ? n - 1 : i];
    const double share = log(size / at[i - 1]) / log(at[i] / at[i - 1]);
    return exp(log(rate[i - 1]) * (1 - share) + log(rate[i]) * share);
}

double roof_bandwidth(const roof *r, double bytes)
{
    return between(r->bytes, r->together, ROOF_SIZES, bytes);
}

double roof_loads(const roof *r, double table)
{
    return between(r->loads, r->tables, ROOF_TABLES, table);
}

double roof_seconds(const roof *r, clg_dtype type, const least *l, roof_kind *bound)
{
    const double flops = type == CLG_F64 ? r->flops64 : r->flops;
    const double rate[ROOF_KINDS] = {
        [ROOF_BYTES] = roof_bandwidth(r, l->n[ROOF_BYTES]),
        [ROOF_FLOPS] = flops,
        [ROOF_OPS] = flops / 2,
        [ROOF_PRODUCTS] = r->products,
        [ROOF_LOADS] = roof_loads(r, l->table),
        [ROOF_CHAIN] = r->chain,
        [ROOF_LAUNCHES] = r->launches,
    };
    double most = 0;
    for (int k = 0; k < ROOF_KINDS; k++) {
        const double s = rate[k] > 0 ? l->n[k] / rate[k] : 0;
        if (bound && (k == 0 || s > most))
            *bound = (roof_kind) k;
        most = fmax(most, s);
    }
    return most;
}
