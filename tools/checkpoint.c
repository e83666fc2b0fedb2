// SPDX-License-Identifier: MIT
// model.safetensors: weights, statistics and optimizer state; in its metadata the step, the options
// and the metrics. No times, so that equal runs give equal files.
#include "training.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char file_name[] = "model.safetensors", format[] = "clgrad train 2";

bool add_row(training *t, epoch_row row)
{
    if (t->n_rows == t->capacity) {
        const int to = t->capacity ? 2 * t->capacity : 16;
        epoch_row *r = realloc(t->rows, (size_t) to * sizeof *r);
        if (!r) {
            fprintf(stderr, "clgrad train: out of memory\n");
            return false;
        }
        t->rows = r;
        t->capacity = to;
    }
    t->rows[t->n_rows++] = row;
    return true;
}

// ---- saving

enum { METRICS_LINE = 64 };

static char *metrics_text(const training *t)
{
    char *text = malloc(METRICS_LINE * (size_t) t->n_rows + 1), *at = text;
    if (!text)
        return NULL;
    *at = '\0';
    for (int i = 0; i < t->n_rows; i++)
        at += snprintf(at, METRICS_LINE, "%.17g %.17g\n", t->rows[i].loss, t->rows[i].accuracy);
    return text;
}

bool checkpoint_save(training *t)
{
    char path[1200], number[5][32], lr[40], *metrics = metrics_text(t), *model = model_text(&t->d->form);
    char *state = t->d->kind->state ? t->d->kind->state(t->d) : strdup("");
    const long values[] = { t->step, t->o.epochs, t->o.batch, t->o.seed };
    if (!metrics || !model || !state) {
        fprintf(stderr, "clgrad train: out of memory\n");
        free(metrics);
        free(model);
        free(state);
        return false;
    }
    for (int i = 0; i < 4; i++)
        snprintf(number[i], sizeof number[i], "%ld", values[i]);
    snprintf(number[4], sizeof number[4], "%016llx", (unsigned long long) t->d->hash);
    snprintf(lr, sizeof lr, "%.17g", t->o.lr);
    const char *const meta[] = { "format", format,    "step",    number[0], "epochs", number[1],
                                 "batch",  number[2], "seed",    number[3], "lr",     lr,
                                 "data",   number[4], "state",   state,     model_key, model,    "metrics", metrics,
                                 NULL };
    path_in(t, file_name, path);
    const bool ok = clg_store_save(t->store, path, meta) >= 0;
    free(metrics);
    free(model);
    free(state);
    if (ok)
        t->saved_step = t->step;
    else
        report_failure(t);
    return ok;
}

// ---- resuming

static bool meta_long(clg_safetensors f, const char *key, long lo, double hi, long *out)
{
    const char *text = clg_safetensors_metadata(f, key);
    return text && parse_int(text, lo, (long) hi, out);
}

static bool read_rows(training *t, const char *text)
{
    while (text && *text) {
        epoch_row row = { 0, 0, NAN };
        int used = 0;
        if (sscanf(text, "%lf %lf\n%n", &row.loss, &row.accuracy, &used) != 2 || used == 0 ||
            !(isfinite(row.loss) && row.accuracy >= 0 && row.accuracy <= 1) || !add_row(t, row))
            return false;
        text += used;
    }
    return text != NULL;
}

// An option that was given must be what the run was started with.
static bool agree(const char *name, bool given, double wanted, double saved, const char *out)
{
    if (!given || wanted == saved)
        return true;
    usage_error("train",
                "%s %.12g, but the run in %s was started with %.12g. Leave it away, or start anew "
                "without --resume",
                name, wanted, out, saved);
    return false;
}

static int take_options(training *t, clg_safetensors f, const char *path)
{
    const char *is = clg_safetensors_metadata(f, "format"), *lr = clg_safetensors_metadata(f, "lr"),
               *data = clg_safetensors_metadata(f, "data"), *state = clg_safetensors_metadata(f, "state");
    train_options saved;
    long step;
    if (!is || strcmp(is, format) != 0 || !lr || !data || !state || !meta_long(f, "step", 0, 1e12, &step) ||
        !meta_long(f, "epochs", 1, 1e6, &saved.epochs) ||
        !meta_long(f, "batch", 1, 1e5, &saved.batch) ||
        !meta_long(f, "seed", 0, 0x1p53, &saved.seed) || !parse_double(lr, 0, 1e6, &saved.lr) ||
        !read_rows(t, clg_safetensors_metadata(f, "metrics"))) {
        fprintf(stderr, "clgrad train: %s was not written by this version of clgrad train\n", path);
        return EXIT_FAILED;
    }
    if (!agree("--batch", t->o.gave_batch, (double) t->o.batch, (double) saved.batch, t->o.out) ||
        !agree("--seed", t->o.gave_seed, (double) t->o.seed, (double) saved.seed, t->o.out) ||
        !agree("--lr", t->o.gave_lr, t->o.lr, saved.lr, t->o.out))
        return EXIT_USAGE;
    if (strtoull(data, NULL, 16) != t->d->hash)
        return usage_error("train", "the run in %s was started with other data than %s", t->o.out,
                           t->d->path);
    t->o.batch = saved.batch;
    t->o.seed = saved.seed;
    t->o.lr = saved.lr;
    t->saved_epochs = saved.epochs;
    t->step = t->saved_step = step;
    t->data_state = *state ? strdup(state) : NULL;
    return EXIT_OK;
}

int checkpoint_agrees(training *t)
{
    const long step = t->step, per_epoch = (long) ((t->d->train_n + t->d->batch - 1) / t->d->batch),
               done = step / per_epoch;
    t->per_epoch = per_epoch;
    if (t->saved_step < 0)
        return EXIT_OK;
    if (t->n_rows > done || t->n_rows + 1 < done || step > t->saved_epochs * per_epoch) {
        char path[1200];
        path_in(t, file_name, path);
        fprintf(stderr, "clgrad train: %s contradicts itself: step %ld, %d epochs\n", path, step,
                t->n_rows);
        return EXIT_FAILED;
    }
    if (t->o.gave_epochs && t->o.epochs * per_epoch < step)
        return usage_error("train",
                           "--epochs %ld, but the run in %s is already further: step %ld, %ld an "
                           "epoch",
                           t->o.epochs, t->o.out, step, per_epoch);
    if (t->o.gave_epochs && t->o.epochs != t->saved_epochs)
        fprintf(t->notes,
                "the run in %s was to have %ld epochs and now gets %ld: the learning rate goes "
                "on as in a run of %ld\n",
                t->o.out, t->saved_epochs, t->o.epochs, t->o.epochs);
    if (!t->o.gave_epochs)
        t->o.epochs = t->saved_epochs;
    return EXIT_OK;
}

int checkpoint_find(training *t)
{
    char path[1200], error[1300];
    clg_safetensors f;
    path_in(t, file_name, path);
    if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return EXIT_OK;
    if (clg_safetensors_open(&f, path, error, sizeof error) < 0) {
        fprintf(stderr, "clgrad train: cannot resume: %s\n", error);
        return EXIT_FAILED;
    }
    const int code = take_options(t, f, path);
    clg_safetensors_close(&f);
    return code;
}

bool checkpoint_untrained(const training *t)
{
    char path[1200];
    clg_safetensors f;
    path_in(t, file_name, path);
    if (clg_safetensors_open(&f, path, NULL, 0) < 0)
        return false;
    long step = -1;
    const bool none = meta_long(f, "step", 0, 1e12, &step) && step == 0;
    clg_safetensors_close(&f);
    return none;
}

bool checkpoint_load(training *t)
{
    char path[1200];
    path_in(t, file_name, path);
    if (clg_store_load(t->store, path) >= 0)
        return true;
    report_failure(t);
    return false;
}
