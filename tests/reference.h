// SPDX-License-Identifier: MIT
// What a recorded graph must give, computed node by node on the host: floating values in double, integers
// as integers. Needs no device unless a leaf's numbers have to be read from one.
#ifndef CLG_TESTS_REFERENCE_H
#define CLG_TESTS_REFERENCE_H

#include "graph/node.h"

typedef struct ref_value {
    clg_dtype dtype;
    clg_shape shape;
    int64_t n;
    double *f;  // floating types
    int64_t *i; // the others; the other pointer is NULL
} ref_value;

typedef struct reference reference;

// round: every floating node is rounded to its element type, as a device does; false: the true value.
reference *reference_create(bool round);
void reference_free(reference *r);
// The numbers of a leaf, in place of what is on the device. Stays until the next call for it.
void reference_set(reference *r, clg_tensor leaf, const double *v);
// Drop what was computed, keep what was set: for another round with other leaves.
void reference_forget(reference *r);
// The value of t, its arrays owned by r. Before t is evaluated: a node may forget its inputs then.
ref_value reference_of(reference *r, clg_tensor t);
double reference_item(const ref_value *v, int64_t k);

// ---- between the files of the reference
ref_value reference_new(clg_dtype t, const clg_shape *s);
enum { REF_INPUTS = 32 };
// Values of a KERNEL node's outputs.
void reference_kernel(const clg__node *n, const ref_value *const *in, ref_value *out);
// Is there one for this op?
bool reference_has_kernel(const char *name);
// A row of elementwise.def applied to one element; false: no such row for this type.
bool reference_row_f(const char *name, const double x[3], double *y);
bool reference_row_i(const char *name, clg_dtype t, const int64_t x[3], int64_t *y);
int64_t reference_wrap(clg_dtype t, int64_t v);
#endif
