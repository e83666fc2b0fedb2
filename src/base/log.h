// SPDX-License-Identifier: MIT
// Logging, off unless CLGRAD_LOG names the category ("plan,dispatch"); goes to stderr.
#ifndef CLG_BASE_LOG_H
#define CLG_BASE_LOG_H

#include <clgrad/base.h>

typedef enum clg__log_category {
    CLG__LOG_PLAN = 1,     // kernels, launches, bytes, peak of every new plan
    CLG__LOG_DISPATCH = 2, // which variant of a kernel op was taken and why others declined
    CLG__LOG_BUILD = 4,    // programs built or loaded, and what the driver compiles at a first launch, with seconds
    CLG__LOG_DEVICE = 8,   // platforms and devices tried
    CLG__LOG_SOURCE = 16,  // text of every generated kernel
    CLG__LOG_MEMORY = 32,  // pool growth and trimming
    CLG__LOG_PASS = 64     // every new plan as text, after each of the planner's passes
} clg__log_category;

void clg__log_read(void); // the environment: when a device is opened or listed
bool clg__log_on(clg__log_category c);
void clg__log(clg__log_category c, const char *format, ...) CLG_PRINTF(2, 3);
#endif
