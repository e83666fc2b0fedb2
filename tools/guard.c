// SPDX-License-Identifier: MIT
// Guards of a training run: statistics of its layers every so many steps (--stats), as a table, a picture and sentences;
// and the watch of its loss, which is always on.
#include "training.h"

#include <clgrad/monitor.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NORMS, GRADIENTS, UPDATES, ZEROS, SHOWN };

struct guard {
    clg_monitor monitor;
    clg_loss_watch loss;
    long base;      // the run's step that is the monitor's step 0
    FILE *table;
    char **name;    // of layers, in the order of depth
    clg_finding *said; // of each, the last one that was told
    int n_layers, n_looks, capacity;
    int64_t *step;  // of each look
    double *value[SHOWN]; // [look * n_layers + layer]
    json_t *notes;  // sentences about the loss since the last epoch
    bool failed;    // told
};

static const char *const titles[SHOWN] = { "Outputs: norm", "Gradients: norm", "Updates: of the weights' norm",
                                           "Outputs: zeros" };
static const char head[] = "step,layer,name,kind,count,norm,mean,std,max_abs,zeros,saturated,nan,inf,ratio\n";

static bool out_of_memory(struct guard *g)
{
    if (!g->failed)
        fprintf(stderr, "clgrad train: out of memory for statistics\n");
    g->failed = true;
    return false;
}

// The table of a run that goes on keeps its lines up to the step where it does.
static bool open_table(training *t, struct guard *g)
{
    char path[1200], *line = NULL;
    size_t room = 0, n = 0, have = 0;
    path_in(t, "statistics.csv", path);
    char *kept = NULL;
    FILE *f = t->step > 0 ? fopen(path, "r") : NULL;
    while (f && getline(&line, &room, f) > 0) {
        const size_t length = strlen(line);
        if (strtol(line, NULL, 10) > t->step || line[0] < '0' || line[0] > '9' || line[length - 1] != '\n')
            continue;
        if (n + length + 1 > have) {
            have = 2 * (n + length + 1);
            char *more = realloc(kept, have);
            if (!more)
                break;
            kept = more;
        }
        memcpy(kept + n, line, length + 1);
        n += length;
    }
    if (f)
        fclose(f);
    free(line);
    g->table = fopen(path, "w");
    if (g->table)
        fprintf(g->table, "%s%s", head, kept ? kept : "");
    else
        fprintf(stderr, "clgrad train: %s: %s\n", path, strerror(errno));
    free(kept);
    return g->table != NULL;
}

bool guard_open(training *t)
{
    struct guard *g = t->guard = calloc(1, sizeof *g);
    if (!g)
        return fprintf(stderr, "clgrad train: out of memory\n"), false;
    g->loss = clg_loss_watch_create(NULL);
    g->base = t->step;
    g->notes = json_array();
    if (!g->loss || !g->notes)
        return out_of_memory(g);
    if (t->o.stats == 0)
        return true;
    g->monitor = clg_monitor_create(t->store, clg_monitor_params(.every = t->o.stats));
    return g->monitor ? open_table(t, g) : (report_failure(t), false);
}

void guard_close(training *t)
{
    struct guard *g = t->guard;
    if (!g)
        return;
    clg_monitor_destroy(&g->monitor);
    clg_loss_watch_destroy(&g->loss);
    for (int i = 0; i < g->n_layers; i++)
        free(g->name[i]);
    for (int k = 0; k < SHOWN; k++)
        free(g->value[k]);
    free(g->name);
    free(g->said);
    free(g->step);
    json_decref(g->notes);
    if (g->table)
        fclose(g->table);
    free(g);
    t->guard = NULL;
}

void guard_begin(training *t)
{
    clg_monitor_begin(t->guard->monitor);
}

clg_status guard_end(training *t)
{
    return clg_monitor_end(t->guard->monitor);
}

// ---- a look

static int layer_of(struct guard *g, const char *name)
{
    for (int i = 0; i < g->n_layers; i++) {
        if (strcmp(g->name[i], name) == 0)
            return i;
    }
    return -1;
}

static bool name_layers(struct guard *g, const clg_monitor_verdict *v, int n)
{
    g->name = calloc((size_t) n + 1, sizeof *g->name);
    g->said = calloc((size_t) n + 1, sizeof *g->said);
    for (int i = 0; i < n && g->name && g->said; i++) {
        g->name[i] = strdup(v[i].layer);
        if (!g->name[i])
            break;
        g->n_layers++;
    }
    return g->n_layers == n || out_of_memory(g);
}

static bool room_for_look(struct guard *g)
{
    if (g->n_looks < g->capacity)
        return true;
    const int capacity = 2 * g->capacity + 16;
    int64_t *step = realloc(g->step, (size_t) capacity * sizeof *step);
    if (!step)
        return out_of_memory(g);
    g->step = step;
    for (int k = 0; k < SHOWN; k++) {
        double *v = realloc(g->value[k], (size_t) capacity * (size_t) g->n_layers * sizeof *v);
        if (!v)
            return out_of_memory(g);
        g->value[k] = v;
    }
    g->capacity = capacity;
    return true;
}

static double larger(double a, double b)
{
    return isnan(a) || b > a ? b : a;
}

static void take_row(struct guard *g, const clg_monitor_row *r)
{
    const int at = layer_of(g, r->layer);
    if (at < 0)
        return;
    const ptrdiff_t i = (ptrdiff_t) g->n_looks * g->n_layers + at;
    const double norm = r->nan > 0 ? (double) INFINITY : r->norm;
    if (r->kind == CLG_MONITOR_OUTPUT && isnan(g->value[NORMS][i]))
        g->value[NORMS][i] = norm;
    if (r->kind == CLG_MONITOR_OUTPUT)
        g->value[ZEROS][i] = larger(g->value[ZEROS][i], r->zeros);
    if (r->kind == CLG_MONITOR_OUTPUT_GRAD && isnan(g->value[GRADIENTS][i]))
        g->value[GRADIENTS][i] = norm;
    if (r->kind == CLG_MONITOR_UPDATE && strcmp(r->name + strlen(r->layer), ".weight") == 0)
        g->value[UPDATES][i] = r->ratio;
}

static void write_rows(const struct guard *g, const clg_monitor_row *rows, int n)
{
    for (int i = 0; i < n; i++) {
        const clg_monitor_row *r = &rows[i];
        fprintf(g->table, "%lld,%s,%s,%s,%lld,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.0f,%.0f,%.6g\n",
                (long long) (r->step + g->base + 1), r->layer, r->name, clg_monitor_kind_name(r->kind), (long long) r->count,
                r->norm, r->mean, r->std, r->max_abs, r->zeros, r->saturated, r->nan, r->inf, r->ratio);
    }
    fflush(g->table);
}

// A sentence where something is wrong with a layer that was not told before.
static void tell(training *t, const clg_monitor_verdict *v, int n)
{
    struct guard *g = t->guard;
    for (int i = 0; i < n; i++) {
        const int at = layer_of(g, v[i].layer);
        if (at < 0 || g->said[at] == v[i].finding)
            continue;
        g->said[at] = v[i].finding;
        if (v[i].finding == CLG_FINDING_NONE)
            continue;
        progress_clear(&t->bar);
        fprintf(t->notes, "step %lld, layer '%s' (%s): %s\n", (long long) (v[i].step + g->base + 1), v[i].layer,
                clg_finding_name(v[i].finding), v[i].text);
        fflush(t->notes);
    }
}

bool guard_step(training *t)
{
    struct guard *g = t->guard;
    const clg_monitor_row *rows;
    int n, n_layers;
    if (!g->monitor)
        return true;
    if (clg_monitor_read(g->monitor, &rows, &n) < 0)
        return report_failure(t), false;
    if (n == 0)
        return true;
    const clg_monitor_verdict *v = clg_monitor_verdicts(g->monitor, &n_layers);
    if ((g->n_looks == 0 && !g->name && !name_layers(g, v, n_layers)) || !room_for_look(g))
        return false;
    for (int k = 0; k < SHOWN; k++) {
        for (int i = 0; i < g->n_layers; i++)
            g->value[k][(ptrdiff_t) g->n_looks * g->n_layers + i] = (double) NAN;
    }
    for (int i = 0; i < n; i++)
        take_row(g, &rows[i]);
    g->step[g->n_looks++] = rows[0].step + g->base + 1;
    write_rows(g, rows, n);
    tell(t, v, n_layers);
    return true;
}

void guard_loss(training *t, double loss)
{
    struct guard *g = t->guard;
    if (clg_loss_watch_add(g->loss, loss) == CLG_FINDING_NONE)
        return;
    const char *text = clg_loss_watch_text(g->loss);
    progress_clear(&t->bar);
    fprintf(t->notes, "step %ld: %s\n", t->step, text);
    fflush(t->notes);
    json_array_append_new(g->notes, json_string(text));
}

// ---- what is left of it

bool guard_draw(const training *t)
{
    const struct guard *g = t->guard;
    char path[1200], error[1300] = "";
    if (!g->monitor || g->n_looks == 0 || !canvas_available())
        return true;
    const size_t all = (size_t) g->n_layers * (size_t) g->n_looks;
    double *turned = malloc(SHOWN * all * sizeof *turned);
    const char **words = calloc((size_t) g->n_layers + 1, sizeof *words);
    layer_statistic shown[SHOWN];
    for (int k = 0; k < SHOWN && turned; k++) { // of layers, then looks
        for (int i = 0; i < g->n_layers; i++) {
            for (int s = 0; s < g->n_looks; s++)
                turned[(size_t) k * all + (size_t) i * (size_t) g->n_looks + (size_t) s] =
                    g->value[k][(ptrdiff_t) s * g->n_layers + i];
        }
        shown[k] = (layer_statistic) { titles[k], k == ZEROS, turned + (size_t) k * all };
    }
    for (int i = 0; i < g->n_layers && words; i++)
        words[i] = g->said[i] == CLG_FINDING_NONE ? "" : clg_finding_name(g->said[i]);
    const layers page = { .n_layers = g->n_layers, .n_steps = g->n_looks, .n_statistics = SHOWN,
                          .names = (const char *const *) g->name, .steps = g->step, .statistics = shown, .words = words };
    path_in(t, "layers.png", path);
    const bool ok = turned && words && draw_layers(path, &page, error, sizeof error);
    if (!ok)
        fprintf(stderr, "clgrad train: %s\n", error[0] ? error : "out of memory");
    free(turned);
    free(words);
    return ok;
}

void guard_json(const training *t, json_t *row)
{
    struct guard *g = t->guard;
    int n = 0;
    if (json_array_size(g->notes) > 0) {
        json_object_set_new(row, "loss_findings", json_copy(g->notes));
        json_array_clear(g->notes);
    }
    const clg_monitor_verdict *v = clg_monitor_verdicts(g->monitor, &n);
    if (!v)
        return;
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "layer", v[i].layer, "finding",
                                              clg_finding_name(v[i].finding), "text", v[i].text));
    json_object_set_new(row, "layers", list);
}
