// SPDX-License-Identifier: MIT
// clgrad train: trains a convolutional network, tests and saves it after each epoch, resumes bit
// for bit.
#include "fashion.h"
#include "training.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { EPOCHS, BATCH, SEED, LR };
static const option options[] = {
    [EPOCHS] = { "--epochs", OPTION_WHOLE, offsetof(train_options, epochs), "N", "how often to see each picture", .lo = 1,
                 .hi = 1e6 },
    [BATCH] = { "--batch", OPTION_WHOLE, offsetof(train_options, batch), "N", "pictures per step", .lo = 1, .hi = 1e5 },
    [SEED] = { "--seed", OPTION_WHOLE, offsetof(train_options, seed), "N", "of everything random", .hi = 0x1p53 - 1 },
    [LR] = { "--lr", OPTION_REAL, offsetof(train_options, lr), "X", "highest learning rate, of a one-cycle schedule",
             .lo = 1e-9, .hi = 1e3 },
    { "--steps", OPTION_WHOLE, offsetof(train_options, steps), "N", "stop and save after N steps in all, for short trials",
      .lo = 1, .hi = 1e12 },
    { "--data", OPTION_TEXT, offsetof(train_options, data), "DIR", "the data set" },
    OPTION_DEVICE(offsetof(train_options, device)),
    { "--out", OPTION_TEXT, offsetof(train_options, out), "DIR", "where results go" },
    { "--watch", OPTION_FLAG, offsetof(train_options, watch), NULL,
      "stop at the first number that is NaN or infinite, before it reaches a weight, and say which operation made it" },
    { "--resume", OPTION_FLAG, offsetof(train_options, resume), NULL, "go on with the run in --out" },
    { "--json", OPTION_FLAG, offsetof(train_options, json), NULL, "print one JSON object per epoch; notes go to stderr" },
    { 0 },
};

static const train_options normal = { .data = "/usr/share/datasets/fashion-mnist", .out = "run", .epochs = 3,
                                      .batch = 128, .seed = 1, .lr = 0.003 };

static int check(train_options *o, const arguments *w)
{
    if (w->n == 0)
        return usage_error("train", "what to train on? There is: fashion-mnist");
    if (strcmp(w->word[0], "fashion-mnist") != 0)
        return usage_error("train", "cannot train on '%s'. There is: fashion-mnist", w->word[0]);
    if (strlen(o->out) > 900 || strlen(o->data) > 900)
        return usage_error("train", "--out and --data may be 900 bytes long, no more");
    o->gave_epochs = w->given[EPOCHS];
    o->gave_batch = w->given[BATCH];
    o->gave_seed = w->given[SEED];
    o->gave_lr = w->given[LR];
    return EXIT_OK;
}

// All that can be wrong before the first file is written.
static int prepare(training *t)
{
    struct stat s;
    if (stat(t->o.out, &s) == 0 && !S_ISDIR(s.st_mode)) {
        fprintf(stderr, "clgrad train: --out %s is not a folder\n", t->o.out);
        return EXIT_FAILED;
    }
    t->d = fashion_open(t->o.data);
    if (!t->d)
        return EXIT_FAILED;
    t->saved_step = -1;
    int code = t->o.resume ? checkpoint_find(t) : EXIT_OK;
    if (code == EXIT_OK && !t->d->kind->prepare(t->d, &t->o, t->data_state))
        code = EXIT_FAILED;
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
    t->opt = clg_adam_create(t->store, clg_adam_params(.lr = t->o.lr));
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

static int run(void *given, const arguments *w)
{
    training t = { .o = *(const train_options *) given };
    int code = check(&t.o, w);
    if (code != EXIT_OK)
        return code;
    interrupt_hold();
    progress_open(&t.bar);
    t.notes = t.o.json ? stderr : stdout;
    code = run_training(&t);
    free(t.rows);
    clg_optim_destroy(&t.opt);
    clg_store_destroy(&t.store);
    clg_device_close(&t.dev);
    if (t.d)
        t.d->kind->close(t.d);
    free(t.data_state);
    return code;
}

const description train_command = {
    .name = "train",
    .summary = "train a network and watch it learn",
    .usage = (const char *const[]) { "fashion-mnist [OPTION...]", NULL },
    .about = "Train a small convolutional network (two convolutions with batch norm, two linear layers, Adam) on "
             "60,000 pictures of clothes, and test it on 10,000 others after each epoch. People who sort them by eye "
             "get 83.5 % right.",
    .operands = (const help_row[]) { { "fashion-mnist", "the pictures of clothes, from --data" }, { 0 } },
    .options = options,
    .normal = &normal,
    .size = sizeof normal,
    .results = (const help_row[]) {
        { "model.safetensors", "weights and all other state" },
        { "metrics.csv", "a row per epoch: loss, accuracy, seconds of training; nan where a kill lost them" },
        { "curve.png", "the same as curves" },
        { "confusion.png", "what was taken for what" },
        { "samples.png", "test pictures, the wrong ones marked" },
        { 0 },
    },
    .notes = "Ctrl-C finishes the step, saves, and leaves with status 130. A run that was stopped, or killed, ends with "
             "--resume bit for bit like one that never was. It keeps its --batch, --lr and --seed; with a larger "
             "--epochs it is trained on, along the learning rates of the longer run. Without --resume a new run "
             "starts, and what an earlier one left in --out is moved to a folder earlier-N there. The same seed gives "
             "the same weights on the same device and driver.",
    .examples = (const help_row[]) {
        { "clgrad train fashion-mnist", NULL },
        { "clgrad train fashion-mnist --epochs 8 --out longer", NULL },
        { "clgrad train fashion-mnist --out longer --resume", "go on after Ctrl-C" },
        { 0 },
    },
    .words = 1,
    .run = run,
};
