// SPDX-License-Identifier: MIT
// Lists sorted by key, as launches of a kernel op's plan: keys are 0 to axis, of which axis is "nowhere".
#ifndef CLG_OPS_INDEX_SORT_H
#define CLG_OPS_INDEX_SORT_H

#include "graph/op.h"

typedef struct clg__sort {
    int64_t n, axis; // elements of the list, different places
    clg_dtype index; // of the caller's index; CLG_I64 where keys are made by another kernel
} clg__sort;

typedef struct clg__sorted {
    int key, order; // scratch: keys, and places in the list
} clg__sorted;

bool clg__sort_takes(int64_t axis);
// T, the type of keys and places.
void clg__sort_define(clg__kplan *p, clg__launch *l, const clg__sort *s);
int clg__sort_numbers(clg__kplan *p, const clg__sort *s, int64_t n); // scratch of n T
clg__sorted clg__sort_begin(clg__kplan *p, const clg__sort *s); // to be filled
void clg__sort_keys(clg__kplan *p, const clg__sort *s, int input, clg__sorted to); // from an index list
clg__sorted clg__sort_run(const clg__caps *caps, clg__kplan *p, const clg__sort *s, clg__sorted from);
// start[k] for k of 0 to axis: the first place in the sorted list whose key is at least k.
int clg__sort_starts(const clg__caps *caps, clg__kplan *p, const clg__sort *s, clg__sorted list);
#endif
