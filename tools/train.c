// SPDX-License-Identifier: MIT
// clgrad train: trains a convolutional network, tests and saves it after each epoch, resumes bit
// for bit.
#include "fashion.h"
#include "training.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void help(void)
{
    printf("usage: clgrad train fashion-mnist [OPTION...]\n\n"
           "Train a small convolutional network (two convolutions with batch norm, two\n"
           "linear layers, Adam) on 60,000 pictures of clothes, and test it on 10,000\n"
           "others after each epoch. People who sort them by eye get %.1f %% right.\n\n"
           "  --data DIR   the data set (default /usr/share/datasets/fashion-mnist)\n"
           "  --device D   number, type (gpu, cpu) or part of a name; see clgrad devices\n"
           "  --epochs N   how often to see each picture (default 3)\n"
           "  --batch N    pictures per step (default 128)\n"
           "  --lr X       highest learning rate, of a one-cycle schedule (default 0.003)\n"
           "  --seed N     of everything random (default 1)\n"
           "  --steps N    stop and save after N steps in all, for short trials\n"
           "  --out DIR    where results go (default run)\n"
           "  --watch      stop at the first number that is NaN or infinite, before it\n"
           "               reaches a weight, and say which operation made it\n"
           "  --resume     go on with the run in --out\n"
           "  --json       print one JSON object per epoch; notes go to stderr\n\n"
           "Results: model.safetensors (weights and all other state), metrics.csv (a row per\n"
           "epoch), curve.png, confusion.png, samples.png (test pictures, the wrong ones\n"
           "marked). Seconds are those of training; nan where a kill lost them.\n\n"
           "Ctrl-C finishes the step, saves, and leaves with status 130. A run that was\n"
           "stopped, or killed, ends with --resume bit for bit like one that never was. It\n"
           "keeps its --batch, --lr and --seed; with a larger --epochs it is trained on,\n"
           "along the learning rates of the longer run. Without --resume a new run starts,\n"
           "and what an earlier one left in --out is moved to a folder earlier-N there.\n"
           "The same seed gives the same weights on the same device and driver.\n\n"
           "Examples:\n"
           "  clgrad train fashion-mnist\n"
           "  clgrad train fashion-mnist --epochs 8 --out longer\n"
           "  clgrad train fashion-mnist --out longer --resume\n",
           100 * human_accuracy);
}

static int parse(train_options *o, int argc, char **argv)
{
    enum { EPOCHS, BATCH, SEED, LR, STEPS, DATA, DEVICE, OUT, WATCH, RESUME, JSON, OPTIONS };
    option table[OPTIONS] = {
        [EPOCHS] = { "--epochs", OPTION_WHOLE, &o->epochs, 1, 1e6 },
        [BATCH] = { "--batch", OPTION_WHOLE, &o->batch, 1, 1e5 },
        [SEED] = { "--seed", OPTION_WHOLE, &o->seed, 0, 0x1p53 - 1 },
        [LR] = { "--lr", OPTION_REAL, &o->lr, 1e-9, 1e3 },
        [STEPS] = { "--steps", OPTION_WHOLE, &o->steps, 1, 1e12 },
        [DATA] = { "--data", OPTION_TEXT, &o->data },
        [DEVICE] = { "--device", OPTION_TEXT, &o->device },
        [OUT] = { "--out", OPTION_TEXT, &o->out },
        [WATCH] = { "--watch", OPTION_FLAG, &o->watch },
        [RESUME] = { "--resume", OPTION_FLAG, &o->resume },
        [JSON] = { "--json", OPTION_FLAG, &o->json },
    };
    const char *word = NULL;
    const int code = parse_options("train", table, OPTIONS, argc, argv, &word);
    if (code == HELP_WANTED)
        help();
    if (code != EXIT_OK)
        return code;
    if (!word)
        return usage_error("train", "what to train on? There is: fashion-mnist");
    if (strcmp(word, "fashion-mnist") != 0)
        return usage_error("train", "cannot train on '%s'. There is: fashion-mnist", word);
    if (strlen(o->out) > 900 || strlen(o->data) > 900)
        return usage_error("train", "--out and --data may be 900 bytes long, no more");
    o->gave_epochs = table[EPOCHS].given;
    o->gave_batch = table[BATCH].given;
    o->gave_seed = table[SEED].given;
    o->gave_lr = table[LR].given;
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

static int run(training *t)
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

int command_train(int argc, char **argv)
{
    training t = { .o = { .data = "/usr/share/datasets/fashion-mnist", .out = "run", .epochs = 3,
                          .batch = 128, .seed = 1, .lr = 0.003 } };
    int code = parse(&t.o, argc, argv);
    if (code != EXIT_OK)
        return code == HELP_WANTED ? EXIT_OK : code;
    interrupt_hold();
    progress_open(&t.bar);
    t.notes = t.o.json ? stderr : stdout;
    code = run(&t);
    free(t.rows);
    clg_optim_destroy(&t.opt);
    clg_store_destroy(&t.store);
    clg_device_close(&t.dev);
    if (t.d)
        t.d->kind->close(t.d);
    free(t.data_state);
    return code;
}
