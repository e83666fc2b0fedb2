// SPDX-License-Identifier: MIT
// A training run: what it is made of, and the files that know a part of it each.
#ifndef CLG_TOOLS_TRAINING_H
#define CLG_TOOLS_TRAINING_H

#include "dataset.h"
#include "pictures.h"
#include "tool.h"

#include <stdio.h>

// What a run keeps when it goes on: options whose values are in its checkpoint.
enum { KEPT_BATCH, KEPT_SEED, KEPT_LR, KEPT_NET, KEPT_SIZE, KEPT_AUGMENT, KEPT_VAL, KEPT_OPTIM, KEPT_SCHEDULE, KEPT_AMP,
       KEPT };

typedef struct train_options {
    const char *data, *device, *out;
    bool folder; // of pictures, not Fashion-MNIST
    long epochs, batch, seed, steps, size, stats;
    double lr, val;
    const char *net, *augment, *optim, *schedule, *amp;
    bool watch, resume, json;
    bool gave_epochs; // on the command line
    bool gave[KEPT];
} train_options;

typedef struct epoch_row {
    double loss, test_loss, accuracy;
    double seconds; // NAN: not known
} epoch_row;

typedef struct progress {
    bool on;           // stderr is a terminal
    double shown;      // when
    double from;       // since when steps are timed
    long from_step;
    double test_seconds; // of the last test
} progress;

typedef struct training {
    train_options o;
    dataset *d;
    char *data_state; // of the run that goes on, as dataset_kind has it
    clg_device dev;
    clg_store store;
    clg_optim opt;
    clg_var loss_sum;     // over the pictures of the epoch so far
    clg_tensor last;      // loss_sum after the step before
    int64_t watched_n;    // pictures of the epoch whose losses were looked at, and their sum
    double watched_sum;
    long step, per_epoch; // steps done, steps of an epoch
    long saved_step, saved_epochs; // of the model on the disk, -1: none
    double seconds;       // spent in this epoch
    epoch_row *rows;
    int n_rows, capacity;
    progress bar;
    struct guard *guard;
    FILE *notes; // for people: stdout, or stderr where stdout carries JSON
} training;

// loop.c: trains to the end, to o.steps or to Ctrl-C.
int train(training *t);

// train_options.c: what the command line says. Return an exit status.
int train_check(train_options *o, const arguments *w);
int train_check_data(const training *t); // against the data set, and the run that goes on
int train_run(void *options, const arguments *w); // train.c

// learning.c: what a run learns by
const char *choose(word_list *list, const char *word); // as the list has it; NULL: it has not
word_list optim_choice, schedule_choice, amp_choice;
double default_rate(const classifier *net, const char *optim);
clg_optim make_optimizer(const training *t);
double rate_at(const training *t, long step);
clg_autocast precision(const training *t); // of forward and backward

// augment.c
word_list augment_choice;
int augment_resize(const char *how, int size); // the side that pictures are loaded with
double augment_part(const char *how); // they are any part of the picture, of at least this share of its area; 0: the middle
// u8 [N,C,L,L] of that side to [N,C,size,size] from 0 to 255.
clg_tensor augment(const char *how, clg_tensor x, int size, clg_draw_key key);

// checkpoint.c: model.safetensors holds all that a run is, but its times
bool checkpoint_save(training *t);
// Reads what a saved run was started with: options that were not given become its own, those that
// contradict are refused. saved_step stays -1 where nothing is saved. Returns an exit status.
int checkpoint_find(training *t); // t->d is open
// What was found against the data set, which is known by then; sets per_epoch. Returns an exit status.
int checkpoint_agrees(training *t);
bool checkpoint_load(training *t);
bool checkpoint_untrained(const training *t); // what a run that was stopped at once leaves
bool add_row(training *t, epoch_row row);

// results.c: the folder and its other files
bool results_folder(const training *t);
bool results_move_away(const training *t); // those of an earlier run, into a folder of their own
void results_read_seconds(training *t);
bool results_complete(const training *t);
bool results_write(training *t, const int64_t *said);
void path_in(const training *t, const char *name, char path[1200]);

// report.c: what is printed
void report_start(const training *t);
bool report_epoch(const training *t);
void report_end(const training *t, double seconds);
int report_failure(const training *t); // of the device; returns EXIT_FAILED

// guard.c: statistics of layers (--stats) in statistics.csv and layers.png, and the watch of the loss
bool guard_open(training *t); // when the store is as the run begins; false: told
void guard_close(training *t);
void guard_begin(training *t); // around what a step records
clg_status guard_end(training *t);
bool guard_step(training *t);  // after a step; false: told
void guard_loss(training *t, double loss); // of a step
bool guard_draw(const training *t);
struct json_t;
void guard_json(const training *t, struct json_t *row); // what there is to tell, into an epoch's object

// progress.c: one line on a terminal, rewritten in place
void progress_open(progress *p);
void progress_compiling(progress *p, int done, int all); // kernels
void progress_looking(progress *p, int64_t done, int64_t all); // at the pictures of a folder
void progress_step(progress *p, const training *t, double loss);
void progress_test(progress *p, const training *t, int64_t done);
void progress_clear(progress *p);

// interrupt.c: Ctrl-C and its like wait until somebody asks
void interrupt_hold(void);
bool interrupted(void);
#endif
