// SPDX-License-Identifier: MIT
// An error on its way up: the status and one sentence. First message wins.
#ifndef CLG_BASE_ERR_H
#define CLG_BASE_ERR_H

#include <clgrad/base.h>

enum { CLG__ERR_TEXT = 1024 };
typedef struct clg__err {
    clg_status status;
    char text[CLG__ERR_TEXT];
} clg__err;

// Set *e (NULL is fine) unless it already holds an error; returns st.
clg_status clg__fail(clg__err *e, clg_status st, const char *format, ...) CLG_PRINTF(3, 4);

// A caller's bug (NULL, foreign device, use after release): debug builds say what on stderr and trap.
#ifdef CLG_DEBUG
void clg__trap(const char *what);
#define clg__caller_bug(what) clg__trap(what)
#else
#define clg__caller_bug(what) ((void) 0)
#endif
#endif
