// SPDX-License-Identifier: MIT
// Where a program's calls stand, for messages. lines.h sets it for each call in C and C++, a
// binding from the frames of its own language.
#ifndef CLGRAD_PLACE_H
#define CLGRAD_PLACE_H

#include <clgrad/base.h>

CLG_BEGIN

typedef struct clg_place {
    const char *file; // of static storage; NULL: nobody has said
    int line;
} clg_place;

// Set the place of the calls of this thread, until it is set again. What is recorded keeps it, and
// its gradients have it; errors and clg_device_watch name it.
//
// file    of static storage, since what is recorded keeps the pointer; NULL: none
// line    from 1 on
// result  the place before, to be set back
// errors  none
// blocks  no
CLG_API clg_place clg_set_place(const char *file, int line);

CLG_END
#endif
