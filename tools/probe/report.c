// SPDX-License-Identifier: MIT
// report FOLDER: one page, as text and as JSON, of the steps that ran so far. Run after every step, so that
// whatever ends the run, there is a page.
#include "probe.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_STEPS = 500 };

typedef struct page {
    FILE *f;
    json_t *steps;
} page;

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

static json_t *read_steps(const char *folder)
{
    char path[4096], *names[MOST_STEPS];
    int n = 0;
    json_t *all = json_array();
    snprintf(path, sizeof path, "%s/steps", folder);
    DIR *d = opendir(path);
    for (struct dirent *e = d ? readdir(d) : NULL; e && n < MOST_STEPS; e = readdir(d)) {
        const size_t length = strlen(e->d_name);
        if (length > 5 && strcmp(e->d_name + length - 5, ".json") == 0)
            names[n++] = strdup(e->d_name);
    }
    if (d)
        closedir(d);
    qsort(names, (size_t) n, sizeof names[0], by_name);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/steps/%s", folder, names[i]);
        json_t *step = json_load_file(path, 0, NULL);
        if (step)
            json_array_append_new(all, step);
        free(names[i]);
    }
    return all;
}

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static double number(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

static json_t *data_of(const page *p, const char *name)
{
    size_t i;
    json_t *step;
    json_array_foreach(p->steps, i, step) {
        if (strcmp(text(step, "name"), name) == 0)
            return json_object_get(step, "data");
    }
    return NULL;
}

static void title(const page *p, const char *what)
{
    fprintf(p->f, "\n%s\n", what);
    for (size_t i = 0; i < strlen(what); i++)
        putc('-', p->f);
    putc('\n', p->f);
}

// The last `lines` lines of a text, indented.
static void quote(const page *p, const char *s, int lines)
{
    if (!s)
        return;
    const char *at = s + strlen(s);
    while (at > s && at[-1] == '\n')
        at--;
    const char *end = at;
    for (int n = 0; at > s; at--) {
        if (at[-1] == '\n' && ++n == lines)
            break;
    }
    for (; at < end; at += strcspn(at, "\n") + 1) {
        const size_t n = strcspn(at, "\n");
        fputs("    ", p->f);
        fwrite(at, 1, n < 200 ? n : 200, p->f);
        fputc('\n', p->f);
    }
}

static void value(const page *p, const json_t *v)
{
    if (json_is_integer(v))
        fprintf(p->f, "%lld", (long long) json_integer_value(v));
    else if (json_is_real(v))
        fprintf(p->f, "%.4g", json_real_value(v));
    else if (json_is_string(v))
        fprintf(p->f, "%.90s", json_string_value(v));
    else if (json_is_boolean(v))
        fputs(json_is_true(v) ? "yes" : "no", p->f);
    else if (json_is_array(v) && json_is_integer(json_array_get(v, 0))) {
        for (size_t i = 0; i < json_array_size(v); i++)
            fprintf(p->f, "%s%lld", i ? " " : "", (long long) json_integer_value(json_array_get(v, i)));
    } else if (json_is_array(v))
        fprintf(p->f, "%zu", json_array_size(v));
}

static void machine(const page *p)
{
    size_t i;
    json_t *step;
    title(p, "Machine");
    json_array_foreach(p->steps, i, step) {
        if (strcmp(text(step, "group"), "host") == 0)
            quote(p, text(step, "output"), 14);
    }
}

static void platforms(const page *p)
{
    size_t i, k;
    json_t *platform, *d;
    const json_t *all = json_object_get(data_of(p, "list"), "platforms");
    if (!all)
        return;
    title(p, "OpenCL");
    json_array_foreach(all, i, platform) {
        fprintf(p->f, "    %s, %s\n", text(platform, "name"), text(platform, "version"));
        const json_t *devices = json_object_get(platform, "devices");
        json_array_foreach(devices, k, d)
            fprintf(p->f, "      %s, driver %s, %s\n        %.400s\n", text(d, "name"), text(d, "driver"),
                    text(d, "c_version"), text(d, "extensions"));
    }
}

// One row a finding: name, then value; objects within become rows of "name key".
static void probe_rows(const page *p, const json_t *step)
{
    const char *key, *inner;
    json_t *v, *w;
    json_t *data = json_object_get(step, "data");
    fprintf(p->f, "  %-9s %6.1f s  %s\n", text(step, "outcome"), number(step, "seconds"), text(step, "name"));
    json_object_foreach(data, key, v) {
        if (json_is_object(v)) {
            json_object_foreach(v, inner, w) {
                fprintf(p->f, "                      %-10s %-13s ", key, inner);
                value(p, w);
                putc('\n', p->f);
            }
            continue;
        }
        fprintf(p->f, "                      %-24s ", key);
        value(p, v);
        putc('\n', p->f);
    }
}

static void group(const page *p, const char *name, const char *heading, bool details)
{
    size_t i;
    json_t *step;
    bool any = false;
    json_array_foreach(p->steps, i, step) {
        if (strcmp(text(step, "group"), name) != 0)
            continue;
        if (!any)
            title(p, heading);
        any = true;
        if (details)
            probe_rows(p, step);
        else
            fprintf(p->f, "  %-9s %6.1f s  %s\n", text(step, "outcome"), number(step, "seconds"), text(step, "name"));
    }
}

// Seconds that PyTorch took for a case, in one precision; 0 where it did not measure it.
static double peer(const json_t *torch, const char *name, const char *precision)
{
    size_t i;
    json_t *c;
    json_t *cases = json_object_get(torch, "cases");
    json_array_foreach(cases, i, c) {
        if (strcmp(text(c, "case"), name) == 0 && strcmp(text(c, "precision"), precision) == 0)
            return number(c, "seconds");
    }
    return 0;
}

static void ratio(const page *p, double theirs, double ours)
{
    if (theirs > 0)
        fprintf(p->f, " %9.2f", theirs / ours);
    else
        fprintf(p->f, " %9s", "");
}

static void bench(const page *p)
{
    size_t i;
    json_t *c;
    const json_t *all = data_of(p, "bench"), *torch = data_of(p, "torch");
    if (!json_array_size(all))
        return;
    title(p, "Bench: median times; ratios above 1 mean that clgrad is faster than PyTorch");
    if (json_object_get(torch, "cases"))
        fprintf(p->f, "  PyTorch %s on %s\n", text(torch, "torch"), text(torch, "device"));
    fprintf(p->f, "  %-16s %12s %12s %-8s %9s %9s\n", "case", "ms", "rate", "", "fp32", "tf32");
    json_array_foreach(all, i, c) {
        const double s = number(c, "seconds");
        fprintf(p->f, "  %-16s %12.4f ", text(c, "case"), 1e3 * s);
        if (json_object_get(c, "rate"))
            fprintf(p->f, "%12.1f %-8s", number(c, "rate"), text(c, "unit"));
        ratio(p, peer(torch, text(c, "case"), "fp32"), s);
        ratio(p, peer(torch, text(c, "case"), "tf32"), s);
        putc('\n', p->f);
    }
}

static void troubles(const page *p)
{
    size_t i;
    json_t *step;
    bool any = false;
    json_array_foreach(p->steps, i, step) {
        const char *o = text(step, "outcome");
        if (strcmp(o, "ok") == 0 || strcmp(o, "skipped") == 0)
            continue;
        if (!any)
            title(p, "What went wrong");
        any = true;
        fprintf(p->f, "  %s: %s (code %lld, %.1f of %.0f s)\n", text(step, "name"), o,
                (long long) json_integer_value(json_object_get(step, "code")), number(step, "seconds"),
                number(step, "limit"));
        const char *message = text(json_object_get(step, "data"), "message");
        quote(p, *message ? message : text(step, "output"), 20);
    }
}

static size_t count(const page *p, const char *outcome)
{
    size_t i, n = 0;
    json_t *step;
    json_array_foreach(p->steps, i, step)
        n += strcmp(text(step, "outcome"), outcome) == 0;
    return n;
}

static void write_text(const page *p)
{
    json_t *step;
    const size_t all = json_array_size(p->steps), ok = count(p, "ok"), skipped = count(p, "skipped");
    const json_t *caps = data_of(p, "caps");
    fprintf(p->f, "clgrad on %s\n%zu steps: %zu ok, %zu do not apply, %zu went wrong\n",
            caps ? text(caps, "name") : "a machine whose device did not answer", all, ok, skipped, all - ok - skipped);
    machine(p);
    platforms(p);
    group(p, "probe", "Probes", true);
    group(p, "suite", "Test suites", false);
    bench(p);
    size_t k;
    json_array_foreach(p->steps, k, step) {
        if (strcmp(text(step, "group"), "demo") == 0) {
            title(p, "The demo");
            quote(p, text(step, "output"), 12);
        }
    }
    troubles(p);
}

static FILE *begin(const char *folder, const char *name, char temporary[4096])
{
    snprintf(temporary, 4096, "%s/%s.tmp", folder, name);
    return fopen(temporary, "w");
}

static bool finish(FILE *f, const char *folder, const char *name, const char *temporary)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    const bool ok = fflush(f) == 0 && fsync(fileno(f)) == 0;
    return fclose(f) == 0 && ok && rename(temporary, path) == 0;
}

int main(int argc, char **argv)
{
    char temporary[4096];
    if (argc != 2 || argv[1][0] == '-') {
        printf("usage: report FOLDER\n\nWrite FOLDER/result.txt and FOLDER/result.json from FOLDER/steps/*.json.\n");
        return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    page p = { .steps = read_steps(argv[1]) };
    p.f = begin(argv[1], "result.txt", temporary);
    if (!p.f) {
        perror(temporary);
        return 1;
    }
    write_text(&p);
    bool ok = finish(p.f, argv[1], "result.txt", temporary);
    const size_t ok_count = count(&p, "ok"), skipped = count(&p, "skipped");
    json_t *all = json_pack("{s:s, s:I, s:I, s:I, s:O}", "device", text(data_of(&p, "caps"), "name"), "ok",
                            (json_int_t) ok_count, "skipped", (json_int_t) skipped, "wrong",
                            (json_int_t) (json_array_size(p.steps) - ok_count - skipped), "steps", p.steps);
    FILE *f = begin(argv[1], "result.json", temporary);
    ok = f && json_dumpf(all, f, JSON_INDENT(1)) == 0 && finish(f, argv[1], "result.json", temporary) && ok;
    json_decref(all);
    json_decref(p.steps);
    return ok ? 0 : 1;
}
