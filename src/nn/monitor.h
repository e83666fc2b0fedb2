// SPDX-License-Identifier: MIT
// A monitor as its files share it: monitor.c takes tensors, statistics.c computes, monitor_read.c reads, verdict.c judges.
#ifndef CLG_NN_MONITOR_H
#define CLG_NN_MONITOR_H

#include "nn/store.h"
#include <clgrad/monitor.h>

enum { M_NORM, M_MEAN, M_STD, M_MAX, M_ZEROS, M_SATURATED, M_NAN, M_INF, M_STATS, M_TOGETHER = 16 };

// A tensor of the step that is looked at.
typedef struct clg__tap {
    clg_monitor m;
    char *name;
    size_t layer;   // characters of the name that are the layer's
    const char *activation; // "relu", or NULL
    clg_var var;    // of a parameter, else NULL
    clg_tensor t;   // kept while the step is open
    int hook;       // on t, -1: none
    clg_tensor own, grad, update; // statistics, kept; NULL: there are none
} clg__tap;

// A row of the look that has been recorded.
typedef struct clg__slot {
    char *name;
    size_t layer;
    const char *activation;
    clg_monitor_kind kind;
    int64_t count;
    int rank;
    int of_param; // UPDATE: the row of its parameter
} clg__slot;

// What is remembered of a parameter's updates from look to look.
typedef struct clg__pace {
    char *name;
    double before, largest; // ratios: of the last look, and so far
    int looks;
} clg__pace;

struct clg_monitor_t {
    clg_store store; // NULL: destroyed
    clg_device dev;
    struct clg_monitor_params p;
    int64_t step;
    bool open, looking, inside; // a step was begun; it is looked at; a layer is being recorded
    clg_status failed;  // of what was recorded in this step
    char *last;         // the layer recorded last
    int seen;           // variables of the store that were looked for as parameters
    clg__tap **tap;
    int n_taps, cap_taps;
    clg_var var;        // of clg__statistics, the stamp is the number of the step
    clg__slot *slot;
    int n_slots;
    int64_t look;       // the step of the slots
    bool unread;        // they have not been read
    clg_monitor_row *row;
    int n_rows;
    char **layer_name;  // of each row
    clg__slot *read;    // of each row
    int n_read;
    clg_monitor_verdict *verdict;
    int n_verdicts;
    clg__pace *pace;
    int n_paces;
};

// monitor.c: what layers tell
void clg__monitor_enter(clg_store s);
void clg__monitor_output(clg_store s, const char *name, clg_tensor y);
void clg__monitor_forget(clg_store s); // the store ends
clg_status clg__monitor_fail(clg_monitor m, clg_status st, const char *why);

// statistics.c: what is found of a tensor, or of one less another, F32 or F64; and statistics of n such tensors of one
// type, overwriting part: M_TOGETHER rows of M_STATS, a row of stamps, and so on
clg_tensor clg__statistics_part(clg_tensor t, const char *activation);
clg_tensor clg__statistics_update(clg_tensor after, clg_tensor before);
clg_tensor clg__statistics(clg_tensor *part, int n, double stamp);
const char *clg__activation(const char *op); // of those that a monitor sees, else NULL
bool clg__saturates(const char *activation);

// monitor_read.c
void clg__slots_free(clg__slot *s, int n);
void clg__rows_free(clg_monitor m);

// verdict.c: of the rows; false: out of memory
bool clg__judge(clg_monitor m);

// figure.c: three digits, whatever the locale
enum { FIGURE = 48 };
const char *clg__figure(double v, char text[FIGURE]);
#endif
