// SPDX-License-Identifier: MIT
// clgrad train: trains a convolutional network, tests and saves it after each epoch, resumes bit
// for bit.
#include "training.h"

#include <stdlib.h>
#include <sys/stat.h>

// All that can be wrong before the first file is written.
static int prepare(training *t)
{
    struct stat s;
    if (stat(t->o.out, &s) == 0 && !S_ISDIR(s.st_mode)) {
        fprintf(stderr, "clgrad train: --out %s is not a folder\n", t->o.out);
        return EXIT_FAILED;
    }
    t->d = t->o.folder ? folder_open(t->o.data) : fashion_open(t->o.data);
    if (!t->d)
        return EXIT_FAILED;
    t->saved_step = -1;
    int code = t->o.resume ? checkpoint_find(t) : EXIT_OK;
    if (code == EXIT_OK)
        code = train_check_data(t);
    if (code == EXIT_OK && !t->d->kind->prepare(t->d, t))
        code = interrupted() ? EXIT_INTERRUPTED : EXIT_FAILED;
    if (code == EXIT_OK)
        code = checkpoint_agrees(t);
    if (code == EXIT_OK && t->saved_step >= 0)
        results_read_seconds(t);
    return code;
}

static bool finished(const training *t)
{
    return t->saved_step == t->o.epochs * t->per_epoch && results_complete(t);
}

// The device and what lives on it. A model is saved before the first step, so that a run killed
// early resumes with its own options.
static int start(training *t)
{
    const model_form *f = &t->d->form;
    t->dev = open_device("train", t->o.device, false);
    if (!t->dev || !results_folder(t) || (t->saved_step < 0 && !results_move_away(t)))
        return EXIT_FAILED;
    clg_device_watch(t->dev, t->o.watch);
    t->store = clg_store_create(t->dev, (uint64_t) t->o.seed);
    t->opt = make_optimizer(t);
    t->loss_sum = clg_store_buffer(t->store, "state.loss_sum", CLG_F32, CLG_SCALAR, 0);
    if (!t->store || !t->opt || !t->loss_sum)
        return report_failure(t);
    clg_scope scope = clg_scope_push(t->dev); // makes the parameters, which a file is compared with
    clg_store_train(t->store, false);
    clg_tensor y = model_logits(
        f, t->store, clg_zeros(t->dev, CLG_U8, CLG_SHAPE(1, f->channels, f->size, f->size)));
    clg_store_train(t->store, true);
    const clg_status st = y->status;
    clg_scope_pop(scope);
    if (st < 0)
        return report_failure(t);
    return (t->saved_step < 0 ? checkpoint_save(t) : checkpoint_load(t)) ? EXIT_OK : EXIT_FAILED;
}

static int run_training(training *t)
{
    const double from = now_seconds();
    int code = prepare(t);
    if (code != EXIT_OK)
        return code;
    if (finished(t)) {
        fprintf(t->notes,
                "the run in %s is finished: %ld epochs, test accuracy %.4f. A larger --epochs "
                "trains it longer.\n",
                t->o.out, t->o.epochs, t->rows[t->n_rows - 1].accuracy);
        return EXIT_OK;
    }
    if (t->o.resume && t->saved_step < 0)
        fprintf(t->notes, "nothing is saved in %s yet: starting from the beginning\n", t->o.out);
    code = start(t);
    if (code != EXIT_OK)
        return code;
    if (!guard_open(t))
        return EXIT_FAILED;
    report_start(t);
    code = train(t);
    const long total = t->o.epochs * t->per_epoch;
    if (code == EXIT_INTERRUPTED)
        fprintf(stderr, "stopped after step %ld of %ld and saved; --resume goes on from there\n",
                t->step, total);
    else if (code == EXIT_OK && t->step < total)
        fprintf(t->notes,
                "stopped after step %ld of %ld, as --steps says; --resume goes on from there\n",
                t->step, total);
    else if (code == EXIT_OK)
        report_end(t, now_seconds() - from);
    return code == EXIT_OK && !flush_output("train") ? EXIT_FAILED : code;
}

int train_run(void *given, const arguments *w)
{
    training t = { .o = *(const train_options *) given };
    int code = train_check(&t.o, w);
    if (code != EXIT_OK)
        return code;
    interrupt_hold();
    progress_open(&t.bar);
    t.notes = t.o.json ? stderr : stdout;
    code = run_training(&t);
    free(t.rows);
    guard_close(&t);
    clg_optim_destroy(&t.opt);
    clg_store_destroy(&t.store);
    clg_device_close(&t.dev);
    if (t.d)
        t.d->kind->close(t.d);
    free(t.data_state);
    return code;
}
