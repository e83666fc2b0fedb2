// SPDX-License-Identifier: MIT
// Where the time of a network goes.
#ifndef CLG_NETS_PROFILE_H
#define CLG_NETS_PROFILE_H

#include "../bench/roof.h"
#include "nets.h"

#include <jansson.h>

typedef struct profiled {
    const net *n;
    clg_device dev; // opened with .profile
    clg_store store;
    clg_optim optim;
    const clg_tensor *in;
    bool train;
} profiled;

// Prints a table, or appends an object to `all`.
clg_status profile_net(const profiled *p, json_t *all);
#endif
