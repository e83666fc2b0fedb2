// SPDX-License-Identifier: MIT
// clgrad train: trains a convolutional network, saves it after each epoch, resumes bit for bit. What a
// step does follows from its number and the seed alone.
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIXELS = 28 * 28, TEST_BATCH = 500 };
static const double human = 0.835; // accuracy of people without training, as the data set's paper says

typedef struct options {
    const char *data, *device, *out;
    long epochs, batch, seed, steps;
    double lr;
    bool resume;
} options;

typedef struct run {
    options o;
    dataset d;
    clg_device dev;
    clg_store store;
    clg_optim opt;
    clg_var loss_sum;
    long step, per_epoch; // steps done, steps of an epoch
    double seconds;       // of the epoch so far
    epoch_row *rows;
    int n_rows;
    int64_t *order;
    uint8_t *x, *y;       // one batch
    bool terminal;
} run;

static void help(void)
{
    printf("usage: clgrad train fashion-mnist [OPTION...]\n\n"
           "Train a small convolutional network (two convolutions with batch norm, two linear layers)\n"
           "on 60,000 pictures of clothes, and test it on 10,000 others after each epoch. People who\n"
           "sort them by eye get %.1f %% right.\n\n"
           "  --data DIR     the data set's files (default /usr/share/datasets/fashion-mnist)\n"
           "  --device D     number, type (gpu, cpu) or part of a name; see clgrad devices\n"
           "  --epochs N     how often to see each picture (default 3)\n"
           "  --batch N      pictures per step (default 128)\n"
           "  --lr X         highest learning rate of the one-cycle schedule (default 0.003)\n"
           "  --seed N       of everything random (default 1)\n"
           "  --steps N      stop after N steps in all (for short trials)\n"
           "  --out DIR      where results go (default run)\n"
           "  --resume       continue the run in --out; ends as if it had never stopped\n\n"
           "Writes model.safetensors (weights and all state), metrics.csv, curve.png, confusion.png\n"
           "and samples.png. Ctrl-C finishes the batch, saves, and leaves with status 130.\n",
           100 * human);
}

static void on_interrupt(int signal)
{
    (void) signal;
    interrupted = 1;
}

static int fail(const run *r)
{
    fprintf(stderr, "clgrad train: %s\n", clg_error(r->dev, CLG_EDEVICE));
    return EXIT_FAILED;
}

// ---- the order of the pictures in an epoch: from the seed and the epoch, nothing else

static uint64_t next_random(uint64_t *s)
{
    uint64_t z = *s += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void shuffle(run *r, long epoch)
{
    const int64_t n = r->d.train_x.shape.dim[0];
    uint64_t s = (uint64_t) r->o.seed * 0x100000001b3u + (uint64_t) epoch;
    for (int64_t i = 0; i < n; i++)
        r->order[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        const int64_t j = (int64_t) (next_random(&s) % (uint64_t) (i + 1)), t = r->order[i];
        r->order[i] = r->order[j];
        r->order[j] = t;
    }
}

// ---- one step

static clg_status train_step(run *r)
{
    const long k = r->step % r->per_epoch;
    const int64_t from = k * r->o.batch, all = r->d.train_x.shape.dim[0];
    const int64_t n = all - from < r->o.batch ? all - from : r->o.batch;
    const uint8_t *images = r->d.train_x.data, *labels = r->d.train_y.data;
    for (int64_t i = 0; i < n; i++) {
        memcpy(r->x + i * PIXELS, images + r->order[from + i] * PIXELS, PIXELS);
        r->y[i] = labels[r->order[from + i]];
    }
    clg_scope scope = clg_scope_push(r->dev);
    clg_tensor x = clg_upload(r->dev, CLG_U8, CLG_SHAPE(n, 1, 28, 28), r->x);
    clg_tensor y = clg_upload(r->dev, CLG_U8, CLG_SHAPE(n), r->y);
    clg_random_set_state(r->dev, (uint64_t) r->o.seed, (uint64_t) r->step << 8);
    clg_tensor loss = clg_cross_entropy(network(r->store, x), y, NULL);
    clg_optim_set_lr(r->opt, clg_lr_one_cycle(r->o.lr, r->step, r->o.epochs * r->per_epoch, 0, 0, 0));
    clg_status st = clg_optim_step(r->opt, loss);
    clg_tensor before = clg_var_value(r->loss_sum);
    const float zero = 0;
    if (k == 0) // from memory, so that every step has one structure
        before = clg_upload(r->dev, CLG_F32, CLG_SCALAR, &zero);
    if (st >= 0)
        st = clg_var_assign(r->loss_sum,
                            clg_add(clg_detach(before), clg_mul_scalar(clg_detach(loss), (double) n)));
    if (st >= 0)
        st = clg_eval_assigned(r->dev);
    clg_scope_pop(scope);
    r->step += st >= 0;
    return st;
}

static void progress(const run *r)
{
    static double last;
    const double now = now_seconds();
    const long done = r->step % r->per_epoch ? r->step % r->per_epoch : r->per_epoch;
    if (!r->terminal || (now - last < 0.1 && done != r->per_epoch))
        return;
    last = now;
    char bar[31] = "";
    for (int i = 0; i < 30; i++)
        bar[i] = i < 30 * done / r->per_epoch ? '#' : '.';
    fprintf(stderr, "\repoch %ld  [%s] %ld/%ld ", (r->step - 1) / r->per_epoch + 1, bar, done,
            r->per_epoch);
    fflush(stderr);
}

// ---- testing: returns the accuracy, below 0 on failure; said[] gets the answers

static double test(run *r, int64_t *said)
{
    const int64_t n = r->d.test_x.shape.dim[0];
    const uint8_t *images = r->d.test_x.data, *labels = r->d.test_y.data;
    int64_t right = 0;
    clg_status st = CLG_OK;
    clg_store_train(r->store, false);
    for (int64_t i = 0; i < n && st >= 0; i += TEST_BATCH) {
        const int64_t m = n - i < TEST_BATCH ? n - i : TEST_BATCH;
        clg_scope scope = clg_scope_push(r->dev);
        clg_tensor x = clg_upload(r->dev, CLG_U8, CLG_SHAPE(m, 1, 28, 28), images + i * PIXELS);
        clg_tensor best = clg_argmax(network(r->store, x), CLG_AXES(1), false);
        st = clg_read(best, said + i, (size_t) m * sizeof *said);
        clg_scope_pop(scope);
    }
    clg_store_train(r->store, true);
    for (int64_t i = 0; i < n; i++)
        right += said[i] == labels[i];
    return st < 0 ? -1 : (double) right / (double) n;
}

// ---- files

static void path_of(const run *r, const char *name, char path[1200])
{
    snprintf(path, 1200, "%s/%s", r->o.out, name);
}

static bool save(run *r)
{
    char path[1200], step[32], seed[32], batch[32], epochs[32], lr[32], seconds[32], count[16];
    char (*text)[96] = calloc((size_t) r->n_rows + 1, sizeof *text);
    char (*name)[24] = calloc((size_t) r->n_rows + 1, sizeof *name);
    const char **meta = calloc(16 + 2 * (size_t) r->n_rows + 3, sizeof *meta);
    bool ok = text && name && meta;
    if (ok) {
        snprintf(step, sizeof step, "%ld", r->step);
        snprintf(seed, sizeof seed, "%ld", r->o.seed);
        snprintf(batch, sizeof batch, "%ld", r->o.batch);
        snprintf(epochs, sizeof epochs, "%ld", r->o.epochs);
        snprintf(lr, sizeof lr, "%.17g", r->o.lr);
        snprintf(seconds, sizeof seconds, "%.3f", r->seconds);
        snprintf(count, sizeof count, "%d", r->n_rows);
        const char *const fixed[] = { "step", step, "seed", seed, "batch", batch, "epochs", epochs,
                                      "lr", lr, "seconds", seconds, "rows", count };
        memcpy(meta, fixed, sizeof fixed);
        int at = sizeof fixed / sizeof fixed[0];
        for (int i = 0; i < r->n_rows; i++) {
            snprintf(name[i], sizeof name[i], "row%d", i);
            snprintf(text[i], sizeof text[i], "%ld %.17g %.17g %.17g", r->rows[i].epoch,
                     r->rows[i].loss, r->rows[i].accuracy, r->rows[i].seconds);
            meta[at++] = name[i];
            meta[at++] = text[i];
        }
        path_of(r, "model.safetensors", path);
        ok = clg_store_save(r->store, path, meta) >= 0;
        if (!ok)
            fail(r);
    }
    free(text);
    free(name);
    free(meta);
    return ok;
}

static bool save_csv(const run *r)
{
    char path[1200], error[1300];
    char *text = malloc(64 + 128 * (size_t) r->n_rows);
    if (!text)
        return false;
    size_t n = (size_t) sprintf(text, "epoch,train_loss,test_accuracy,seconds\n");
    for (int i = 0; i < r->n_rows; i++)
        n += (size_t) sprintf(text + n, "%ld,%.6f,%.4f,%.2f\n", r->rows[i].epoch, r->rows[i].loss,
                              r->rows[i].accuracy, r->rows[i].seconds);
    path_of(r, "metrics.csv", path);
    const clg_status st = clg_write_atomic(path, text, n, error, sizeof error);
    free(text);
    if (st < 0)
        fprintf(stderr, "clgrad train: %s\n", error);
    return st >= 0;
}

static bool pictures(const run *r, const int64_t *said)
{
    char path[1200];
    const uint8_t *truth = r->d.test_y.data;
    int64_t counts[10][10] = { { 0 } };
    for (int64_t i = 0; i < r->d.test_y.shape.dim[0]; i++)
        counts[truth[i]][said[i] >= 0 && said[i] < 10 ? said[i] : 0]++;
    path_of(r, "curve.png", path);
    bool ok = draw_curve(path, r->rows, r->n_rows, human);
    path_of(r, "confusion.png", path);
    ok = draw_confusion(path, counts, class_names) && ok;
    path_of(r, "samples.png", path);
    ok = draw_samples(path, r->d.test_x.data, truth, said, 100, class_names) && ok;
    if (!ok)
        fprintf(stderr, "clgrad train: the pictures could not be written to %s\n", r->o.out);
    return ok;
}

static bool meta_long(clg_safetensors f, const char *key, long *out)
{
    const char *t = clg_safetensors_metadata(f, key);
    return t && parse_int(t, 0, 1L << 40, out);
}

// The saved run decides everything but how long to go on.
static bool load(run *r)
{
    char path[1200], error[1300], key[24];
    clg_safetensors f;
    long rows = 0, epochs = 0, batch = 0, seed = 0;
    path_of(r, "model.safetensors", path);
    if (clg_safetensors_open(&f, path, error, sizeof error) < 0) {
        fprintf(stderr, "clgrad train: cannot resume: %s\n", error);
        return false;
    }
    const char *lr = clg_safetensors_metadata(f, "lr"), *s = clg_safetensors_metadata(f, "seconds");
    bool ok = meta_long(f, "step", &r->step) && meta_long(f, "rows", &rows) &&
              meta_long(f, "epochs", &epochs) && meta_long(f, "batch", &batch) &&
              meta_long(f, "seed", &seed) && lr && s && rows < 100000 && batch > 0 &&
              parse_double(lr, 0, 1e6, &r->o.lr) && parse_double(s, 0, 1e12, &r->seconds);
    r->rows = ok ? calloc((size_t) (rows + 100001), sizeof *r->rows) : NULL;
    for (long i = 0; ok && r->rows && i < rows; i++) {
        snprintf(key, sizeof key, "row%ld", i);
        const char *t = clg_safetensors_metadata(f, key);
        epoch_row *e = &r->rows[r->n_rows++];
        ok = t && sscanf(t, "%ld %lf %lf %lf", &e->epoch, &e->loss, &e->accuracy, &e->seconds) == 4;
    }
    clg_safetensors_close(&f);
    if (!ok || !r->rows) {
        fprintf(stderr, "clgrad train: %s was not written by clgrad train\n", path);
        return false;
    }
    r->o.epochs = epochs;
    r->o.batch = batch;
    r->o.seed = seed;
    if (clg_store_load(r->store, path) < 0)
        return fail(r) == EXIT_OK;
    return true;
}

// ---- the run

static bool end_epoch(run *r)
{
    const int64_t n = r->d.train_x.shape.dim[0];
    int64_t *said = calloc((size_t) r->d.test_x.shape.dim[0], sizeof *said);
    clg_status st = CLG_OK;
    clg_scope scope = clg_scope_push(r->dev);
    const double loss = clg_item(clg_var_value(r->loss_sum), &st) / (double) n;
    clg_scope_pop(scope);
    const double accuracy = said && st >= 0 ? test(r, said) : -1;
    bool ok = accuracy >= 0;
    if (!ok)
        fail(r);
    if (ok) {
        const long epoch = r->step / r->per_epoch;
        r->rows[r->n_rows++] = (epoch_row) { epoch, loss, accuracy, r->seconds };
        if (r->terminal)
            fprintf(stderr, "\r%60s\r", "");
        printf("epoch %ld  loss %.4f  test accuracy %.4f (people %.3f)  %.1f s\n", epoch, loss,
               accuracy, human, r->seconds);
        fflush(stdout);
        r->seconds = 0;
        ok = save(r) && save_csv(r) && pictures(r, said);
    }
    free(said);
    return ok;
}

static int go(run *r)
{
    const long total = r->o.epochs * r->per_epoch;
    const long last = r->o.steps > 0 && r->o.steps < total ? r->o.steps : total;
    long shuffled = -1;
    while (r->step < last) {
        const double start = now_seconds();
        if (shuffled != r->step / r->per_epoch)
            shuffle(r, shuffled = r->step / r->per_epoch);
        if (train_step(r) < 0)
            return fail(r);
        const bool whole = r->step % r->per_epoch == 0;
        if ((whole || interrupted) && clg_sync(r->dev) < 0)
            return fail(r);
        r->seconds += now_seconds() - start;
        progress(r);
        if (whole && !end_epoch(r))
            return EXIT_FAILED;
        if (interrupted) {
            if (!whole && !save(r))
                return EXIT_FAILED;
            fprintf(stderr, "\nstopped after step %ld; continue with --resume\n", r->step);
            return EXIT_INTERRUPTED;
        }
    }
    if (r->step % r->per_epoch != 0)
        return save(r) ? EXIT_OK : EXIT_FAILED;
    return EXIT_OK;
}

static int parse(options *o, int argc, char **argv)
{
    bool named = false;
    for (int i = 1; i < argc; i++) {
        const char *v;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help();
            return -1;
        }
        if (strcmp(argv[i], "--resume") == 0)
            o->resume = true;
        else if ((v = option_value(argc, argv, &i, "--data")))
            o->data = v;
        else if ((v = option_value(argc, argv, &i, "--device")))
            o->device = v;
        else if ((v = option_value(argc, argv, &i, "--out")))
            o->out = v;
        else if ((v = option_value(argc, argv, &i, "--epochs"))) {
            if (!parse_int(v, 1, 100000, &o->epochs))
                return usage_error("train", "--epochs '%s', expected 1 to 100000", v);
        } else if ((v = option_value(argc, argv, &i, "--batch"))) {
            if (!parse_int(v, 2, 10000, &o->batch))
                return usage_error("train", "--batch '%s', expected 2 to 10000", v);
        } else if ((v = option_value(argc, argv, &i, "--steps"))) {
            if (!parse_int(v, 1, 1L << 40, &o->steps))
                return usage_error("train", "--steps '%s', expected 1 or more", v);
        } else if ((v = option_value(argc, argv, &i, "--seed"))) {
            if (!parse_int(v, 0, 1L << 40, &o->seed))
                return usage_error("train", "--seed '%s', expected a number from 0", v);
        } else if ((v = option_value(argc, argv, &i, "--lr"))) {
            if (!parse_double(v, 1e-9, 100, &o->lr))
                return usage_error("train", "--lr '%s', expected a positive number", v);
        } else if (!named && strcmp(argv[i], "fashion-mnist") == 0)
            named = true;
        else
            return usage_error("train", "unexpected '%s'", argv[i]);
    }
    if (!named)
        return usage_error("train", "what to train on? There is: fashion-mnist");
    return EXIT_OK;
}

static int prepare(run *r)
{
    if (mkdir(r->o.out, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "clgrad train: %s: %s\n", r->o.out, strerror(errno));
        return EXIT_FAILED;
    }
    if (!dataset_open(&r->d, r->o.data))
        return EXIT_FAILED;
    r->dev = open_device("train", r->o.device, false);
    if (!r->dev)
        return EXIT_FAILED;
    r->store = clg_store_create(r->dev, (uint64_t) r->o.seed);
    r->opt = clg_adam_create(r->store, clg_adam_params(.lr = r->o.lr));
    if (r->o.resume && !load(r))
        return EXIT_FAILED;
    if (!r->rows)
        r->rows = calloc(100001, sizeof *r->rows);
    r->loss_sum = clg_store_buffer(r->store, "state.loss_sum", CLG_F32, CLG_SCALAR, 0);
    const int64_t n = r->d.train_x.shape.dim[0];
    r->per_epoch = (long) ((n + r->o.batch - 1) / r->o.batch);
    r->order = calloc((size_t) n, sizeof *r->order);
    r->x = malloc((size_t) r->o.batch * PIXELS);
    r->y = malloc((size_t) r->o.batch);
    if (!r->store || !r->opt || !r->loss_sum)
        return fail(r);
    if (!r->rows || !r->order || !r->x || !r->y) {
        fprintf(stderr, "clgrad train: out of memory\n");
        return EXIT_FAILED;
    }
    return EXIT_OK;
}

int command_train(int argc, char **argv)
{
    run r = { .o = { .data = "/usr/share/datasets/fashion-mnist", .out = "run", .epochs = 3,
                     .batch = 128, .seed = 1, .lr = 0.003 } };
    int code = parse(&r.o, argc, argv);
    if (code != EXIT_OK)
        return code < 0 ? EXIT_OK : code;
    r.terminal = isatty(STDERR_FILENO);
    struct sigaction act = { .sa_handler = on_interrupt };
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    code = prepare(&r);
    if (code == EXIT_OK) {
        printf("training on %s, results in %s\n", clg_device_get_info(r.dev)->name, r.o.out);
        fflush(stdout);
        code = go(&r);
    }
    free(r.rows);
    free(r.order);
    free(r.x);
    free(r.y);
    clg_optim_destroy(&r.opt);
    clg_store_destroy(&r.store);
    clg_device_close(&r.dev);
    dataset_close(&r.d);
    return code;
}
