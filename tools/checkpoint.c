// SPDX-License-Identifier: MIT
// model.safetensors: weights, statistics and optimizer state; in its metadata the step, the options
// and the metrics. No times, so that equal runs give equal files.
#include "training.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char file_name[] = "model.safetensors", format[] = "clgrad train 3";

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

enum { METRICS_LINE = 96 };

static char *metrics_text(const training *t)
{
    char *text = malloc(METRICS_LINE * (size_t) t->n_rows + 1), *at = text;
    if (!text)
        return NULL;
    *at = '\0';
    for (int i = 0; i < t->n_rows; i++)
        at += snprintf(at, METRICS_LINE, "%.17g %.17g %.17g\n", t->rows[i].loss, t->rows[i].test_loss, t->rows[i].accuracy);
    return text;
}

// Of each kept option its key in the metadata and its values.
static const struct kept {
    const char *key, *name;
    option_kind kind;
    size_t at; // in train_options
    double lo, hi;
    word_list *choice;
} kept[KEPT] = {
    [KEPT_BATCH] = { "batch", "--batch", OPTION_WHOLE, offsetof(train_options, batch), 1, 1e5 },
    [KEPT_SEED] = { "seed", "--seed", OPTION_WHOLE, offsetof(train_options, seed), 0, 0x1p53 },
    [KEPT_LR] = { "lr", "--lr", OPTION_REAL, offsetof(train_options, lr), 0, 1e6 },
    [KEPT_NET] = { "net", "--net", OPTION_TEXT, offsetof(train_options, net), .choice = classifier_choice },
    [KEPT_SIZE] = { "size", "--size", OPTION_WHOLE, offsetof(train_options, size), 1, MODEL_MOST },
    [KEPT_AUGMENT] = { "augment", "--augment", OPTION_TEXT, offsetof(train_options, augment), .choice = augment_choice },
    [KEPT_VAL] = { "val", "--val", OPTION_REAL, offsetof(train_options, val), 0, 1 },
    [KEPT_OPTIM] = { "optim", "--optim", OPTION_TEXT, offsetof(train_options, optim), .choice = optim_choice },
    [KEPT_SCHEDULE] = { "schedule", "--schedule", OPTION_TEXT, offsetof(train_options, schedule), .choice = schedule_choice },
    [KEPT_AMP] = { "amp", "--amp", OPTION_TEXT, offsetof(train_options, amp), .choice = amp_choice },
};
enum { KEPT_TEXT = 40 };

static void *place(const struct kept *k, train_options *o)
{
    return (char *) o + k->at;
}

// digits: of a number
static void write_kept(const struct kept *k, const train_options *o, int digits, char to[KEPT_TEXT])
{
    const void *p = (const char *) o + k->at;
    if (k->kind == OPTION_WHOLE)
        snprintf(to, KEPT_TEXT, "%ld", *(const long *) p);
    else if (k->kind == OPTION_REAL)
        snprintf(to, KEPT_TEXT, "%.*g", digits, *(const double *) p);
    else
        snprintf(to, KEPT_TEXT, "%s", *(const char *const *) p);
}

static bool read_kept(const struct kept *k, train_options *o, const char *text)
{
    if (!text)
        return false;
    if (k->kind == OPTION_WHOLE)
        return parse_int(text, (long) k->lo, (long) k->hi, place(k, o));
    if (k->kind == OPTION_REAL)
        return parse_double(text, k->lo, k->hi, place(k, o));
    const char *word = choose(k->choice, text);
    if (word)
        *(const char **) place(k, o) = word;
    return word != NULL;
}

static bool save(training *t, const char *metrics, const char *form, const char *state)
{
    enum { OTHERS = 7 };
    char path[1200], step[32], epochs[32], data[32], values[KEPT][KEPT_TEXT];
    snprintf(step, sizeof step, "%ld", t->step);
    snprintf(epochs, sizeof epochs, "%ld", t->o.epochs);
    snprintf(data, sizeof data, "%016llx", (unsigned long long) t->d->hash);
    const char *meta[2 * (OTHERS + KEPT) + 1] = { "format", format, "step", step, "epochs", epochs, "data", data,
                                                  "state", state, model_key, form, "metrics", metrics };
    for (int i = 0; i < KEPT; i++) {
        write_kept(&kept[i], &t->o, 17, values[i]);
        meta[2 * (OTHERS + i)] = kept[i].key;
        meta[2 * (OTHERS + i) + 1] = values[i];
    }
    path_in(t, file_name, path);
    if (clg_store_save(t->store, path, meta) < 0) {
        report_failure(t);
        return false;
    }
    t->saved_step = t->step;
    return true;
}

bool checkpoint_save(training *t)
{
    char *metrics = metrics_text(t), *form = model_text(&t->d->form);
    char *state = t->d->kind->state ? t->d->kind->state(t->d) : strdup("");
    const bool ok = metrics && form && state;
    if (!ok)
        fprintf(stderr, "clgrad train: out of memory\n");
    const bool saved = ok && save(t, metrics, form, state);
    free(metrics);
    free(form);
    free(state);
    return saved;
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
        epoch_row row = { 0, 0, 0, NAN };
        int used = 0;
        if (sscanf(text, "%lf %lf %lf\n%n", &row.loss, &row.test_loss, &row.accuracy, &used) != 3 || used == 0 ||
            !(isfinite(row.loss) && (isnan(row.accuracy) || (row.accuracy >= 0 && row.accuracy <= 1))) || !add_row(t, row))
            return false;
        text += used;
    }
    return text != NULL;
}

// An option that was given must be what the run was started with; the others become that.
static bool take_kept(training *t, const train_options *saved)
{
    for (int i = 0; i < KEPT; i++) {
        char wanted[KEPT_TEXT], has[KEPT_TEXT];
        write_kept(&kept[i], &t->o, 12, wanted);
        write_kept(&kept[i], saved, 12, has);
        if (t->o.gave[i] && strcmp(wanted, has) != 0) {
            usage_error("train",
                        "%s %s, but the run in %s was started with %s. Leave it away, or start anew without --resume",
                        kept[i].name, wanted, t->o.out, has);
            return false;
        }
        write_kept(&kept[i], saved, 17, has);
        read_kept(&kept[i], &t->o, has);
    }
    return true;
}

static int take_options(training *t, clg_safetensors f, const char *path)
{
    const char *is = clg_safetensors_metadata(f, "format"), *data = clg_safetensors_metadata(f, "data"),
               *state = clg_safetensors_metadata(f, "state");
    train_options saved = t->o;
    long step;
    bool ok = is && strcmp(is, format) == 0 && data && state && meta_long(f, "step", 0, 1e12, &step) &&
              meta_long(f, "epochs", 1, 1e6, &saved.epochs) && read_rows(t, clg_safetensors_metadata(f, "metrics"));
    for (int i = 0; i < KEPT && ok; i++)
        ok = read_kept(&kept[i], &saved, clg_safetensors_metadata(f, kept[i].key));
    if (!ok) {
        fprintf(stderr, "clgrad train: %s was not written by this version of clgrad train\n", path);
        return EXIT_FAILED;
    }
    if (strtoull(data, NULL, 16) != t->d->hash)
        return usage_error("train", "the run in %s was started with other data than %s%s", t->o.out, t->d->path,
                           t->o.folder ? ": files were added, removed or changed" : "");
    if (!take_kept(t, &saved))
        return EXIT_USAGE;
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
