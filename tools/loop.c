// SPDX-License-Identifier: MIT
// The training loop. What a step does follows from its number and the seed alone, so a run that
// goes on from a saved step ends as if it had never stopped.
#include "training.h"

#include <math.h>
#include <stdlib.h>

static void show_compiled(void *bar, int done, int all)
{
    progress_compiling(bar, done, all);
}

static clg_status record_step(training *t)
{
    const long k = t->step % t->per_epoch;
    const float zero = 0;
    picture_batch b;
    if (!t->d->kind->train(t->d, t->dev, t->step / t->per_epoch, k, &b))
        return CLG_EIO;
    // An epoch starts from 0 in memory, so that every step has one structure.
    clg_tensor before = k == 0 ? clg_upload(t->dev, CLG_F32, CLG_SCALAR, &zero)
                               : clg_var_value(t->loss_sum);
    clg_random_set_state(t->dev, (uint64_t) t->o.seed, (uint64_t) t->step << 8);
    clg_optim_set_lr(t->opt, rate_at(t, t->step));
    guard_begin(t);
    const clg_autocast before_it = clg_autocast_set(t->dev, precision(t));
    clg_tensor loss = clg_cross_entropy(model_logits(&t->d->form, t->store, b.x), b.y, NULL);
    clg_autocast_set(t->dev, before_it);
    clg_status st = clg_optim_step(t->opt, loss);
    if (st >= 0)
        st = clg_var_assign(
            t->loss_sum, clg_add(clg_detach(before), clg_mul_scalar(clg_detach(loss), (double) b.n)));
    return st < 0 ? st : guard_end(t);
}

// Records one step and sends it to the device; the first one of a run compiles before that.
static clg_status send_step(training *t, bool first)
{
    clg_scope scope = clg_scope_push(t->dev);
    clg_status st = record_step(t);
    if (st >= 0 && first)
        st = clg_prepare_n(t->dev, NULL, 0, clg_prepare_params(.progress = show_compiled, .user = &t->bar));
    if (st >= 0)
        st = clg_eval_assigned(t->dev);
    clg_scope_pop(scope);
    return st;
}

// Compiles a step and does not run it. A program has the kernels that those before it lack, and drivers' caches go by the
// whole program: so a run that goes on with a test compiles in the order in which it did when it began.
static void compile_step(training *t)
{
    clg_scope scope = clg_scope_push(t->dev);
    if (record_step(t) >= 0)
        clg_prepare_n(t->dev, NULL, 0, clg_prepare_params(.progress = show_compiled, .user = &t->bar));
    clg_eval(clg_poison(t->dev, CLG_EINVAL, "not run")); // what was recorded is dropped
    clg_error_clear(t->dev);
    clg_scope_pop(scope);
}

// The loss of one step, from the sums until it and until the one that was seen before.
static void watch_loss(training *t, double sum, int64_t seen)
{
    const bool goes_on = seen > t->watched_n && t->watched_n > 0;
    const int64_t n = goes_on ? seen - t->watched_n : seen;
    if (goes_on || n <= t->d->batch)
        guard_loss(t, (goes_on ? sum - t->watched_sum : sum) / (double) n);
    t->watched_n = seen < t->d->train_n ? seen : 0;
    t->watched_sum = sum;
}

// Mean loss of the epoch's pictures until the step before the last, 0 where there are none: waiting
// for it keeps the host one step ahead of the device and no more, or Ctrl-C would wait for all that
// was sent.
static double mean_loss(training *t, clg_status *st)
{
    clg_tensor now;
    clg_scope scope = clg_scope_push(t->dev);
    const bool whole = t->step % t->per_epoch == 0;
    const int64_t seen =
        whole ? t->d->train_n : (t->step - 1) % t->per_epoch * t->d->batch;
    now = clg_keep(clg_var_value(t->loss_sum));
    const double sum = whole ? clg_item(now, st) : t->last ? clg_item(t->last, st) : 0;
    if (seen > 0 && *st >= 0 && isfinite(sum))
        watch_loss(t, sum, seen);
    clg_drop(&t->last);
    t->last = now;
    clg_scope_pop(scope);
    return seen > 0 ? sum / (double) seen : 0;
}

static int one_step(training *t, bool first, double *loss)
{
    const double start = now_seconds();
    clg_status st = send_step(t, first);
    if (st == CLG_EIO) // the data set has said why
        return EXIT_FAILED;
    if (st < 0) {
        progress_clear(&t->bar);
        report_failure(t);
        if (st == CLG_ENUMERIC)
            fprintf(stderr, "clgrad train: at step %ld or the one before; a smaller --lr than %g helps\n", t->step + 1,
                    t->o.lr);
        return EXIT_FAILED;
    }
    t->step++;
    *loss = mean_loss(t, &st);
    if (st < 0)
        return report_failure(t);
    if (!guard_step(t))
        return EXIT_FAILED;
    t->seconds += now_seconds() - start;
    if (!isfinite(*loss)) {
        progress_clear(&t->bar);
        fprintf(stderr,
                "clgrad train: the loss is no longer a number at step %ld; a smaller --lr than %g "
                "helps\n",
                t->step, t->o.lr);
        return EXIT_FAILED;
    }
    return EXIT_OK;
}

// Answers to the test pictures, the share of right ones, and their mean loss.
static int test(training *t, int64_t *said, epoch_row *row)
{
    const int64_t n = t->d->test_n;
    picture_batch b = { 0 };
    const double start = now_seconds();
    int64_t right = 0;
    double loss = 0;
    bool good = true;
    clg_status st = CLG_OK;
    clg_store_train(t->store, false);
    for (int64_t i = 0; i < n && st >= 0 && good && !interrupted(); i += b.n) {
        progress_test(&t->bar, t, i);
        clg_scope scope = clg_scope_push(t->dev);
        good = t->d->kind->test(t->d, t->dev, i, &b);
        if (good) {
            const clg_tensor logits = model_logits(&t->d->form, t->store, b.x);
            clg_tensor out[2] = { clg_argmax(logits, CLG_AXES(1), false), clg_cross_entropy(logits, b.y, NULL) };
            st = clg_eval_n(out, 2);
            if (st >= 0)
                st = clg_read(out[0], said + i, (size_t) b.n * sizeof *said);
            if (st >= 0)
                loss += (double) b.n * clg_item(out[1], &st);
        }
        clg_scope_pop(scope);
    }
    clg_store_train(t->store, true);
    if (!good)
        return EXIT_FAILED;
    if (st < 0)
        return report_failure(t);
    if (interrupted())
        return EXIT_INTERRUPTED;
    for (int64_t i = 0; i < n; i++)
        right += said[i] == t->d->truth[i];
    row->accuracy = n > 0 ? (double) right / (double) n : NAN;
    row->test_loss = n > 0 ? loss / (double) n : NAN;
    t->bar.test_seconds = now_seconds() - start;
    return EXIT_OK;
}

// Tests, saves and draws an epoch that has been trained, or what of this is missing.
static int finish_epoch(training *t)
{
    clg_status st = CLG_OK;
    epoch_row row = { .seconds = t->seconds };
    int64_t *said = calloc((size_t) t->d->test_n + 1, sizeof *said);
    if (!said) {
        fprintf(stderr, "clgrad train: out of memory\n");
        return EXIT_FAILED;
    }
    int code = test(t, said, &row);
    if (code == EXIT_OK && t->n_rows < t->step / t->per_epoch) {
        clg_scope scope = clg_scope_push(t->dev);
        row.loss = clg_item(clg_var_value(t->loss_sum), &st) / (double) t->d->train_n;
        clg_scope_pop(scope);
        if (st < 0)
            code = report_failure(t);
        else if (!add_row(t, row) || !checkpoint_save(t))
            code = EXIT_FAILED;
    }
    if (code == EXIT_OK && (!guard_draw(t) || !results_write(t, said)))
        code = EXIT_FAILED;
    free(said);
    progress_clear(&t->bar);
    if (code == EXIT_OK && !report_epoch(t))
        code = EXIT_FAILED;
    t->seconds = 0;
    t->bar.from_step = -1;
    return code;
}

// The first step compiles. Where that takes long it is told apart from training, in the times too.
static int first_step(training *t, double *loss)
{
    const double start = now_seconds();
    progress_compiling(&t->bar, 0, 1);
    const int code = one_step(t, true, loss);
    if (code != EXIT_OK || clg_sync(t->dev) < 0)
        return code == EXIT_OK ? report_failure(t) : code;
    const double took = now_seconds() - start;
    t->seconds = took > 2 ? 0 : took;
    if (took > 2) {
        progress_clear(&t->bar);
        fprintf(t->notes,
                "compiled  kernels for this device in %.0f s; they are kept for next time\n", took);
        fflush(t->notes);
    }
    return EXIT_OK;
}

int train(training *t)
{
    const long total = t->o.epochs * t->per_epoch;
    const long last = t->o.steps > 0 && t->o.steps < total ? t->o.steps : total;
    bool fresh = true;
    double loss;
    int code = EXIT_OK;
    t->bar.from_step = -1;
    if (t->step > 0 && t->step % t->per_epoch == 0 && !results_complete(t)) {
        if (t->step < last)
            compile_step(t);
        code = finish_epoch(t);
    }
    while (code == EXIT_OK && t->step < last && !interrupted()) {
        code = fresh ? first_step(t, &loss) : one_step(t, false, &loss);
        fresh = false;
        if (code == EXIT_OK)
            progress_step(&t->bar, t, loss);
        if (code == EXIT_OK && t->step % t->per_epoch == 0)
            code = finish_epoch(t);
    }
    progress_clear(&t->bar);
    clg_drop(&t->last);
    if (t->step % t->per_epoch != 0 && !guard_draw(t))
        return EXIT_FAILED;
    if (code == EXIT_OK && interrupted())
        code = EXIT_INTERRUPTED;
    if ((code == EXIT_OK || code == EXIT_INTERRUPTED) && t->saved_step != t->step &&
        !checkpoint_save(t))
        return EXIT_FAILED;
    return code;
}
