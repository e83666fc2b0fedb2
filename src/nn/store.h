// SPDX-License-Identifier: MIT
// What a store holds.
#ifndef CLG_NN_STORE_H
#define CLG_NN_STORE_H

#include <clgrad/nn.h>

// A file does not say what is trained: what was loaded is nothing yet until a layer or an optimizer
// asks for it, as a parameter or as a buffer.
typedef enum role { LOADED, PARAMETER, BUFFER } role;

struct entry {
    char *name;
    uint64_t hash; // of the name
    clg_var var;
    role role;
    bool frozen;
    clg_dtype dtype;
    clg_shape shape;
};

struct clg_store_t {
    clg_device dev;
    uint64_t seed;
    bool training;
    struct entry *entry;
    int n, capacity;
    int claimed; // entries [0, claimed) have a role, in the order in which they got it
};
#endif
