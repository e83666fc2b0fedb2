// SPDX-License-Identifier: MIT
// Looking through the OpenCL C that an application gives, so that it breaks nothing beside it.
#ifndef CLG_OPS_CUSTOM_TEXT_H
#define CLG_OPS_CUSTOM_TEXT_H

#include "base/err.h"
#include "base/str.h"

typedef enum clg__text_kind {
    CLG__EXPRESSION, // one expression
    CLG__BODY,       // what stands between the braces of a kernel
    CLG__FUNCTIONS   // definitions, each called NAME(f)
} clg__text_kind;

// text without comments, appended to out; line breaks stay. NAME(f) becomes NAME(own_<id>_f). False: *why, which names
// the line; a text that is NULL is empty.
bool clg__custom_text(clg__text_kind kind, const char *text, const char *id, clg__str *out, char why[CLG__ERR_TEXT]);
// May it be the name of an input, a result or a number in the text?
bool clg__custom_is_name(const char *name);
// Is a text (looked through) a formula that is C for scalars and for vectors: of names, numbers, arithmetic, comparisons,
// choices and elementary functions?
bool clg__custom_is_formula(const char *text, const char *const *names, int n);
#endif
