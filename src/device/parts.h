// SPDX-License-Identifier: MIT
// One build: the instances of kernels that are wanted, and which process compiles which.
#ifndef CLG_DEVICE_PARTS_H
#define CLG_DEVICE_PARTS_H

#include "device/internal.h"

typedef struct clg__instance {
    clg__str text; // defines and body; all kernels in it come with it. Empty where `built` says where it is
    clg__str asked; // the same before files were put in place of their names
    uint64_t asked_key;
    int built;     // found without its text, -1
    char hash[40], name[96];
    uint64_t key;  // hash of the hash's text
    int next;      // instance of the same bucket, -1
    bool missing;  // it is the one of its text that is to be built
    int part;      // that its text is of; -1: it was built before
} clg__instance;

// Gives those that are missing, and those that share their texts, to this process (part 0) and to others. Number of
// parts; 1: all is compiled here.
int clg__parts_split(const clg__gpu *g, clg__instance *in, int n);
// The text of a part's program, and of what it is made. Number of instances in it.
int clg__part_text(const clg__source *sources, const clg__instance *in, int n, int part, clg__str *source,
                   clg__str *files);
// Other processes compile those of parts 1 and up that none has compiled before, and `here` part 0, told whether there
// are any; then they are waited for. What `here` says.
clg_status clg__parts_compile(clg__gpu *g, const clg__source *sources, const clg__instance *in, int n, int parts,
                              clg_status (*here)(void *user, bool beside, clg__err *e), void *user, clg__err *e);
#endif
