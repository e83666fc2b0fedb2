// SPDX-License-Identifier: MIT
// The folder of a run and the files made for people: metrics.csv and the pictures.
#include "training.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const files[] = { "model.safetensors", "metrics.csv", "curve.png",
                                     "confusion.png", "samples.png" };
// PICTURES: the first of those that a build without cairo does not write.
enum { FILES = (int) (sizeof files / sizeof files[0]), PICTURES = 2 };
static const char *const others[] = { "statistics.csv", "layers.png" }; // with --stats
static const char csv_head[] = "epoch,train_loss,test_loss,test_accuracy,seconds\n";

void path_in(const training *t, const char *name, char path[1200])
{
    snprintf(path, 1200, "%s/%s", t->o.out, name);
}

static bool exists(const training *t, const char *name)
{
    char path[1200];
    path_in(t, name, path);
    return access(path, F_OK) == 0;
}

static bool fail(const char *path)
{
    fprintf(stderr, "clgrad train: %s: %s\n", path, strerror(errno));
    return false;
}

bool results_folder(const training *t)
{
    char path[1200];
    struct stat s;
    snprintf(path, sizeof path, "%s", t->o.out);
    for (char *p = path + 1;; p++) {
        const char was = *p;
        if (was != '/' && was != '\0')
            continue;
        *p = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return fail(path);
        *p = was;
        if (was == '\0')
            break;
    }
    if (stat(path, &s) != 0)
        return fail(path);
    errno = ENOTDIR;
    if (!S_ISDIR(s.st_mode) || access(path, W_OK | X_OK) != 0)
        return fail(path);
    return true;
}

bool results_move_away(const training *t)
{
    char folder[1200], from[1200], to[2400];
    bool any = exists(t, files[0]) && !checkpoint_untrained(t);
    for (int i = 1; i < FILES; i++)
        any |= exists(t, files[i]);
    if (!any)
        return true;
    for (int n = 1;; n++) {
        char name[32];
        snprintf(name, sizeof name, "earlier-%d", n);
        path_in(t, name, folder);
        if (mkdir(folder, 0777) == 0)
            break;
        if (errno != EEXIST)
            return fail(folder);
    }
    for (int i = 0; i < FILES; i++) {
        path_in(t, files[i], from);
        snprintf(to, sizeof to, "%s/%s", folder, files[i]);
        if (rename(from, to) != 0 && errno != ENOENT)
            return fail(from);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        path_in(t, others[i], from);
        snprintf(to, sizeof to, "%s/%s", folder, others[i]);
        if (rename(from, to) != 0 && errno != ENOENT)
            return fail(from);
    }
    fprintf(t->notes, "the results of an earlier run are now in %s\n", folder);
    return true;
}

// ---- metrics.csv

enum { CSV_LINE = 128 };

static bool write_csv(const training *t)
{
    char path[1200], error[1300];
    char *text = malloc(sizeof csv_head + CSV_LINE * (size_t) t->n_rows);
    if (!text) {
        fprintf(stderr, "clgrad train: out of memory\n");
        return false;
    }
    size_t n = (size_t) sprintf(text, "%s", csv_head);
    for (int i = 0; i < t->n_rows; i++) {
        const epoch_row *r = &t->rows[i];
        n += (size_t) snprintf(text + n, CSV_LINE, "%d,%.6f,%.6f,%.4f,", i + 1, r->loss, r->test_loss, r->accuracy);
        n += (size_t) snprintf(text + n, CSV_LINE, isnan(r->seconds) ? "nan\n" : "%.2f\n",
                               r->seconds);
    }
    path_in(t, "metrics.csv", path);
    const bool ok = clg_write_atomic(path, text, n, error, sizeof error) >= 0;
    if (!ok)
        fprintf(stderr, "clgrad train: %s\n", error);
    free(text);
    return ok;
}

// Rows of the file whose epoch is known; their seconds go to the rows when set.
static int read_csv(const training *t, bool set)
{
    char path[1200], line[CSV_LINE];
    int found = 0;
    path_in(t, "metrics.csv", path);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        int epoch;
        double seconds;
        if (sscanf(line, "%d,%*f,%*f,%*f,%lf\n", &epoch, &seconds) != 2 || epoch < 1 ||
            epoch > t->n_rows)
            continue;
        found++;
        if (set)
            t->rows[epoch - 1].seconds = seconds;
    }
    if (f)
        fclose(f);
    return found;
}

void results_read_seconds(training *t)
{
    read_csv(t, true);
}

bool results_complete(const training *t)
{
    bool ok = t->n_rows == t->step / t->per_epoch && read_csv(t, false) == t->n_rows;
    for (int i = 0; i < FILES; i++)
        ok = ok && (exists(t, files[i]) || (i >= PICTURES && !canvas_available()));
    return ok;
}

static bool draw_all(const training *t, int64_t *counts, const int64_t *said, char *error, size_t error_size)
{
    char path[1200];
    const dataset *d = t->d;
    const int classes = d->form.classes;
    for (int64_t i = 0; i < d->test_n; i++)
        counts[(ptrdiff_t) d->truth[i] * classes + said[i]]++;
    const curves curve = { .n = t->n_rows, .loss = &t->rows->loss, .test_loss = d->test_n > 0 ? &t->rows->test_loss : NULL,
                           .accuracy = &t->rows->accuracy, .stride = sizeof *t->rows,
                           .landmark = d->people, .landmark_name = isnan(d->people) ? NULL : "people" };
    path_in(t, "curve.png", path);
    bool ok = draw_curve(path, &curve, error, error_size);
    const confusion table = { classes, counts, d->form.names, "test images" };
    path_in(t, "confusion.png", path);
    ok = ok && draw_confusion(path, &table, error, error_size);
    char title[80];
    int wrong = 0;
    int64_t truth[MOST_SAMPLES], answers[MOST_SAMPLES];
    for (int i = 0; i < d->n_samples; i++) {
        truth[i] = d->truth[d->sample_of[i]];
        answers[i] = said[d->sample_of[i]];
        wrong += answers[i] != truth[i];
    }
    snprintf(title, sizeof title, "%d of the test images, %d wrong", d->n_samples, wrong);
    const samples sheet = { .n = d->n_samples, .h = d->form.size, .w = d->form.size, .channels = d->form.channels,
                            .pixels = d->samples, .negative = d->form.on_black, .truth = truth, .said = answers,
                            .names = d->form.names, .n_names = classes, .title = title };
    path_in(t, "samples.png", path);
    return ok && draw_samples(path, &sheet, error, error_size);
}

static bool draw(const training *t, const int64_t *said, char *error, size_t error_size)
{
    const size_t n = (size_t) t->d->form.classes;
    int64_t *counts = calloc(n * n, sizeof *counts);
    if (!counts)
        snprintf(error, error_size, "out of memory");
    const bool ok = counts && draw_all(t, counts, said, error, error_size);
    free(counts);
    return ok;
}

// The table comes last: where it has the last epoch, the pictures have it too.
bool results_write(training *t, const int64_t *said)
{
    char error[1300] = "";
    const bool ok = !canvas_available() || draw(t, said, error, sizeof error);
    if (!ok)
        fprintf(stderr, "clgrad train: %s\n", error);
    return ok && write_csv(t);
}
