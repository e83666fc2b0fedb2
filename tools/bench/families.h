// SPDX-License-Identifier: MIT
// `clgrad bench` over the families of shapes.txt: what was asked for, and what came out.
#ifndef CLG_BENCH_FAMILIES_H
#define CLG_BENCH_FAMILIES_H

#include "measure.h"
#include "peers.h"
#include "roof.h"
#include "shapes.h"

typedef struct families_options {
    const char *families; // names with commas; NULL: all
    const char *peers;    // the same
    bool quick, compare, json, list;
    bool busy; // processor time
    long worst;
} families_options;

typedef struct bench_row {
    const shape_case *s;
    timing ours, peer;
    const char *peer_name; // NULL: none does this
    least least;
    bool unlike;   // the peer's result is another
} bench_row;

typedef struct bench_run {
    const families_options *o;
    clg_device dev;
    roof roof;
    bench_row *rows;
    int n, at, of;        // rows, cases reached, cases wanted
    int left_out, failed; // cases that no time was left for, and that went wrong
    const peer *const *peers;
    double seconds, first; // in all, and what first runs took longer than later ones
} bench_run;

// Of one row: its share of the roof, how much faster than the peer (0: none), how unsteady it was.
double row_share(const bench_run *b, const bench_row *r);
const char *row_bound(const bench_run *b, const bench_row *r); // which roof that is
double row_ratio(const bench_row *r);
double row_noise(const bench_row *r);

typedef struct family_sums {
    int count, compared;
    double share, worst_share, ratio, worst_ratio; // geometric means, and the least
} family_sums;
family_sums family_summary(const bench_run *b, int family);

int bench_families(const families_options *o, const char *device);

// ---- what is printed (page.c)
void page_family(const bench_run *b, int family, int from); // rows from there on are of this family
void page_end(const bench_run *b);
void page_json(const bench_run *b);
void page_list(const families_options *o);

// ---- peers (peers.c)
// Loads the module; NULL after a message. It sets environment variables that libraries read when loaded.
const peer *const *peers_load(void);
bool name_listed(const char *names, const char *name);
#endif
