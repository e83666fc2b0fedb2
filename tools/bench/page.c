// SPDX-License-Identifier: MIT
// What `clgrad bench` prints of the families: tables, or one JSON object.
#include "families.h"

#include "../tool.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *unit(const bench_row *r)
{
    return r->least.n[ROOF_FLOPS] > 0 ? "GFLOP/s" : "GB/s";
}

static double rate(const bench_row *r, double seconds)
{
    return 1e-9 * r->least.n[r->least.n[ROOF_FLOPS] > 0 ? ROOF_FLOPS : ROOF_BYTES] / seconds;
}

static void cpu_name(char *to, size_t size)
{
    char line[512];
    FILE *f = fopen("/proc/cpuinfo", "r");
    snprintf(to, size, "an unknown CPU");
    while (f && fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon) {
            snprintf(to, size, "%.*s", (int) strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    if (f)
        fclose(f);
}

static void one_row(const bench_run *b, const bench_row *r)
{
    char flops[24] = "", other[64] = "";
    if (r->least.n[ROOF_FLOPS] > 0)
        snprintf(flops, sizeof flops, "%.1f", 1e-9 * r->least.n[ROOF_FLOPS] / r->ours.best);
    if (r->peer_name) {
        const double ratio = row_ratio(r);
        snprintf(other, sizeof other, "  %-8s %9.1f %6.2f%s%s", r->peer_name, rate(r, r->peer.best), ratio,
                 row_noise(r) > fabs(ratio - 1) ? " ~" : "", r->unlike ? " differs" : "");
    }
    printf("  %-38s %10.3f %5.0f %9s %8.1f  %-8s %6.3f%s\n", r->s->name, 1e3 * r->ours.best, 100 * row_noise(r),
           flops, 1e-9 * r->least.n[ROOF_BYTES] / r->ours.best, row_bound(b, r), row_share(b, r), other);
}

static void heading(const bench_run *b)
{
    printf("  %-38s %10s %5s %9s %8s  %-8s %6s%s\n", "", "ms", "+%", "GFLOP/s", "GB/s", "roof", "share",
           b->peers ? "  peer          rate  ratio" : "");
}

void page_family(const bench_run *b, int family, int from)
{
    printf("%s: %s\n", shape_families[family].name, shape_families[family].what);
    heading(b);
    for (int i = from; i < b->n; i++)
        one_row(b, &b->rows[i]);
    putchar('\n');
    fflush(stdout);
}

// ---- the end

typedef struct order {
    double key;
    int at;
} order;

static int by_key(const void *a, const void *b)
{
    const double x = ((const order *) a)->key, y = ((const order *) b)->key;
    return x < y ? -1 : x > y;
}

static void worst(const bench_run *b, bool ratios)
{
    order *all = calloc((size_t) b->n + 1, sizeof *all);
    int n = 0;
    for (int i = 0; i < b->n && all; i++) {
        if (!ratios || b->rows[i].peer_name)
            all[n++] = (order) { ratios ? row_ratio(&b->rows[i]) : row_share(b, &b->rows[i]), i };
    }
    if (n > 0) {
        qsort(all, (size_t) n, sizeof *all, by_key);
        printf("the worst by %s\n", ratios ? "ratio" : "share of the roof");
        heading(b);
        for (int i = 0; i < n && i < b->o->worst; i++) {
            printf("%-13s", shape_families[b->rows[all[i].at].s->family].name);
            one_row(b, &b->rows[all[i].at]);
        }
        putchar('\n');
    }
    free(all);
}

static void roofs(const roof *r)
{
    printf("  roof: flops    %.0f GFLOP/s in f32, %.0f in f64 (%s); ops: half as many\n"
           "        bytes    a + b at %.0f, %.0f and %.0f GB/s over %.1f, %.0f and %.0f MB\n"
           "        launch   %.1f us for an element\n", 1e-9 * r->flops, 1e-9 * r->flops64,
           r->of_product ? "a product of 1024 x 1024" : "multiply-adds in registers", 1e-9 * r->bytes[0],
           1e-9 * r->bytes[1], 1e-9 * r->bytes[2], 1e-6 * r->together[0], 1e-6 * r->together[1], 1e-6 * r->together[2],
           1e6 / r->launches);
    if (!r->of_product) {
        printf("        products %.0f G/s of 32-bit integers; chain: %.2f ns from one multiply-add to the next\n"
               "        loads   ", 1e-9 * r->products, 1e9 / r->chain);
        for (int i = 0; i < ROOF_TABLES; i++)
            printf(" %.2f%s", 1e-9 * r->loads[i], i + 1 < ROOF_TABLES ? "," : "");
        printf(" G/s of 4 bytes anywhere in %.0f KB to %.0f MB\n", 1e-3 * r->tables[0],
               1e-6 * r->tables[ROOF_TABLES - 1]);
    }
    printf("        flops and bytes moved by %.0f %% between the start and the end\n", 100 * r->drift);
}

static void machine(const bench_run *b)
{
    const clg_device_info *d = clg_device_get_info(b->dev);
    char cpu[256], version[160];
    cpu_name(cpu, sizeof cpu);
    printf("clgrad %s on %s\n  %s, driver %s, %d compute units; CPU %s\n", clg_version(), d->name, d->platform,
           d->driver, d->compute_units, cpu);
    for (int i = 0; b->peers && b->peers[i]; i++) {
        b->peers[i]->version(version, sizeof version);
        printf("  %s: %s\n", b->peers[i]->name, version);
    }
    roofs(&b->roof);
    printf("  %d cases in %.0f s, of which %.0f to compile%s\n", b->n, b->seconds, b->first,
           b->first > 0.3 * b->seconds ? ": the caches were cold, run it again" : "");
    if (b->o->busy)
        printf("  seconds are those of the processor over %d cores: what runs on one core alone looks faster than it is\n",
               device_cores(b->dev));
    if (b->left_out > 0)
        printf("  %d more were left out for want of time\n", b->left_out);
}

static void about(const bench_run *b)
{
    printf("\nms: the fastest of the rounds; +%%: how much slower the median was, ours or the peer's, whichever is\n"
           "less steady. GB/s: of the bytes that must move. roof: what bounds the case here, of all that it needs at "
           "least;\nshare: the time that this takes at its roof over ours. Roofs are measured again now and then, and "
           "the highest\nfigures count in what is summed up.\n");
    if (b->peers)
        printf("ratio: how many times faster than the best peer clgrad is; ~: the noise is larger than the "
               "difference.\n");
}

void page_end(const bench_run *b)
{
    if (b->o->worst > 0) {
        worst(b, false);
        if (b->peers)
            worst(b, true);
    }
    printf("%-14s %5s %8s %8s%s\n", "family", "cases", "share", "worst", b->peers ? "    ratio    worst" : "");
    for (int f = 0; f < shape_family_count; f++) {
        const family_sums s = family_summary(b, f);
        if (s.count == 0)
            continue;
        printf("%-14s %5d %8.3f %8.4f", shape_families[f].name, s.count, s.share, s.worst_share);
        if (s.compared > 0)
            printf(" %8.3f %8.3f", s.ratio, s.worst_ratio);
        putchar('\n');
    }
    putchar('\n');
    machine(b);
    about(b);
}

// ---- JSON

static json_t *known(double v)
{
    return v > 0 && isfinite(v) ? json_real(v) : json_null();
}

static json_t *case_object(const bench_run *b, const bench_row *r)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:f, s:o, s:s?, s:o, s:f}", "name", r->s->name, "family",
                          shape_families[r->s->family].name, "unit", unit(r), "ours", rate(r, r->ours.best), "peer",
                          r->peer_name ? json_real(rate(r, r->peer.best)) : json_null(), "peer_name", r->peer_name,
                          "ratio", known(row_ratio(r)), "roofline", row_share(b, r));
    json_t *more = json_pack("{s:f, s:f, s:f, s:s}", "seconds", r->ours.best, "median", r->ours.median, "noise",
                             row_noise(r), "bound", row_bound(b, r));
    for (int k = 0; k < ROOF_KINDS; k++)
        json_object_set_new(more, roof_names[k], json_real(r->least.n[k]));
    json_object_update(o, more);
    json_decref(more);
    if (r->peer_name) {
        json_object_set_new(o, "peer_seconds", json_real(r->peer.best));
        json_object_set_new(o, "peer_median", json_real(r->peer.median));
        json_object_set_new(o, "agrees", json_boolean(!r->unlike));
    }
    return o;
}

static json_t *machine_object(const bench_run *b)
{
    const clg_device_info *d = clg_device_get_info(b->dev);
    char cpu[256], version[160];
    cpu_name(cpu, sizeof cpu);
    json_t *peers = json_object(), *bandwidth = json_array(), *loads = json_array();
    for (int i = 0; b->peers && b->peers[i]; i++) {
        b->peers[i]->version(version, sizeof version);
        json_object_set_new(peers, b->peers[i]->name, json_string(version));
    }
    for (int i = 0; i < ROOF_SIZES; i++)
        json_array_append_new(bandwidth,
                              json_pack("{s:f, s:f}", "bytes", b->roof.together[i], "gb_s", 1e-9 * b->roof.bytes[i]));
    for (int i = 0; i < ROOF_TABLES && b->roof.loads[i] > 0; i++)
        json_array_append_new(loads, json_pack("{s:f, s:f}", "bytes", b->roof.tables[i], "g_s", 1e-9 * b->roof.loads[i]));
    json_t *m = json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:o, s:f, s:f, s:o, s:f, s:f, s:f, s:i, s:b, s:b}", "clgrad",
                     clg_version(), "device", d->name, "platform", d->platform, "driver", d->driver, "compute_units",
                     d->compute_units, "cpu", cpu, "peers", peers, "gflops", 1e-9 * b->roof.flops, "gflops_f64",
                     1e-9 * b->roof.flops64, "bandwidth", bandwidth, "roof_drift", b->roof.drift, "seconds",
                     b->seconds, "compiling", b->first, "left_out", b->left_out, "processor_time", b->o->busy, "quick", b->o->quick);
    json_object_set_new(m, "launch_us", json_real(1e6 / b->roof.launches));
    json_object_set_new(m, "loads", loads);
    if (!b->roof.of_product) {
        json_object_set_new(m, "products_g_s", json_real(1e-9 * b->roof.products));
        json_object_set_new(m, "chain_ns", json_real(1e9 / b->roof.chain));
    }
    return m;
}

void page_json(const bench_run *b)
{
    json_t *cases = json_array(), *families = json_object();
    for (int i = 0; i < b->n; i++)
        json_array_append_new(cases, case_object(b, &b->rows[i]));
    for (int f = 0; f < shape_family_count; f++) {
        const family_sums s = family_summary(b, f);
        if (s.count > 0)
            json_object_set_new(families, shape_families[f].name,
                                json_pack("{s:o, s:o, s:f, s:f, s:i}", "ratio", known(s.ratio), "worst",
                                          known(s.worst_ratio), "roofline", s.share, "roofline_worst", s.worst_share,
                                          "count", s.count));
    }
    json_t *all = json_pack("{s:o, s:o, s:o}", "cases", cases, "families", families, "machine", machine_object(b));
    char *text = json_dumps(all, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    puts(text ? text : "{}");
    free(text);
    json_decref(all);
}

void page_list(const families_options *o)
{
    for (int f = 0; f < shape_family_count; f++) {
        int all = 0, quick = 0;
        if (!name_listed(o->families, shape_families[f].name))
            continue;
        for (int i = 0; i < shape_count; i++) {
            all += shape_cases[i].family == f;
            quick += shape_cases[i].family == f && shape_cases[i].quick;
        }
        printf("%-14s %3d cases, %2d quick  %s\n", shape_families[f].name, all, quick, shape_families[f].what);
        for (int i = 0; o->families && i < shape_count; i++) {
            if (shape_cases[i].family == f)
                printf("    %-40s %s\n", shape_cases[i].name, shape_cases[i].quick ? "quick" : "");
        }
    }
}
