// SPDX-License-Identifier: MIT
// Sums of those rows of a table that an index takes, in bags, without the rows in memory.
#ifndef CLG_OPS_BAG_SUM_H
#define CLG_OPS_BAG_SUM_H

#include "graph/op.h"

typedef struct clg__bags {
    int64_t many;   // bags
    int64_t length; // of each, where there are no starts
    bool skips;     // this row takes no part
    int64_t skip;
    bool counts;    // of how many rows each sum is, too
} clg__bags;

// [many,D] in the type that table [K,D] is computed in. index [n] and start, where bags begin, or also where the last one
// ends, are I32 or I64; weight [n] of the result's type, or NULL. *count [many,1] of that type. An index of no row: NaN.
clg_tensor clg__bag_sum(clg_tensor table, clg_tensor index, clg_tensor start, clg_tensor weight, const clg__bags *b,
                        clg_tensor *count);
// Which bag each of n places is in, I64; -1: none.
clg_tensor clg__bag_of(clg_tensor start, int64_t many, int64_t n);
#endif
