// SPDX-License-Identifier: MIT
// What a store holds.
#ifndef CLG_NN_STORE_H
#define CLG_NN_STORE_H

#include <clgrad/nn.h>

struct entry {
    char *name;
    clg_var var;
    bool trainable, frozen;
    clg_dtype dtype;
    clg_shape shape;
};

struct clg_store_t {
    clg_device dev;
    uint64_t seed;
    bool training;
    struct entry *entry;
    int n, capacity;
};
#endif
