// SPDX-License-Identifier: MIT
// What a training run prints.
#include "training.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

int report_failure(const training *t)
{
    fprintf(stderr, "clgrad train: %s\n", clg_error(t->dev, CLG_OK));
    return EXIT_FAILED;
}

void report_start(const training *t)
{
    const clg_device_info *d = clg_device_get_info(t->dev);
    fprintf(t->notes, "device    %s (%s)\n", d->name, d->type);
    const model_form *f = &t->d->form;
    fprintf(t->notes, "pictures  %lld to learn from, %lld to be tested on\n",
            (long long) t->d->train_n, (long long) t->d->test_n);
    if (t->o.folder) {
        fprintf(t->notes, "          %d classes, %s, %d x %d, augmentation %s\n", f->classes,
                f->channels == 1 ? "gray" : "color", f->size, f->size, t->o.augment);
        fprintf(t->notes, "network   %s by %s, %s up to a rate of %g", f->net->name, t->o.optim, t->o.schedule, t->o.lr);
        fprintf(t->notes, precision(t).on ? ", products in %s\n" : "\n", t->o.amp);
    }
    fprintf(t->notes, "run       %ld epoch%s of %ld step%s, %ld picture%s a step; results in %s\n", t->o.epochs,
            &"s"[t->o.epochs == 1], t->per_epoch, &"s"[t->per_epoch == 1], t->o.batch, &"s"[t->o.batch == 1], t->o.out);
    if (t->step > 0)
        fprintf(t->notes, "resumed   after step %ld of %ld\n", t->step, t->o.epochs * t->per_epoch);
    fflush(t->notes);
}

static void set_number(json_t *j, const char *key, double v)
{
    json_object_set_new(j, key, isnan(v) ? json_null() : json_real(v));
}

static void print_json(const training *t, const epoch_row *r)
{
    json_t *j = json_pack("{s:i, s:i, s:f}", "epoch", t->n_rows, "epochs", (int) t->o.epochs, "train_loss", r->loss);
    set_number(j, "test_loss", r->test_loss);
    set_number(j, "test_accuracy", r->accuracy);
    if (!isnan(t->d->people))
        set_number(j, "human_accuracy", t->d->people);
    set_number(j, "seconds", r->seconds);
    guard_json(t, j);
    char *text = json_dumps(j, JSON_REAL_PRECISION(9));
    printf("%s\n", text ? text : "null");
    free(text);
    json_decref(j);
}

bool report_epoch(const training *t)
{
    const epoch_row *r = &t->rows[t->n_rows - 1];
    if (t->o.json) {
        print_json(t, r);
        return flush_output("train");
    }
    printf("epoch %d/%ld  loss %.4f", t->n_rows, t->o.epochs, r->loss);
    if (!isnan(r->accuracy))
        printf("  test accuracy %.4f", r->accuracy);
    if (!isnan(t->d->people))
        printf(" (people: %.3f)", t->d->people);
    printf(isnan(r->seconds) ? "\n" : "  %.1f s\n", r->seconds);
    return flush_output("train");
}

void report_end(const training *t, double seconds)
{
    if (t->n_rows == 0)
        return;
    const double accuracy = t->rows[t->n_rows - 1].accuracy;
    fprintf(t->notes, "\n");
    if (!isnan(accuracy))
        fprintf(t->notes, "%.2f %% of the test pictures right", 100 * accuracy);
    if (!isnan(t->d->people))
        fprintf(t->notes, ", people reach %.1f %%", 100 * t->d->people);
    fprintf(t->notes, "%s%.0f s in all\n", isnan(accuracy) ? "" : "; ", seconds);
    fprintf(t->notes, "written to %s:\n"
            "  model.safetensors  weights and all other state\n"
            "  metrics.csv        loss, accuracy and time of each epoch\n", t->o.out);
    if (t->o.stats)
        fprintf(t->notes, "  statistics.csv     numbers about each layer every %ld steps\n", t->o.stats);
    if (!canvas_available())
        fprintf(t->notes, "This build draws no pictures: it was made without cairo.\n");
    else
        fprintf(t->notes, "  curve.png          the same as curves\n"
            "  confusion.png      what was taken for what\n"
            "  samples.png        test pictures, the wrong ones marked\n%s",
            t->o.stats ? "  layers.png         the same, layer by step\n" : "");
    if (canvas_lacks_fonts())
        fprintf(t->notes, "This machine has no font, so the words in them are plain.\n");
}
