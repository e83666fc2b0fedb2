// SPDX-License-Identifier: MIT
// Kernels that are built in place of kernels that are not.
#ifndef CLG_SCHED_STAND_IN_H
#define CLG_SCHED_STAND_IN_H

#include "sched/planner.h"

clg__examples *clg__examples_new(void);
void clg__examples_free(clg__examples *e); // NULL is fine
// The body has a text of its own, which is compiled.
void clg__examples_add(clg__examples *e, const clg__body *body);

bool clg__is_built(const clg__planner *f, const clg__kplan *kp); // all of its kernels; false without a device
// Puts another plan for the bodies of a launch, whose kernel is built, in place of kp. false: there is none
bool clg__stand_in(clg__planner *f, const clg__examples *e, const clg__body *const *bodies, int n, clg__kplan *kp);
#endif
